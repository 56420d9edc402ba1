using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Api.Webhooks;
using Metrics.Storage;
using Metrics.SystemTests.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Webhooks;

/// <summary>What is sent, signed, tried again and given up, with a real receiver and, where it takes days, a clock that is put forward.</summary>
[Collection(PostgresTests.Name)]
public sealed class DispatcherTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly DateTime Start = new(2026, 11, 2, 8, 0, 0, DateTimeKind.Utc);
    private Receiver receiver = null!;

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    public async Task InitializeAsync() => receiver = await Receiver.StartAsync();

    public async Task DisposeAsync() => await receiver.DisposeAsync();

    [Theory, MemberData(nameof(Engines))]
    public async Task Every_delivery_is_taken_by_the_library_of_receivers(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        using var dispatcher = Dispatcher(storage);
        var secrets = new Dictionary<string, string>();
        foreach (var (path, format, signing) in new[] { ("a", "standard", "hmac"), ("b", "cloudevents", "hmac"), ("c", "standard", "ed25519"), ("d", "cloudevents", "ed25519") })
            secrets[path] = Shown(await CreateAsync(storage, path, format, signing));
        await storage.Outbox.RaiseAsync("source.stale", "rack/7", new JsonObject { ["behindSeconds"] = 12.5, ["text"] = "übersetzer 日本 🔥 \"O'Neil\" \\ </script>" }, default);
        await storage.Outbox.RaiseAsync("reconciliation.mismatch", null, new JsonObject { ["source"] = "cloud", ["ratio"] = 1e-300 }, default);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();

        Assert.Equal(8, receiver.All.Count);
        var sound = receiver.All.Select(one => new { secret = secrets[one.Path[1..]], headers = one.Headers, body = one.Body }).ToList();
        var altered = receiver.All.Select(one => new { secret = secrets[one.Path[1..]], headers = one.Headers, body = one.Body.Replace("rack", "rock", StringComparison.Ordinal) + " " });
        var foreign = receiver.All.Select(one => new { secret = secrets[one.Path == "/a" ? "b" : one.Path == "/b" ? "a" : one.Path == "/c" ? "d" : "c"], headers = one.Headers, body = one.Body });
        var node = new NodeFolder(Path.Combine(Compose.ComposeFile.Root, "tests/System.Tests/Webhooks/Node"));
        await node.InstallAsync();
        var taken = JsonSerializer.Deserialize<bool[]>(await node.RunAsync("verify.cjs", JsonSerializer.Serialize(sound.Concat(altered).Concat(foreign))))!;
        Assert.All(taken[..8], Assert.True);
        // The controls: another text, and another receiver's secret.
        Assert.All(taken[8..], Assert.False);

        var standard = JsonDocument.Parse(receiver.At("a").Single(one => one.Body.Contains("source.stale", StringComparison.Ordinal)).Body).RootElement;
        Assert.Equal(["type", "timestamp", "data"], standard.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("source.stale", "rack/7", 12.5), (standard.GetProperty("type").GetString(), standard.GetProperty("data").GetProperty("source").GetString(), standard.GetProperty("data").GetProperty("behindSeconds").GetDouble()));
        var stale = receiver.At("b").Single(one => one.Body.Contains("source.stale", StringComparison.Ordinal));
        var cloud = JsonDocument.Parse(stale.Body).RootElement;
        Assert.Equal(("1.0", "/metrics/sources/rack%2F7", "source.stale", stale.Id), (cloud.GetProperty("specversion").GetString(), cloud.GetProperty("source").GetString(), cloud.GetProperty("type").GetString(), cloud.GetProperty("id").GetString()));
        Assert.Equal("application/cloudevents+json; charset=utf-8", stale.Headers["content-type"]);
        Assert.Equal("übersetzer 日本 🔥 \"O'Neil\" \\ </script>", cloud.GetProperty("data").GetProperty("text").GetString());
    }

    [Fact]
    public void Signatures_are_those_of_the_specification()
    {
        // The example of the specification's reference libraries: secret, id, time and body, and the signature that they give.
        var webhook = new Webhook(1, "https://example.com", [], "standard", "hmac", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", null, null, null, true, null, null, Start);
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookSecret.Sign(webhook, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8, Start));
        // RFC 8032, 7.1, TEST 1: the public key of the seed.
        Assert.Equal($"whpk_{Convert.ToBase64String(Convert.FromHexString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))}",
            WebhookSecret.ForReceiver("ed25519", Convert.ToBase64String(Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_changed_secret_signs_beside_the_old_one_for_a_day(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        var before = await CreateAsync(storage, "rotated");
        var after = (await storage.Outbox.RotateAsync(before.Id, WebhookSecret.New(), default))!;
        Assert.NotEqual(before.Secret, after.Secret);
        foreach (var hours in new[] { 0.0, 23.9, 24.1 })
        {
            await storage.SetClockAsync(Start.AddHours(hours));
            await storage.Outbox.RaiseAsync("source.stale", "rack-7", [], default);
            await dispatcher.LookAsync(default);
            await dispatcher.SentAsync();
        }
        var now = receiver.All.Select(one => one.Headers["webhook-signature"].Split(' ')).ToList();
        Assert.Equal([2, 2, 1], now.Select(signatures => signatures.Length));
        for (var i = 0; i < 3; i++)
        {
            var sent = receiver.All[i];
            string By(string secret) => WebhookSecret.Sign(before with { Secret = secret }, sent.Id, long.Parse(sent.Headers["webhook-timestamp"], CultureInfo.InvariantCulture), System.Text.Encoding.UTF8.GetBytes(sent.Body), Start);
            Assert.Equal(By(after.Secret), now[i][0]);
            if (i < 2) Assert.Equal(By(before.Secret), now[i][1]);
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task What_fails_nine_times_arrives_the_tenth_with_the_same_id(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        var webhook = await CreateAsync(storage, "flaky");
        receiver.Answer = context => { context.Response.StatusCode = receiver.All.Count < 10 ? 500 : 204; return Task.CompletedTask; };
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", new JsonObject { ["code"] = "throttled" }, default);
        // 0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after each other, give or take a fifth.
        double[] waits = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];
        var at = Start;
        for (var attempt = 1; attempt <= 10; attempt++)
        {
            await dispatcher.LookAsync(default);
            await dispatcher.SentAsync();
            var delivery = Assert.Single(await storage.Outbox.DeliveriesAsync(webhook.Id, null, null, 10, default));
            Assert.Equal(attempt, delivery.Attempts.Count);
            if (attempt == 10)
            {
                Assert.Equal("delivered", delivery.State);
                Assert.Equal([500, 500, 500, 500, 500, 500, 500, 500, 500, 204], delivery.Attempts.Select(one => one.Status));
                break;
            }
            Assert.Equal("due", delivery.State);
            var wait = (delivery.NextAt!.Value - at).TotalSeconds;
            Assert.InRange(wait, waits[attempt - 1] * 0.8 - 0.001, waits[attempt - 1] * 1.2 + 0.001);
            // A moment before, nothing is sent.
            await storage.SetClockAsync(delivery.NextAt.Value.AddMilliseconds(-1));
            await dispatcher.LookAsync(default);
            await dispatcher.SentAsync();
            Assert.Equal(attempt, receiver.All.Count);
            await storage.SetClockAsync(at = delivery.NextAt.Value.AddMilliseconds(1));
        }
        Assert.Single(receiver.All.Select(one => one.Id).Distinct());
        Assert.Single(receiver.All.Select(one => one.Body).Distinct());
        Assert.Equal(10, receiver.All.Select(one => one.Headers["webhook-timestamp"]).Distinct().Count());
        Assert.Equal(10, receiver.All.Select(one => one.Headers["webhook-signature"]).Distinct().Count());
        Assert.Null((await storage.Outbox.FindAsync(webhook.Id, default))!.FailingSince);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task What_is_given_up_is_kept_for_thirty_days_and_can_be_sent_again(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        var webhook = await CreateAsync(storage, "down");
        receiver.Answer = context => { context.Response.StatusCode = 500; return Task.CompletedTask; };
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        var at = Start;
        while (await storage.Outbox.DeliveriesAsync(webhook.Id, "due", null, 10, default) is [var due])
        {
            await storage.SetClockAsync(at = due.NextAt!.Value.AddMilliseconds(1));
            await dispatcher.LookAsync(default);
            await dispatcher.SentAsync();
        }
        var dead = Assert.Single(await storage.Outbox.DeliveriesAsync(webhook.Id, "failed", null, 10, default));
        Assert.Equal(10, dead.Attempts.Count);
        Assert.True((await storage.Outbox.FindAsync(webhook.Id, default))!.Enabled);

        receiver.Answer = _ => Task.CompletedTask;
        Assert.Equal(1, await storage.Outbox.ReplayAsync(webhook.Id, null, null, null, failed: true, default));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Single(await storage.Outbox.DeliveriesAsync(webhook.Id, "delivered", null, 10, default));
        Assert.Single(receiver.All.Select(one => one.Id).Distinct());
        // Of a span: its end is not in it. And nothing that was delivered is sent again when only the failed are asked for.
        Assert.Equal(0, await storage.Outbox.ReplayAsync(webhook.Id, null, null, null, failed: true, default));
        Assert.Equal(0, await storage.Outbox.ReplayAsync(webhook.Id, null, Start.AddHours(-1), Start, failed: false, default));
        Assert.Equal(1, await storage.Outbox.ReplayAsync(webhook.Id, null, Start, Start.AddHours(1), failed: false, default));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Equal(12, receiver.All.Count);

        await storage.SetClockAsync(at.AddDays(29.9));
        Assert.Equal(0, await storage.Outbox.ForgetAsync(default));
        await storage.SetClockAsync(at.AddDays(30.1));
        Assert.Equal(1, await storage.Outbox.ForgetAsync(default));
        Assert.Equal(["0"], await storage.RowsAsync("SELECT COUNT(*) FROM delivery_attempt"));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_receiver_that_is_dead_for_five_days_is_disabled_and_others_are_told(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        var dead = await storage.Outbox.CreateAsync($"http://127.0.0.1:{PostgresCluster.FreePort()}/", ["source.failed"], "standard", "hmac", WebhookSecret.New(), null, default);
        await storage.Outbox.CreateAsync(receiver.UrlOf("watcher"), ["webhook.disabled"], "standard", "hmac", WebhookSecret.New(), null, default);
        for (var day = 0.0; day <= 5; day += 0.5)
        {
            await storage.SetClockAsync(Start.AddDays(day));
            await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
            await dispatcher.LookAsync(default);
            await dispatcher.SentAsync();
            Assert.Equal(day < 5, (await storage.Outbox.FindAsync(dead.Id, default))!.Enabled);
        }
        Assert.Equal("nothing came through for 5 days: could not be reached: ConnectionRefused", (await storage.Outbox.FindAsync(dead.Id, default))!.DisabledBecause);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        var told = Assert.Single(receiver.At("watcher"));
        Assert.Equal("webhook.disabled", JsonDocument.Parse(told.Body).RootElement.GetProperty("type").GetString());

        // What is due waits; once the webhook is enabled somewhere that answers, all of it arrives.
        var waiting = await storage.Outbox.DeliveriesAsync(dead.Id, "due", null, 200, default);
        Assert.NotEmpty(waiting);
        await storage.Outbox.ChangeAsync(dead.Id, receiver.UrlOf("alive"), ["source.failed"], "standard", null, true, default);
        await storage.SetClockAsync(Start.AddDays(7));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Equal(waiting.Select(one => one.MessageId).Order(StringComparer.Ordinal), receiver.At("alive").Select(one => one.Id).Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_receiver_says_that_it_is_gone_or_when_to_come_again(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        receiver.Answer = context =>
        {
            (context.Response.StatusCode, var header) = context.Request.Path.Value switch
            {
                "/gone" => (410, ""), "/soon" => (429, "120"), "/late" => (503, "86400"), "/date" => (429, Start.AddMinutes(10).ToString("R", CultureInfo.InvariantCulture)), "/moved" => (301, ""), _ => (200, ""),
            };
            if (header.Length > 0) context.Response.Headers.RetryAfter = header;
            if (context.Response.StatusCode == 301) context.Response.Headers.Location = receiver.UrlOf("elsewhere");
            return Task.CompletedTask;
        };
        var webhooks = new Dictionary<string, Webhook>();
        foreach (var path in new[] { "gone", "soon", "late", "date", "moved" }) webhooks[path] = await CreateAsync(storage, path);
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();

        async Task<(TimeSpan Wait, string? Error)> After(string path)
        {
            var delivery = (await storage.Outbox.DeliveriesAsync(webhooks[path].Id, "due", null, 10, default)).First(one => one.Type == "source.failed");
            return (delivery.NextAt!.Value - Start, delivery.Attempts[^1].Error);
        }
        var gone = (await storage.Outbox.FindAsync(webhooks["gone"].Id, default))!;
        Assert.Equal((false, "the receiver answered 410 Gone"), (gone.Enabled, gone.DisabledBecause));
        Assert.Equal(TimeSpan.FromSeconds(120), (await After("soon")).Wait);
        Assert.Equal(TimeSpan.FromHours(1), (await After("late")).Wait);
        Assert.Equal(TimeSpan.FromMinutes(10).TotalSeconds, (await After("date")).Wait.TotalSeconds, 1.0);
        Assert.Equal("answered 301; redirections are not followed, give the address that answers", (await After("moved")).Error);
        Assert.Empty(receiver.At("elsewhere"));
    }

    [Fact]
    public async Task A_receiver_that_hangs_or_never_ends_delays_no_other()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        using var dispatcher = Dispatcher(storage, TimeSpan.FromSeconds(2));
        var (written, cut) = (0L, new TaskCompletionSource());
        receiver.Answer = async context =>
        {
            switch (context.Request.Path.Value)
            {
                case "/hangs":
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                    break;
                case "/drips":
                    await context.Response.StartAsync();
                    while (!context.RequestAborted.IsCancellationRequested) { await context.Response.WriteAsync("."); await context.Response.Body.FlushAsync(); await Task.Delay(100); }
                    break;
                case "/floods":
                    try
                    {
                        for (; written < 1L << 30; written += 65_536) await context.Response.BodyWriter.WriteAsync(new byte[65_536], context.RequestAborted);
                    }
                    finally
                    {
                        cut.TrySetResult();
                    }
                    break;
                case "/heads":
                    for (var i = 0; i < 32; i++) context.Response.Headers[$"X-{i}"] = new string('h', 30_000);
                    break;
                case "/breaks":
                    context.Abort();
                    break;
            }
        };
        var webhooks = new Dictionary<string, Webhook>();
        foreach (var path in new[] { "hangs", "drips", "floods", "heads", "breaks", "sound" }) webhooks[path] = await CreateAsync(storage, path);
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        await dispatcher.LookAsync(default);
        // The sound one has its delivery kept while the others still hang.
        await UntilAsync(async () => (await storage.Outbox.DeliveriesAsync(webhooks["sound"].Id, "delivered", null, 1, default)).Count == 1);
        Assert.Empty((await storage.Outbox.DeliveriesAsync(webhooks["hangs"].Id, "due", null, 1, default))[0].Attempts);
        await dispatcher.SentAsync();

        async Task<DeliveryAttempt> First(string path) => (await storage.Outbox.DeliveriesAsync(webhooks[path].Id, null, null, 1, default))[0].Attempts[0];
        Assert.Equal("did not answer within 2 s", (await First("hangs")).Error);
        Assert.Equal((200, "answered 200 and did not end within 2 s"), ((await First("drips")).Status, (await First("drips")).Error));
        Assert.Equal(200, (await First("floods")).Status);
        await cut.Task;
        Assert.InRange(written, 0, 64L << 20);
        Assert.NotNull((await First("heads")).Error);
        Assert.NotNull((await First("breaks")).Error);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_dispatcher_that_dies_between_sending_and_marking_sends_again_with_the_same_id(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = await AtAsync(origin, Start);
        using var dispatcher = Dispatcher(storage);
        var webhook = await CreateAsync(storage, "twice");
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        // One that claims, sends, and is killed before it marks.
        var (claimed, _) = await storage.Outbox.ClaimAsync(webhook.Id, "of a process that dies", 10, default);
        Assert.Single(claimed);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Empty(receiver.All);
        await storage.SetClockAsync(Start.AddSeconds(59));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Empty(receiver.All);

        await storage.SetClockAsync(Start.AddSeconds(61));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Equal(claimed[0].MessageId, Assert.Single(receiver.All).Id);
        // Back from the dead, it marks nothing: the claim is another's, and the delivery was made.
        await storage.Outbox.FinishAsync(webhook.Id, "of a process that dies", [new AttemptOutcome(claimed[0].Id, "failed", TimeSpan.Zero, 500, "late", 1)], null, default);
        Assert.Equal("delivered", Assert.Single(await storage.Outbox.DeliveriesAsync(webhook.Id, null, null, 10, default)).State);

        // The control: were claims without an end, the delivery of a dead process would never be made.
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        await storage.Outbox.ClaimAsync(webhook.Id, "of another that dies", 10, default);
        await storage.ExecuteAsync($"UPDATE delivery SET claimed_until = {(engine == StorageEngine.Postgres ? "'infinity'" : "9223372036854775807")} WHERE state = 'due'");
        await storage.SetClockAsync(Start.AddDays(1));
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Single(receiver.All);
    }

    [Fact]
    public async Task Of_two_dispatchers_on_one_database_each_delivery_is_sent_by_one()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Postgres);
        using var one = Dispatcher(storage);
        await using var again = storage.Again();
        using var two = Dispatcher(again);
        await CreateAsync(storage, "shared");
        for (var i = 0; i < 400; i++) await storage.Outbox.RaiseAsync("source.failed", "rack-7", new JsonObject { ["i"] = i }, default);
        await Task.WhenAll(one.LookAsync(default), two.LookAsync(default));
        await Task.WhenAll(one.SentAsync(), two.SentAsync());
        Assert.Equal(400, receiver.All.Count);
        Assert.Equal(400, receiver.All.Select(sent => sent.Id).Distinct().Count());
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task An_event_too_large_to_send_is_told_by_a_link(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        using var dispatcher = Dispatcher(storage);
        await CreateAsync(storage, "large");
        var fits = new string('x', 262_000);
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", new JsonObject { ["message"] = fits }, default);
        var id = await storage.Outbox.RaiseAsync("source.failed", "rack-7", new JsonObject { ["message"] = fits + new string('x', 300) }, default);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Equal(fits, JsonDocument.Parse(receiver.All.Single(one => one.Body.Length > 1_000).Body).RootElement.GetProperty("data").GetProperty("message").GetString());
        var thin = JsonDocument.Parse(receiver.All.Single(one => one.Body.Length <= 1_000).Body).RootElement.GetProperty("data");
        Assert.True(thin.GetProperty("tooLarge").GetBoolean());
        Assert.Equal($"/odata/Events({id})", thin.GetProperty("link").GetString());
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_webhook_is_told_of_what_it_asked_for_from_when_it_was_made(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        using var dispatcher = Dispatcher(storage);
        await storage.Outbox.RaiseAsync("source.failed", "before", [], default);
        await storage.Outbox.CreateAsync(receiver.UrlOf("some"), ["source.stale", "report.ready"], "standard", "hmac", WebhookSecret.New(), null, default);
        await CreateAsync(storage, "all");
        var off = await CreateAsync(storage, "off");
        await storage.Outbox.ChangeAsync(off.Id, off.Url, [], "standard", null, false, default);
        foreach (var type in new[] { "source.failed", "source.stale", "report.ready" }) await storage.Outbox.RaiseAsync(type, null, [], default);
        await storage.Outbox.TestAsync((await storage.Outbox.AllAsync(default))[0], default);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        static IEnumerable<string?> Types(IEnumerable<Received> all) => all.Select(one => JsonDocument.Parse(one.Body).RootElement.GetProperty("type").GetString()).Order(StringComparer.Ordinal);
        Assert.Equal(["report.ready", "source.stale", "webhook.test"], Types(receiver.At("some")));
        Assert.Equal(["report.ready", "source.failed", "source.stale"], Types(receiver.At("all")));
        Assert.Empty(receiver.At("off"));
    }

    [Fact]
    public async Task An_address_inside_is_refused_when_it_is_dialled_and_the_attempt_says_so()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        var settings = new WebhookSettings();
        using var dispatcher = new Dispatcher(storage.Outbox, storage.Rules, new AddressGuard(settings), settings, TimeProvider.System, NullLogger<Dispatcher>.Instance);
        var webhook = await CreateAsync(storage, "inside");
        await storage.Outbox.RaiseAsync("source.failed", "rack-7", [], default);
        await dispatcher.LookAsync(default);
        await dispatcher.SentAsync();
        Assert.Empty(receiver.All);
        Assert.StartsWith("blocked_address: '127.0.0.1' leads to 127.0.0.1", Assert.Single(await storage.Outbox.DeliveriesAsync(webhook.Id, null, null, 1, default)).Attempts[0].Error, StringComparison.Ordinal);
    }

    private static Dispatcher Dispatcher(TestStorage storage, TimeSpan? timeout = null)
    {
        var settings = new WebhookSettings { AllowedNetworks = ["127.0.0.0/8"], Timeout = timeout ?? TimeSpan.FromSeconds(15) };
        return new Dispatcher(storage.Outbox, storage.Rules, new AddressGuard(settings), settings, TimeProvider.System, NullLogger<Dispatcher>.Instance);
    }

    private Task<Webhook> CreateAsync(TestStorage storage, string path, string format = "standard", string signing = "hmac") =>
        storage.Outbox.CreateAsync(receiver.UrlOf(path), [], format, signing, WebhookSecret.New(), null, default);

    private static string Shown(Webhook webhook) => WebhookSecret.ForReceiver(webhook.Signing, webhook.Secret);

    private static async Task<TestStorage> AtAsync(TestStorage origin, DateTime now)
    {
        var storage = origin.WithSimulatedClock();
        await storage.SetClockAsync(now);
        return storage;
    }

    private static async Task UntilAsync(Func<Task<bool>> wanted)
    {
        for (var tries = 0; !await wanted(); tries++)
        {
            Assert.True(tries < 300);
            await Task.Delay(20);
        }
    }
}
