using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers.Gcp;

/// <summary>One project and region of Google Cloud Monitoring.</summary>
/// <remarks>
/// The API selects points by their end, in an interval that is open at its start and closed at its end. So instants are asked for from a
/// microsecond before the window, and the window is cut here. No aligner is used: those of counters interpolate.
/// </remarks>
internal sealed class GcpSource(GcpMonitoringSettings settings, MetricCatalogue catalogue, IMonitoring monitoring)
    : ITelemetrySource,
        ICoarseStatistics,
        IDisposable
{
    /// <summary>Pages of one query; more is an endless answer.</summary>
    private const int MostPages = 10_000;

    /// <summary>No accelerator draws so much: a counter that would have risen faster since its start time began earlier than it
    /// says.</summary>
    private const double MostWatts = 5_000;

    /// <summary>What Google's own metrics take at most before their descriptors say so: sampled each minute, visible four minutes
    /// later.</summary>
    private static readonly TimeSpan UsualSettle = TimeSpan.FromMinutes(5);

    /// <summary>How far behind the window points of counters are looked at for start times that lie inside it.</summary>
    private static readonly TimeSpan EpochLookahead = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan DescriptorsKept = TimeSpan.FromHours(1);

    private static readonly string[] PlaceLabels = ["location", "zone", "region"];

    private readonly SeriesPool pool = new(settings.Id, settings.MaxSeries);
    private readonly List<KeyValuePair<string, string>> labels = [];
    private readonly List<(DateTime Start, DateTime End, double Value)> points = [];
    private IReadOnlyList<Descriptor> descriptors = [];
    private DateTime? describedAt;
    private TimeSpan settle = UsualSettle;

    /// <summary>A metric type of the project.</summary>
    private sealed record Descriptor(string Type, string Kind, string ValueType, string Unit, TimeSpan Delay, string? PlaceLabel);

    public FarClock? FarClock => monitoring.FarClock;

    public Cadence Cadence =>
        new(
            settings.Settle ?? settle,
            settings.Overlap ?? TimeSpan.FromHours(1),
            settings.Lookback ?? TimeSpan.FromHours(1),
            TimeSpan.FromHours(1)
        )
        {
            Every = settings.Every ?? TimeSpan.FromMinutes(1),
            Align = TimeSpan.FromMinutes(1),
            Reread = TimeSpan.FromHours(48),
            Keeps = TimeSpan.FromDays(42),
        };

    public void Dispose()
    {
        pool.Dispose();
        monitoring.Dispose();
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        await DescribeAsync(request.Now, cancellationToken);
        foreach (var descriptor in descriptors)
        {
            var batch = new ObservationBatch(settings.Id);
            UnreadSeries? unread = null;
            if (Drift(descriptor) is { } drift)
                batch.Reject(descriptor.Type, null, RejectionReason.UnitDrift, drift);
            else
            {
                try
                {
                    await SeriesAsync(descriptor, request, batch, cancellationToken);
                }
                catch (SourceException exception) when (exception.Code == SourceErrorCode.Refused)
                {
                    // One metric that the server will not tell stops no other.
                    unread = new UnreadSeries(descriptor.Type, exception.Code, exception.Message);
                    batch = new ObservationBatch(settings.Id);
                }
            }
            foreach (var page in batch.Pages())
                yield return page;
            if (unread is not null)
                yield return new Page([]) { Unread = [unread] };
        }
        foreach (var page in pool.LeftOutPages())
            yield return page;
    }

    /// <summary>Deltas and gauges by the hour. Counters are left out: every aligner for them interpolates.</summary>
    public async IAsyncEnumerable<CoarseStatistic> CoarseAsync(
        Interval hours,
        DateTime now,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        await DescribeAsync(now, cancellationToken);
        foreach (var descriptor in descriptors)
        {
            if (descriptor.Kind == "CUMULATIVE" || descriptor.ValueType == "DISTRIBUTION" || Drift(descriptor) is not null)
                continue;
            var found = new Dictionary<(Series, DateTime), (double? Value, long? Count)>();
            var delta = descriptor.Kind == "DELTA";
            // Instants belong to the hour that they begin; the buckets are closed at their end and hang on the end asked for.
            var shift = delta ? TimeSpan.Zero : TimeSpan.FromMilliseconds(1);
            foreach (var aligner in delta ? new[] { "ALIGN_SUM" } : ["ALIGN_MEAN", "ALIGN_COUNT"])
            await foreach (var page in PagesAsync(descriptor, hours.Start - shift, hours.End - shift, aligner, cancellationToken))
            foreach (var (series, element) in SeriesOf(page, descriptor, new ObservationBatch(settings.Id)))
            foreach (var point in Array(element, "points"))
                if (PointOf(point) is var (_, end, value))
                {
                    var key = (series, end + shift - TimeSpan.FromHours(1));
                    var known = found.GetValueOrDefault(key);
                    found[key] = aligner == "ALIGN_COUNT" ? (known.Value, (long)value) : (value, known.Count);
                }
            foreach (var ((series, hour), (value, count)) in found)
                yield return new CoarseStatistic(series, hour, delta ? value : null, delta ? null : value, count, 1e-6);
        }
    }

    private async Task DescribeAsync(DateTime now, CancellationToken cancellationToken)
    {
        if (describedAt is { } at && now - at < DescriptorsKept && now >= at)
            return;
        var wanted = catalogue.MetricsOf("gcp-monitoring").ToHashSet(StringComparer.Ordinal);
        var found = new SortedDictionary<string, Descriptor>(StringComparer.Ordinal);
        foreach (
            var domain in wanted
                .GroupBy(type => type[..(type.IndexOf('/', StringComparison.Ordinal) + 1)])
                .OrderBy(group => group.Key, StringComparer.Ordinal)
        )
        {
            var filter = $"metric.type = starts_with(\"{Common([.. domain])}\")";
            await foreach (
                var page in EveryPageAsync(
                    token => monitoring.ListMetricDescriptorsAsync(filter, token, cancellationToken),
                    $"metricDescriptors of {domain.Key}"
                )
            )
            foreach (var element in Array(page, "metricDescriptors"))
                if (RestMonitoring.Text(element, "type") is var type && wanted.Contains(type))
                    found[type] = DescriptorOf(type, element);
        }
        descriptors = [.. found.Values];
        settle = descriptors.Count == 0 ? UsualSettle : descriptors.Max(descriptor => descriptor.Delay);
        describedAt = now;
    }

    private static Descriptor DescriptorOf(string type, JsonElement element)
    {
        var metadata = element.TryGetProperty("metadata", out var some) ? some : default;
        var delay = Seconds(RestMonitoring.Text(metadata, "samplePeriod")) + Seconds(RestMonitoring.Text(metadata, "ingestDelay"));
        var resources = Array(element, "monitoredResourceTypes")
            .Where(name => name.ValueKind == JsonValueKind.String)
            .Select(name => name.GetString()!)
            .ToList();
        // A label that a resource lacks cannot be filtered by: the server is asked only where it is known which one there is.
        string? place =
            resources.Count == 0 ? null
            : resources.TrueForAll(name => name is "gce_instance" or "tpu_worker" or "tpu.googleapis.com/TpuWorker") ? "zone"
            : resources.TrueForAll(name =>
                name
                    is "cloud_run_revision"
                        or "k8s_container"
                        or "k8s_node"
                        or "aiplatform.googleapis.com/Endpoint"
                        or "aiplatform.googleapis.com/PublisherModel"
            )
                ? "location"
            : null;
        return new Descriptor(
            type,
            RestMonitoring.Text(element, "metricKind"),
            RestMonitoring.Text(element, "valueType"),
            RestMonitoring.Text(element, "unit"),
            delay,
            place
        );
    }

    /// <summary>How the project's metric differs from the catalogue's; null when it does not. Nothing is scaled to fit.</summary>
    private string? Drift(Descriptor descriptor)
    {
        foreach (var mapping in catalogue.Mappings)
        {
            if (mapping.Provider != "gcp-monitoring" || !mapping.Metrics.Contains(descriptor.Type))
                continue;
            var kind = mapping.Kind.ToString().ToUpperInvariant();
            if (descriptor.Kind != kind)
                return $"The project tells it as {Shown(descriptor.Kind)}, the catalogue expects {kind}. It is not read; mend the "
                    + $"mapping {mapping.Id}.";
            // 10^2.% is how Google writes a ratio that it shows as a percentage; whole numbers from 0 to 100 are told as % or without a
            // unit.
            var same = mapping.Unit.Symbol switch
            {
                "1" => descriptor.Unit is "1" or "10^2.%" or "",
                "%" => descriptor.Unit == "%" || descriptor.ValueType == "INT64" && descriptor.Unit is "1" or "",
                ['{', ..] => descriptor.Unit is "1" or "" || descriptor.Unit.StartsWith('{'),
                var symbol => descriptor.Unit == symbol,
            };
            if (!same)
                return $"The project tells it in '{Shown(descriptor.Unit)}', the catalogue expects '{mapping.Unit.Symbol}'. It is not "
                    + $"read; mend the mapping {mapping.Id}.";
        }
        return null;
    }

    private static string Shown(string text) => Redaction.Excerpt(Encoding.UTF8.GetBytes(text));

    private async Task SeriesAsync(Descriptor descriptor, ReadRequest request, ObservationBatch batch, CancellationToken cancellationToken)
    {
        var window = request.Window;
        var counter = descriptor.Kind == "CUMULATIVE";
        var end = window.End;
        if (counter && end < request.Now)
            end = end + EpochLookahead < request.Now ? end + EpochLookahead : request.Now;
        var epochs = new HashSet<(long, DateTime)>();
        var marks = new List<(Series Series, DateTime At)>();
        var taken = new HashSet<(long, DateTime)>();
        await foreach (var page in PagesAsync(descriptor, window.Start.AddTicks(-10), end, null, cancellationToken, batch))
        foreach (var (series, element) in SeriesOf(page, descriptor, batch))
        {
            points.Clear();
            foreach (var point in Array(element, "points"))
            {
                if (PointOf(point) is var (start, at, value))
                    points.Add((start, at, value));
                else
                    batch.Reject(
                        series.ToString(),
                        null,
                        RejectionReason.Malformed,
                        "A point has no interval or no number. It is not read."
                    );
            }
            points.Sort(static (a, b) => a.End.CompareTo(b.End));
            foreach (var (start, at, value) in points)
            {
                var from = descriptor.Kind == "DELTA" ? start : at;
                if (
                    counter
                    && start < at
                    && window.Contains(start)
                    && value <= MostWatts * (at - start).TotalSeconds
                    && epochs.Add((series.Id, start))
                )
                    marks.Add((series, start));
                if (from < window.Start || from >= window.End || at > window.End)
                    continue;
                if (!double.IsFinite(value))
                {
                    batch.Reject(series.ToString(), at, RejectionReason.NotFinite, "The value is not finite. It is not stored.");
                    continue;
                }
                if (counter)
                    taken.Add((series.Id, at));
                batch.Observations.Add(new Observation(series, new Sample(from, at, value)));
            }
        }
        // A counter is zero where it starts: so a reset shows as a fall even where the first value after it is above the last before.
        foreach (var (series, at) in marks)
        {
            var mark = taken.Contains((series.Id, at)) ? at.AddTicks(10) : at;
            if (window.Contains(mark))
                batch.Observations.Add(new Observation(series, Sample.At(mark, 0)));
        }
        batch.MayRepeat = true;
    }

    private IAsyncEnumerable<JsonElement> PagesAsync(
        Descriptor descriptor,
        DateTime start,
        DateTime end,
        string? aligner,
        CancellationToken cancellationToken,
        ObservationBatch? batch = null
    )
    {
        var filter = $"metric.type=\"{descriptor.Type}\"";
        if (descriptor.PlaceLabel is { } label)
            filter += $" AND resource.labels.{label}=starts_with(\"{settings.Google!.Region}\")";
        return EveryPageAsync(
            token => monitoring.ListTimeSeriesAsync(filter, start, end, aligner, token, cancellationToken),
            $"timeSeries of {descriptor.Type}",
            batch
        );
    }

    private static async IAsyncEnumerable<JsonElement> EveryPageAsync(
        Func<string?, Task<JsonDocument>> list,
        string what,
        ObservationBatch? batch = null
    )
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? token = null;
        do
        {
            using var document = await list(token);
            if (Array(document.RootElement, "executionErrors").FirstOrDefault() is { ValueKind: JsonValueKind.Object } error)
            {
                var because = $"The {what} are incomplete: \"{Shown(RestMonitoring.Text(error, "message"))}\". They are read again.";
                if (batch is not null)
                    batch.PartialBecause ??= because;
                else
                    throw new SourceException(SourceErrorCode.ServerError, because);
            }
            yield return document.RootElement;
            token = RestMonitoring.Text(document.RootElement, "nextPageToken");
            if (token.Length > 0 && (!seen.Add(token) || seen.Count >= MostPages))
                throw new SourceException(
                    SourceErrorCode.NotMetrics,
                    $"The {what} come without end: the server gave "
                        + $"{(seen.Count >= MostPages ? $"more than {MostPages} pages" : "the same page token twice")}. Check Endpoint."
                );
        } while (token.Length > 0);
    }

    private IEnumerable<(Series Series, JsonElement Element)> SeriesOf(JsonElement page, Descriptor descriptor, ObservationBatch batch)
    {
        foreach (var element in Array(page, "timeSeries"))
        {
            labels.Clear();
            var metric = element.TryGetProperty("metric", out var some) ? some : default;
            var resource = element.TryGetProperty("resource", out some) ? some : default;
            Add(resource);
            Add(metric);
            if (!Here())
                continue;
            if (
                element.TryGetProperty("metadata", out var metadata)
                && metadata.ValueKind == JsonValueKind.Object
                && metadata.TryGetProperty("systemLabels", out var system)
                && RestMonitoring.Text(system, "machine_type") is { Length: > 0 } machine
                && !labels.Exists(pair => pair.Key == "machine_type")
            )
                labels.Add(new("machine_type", machine));
            if (pool.Intern("gcp-monitoring", descriptor.Type, labels, batch) is not { } pooled)
                continue;
            pooled.LastRead = pool.Read;
            // Only what the catalogue maps: a label's value may decide, such as the class of a response.
            if (catalogue.Find(pooled.Series, describedAt!.Value) is not null)
                yield return (pooled.Series, element);
        }
    }

    /// <summary>Adds the labels of the metric or its resource; a label of the metric wins over the resource's of the same name.</summary>
    private void Add(JsonElement holder)
    {
        if (
            holder.ValueKind != JsonValueKind.Object
            || !holder.TryGetProperty("labels", out var named)
            || named.ValueKind != JsonValueKind.Object
        )
            return;
        foreach (var label in named.EnumerateObject())
        {
            if (label.Value.ValueKind != JsonValueKind.String)
                continue;
            labels.RemoveAll(pair => pair.Key == label.Name);
            labels.Add(new(label.Name, label.Value.GetString()!));
        }
    }

    /// <summary>Whether the series stands in the source's region: its place is the region or a zone of it. What names no place is
    /// everywhere.</summary>
    private bool Here()
    {
        var region = settings.Google!.Region!;
        foreach (var name in PlaceLabels)
        foreach (var (label, place) in labels)
            if (label == name)
                return place == region
                    || place.Length == region.Length + 2
                        && place.StartsWith(region, StringComparison.Ordinal)
                        && place[region.Length] == '-';
        return region == "global";
    }

    private static (DateTime Start, DateTime End, double Value)? PointOf(JsonElement point)
    {
        if (
            point.ValueKind != JsonValueKind.Object
            || !point.TryGetProperty("interval", out var interval)
            || !point.TryGetProperty("value", out var value)
        )
            return null;
        if (Instant(RestMonitoring.Text(interval, "endTime")) is not { } end || NumberOf(value) is not { } number)
            return null;
        var start = Instant(RestMonitoring.Text(interval, "startTime")) ?? end;
        // An interval is closed where it was written: the next one begins a millisecond later, and nothing lies between them.
        if (
            start < end
            && start.Ticks % TimeSpan.TicksPerSecond == TimeSpan.TicksPerMillisecond
            && end.Ticks % TimeSpan.TicksPerSecond == 0
        )
            start = start.AddMilliseconds(-1);
        return (start, end, number);
    }

    private static double? NumberOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return null;
        if (value.TryGetProperty("distributionValue", out var distribution))
            return
                distribution.ValueKind == JsonValueKind.Object
                && distribution.TryGetProperty("count", out var count)
                && Number(count) is { } n
                ? n == 0
                    ? 0
                    : distribution.TryGetProperty("mean", out var mean)
                        ? n * Number(mean)
                        : null
                : null;
        return value.TryGetProperty("doubleValue", out var real) ? Number(real)
            : value.TryGetProperty("int64Value", out var whole) ? Number(whole)
            : null;
    }

    private static double? Number(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Number => element.GetDouble(),
            JsonValueKind.String when element.GetString() is "Infinity" => double.PositiveInfinity,
            JsonValueKind.String when element.GetString() is "-Infinity" => double.NegativeInfinity,
            JsonValueKind.String when NumberText.TryParse(Encoding.UTF8.GetBytes(element.GetString()!), out var number) => number,
            _ => null,
        };

    private static DateTime? Instant(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.AddTicks(-(time.UtcDateTime.Ticks % 10))
            : null;

    private static TimeSpan Seconds(string text) =>
        text.EndsWith('s')
        && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
        && seconds < 86_400
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.Zero;

    private static JsonElement.ArrayEnumerator Array(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : default;

    private static string Common(List<string> names)
    {
        var length = names.Min(name => name.Length);
        for (var i = 0; i < length; i++)
            if (names.Exists(name => name[i] != names[0][i]))
                length = i;
        return names[0][..length];
    }
}
