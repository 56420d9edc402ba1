using System.Diagnostics;
using Prometheus;

namespace Metrics.Api.Operations;

/// <summary>What the service tells of itself at <c>/metrics</c>: the work it does and the processor time it takes, which make its own
/// joules per request.</summary>
public sealed class SelfMetrics(TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    private static readonly Counter Requests = Prometheus.Metrics.CreateCounter(
        "metrics_http_requests_total",
        "Requests answered, by kind of endpoint and status code.",
        "endpoint",
        "code"
    );

    private static readonly Gauge Utilisation = Prometheus.Metrics.CreateGauge(
        "metrics_process_cpu_utilization_ratio",
        "Share of the machine's processors that this process used in the last seconds, from 0 to 1.",
        "cpus",
        "host"
    );

    private static readonly Gauge Build = Prometheus.Metrics.CreateGauge(
        "metrics_build_info",
        "1, with the version of the service and the commit that it was built from.",
        "version",
        "revision"
    );

    /// <summary>Counts an answered request.</summary>
    public static void Count(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        var first = path.Split('/', 3, StringSplitOptions.RemoveEmptyEntries) is [var head, ..] ? head : "root";
        // Only what is served has a name of its own: an address that anybody can make up must not make a series.
        var endpoint = first is "odata" or "api" or "health" or "version" or "metrics" or "openapi" or "scalar" or "jobs" or "root"
            ? first
            : "other";
        Requests.WithLabels(endpoint, context.Response.StatusCode.ToString(System.Globalization.CultureInfo.InvariantCulture)).Inc();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Build.WithLabels(ServiceVersion.Current, ServiceVersion.Revision ?? "").Set(1);
        var gauge = Utilisation.WithLabels(
            Environment.ProcessorCount.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Environment.MachineName
        );
        using var process = Process.GetCurrentProcess();
        using var timer = new PeriodicTimer(Step, clock);
        var (used, at) = (process.TotalProcessorTime, clock.GetTimestamp());
        try
        {
            do
            {
                process.Refresh();
                var (nowUsed, now) = (process.TotalProcessorTime, clock.GetTimestamp());
                var elapsed = clock.GetElapsedTime(at, now);
                if (elapsed > TimeSpan.Zero)
                    gauge.Set(Math.Clamp((nowUsed - used) / elapsed / Environment.ProcessorCount, 0, 1));
                (used, at) = (nowUsed, now);
            } while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
    }
}
