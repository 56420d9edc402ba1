using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Metrics.Api.Webhooks;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Metrics.SystemTests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Metrics.Benchmarks;

/// <summary>Deliveries claimed, signed, sent to a receiver on a loopback socket and kept, on PostgreSQL; and how long an event waits for
/// its receiver while others come. Receiver and database run on the same machine.</summary>
public static class Webhooks
{
    private const int Backlog = 20_000;
    private const int Rate = 500;
    private const int Writers = 8;
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(20);

    public static async Task RunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        var arrivals = new ConcurrentQueue<(string Id, byte[] Body, DateTime At)>();
        await using var receiver = await ReceiveAsync(arrivals);
        try
        {
            // The first warms both up.
            for (var i = 0; i < 3; i++)
            {
                var sent = await DrainAsync(cluster, receiver, arrivals);
                if (i > 0)
                    Figures.AtLeast("claimed, signed, sent and kept", sent, 2_000, "deliveries/s");
            }
            var lags = await LagAsync(cluster, receiver, arrivals);
            Figures.Show($"lag at {Rate} events a second, p50", lags[lags.Count / 2], "s");
            Figures.Below($"lag at {Rate} events a second, p99", lags[lags.Count * 99 / 100], 1, "s");
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    /// <summary>Deliveries a second of a backlog for one webhook.</summary>
    private static async Task<double> DrainAsync(
        PostgresCluster cluster,
        WebApplication receiver,
        ConcurrentQueue<(string Id, byte[] Body, DateTime At)> arrivals
    )
    {
        arrivals.Clear();
        var database = await cluster.CreateDatabaseAsync();
        await using var storage = await StorageAsync(database);
        var webhook = await SubscribeAsync(storage, receiver);
        await using (var connection = new NpgsqlConnection(database))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(
                $$$"""
                INSERT INTO webhook_message (id, type, at, standard, cloud_event)
                    SELECT 'msg_' || n, 'source.stale', now(),
                        convert_to('{"type":"source.stale","timestamp":"2026-11-27T10:00:00Z","data":{"source":"rack-' || n
                            || '","lastError":"' || repeat('x', 400) || '"}}', 'UTF8'), ''
                    FROM generate_series(1, {{{Backlog}}}) n;
                INSERT INTO webhook_delivery (webhook_id, message_id, state, step, attempts, created_at, next_at)
                    SELECT '{{{webhook}}}', id, 'due', 0, 0, now(), now() FROM webhook_message;
                ANALYZE webhook_message; ANALYZE webhook_delivery;
                """,
                connection
            );
            await command.ExecuteNonQueryAsync();
        }
        using var sender = Sender();
        using var dispatcher = Dispatching(storage, sender);
        var clock = Stopwatch.StartNew();
        await dispatcher.DispatchAsync(default);
        var took = clock.Elapsed.TotalSeconds;
        if (arrivals.Select(one => one.Id).Distinct().Count() != Backlog || arrivals.Count != Backlog)
            throw new InvalidOperationException($"{arrivals.Count} of {Backlog} deliveries arrived: the figure would mean nothing.");
        return Backlog / took;
    }

    /// <summary>Seconds from each event to its receiver, sorted, while events come at the rate, each in a transaction of its own.</summary>
    private static async Task<List<double>> LagAsync(
        PostgresCluster cluster,
        WebApplication receiver,
        ConcurrentQueue<(string Id, byte[] Body, DateTime At)> arrivals
    )
    {
        arrivals.Clear();
        await using var storage = await StorageAsync(await cluster.CreateDatabaseAsync());
        await SubscribeAsync(storage, receiver);
        using var sender = Sender();
        using var dispatcher = Dispatching(storage, sender);
        await dispatcher.StartAsync(default);
        var log = storage.GetRequiredService<ReadLog>();
        // A multiple of the writers, so that each source has one.
        const int sources = 96;
        for (var i = 0; i < sources; i++)
            await log.RegisterAsync($"rack-{i}", "prometheus", null, default);
        var events = (int)(Span.TotalSeconds * Rate);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, Writers)
                .Select(async writer =>
                {
                    for (var i = writer; i < events; i += Writers)
                    {
                        var wait = TimeSpan.FromSeconds((double)i / Rate) - clock.Elapsed;
                        if (wait > TimeSpan.Zero)
                            await Task.Delay(wait);
                        // Each source in turn falls behind and comes back.
                        var stale = i / sources % 2 == 0;
                        await log.MarkStaleAsync(
                            new($"rack-{i % sources}", DateTime.UtcNow, stale ? null : DateTime.UtcNow, null),
                            stale,
                            default
                        );
                    }
                })
        );
        Figures.Show("events a second", events / clock.Elapsed.TotalSeconds, "");
        while (arrivals.Count < events && clock.Elapsed < Span * 3)
            await Task.Delay(50);
        await dispatcher.StopAsync(default);
        if (arrivals.Count < events)
            throw new InvalidOperationException($"{arrivals.Count} of {events} events arrived: the figure would mean nothing.");
        return
        [
            .. arrivals
                .Select(one =>
                {
                    using var body = JsonDocument.Parse(one.Body);
                    return (one.At - body.RootElement.GetProperty("timestamp").GetDateTime()).TotalSeconds;
                })
                .Order(),
        ];
    }

    private static async Task<ServiceProvider> StorageAsync(string database)
    {
        var storage = new ServiceCollection().AddMetricsStorage(StorageEngine.Postgres, database).BuildServiceProvider();
        await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
        return storage;
    }

    private static async Task<string> SubscribeAsync(ServiceProvider storage, WebApplication receiver) =>
        (
            await storage
                .GetRequiredService<WebhookStore>()
                .CreateAsync(
                    receiver.Urls.Single() + "/hook",
                    null,
                    [],
                    WebhookFormat.Standard,
                    WebhookSigning.Hmac,
                    true,
                    WebhookSigner.NewSecret(),
                    default
                )
        ).Id;

    private static WebhookSettings Settings => new() { AllowedNetworks = ["127.0.0.1"] };

    private static WebhookSender Sender() => new(new AddressGuard(Settings.ToNetworks()), Settings, TimeProvider.System);

    private static Dispatcher Dispatching(ServiceProvider storage, WebhookSender sender) =>
        new(storage.GetRequiredService<WebhookDeliveries>(), sender, Settings, TimeProvider.System, NullLogger<Dispatcher>.Instance);

    private static async Task<WebApplication> ReceiveAsync(ConcurrentQueue<(string Id, byte[] Body, DateTime At)> arrivals)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream((int)(context.Request.ContentLength ?? 0));
            await context.Request.Body.CopyToAsync(body);
            arrivals.Enqueue((context.Request.Headers["webhook-id"].ToString(), body.ToArray(), DateTime.UtcNow));
            context.Response.StatusCode = 204;
        });
        await app.StartAsync();
        return app;
    }
}
