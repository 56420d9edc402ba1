using System.Diagnostics;
using System.Net;
using System.Text;
using Metrics.Api.Access;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Metrics.Benchmarks;

/// <summary>What letting somebody in adds to a request: the gate with a thousand keys before an address that does nothing, against the
/// address alone, one thread.</summary>
public static class Admission
{
    private const int Keys = 1_000;
    private const int Requests = 200_000;

    public static async Task RunAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"metrics-admission-{Guid.NewGuid():N}.db");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder
            .Services.AddSingleton(TimeProvider.System)
            .AddMetricsStorage(StorageEngine.Sqlite, $"Data Source={file}")
            .AddAccess(new AccessSettings { RequestsPerMinute = int.MaxValue });
        await using (var app = builder.Build())
        {
            await app.Services.GetRequiredService<SchemaMigrator>().MigrateAsync();
            var keys = app.Services.GetRequiredService<AccessKeys>();
            var key = "";
            for (var i = 0; i < Keys; i++)
                (key, _) = await AccessKeyCache.MakeAsync(keys, $"key {i}", Scope.Read, null, "benchmark", default);
            await app.Services.GetRequiredService<AccessKeyCache>().RefreshAsync(default);
            RequestDelegate alone = _ => Task.CompletedTask;
            app.UseAccess();
            app.Run(alone);
            var gated = ((IApplicationBuilder)app).Build();

            var nothing = await NanosecondsAsync(alone, null);
            foreach (
                var (name, header) in new[]
                {
                    ("Bearer", $"Bearer {key}"),
                    ("Basic", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"metrics:{key}"))}"),
                }
            )
                Figures.Below($"a key as {name} adds", (await NanosecondsAsync(gated, header) - nothing) / 1000, 20, "µs");
        }
        SqliteConnection.ClearAllPools();
        foreach (var left in new[] { file, file + "-wal", file + "-shm" })
            File.Delete(left);
    }

    private static async Task<double> NanosecondsAsync(RequestDelegate pipeline, string? authorization)
    {
        var best = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < Requests; i++)
            {
                var context = new DefaultHttpContext();
                context.Request.Method = HttpMethods.Get;
                context.Connection.RemoteIpAddress = IPAddress.Loopback;
                if (authorization is not null)
                    context.Request.Headers.Authorization = authorization;
                await pipeline(context);
                if (context.Response.StatusCode != 200)
                    throw new InvalidOperationException($"{context.Response.StatusCode}: the figure would mean nothing.");
            }
            best = Math.Min(best, clock.Elapsed.TotalNanoseconds / Requests);
        }
        return best;
    }
}
