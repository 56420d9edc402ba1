using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Metrics.Storage.Engine;

namespace Metrics.Drill;

/// <summary>What the worker processes and the test that starts and kills them agree on.</summary>
/// <param name="Engine">Engine of the database.</param>
/// <param name="ConnectionString">How to open it.</param>
/// <param name="Server">Address of the server; each source has a folder of its own there.</param>
/// <param name="Base">What the simulated clock shows at <paramref name="Started"/>.</param>
/// <param name="Started">A moment of the machine's clock.</param>
public sealed record DrillPlan(StorageEngine Engine, string ConnectionString, Uri Server, DateTime Base, DateTime Started)
{
    /// <summary>Seconds of simulated time in one of the machine's.</summary>
    public const int Speed = 600;

    /// <summary>Lease of a claim in simulated time.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    /// <summary>The sources that all workers share.</summary>
    public static readonly IReadOnlyList<string> Sources = ["rack-1", "rack-2", "rack-3"];

    /// <summary>The database's clock in SQL: the machine's, <see cref="Speed"/> times as fast, and moved by the row <c>drill_offset</c>
    /// (microseconds).</summary>
    public string Clock
    {
        get
        {
            var (from, real) = (Micros(Base), Micros(Started));
            return Engine == StorageEngine.Postgres
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"(SELECT timestamptz 'epoch' + ({from} + ((extract(epoch from clock_timestamp()) * 1000000)::bigint - "
                        + $"{real}) * {Speed} + COALESCE((SELECT value::bigint FROM settings WHERE name = 'drill_offset'), 0)) * "
                        + $"interval '1 microsecond')"
                )
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"(SELECT {from} + (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000 - {real}) * {Speed} + "
                        + $"COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'drill_offset'), 0))"
                );
        }
    }

    /// <summary>How a source is read: late and revised values come within 105 minutes, so two hours are read again.</summary>
    public PrometheusSettings Settings(string source) =>
        new()
        {
            Id = source,
            Provider = "prometheus",
            Endpoint = new Uri(Server, source + "/"),
            Settle = TimeSpan.FromSeconds(30),
            Overlap = TimeSpan.FromHours(2),
            Lookback = TimeSpan.FromHours(1),
            // In simulated time, too: six seconds of the machine's.
            Timeout = TimeSpan.FromHours(1),
        };

    /// <summary>What makes facts of the samples.</summary>
    public static Normaliser Normaliser(MetricCatalogue catalogue)
    {
        var place = new Place("onprem/dc-1", "DE", 1.4);
        return new(
            catalogue,
            [
                new Workload(
                    "chat",
                    "org/chat-70b",
                    "fp8",
                    [.. Sources.Select(source => new WorkloadRule(source, new Dictionary<string, string> { ["pod"] = "chat-*" }))]
                ),
            ],
            Sources.ToDictionary(source => source, _ => place),
            TimeSpan.FromMinutes(5)
        );
    }

    /// <summary>The plan as arguments of a process.</summary>
    public string[] Arguments =>
        [
            Engine.ToString(),
            ConnectionString,
            Server.ToString(),
            Micros(Base).ToString(CultureInfo.InvariantCulture),
            Micros(Started).ToString(CultureInfo.InvariantCulture),
        ];

    /// <summary>The plan that the arguments of a process tell.</summary>
    public static DrillPlan Of(string[] arguments) =>
        new(Enum.Parse<StorageEngine>(arguments[0]), arguments[1], new Uri(arguments[2]), Time(arguments[3]), Time(arguments[4]));

    private static long Micros(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static DateTime Time(string micros) =>
        DateTime.UnixEpoch.AddTicks(long.Parse(micros, CultureInfo.InvariantCulture) * TimeSpan.TicksPerMicrosecond);
}

/// <summary>Timers of simulated time: leases are renewed and requests time out <see cref="DrillPlan.Speed"/> times as soon.</summary>
public sealed class FastTimers : TimeProvider
{
    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, Scaled(dueTime), Scaled(period));

    private static TimeSpan Scaled(TimeSpan time) =>
        time <= TimeSpan.Zero ? time : TimeSpan.FromMilliseconds(Math.Max(1, time.TotalMilliseconds / DrillPlan.Speed));
}

/// <summary>The product's source, and a mark of how far a read of it has come.</summary>
internal sealed class WatchedSource(ITelemetrySource source, StageMark mark) : ITelemetrySource
{
    public Cadence Cadence => source.Cadence;

    public async IAsyncEnumerable<Page> ReadAsync(
        ReadRequest request,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        mark.Stage = Stage.Claimed;
        await foreach (var page in source.ReadAsync(request, cancellationToken))
        {
            mark.Stage = Stage.Reading;
            yield return page;
        }
        mark.Stage = Stage.Committing;
    }
}
