using System.Text.Json;
using Metrics.Api.Webhooks;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Webhooks;

/// <summary>From the change to the receiver: what is sent, how often, when no more, and what becomes of it when somebody dies or
/// misbehaves. The database's clock stands where it is put.</summary>
public sealed class DeliveryTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    private static readonly DateTime Start = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task An_event_goes_to_those_that_want_its_type_in_the_very_bytes_that_are_signed(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        var all = await scene.SubscribeAsync(receiver.Url + "/all");
        await scene.SubscribeAsync(receiver.Url + "/stale", types: ["source.stale"]);
        await scene.SubscribeAsync(receiver.Url + "/other", types: ["report.ready", "source.failed"]);
        await scene.SubscribeAsync(receiver.Url + "/off", enabled: false);
        var cloud = await scene.SubscribeAsync(receiver.Url + "/cloud", types: ["source.stale"], format: WebhookFormat.Cloudevents);

        await scene.StaleAsync("rack/7", "Motör \"aus\"");
        await scene.RecoveredAsync("rack/7");
        await scene.Dispatcher.DispatchAsync(default);

        Assert.Equal(
            ["/hook/all source.recovered", "/hook/all source.stale", "/hook/cloud source.stale", "/hook/stale source.stale"],
            receiver.All.Select(one => $"{one.Path} {one.Type}").Order(StringComparer.Ordinal)
        );
        var told = receiver.All.Single(one => one is { Path: "/hook/all", Type: "source.stale" });
        Assert.Equal(
            """
            {"type":"source.stale","timestamp":"2026-03-01T12:00:00Z","data":{"source":"rack/7","readUntil":"2026-03-01T12:00:00Z",
            "lagSeconds":0,"lastError":"Motör \"aus\""}}
            """.ReplaceLineEndings(""),
            told.Text
        );
        Assert.Equal("application/json; charset=utf-8", told.Headers["content-type"]);
        Assert.StartsWith("Metrics-Webhooks/", told.Headers["user-agent"], StringComparison.Ordinal);
        var cloudEvent = receiver.All.Single(one => one.Path == "/hook/cloud");
        Assert.Equal(
            $$$"""
            {"specversion":"1.0","id":"{{{cloudEvent.Id}}}","source":"/sources/rack%2F7","type":"source.stale",
            "time":"2026-03-01T12:00:00Z","datacontenttype":"application/json","data":{"source":"rack/7",
            "readUntil":"2026-03-01T12:00:00Z","lagSeconds":0,"lastError":"Motör \"aus\""}}
            """.ReplaceLineEndings(""),
            cloudEvent.Text
        );
        Assert.Equal("application/cloudevents+json; charset=utf-8", cloudEvent.Headers["content-type"]);
        // One event, one id, whoever gets it.
        Assert.Equal(told.Id, cloudEvent.Id);
        Assert.Matches("^msg_[0-9a-f]{32}$", told.Id);
        Assert.Equal(["delivered|204|∅"], await scene.AttemptsAsync(cloud));
        Assert.Equal(["delivered|204|∅", "delivered|204|∅"], await scene.AttemptsAsync(all));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task There_is_no_change_without_its_delivery_and_no_delivery_without_its_change(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        await scene.SubscribeAsync(receiver.Url);
        await scene.Storage.ExecuteAsync("ALTER TABLE webhook_delivery RENAME TO elsewhere");

        await Assert.ThrowsAnyAsync<Exception>(() => scene.StaleAsync("rack"));

        await scene.Storage.ExecuteAsync("ALTER TABLE elsewhere RENAME TO webhook_delivery");
        Assert.Equal(
            ["∅|0|0"],
            await scene.Storage.RowsAsync(
                "SELECT stale_since, (SELECT count(*) FROM event), (SELECT count(*) FROM webhook_message) FROM source"
            )
        );
        await scene.StaleAsync("rack");
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Single(receiver.All);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Nine_failures_and_a_success_are_one_delivery_of_ten_attempts_under_one_id(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync(500);
        var webhook = await scene.SubscribeAsync(receiver.Url);
        await scene.StaleAsync("rack");
        // The schedule of Standard Webhooks, each a fifth shorter or longer.
        TimeSpan[] waits =
        [
            TimeSpan.FromSeconds(5),
            TimeSpan.FromMinutes(5),
            TimeSpan.FromMinutes(30),
            .. new[] { 2, 5, 10, 14, 20, 24 }.Select(hours => TimeSpan.FromHours(hours)),
        ];
        await scene.Dispatcher.DispatchAsync(default);
        for (var i = 0; i < waits.Length; i++)
        {
            Assert.Equal(i + 1, receiver.All.Count);
            await scene.AdvanceAsync(waits[i] * 0.79);
            await scene.Dispatcher.DispatchAsync(default);
            Assert.Equal(i + 1, receiver.All.Count);
            if (i == 8)
                receiver.Answers(200);
            await scene.AdvanceAsync(waits[i] * 0.42);
            await scene.Dispatcher.DispatchAsync(default);
        }

        Assert.Equal(10, receiver.All.Count);
        Assert.Single(receiver.All.Select(one => (one.Id, one.Text)).Distinct());
        Assert.Equal([.. Enumerable.Repeat("delivered|500|refused", 9), "delivered|200|∅"], await scene.AttemptsAsync(webhook));
        Assert.Equal((true, null), await scene.StandingAsync(webhook));
        Assert.Null((await scene.Storage.Webhooks.FindAsync(webhook.Id, default))!.FailingSince);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_receiver_that_is_dead_for_days_is_given_up_told_of_and_can_have_it_all_again(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var dead = await Receiver.StartAsync(503);
        await using var other = await Receiver.StartAsync();
        var webhook = await scene.SubscribeAsync(dead.Url + "?token=planted-secret", description: "nightly");
        await scene.SubscribeAsync(other.Url, types: ["webhook.disabled"]);
        await scene.StaleAsync("rack-1");
        // At its longest the schedule takes 94 hours: each wait a fifth longer, and up to the next full hour.
        for (var hours = 0; hours < 95; hours++)
        {
            await scene.Dispatcher.DispatchAsync(default);
            await scene.AdvanceAsync(TimeSpan.FromHours(1));
        }
        Assert.Equal(Enumerable.Repeat("failed|503|throttled", 10), await scene.AttemptsAsync(webhook));
        Assert.Equal((true, null), await scene.StandingAsync(webhook));

        await scene.StaleAsync("rack-2");
        await scene.AdvanceAsync(TimeSpan.FromHours(24));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal((true, null), await scene.StandingAsync(webhook));
        await scene.StaleAsync("rack-3");
        await scene.AdvanceAsync(TimeSpan.FromHours(2));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal((false, DisabledReason.Failing), await scene.StandingAsync(webhook));
        Assert.Equal("failed failed failed", await scene.StatesAsync(webhook));

        // What happens meanwhile is not put on its way, and the notice goes to the other.
        await scene.StaleAsync("rack-4");
        var asked = dead.All.Count;
        await scene.AdvanceAsync(TimeSpan.FromHours(1));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal(asked, dead.All.Count);
        var notice = JsonDocument.Parse(Assert.Single(other.All).Body).RootElement;
        Assert.Equal("webhook.disabled", notice.GetProperty("type").GetString());
        Assert.Equal(
            $$"""
            {"webhook":"{{webhook.Id}}","host":"127.0.0.1","description":"nightly","reason":"failing",
            "failingSince":"2026-03-01T12:00:00Z","lastError":"The receiver answered 503."}
            """.ReplaceLineEndings(""),
            notice.GetProperty("data").GetRawText()
        );
        Assert.DoesNotContain(
            "planted-secret",
            string.Concat(await scene.Storage.RowsAsync("SELECT body FROM event")),
            StringComparison.Ordinal
        );

        // Mended: the span brings everything, under the ids of before, and also what was never sent.
        dead.Answers(200);
        await scene.Storage.Webhooks.UpdateAsync(webhook.Id, webhook.Url, null, ["source.stale"], WebhookFormat.Standard, true, default);
        var before = dead.All.Select(one => one.Id).Distinct().ToList();
        Assert.Equal(4, await scene.Storage.Deliveries.ReplayAsync(webhook.Id, Start, Start.AddDays(10), default));
        await scene.Dispatcher.DispatchAsync(default);
        var after = dead.All.Skip(asked).ToList();
        Assert.Equal(
            ["rack-1", "rack-2", "rack-3", "rack-4"],
            after
                .Select(one => JsonDocument.Parse(one.Body).RootElement.GetProperty("data").GetProperty("source").GetString()!)
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            before.Order(StringComparer.Ordinal),
            after.Select(one => one.Id).Where(before.Contains).Order(StringComparer.Ordinal)
        );
        Assert.Equal("delivered delivered delivered delivered", await scene.StatesAsync(webhook));

        // Thirty days later it is forgotten, and not before.
        await scene.AdvanceAsync(TimeSpan.FromDays(29.9));
        Assert.Equal(0, await scene.Storage.Deliveries.SweepAsync(default));
        await scene.AdvanceAsync(TimeSpan.FromDays(0.2));
        Assert.Equal(5, await scene.Storage.Deliveries.SweepAsync(default));
        Assert.Equal(
            ["0|0|0"],
            await scene.Storage.RowsAsync(
                "SELECT (SELECT count(*) FROM webhook_delivery), (SELECT count(*) FROM webhook_message), (SELECT count(*) FROM "
                    + "webhook_attempt)"
            )
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Who_dies_between_sending_and_keeping_leads_to_a_second_copy_and_never_to_a_loss(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await scene.SubscribeAsync(receiver.Url);
        await scene.StaleAsync("rack");

        // Claims, sends, and dies.
        var claim = (await scene.Storage.Deliveries.ClaimAsync(webhook.Id, 10, Dispatcher.Lease, default))!;
        Assert.Null((await scene.Sender.SendAsync(claim.Webhook, claim.Secrets, Assert.Single(claim.Items), default)).ErrorCode);
        await scene.AdvanceAsync(TimeSpan.FromSeconds(59));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Single(receiver.All);
        await scene.AdvanceAsync(TimeSpan.FromSeconds(2));
        await scene.Dispatcher.DispatchAsync(default);

        Assert.Equal(2, receiver.All.Count);
        Assert.Single(receiver.All.Select(one => (one.Id, one.Text)).Distinct());
        Assert.Equal("delivered", await scene.StatesAsync(webhook));
        // The dead one comes back: what it has to say is no longer asked.
        await scene.Storage.Deliveries.FinishAsync(
            claim,
            [new(claim.Items[0].Delivery, true, 5, 500, WebhookErrorCode.Refused, "late", TimeSpan.Zero)],
            null,
            default
        );
        Assert.Equal(["delivered|204|∅"], await scene.AttemptsAsync(webhook));

        // The control: were claims held for ever, a delivery whose sender died before sending it would be lost.
        await scene.StaleAsync("rack-2");
        Assert.NotNull(await scene.Storage.Deliveries.ClaimAsync(webhook.Id, 10, TimeSpan.FromDays(36_500), default));
        await scene.AdvanceAsync(TimeSpan.FromDays(300));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal(2, receiver.All.Count);
    }

    [Fact]
    public async Task Two_dispatchers_at_once_send_nothing_twice()
    {
        await using var scene = await Scene.StartAsync(cluster, StorageEngine.Postgres);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await scene.SubscribeAsync(receiver.Url);
        for (var i = 0; i < 150; i++)
            await scene.StaleAsync($"rack-{i}");
        using var second = scene.Another();

        await Task.WhenAll(scene.Dispatcher.DispatchAsync(default), second.DispatchAsync(default), scene.Dispatcher.DispatchAsync(default));

        Assert.Equal((150, 150), (receiver.All.Count, receiver.All.Select(one => one.Id).Distinct().Count()));
        Assert.Equal(
            ["delivered|1|150"],
            await scene.Storage.RowsAsync("SELECT state, attempts, count(*) FROM webhook_delivery GROUP BY 1, 2")
        );
    }

    [Fact]
    public async Task Receivers_that_hang_drip_flood_close_or_redirect_cost_a_time_limit_and_delay_nobody()
    {
        await using var scene = await Scene.StartAsync(cluster, StorageEngine.Sqlite);
        using var hanging = RudeReceiver.Hanging();
        using var dripping = RudeReceiver.Dripping();
        using var headers = RudeReceiver.Headers();
        using var endless = RudeReceiver.Endless();
        using var closing = RudeReceiver.Closing();
        using var foreign = RudeReceiver.Foreign();
        await using var victim = await Receiver.StartAsync();
        await using var redirecting = await Receiver.StartAsync();
        redirecting.Answers(301, ("Location", victim.Url));
        await using var good = await Receiver.StartAsync();
        var webhooks = new Dictionary<string, Webhook>();
        foreach (
            var (name, url) in new[]
            {
                ("hanging", hanging.Url),
                ("dripping", dripping.Url),
                ("headers", headers.Url),
                ("endless", endless.Url),
                ("closing", closing.Url),
                ("foreign", foreign.Url),
                ("redirecting", redirecting.Url),
                ("metadata", "http://169.254.169.254/latest/meta-data/"),
                ("unresolvable", "https://no-such-host.invalid/"),
                ("refusing", $"http://127.0.0.1:{PostgresCluster.FreePort()}/"),
                ("good", good.Url),
            }
        )
            webhooks[name] = await scene.SubscribeAsync(url);

        for (var i = 0; i < 3; i++)
            await scene.StaleAsync($"rack-{i}");
        await scene.Dispatcher.DispatchAsync(default);

        Assert.Equal(3, good.All.Count);
        Assert.Empty(victim.All);
        var codes = new Dictionary<string, string>();
        foreach (var (name, webhook) in webhooks)
            codes[name] = (await scene.AttemptsAsync(webhook)).Distinct().Single();
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["hanging"] = "due|∅|timeout",
                ["dripping"] = "due|∅|timeout",
                ["headers"] = "due|∅|bad_answer",
                ["endless"] = "due|500|refused",
                ["closing"] = "due|∅|unreachable",
                ["foreign"] = "due|∅|bad_answer",
                ["redirecting"] = "due|301|redirect",
                ["metadata"] = "due|∅|blocked_address",
                ["unresolvable"] = "due|∅|unresolvable_host",
                ["refusing"] = "due|∅|unreachable",
                ["good"] = "delivered|204|∅",
            }.OrderBy(one => one.Key),
            codes.OrderBy(one => one.Key)
        );
        // What was not read stayed in the buffers of the system.
        Assert.True(endless.Written < 64 * 1024 * 1024, $"{endless.Written} bytes were taken.");
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Gone_ends_it_and_quiet_is_kept_for_an_hour_at_most(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var gone = await Receiver.StartAsync(410);
        await using var busy = await Receiver.StartAsync();
        busy.Answers(429, ("Retry-After", "86400"));
        var first = await scene.SubscribeAsync(gone.Url);
        var second = await scene.SubscribeAsync(busy.Url, types: ["source.stale"]);
        await scene.StaleAsync("rack-1");
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal((false, DisabledReason.Gone), await scene.StandingAsync(first));

        // Nothing is sent to the busy one while it wants quiet, also nothing new.
        await scene.StaleAsync("rack-2");
        await scene.AdvanceAsync(TimeSpan.FromMinutes(59));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Single(busy.All);
        busy.Answers(200);
        await scene.AdvanceAsync(TimeSpan.FromMinutes(2));
        await scene.Dispatcher.DispatchAsync(default);
        Assert.Equal(3, busy.All.Count);
        Assert.Equal("delivered delivered", await scene.StatesAsync(second));
        Assert.Single(gone.All);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_new_secret_signs_beside_the_old_one_for_a_day(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        byte[] old = [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
            young = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];
        var webhook = await scene.SubscribeAsync(receiver.Url, secret: old);
        await SendAsync();
        Assert.True(await scene.Storage.Webhooks.RotateAsync(webhook.Id, young, default));
        await SendAsync();
        await scene.AdvanceAsync(TimeSpan.FromHours(23.9));
        await SendAsync();
        await scene.AdvanceAsync(TimeSpan.FromHours(0.2));
        await SendAsync();

        Assert.Equal([1, 2, 2, 1], receiver.All.Select(one => one.Headers["webhook-signature"].Split(' ').Length));
        var (byOld, byYoung) = (
            await NodeVerifier.VerifyAsync($"whsec_{Convert.ToBase64String(old)}", receiver.All),
            await NodeVerifier.VerifyAsync($"whsec_{Convert.ToBase64String(young)}", receiver.All)
        );
        Assert.Equal([true, true, true, false], byOld.Select(told => told.EndsWith(": source.stale", StringComparison.Ordinal)));
        Assert.Equal([false, true, true, true], byYoung.Select(told => told.EndsWith(": source.stale", StringComparison.Ordinal)));
        Assert.EndsWith("refused, No matching signature found", byOld[3], StringComparison.Ordinal);

        async Task SendAsync()
        {
            await scene.StaleAsync(Guid.NewGuid().ToString("N"));
            await scene.Dispatcher.DispatchAsync(default);
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task What_is_too_long_to_be_sent_says_so_and_where_it_is(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        await scene.SubscribeAsync(receiver.Url);
        // Behind the head of some 150 bytes: the one fits, the other does not.
        await scene.StaleAsync("fits", new string('x', 256 * 1024 - 200));
        await scene.StaleAsync("does-not", new string('x', 256 * 1024));
        await scene.Dispatcher.DispatchAsync(default);

        var told = receiver.All.ToDictionary(one =>
            JsonDocument.Parse(one.Body).RootElement.GetProperty("data").GetProperty("source").GetString()!
        );
        Assert.InRange(told["fits"].Body.Length, 256 * 1024 - 200, 256 * 1024);
        Assert.Equal(
            """
            {"type":"source.stale","timestamp":"2026-03-01T12:00:00Z","data":{"source":"does-not","refused":"payload_too_large",
            "bytes":262296,"limit":262144,"link":"/odata/Events(2)"}}
            """.ReplaceLineEndings(""),
            told["does-not"].Text
        );
        Assert.Equal(
            ["262144"],
            await scene.Storage.RowsAsync("SELECT length(body) - length(replace(body, 'x', '')) FROM event WHERE source = 'does-not'")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_final_hour_that_changes_is_told_of_and_one_that_stays_is_not(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        await scene.SubscribeAsync(receiver.Url, types: ["measurement.restated"]);
        await scene.Storage.ReplaceAsync(Ten, Energy(Node, Ten, null, 1000, 1500), Work(Ten, 100));
        await scene.Storage.ExecuteAsync("UPDATE intensity_hours SET final = true");
        await scene.Storage.ReplaceAsync(Ten, Energy(Node, Ten, null, 1000, 1500), Work(Ten, 100));
        await scene.Storage.ReplaceAsync(Ten, Energy(Node, Ten, null, 1000, 1600), Work(Ten, 100));
        await scene.Dispatcher.DispatchAsync(default);

        Assert.Equal(
            $$$"""
            {"type":"measurement.restated","timestamp":"2026-03-01T12:00:00Z","data":{"periodStart":"2026-01-15T10:00:00Z",
            "reason":"late_data","changes":2,"first":[{"deploymentId":{{{Deployment.Id}}},"functionalUnit":"token",
            "measure":"facility_joules","old":1500,"new":1600},{"deploymentId":{{{Deployment.Id}}},"functionalUnit":"token",
            "measure":"matched_facility_joules","old":1500,"new":1600}],
            "link":"/odata/Restatements?$filter=PeriodStart%20eq%202026-01-15T10:00:00Z"}}
            """.ReplaceLineEndings(""),
            Assert.Single(receiver.All).Text
        );
    }

    [Fact]
    public void A_wait_is_a_fifth_shorter_or_longer_by_chance_and_the_tenth_failure_is_the_last()
    {
        Assert.Equal(TimeSpan.FromSeconds(4), Dispatcher.WaitAfter(1, 0));
        Assert.Equal(TimeSpan.FromSeconds(6), Dispatcher.WaitAfter(1, 1));
        Assert.Equal(TimeSpan.FromHours(24), Dispatcher.WaitAfter(9, 0.5));
        Assert.Null(Dispatcher.WaitAfter(10, 0.5));
        // 75 hours and 35 minutes, and 5 seconds.
        Assert.Equal(new TimeSpan(75, 35, 5), new TimeSpan(Dispatcher.Waits.Sum(wait => wait.Ticks)));
    }

    /// <summary>One database with a clock of its own, and a dispatcher that works when it is told to.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private static readonly WebhookSettings Settings = new()
        {
            AllowedNetworks = ["127.0.0.0/8"],
            Timeout = TimeSpan.FromSeconds(3),
            Concurrency = 4,
        };
        private readonly TestStorage owner;
        private DateTime now = Start;

        private Scene(TestStorage owner)
        {
            this.owner = owner;
            Storage = owner.WithSimulatedClock();
            Sender = new(new AddressGuard(Settings.ToNetworks()), Settings, TimeProvider.System);
            Dispatcher = Another();
        }

        public TestStorage Storage { get; }

        public WebhookSender Sender { get; }

        public Dispatcher Dispatcher { get; }

        public static async Task<Scene> StartAsync(PostgresCluster cluster, StorageEngine engine)
        {
            var scene = new Scene(await TestStorage.MigratedAsync(cluster, engine));
            await scene.Storage.SetClockAsync(Start);
            return scene;
        }

        public Dispatcher Another() => new(Storage.Deliveries, Sender, Settings, TimeProvider.System, NullLogger<Dispatcher>.Instance);

        public Task<Webhook> SubscribeAsync(
            string url,
            string[]? types = null,
            WebhookFormat format = WebhookFormat.Standard,
            bool enabled = true,
            string? description = null,
            byte[]? secret = null
        ) =>
            Storage.Webhooks.CreateAsync(
                url,
                description,
                types ?? [],
                format,
                WebhookSigning.Hmac,
                enabled,
                secret ?? WebhookSigner.NewSecret(),
                default
            );

        public Task AdvanceAsync(TimeSpan time) => Storage.SetClockAsync(now += time);

        public async Task StaleAsync(string source, string? lastError = null)
        {
            await Storage.Log.RegisterAsync(source, "prometheus", null, default);
            Assert.True(await Storage.Log.MarkStaleAsync(new(source, now, null, lastError), true, default));
        }

        public async Task RecoveredAsync(string source) =>
            Assert.True(await Storage.Log.MarkStaleAsync(new(source, now, now, null), false, default));

        /// <summary>Every attempt of the webhook's deliveries, the oldest first: state of the delivery, answer, fault.</summary>
        public async Task<List<string>> AttemptsAsync(Webhook webhook) =>
            [
                .. (await Storage.Deliveries.DeliveriesAsync(webhook.Id, null, null, 500, default))
                    .Reverse()
                    .SelectMany(delivery =>
                        delivery.Attempts.Select(attempt =>
                            $"{delivery.State.ToWord()}|{attempt.StatusCode?.ToString() ?? "∅"}|{attempt.ErrorCode ?? "∅"}"
                        )
                    ),
            ];

        public async Task<string> StatesAsync(Webhook webhook) =>
            string.Join(
                ' ',
                (await Storage.Deliveries.DeliveriesAsync(webhook.Id, null, null, 500, default)).Select(delivery => delivery.State.ToWord())
            );

        public async Task<(bool Enabled, DisabledReason? Reason)> StandingAsync(Webhook webhook) =>
            await Storage.Webhooks.FindAsync(webhook.Id, default) is var found ? (found!.Enabled, found.DisabledReason) : default;

        public async ValueTask DisposeAsync()
        {
            Dispatcher.Dispose();
            Sender.Dispose();
            await Storage.DisposeAsync();
            await owner.DisposeAsync();
        }
    }
}
