using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers.Aws;

/// <summary>One account and region of Amazon CloudWatch.</summary>
/// <remarks>
/// Which metrics there are is listed and kept for a while; only sets of dimensions that the catalogue maps are asked for. Period and
/// statistic are part of a series: what can be had in minutes now and in five minutes later is two series, and never added.
/// </remarks>
internal sealed class AwsSource(CloudWatchSettings settings, MetricCatalogue catalogue, ICloudWatch cloudWatch)
    : ITelemetrySource,
        ICoarseStatistics,
        IDisposable
{
    private const string Provider = "aws-cloudwatch";

    /// <summary>Most queries of one call, and most points of one page.</summary>
    private const int MostQueries = 500,
        MostPoints = 100_800;

    /// <summary>More pages than any answer has.</summary>
    private const int MostPages = 10_000;

    /// <summary>A batch whose token died, and series that met an error inside Amazon, are asked for so often.</summary>
    private const int Attempts = 3;

    /// <summary>New metrics take up to fifteen minutes to be listed; more often is of no use.</summary>
    private static readonly TimeSpan ListKept = TimeSpan.FromMinutes(10);

    /// <summary>Minutes are kept for 15 days and five minutes for 63; asked for a finer period CloudWatch answers with nothing and says
    /// nothing. An hour less, for what a request takes.</summary>
    private static readonly TimeSpan MinutesKept = TimeSpan.FromDays(15) - TimeSpan.FromHours(1),
        FiveMinutesKept = TimeSpan.FromDays(63) - TimeSpan.FromHours(1);

    private readonly SeriesPool pool = new(settings.Id, settings.MaxSeries);
    private readonly ILookup<string, string> wanted = catalogue
        .MetricsOf(Provider)
        .ToLookup(metric => metric[..metric.LastIndexOf('/')], metric => metric[(metric.LastIndexOf('/') + 1)..], StringComparer.Ordinal);
    private List<(ListedMetric Metric, List<KeyValuePair<string, string>> Labels, Statistic Statistic)> listed = [];
    private DateTime? listedAt;

    public FarClock? FarClock => cloudWatch.FarClock;

    public Cadence Cadence { get; } =
        new(
            settings.Settle ?? TimeSpan.FromMinutes(10),
            settings.Overlap ?? TimeSpan.FromHours(3),
            settings.Lookback ?? TimeSpan.FromHours(3),
            TimeSpan.FromHours(6)
        )
        {
            // Amazon charges for each metric that is asked for, and not for its points.
            Every = settings.Every ?? TimeSpan.FromMinutes(5),
            Align = TimeSpan.FromMinutes(5),
            Reread = TimeSpan.FromHours(72),
            Keeps = TimeSpan.FromDays(455),
        };

    public void Dispose()
    {
        pool.Dispose();
        cloudWatch.Dispose();
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        await ListAsync(request.Now, cancellationToken);
        var batch = new ObservationBatch(settings.Id);
        var queryBatches = QueryBatches(Plan(request.Window, request.Now, batch));
        for (var i = 0; i < queryBatches.Count; i++)
        {
            var queryBatch = new QueryBatch(settings.Id, request.Window, queryBatches[i], batch);
            await ReadBatchAsync(queryBatch, cancellationToken);
            foreach (var page in batch.Pages())
                yield return page;
            if (queryBatch.Unread.Count > 0)
                yield return new Page([]) { Unread = queryBatch.Unread };
            batch = new ObservationBatch(settings.Id);
        }
        pool.ReportLeftOut(batch);
        foreach (var page in batch.Pages())
            yield return page;
    }

    /// <summary>The same statistic over an hour. A mean of means is the hour's mean only where every minute had as many samples, so a
    /// little is allowed for.</summary>
    public async IAsyncEnumerable<CoarseStatistic> CoarseAsync(
        Interval hours,
        DateTime now,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        await ListAsync(now, cancellationToken);
        var wantedSeries = Plan(hours, now, new ObservationBatch(settings.Id));
        foreach (var part in QueryBatches([.. wantedSeries.Select(one => one with { Query = one.Query with { Period = 3600 } })]))
        {
            var batch = new ObservationBatch(settings.Id);
            var queryBatch = new QueryBatch(settings.Id, hours, part, batch);
            await ReadBatchAsync(queryBatch, cancellationToken);
            foreach (var (series, sample) in batch.Observations)
                yield return series.Statistic == Statistic.Sum
                    ? new CoarseStatistic(series, sample.Start, sample.Value, null, null, 1e-9)
                    : new CoarseStatistic(series, sample.Start, null, sample.Value, null, 0.02);
        }
    }

    /// <summary>Seconds of the period in which a metric is asked for: what the age of the window's start allows, and no finer than the
    /// metric is written.</summary>
    internal static int Period(string @namespace, TimeSpan age)
    {
        // Without detailed monitoring EC2 writes every five minutes; asked for minutes it tells one in five of them.
        var finest = @namespace == "AWS/EC2" ? 300 : 60;
        return age < MinutesKept ? finest
            : age < FiveMinutesKept ? 300
            : 3600;
    }

    private async Task ListAsync(DateTime now, CancellationToken cancellationToken)
    {
        if (listedAt is { } at && now - at < ListKept && now >= at)
            return;
        var found = new List<(ListedMetric Metric, List<KeyValuePair<string, string>> Labels, Statistic Statistic)>();
        var all = new List<ListedMetric>();
        foreach (var space in wanted)
        {
            var names = space.ToHashSet(StringComparer.Ordinal);
            var tokens = new HashSet<string>(StringComparer.Ordinal);
            string? token = null;
            do
            {
                IReadOnlyList<ListedMetric> metrics;
                try
                {
                    (metrics, token) = await cloudWatch.ListMetricsAsync(space.Key, token, cancellationToken);
                }
                catch (InvalidQueryException exception)
                {
                    throw new SourceException(SourceErrorCode.Refused, $"{exception.Message}. Check Aws:Region and Endpoint.", exception);
                }
                catch (InvalidTokenException exception)
                {
                    throw new SourceException(
                        SourceErrorCode.ServerError,
                        "ListMetrics does not accept its own page token any more. It is read again later.",
                        exception
                    );
                }
                all.AddRange(metrics.Where(metric => names.Contains(metric.Name)));
                if (token is not null && (!tokens.Add(token) || tokens.Count > MostPages))
                    throw Endless("ListMetrics", tokens.Count);
            } while (token is not null);
        }
        // What one set of dimensions tells of an instance holds for the others that name it.
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var metric in all)
            if (Value(metric, "InstanceId") is { } instance && Value(metric, "InstanceType") is { } type)
                types[instance] = type;
        foreach (var metric in all)
        {
            var labels = metric.Dimensions.ToList();
            if (
                Value(metric, "InstanceId") is { } instance
                && Value(metric, "InstanceType") is null
                && types.TryGetValue(instance, out var type)
            )
                labels.Add(new("InstanceType", type));
            for (var i = 0; i < labels.Count; i++)
                if (labels[i].Key == "InstanceType" && labels[i].Value.StartsWith("ml.", StringComparison.Ordinal))
                    labels[i] = new("InstanceType", labels[i].Value[3..]);
            if (labels.DistinctBy(label => label.Key).Count() != labels.Count)
                continue;
            if (
                catalogue.Find(new Series(settings.Id, Provider, $"{metric.Namespace}/{metric.Name}", Labels.Of(labels)), now)
                is not { } mapping
            )
                continue;
            found.Add((metric, labels, mapping.Statistic ?? (mapping.Kind == SampleKind.Delta ? Statistic.Sum : Statistic.Average)));
        }
        listed = found;
        listedAt = now;
    }

    /// <summary>Every series with its query, in the period that the window's age allows.</summary>
    private List<RequestedSeries> Plan(Interval window, DateTime now, ObservationBatch batch)
    {
        var wantedSeries = new List<RequestedSeries>(listed.Count);
        foreach (var (metric, labels, statistic) in listed)
        {
            var period = Period(metric.Namespace, now - window.Start);
            var all = metric.Account is { } account ? [.. labels, new("AccountId", account)] : labels;
            if (
                pool.Intern(
                    Provider,
                    $"{metric.Namespace}/{metric.Name}",
                    all,
                    batch,
                    statistic: statistic,
                    period: TimeSpan.FromSeconds(period)
                )
                is not { } pooled
            )
                continue;
            pooled.LastRead = pool.Read;
            wantedSeries.Add(new(pooled.Series, new(metric, statistic.ToString(), period)));
        }
        return wantedSeries;
    }

    private static List<List<RequestedSeries>> QueryBatches(List<RequestedSeries> wantedSeries) =>
        [.. wantedSeries.GroupBy(one => one.Query.Period).SelectMany(period => period.Chunk(MostQueries)).Select(chunk => chunk.ToList())];

    private async Task ReadBatchAsync(QueryBatch queryBatch, CancellationToken cancellationToken)
    {
        var left = new Stack<List<int>>();
        left.Push([.. Enumerable.Range(0, queryBatch.RequestedSeries.Count)]);
        while (left.TryPop(out var part))
        {
            try
            {
                await ReadPartAsync(queryBatch, part, cancellationToken);
            }
            catch (InvalidQueryException exception)
            {
                if (part.Count == 1)
                    queryBatch.Give(part[0], SourceErrorCode.Refused, $"{exception.Message}. Check the metric's name and dimensions.");
                else
                {
                    // One query that CloudWatch does not accept must not keep five hundred others out: halves are asked for until it stands
                    // alone.
                    left.Push(part[(part.Count / 2)..]);
                    left.Push(part[..(part.Count / 2)]);
                }
            }
        }
    }

    private async Task ReadPartAsync(QueryBatch queryBatch, List<int> part, CancellationToken cancellationToken)
    {
        for (var attempt = 1; part.Count > 0; attempt++)
        {
            var queries = part.ConvertAll(index => queryBatch.RequestedSeries[index].Query);
            var period = queries[0].Period;
            var sink = new PageSink(part.Count, (int)Math.Min(MostPoints, queryBatch.Window.Length.TotalSeconds / period + 2));
            try
            {
                var tokens = new HashSet<string>(StringComparer.Ordinal);
                string? token = null;
                do
                {
                    token = await cloudWatch.GetMetricDataAsync(
                        queries,
                        queryBatch.Window.Start.Floor(TimeSpan.FromSeconds(period)),
                        queryBatch.Window.End.Ceiling(TimeSpan.FromSeconds(period)),
                        token,
                        sink,
                        cancellationToken
                    );
                    if (token is not null && (!tokens.Add(token) || tokens.Count > MostPages))
                        throw Endless("GetMetricData", tokens.Count);
                } while (token is not null);
            }
            catch (InvalidTokenException exception)
            {
                if (attempt >= Attempts)
                    throw new SourceException(
                        SourceErrorCode.ServerError,
                        "GetMetricData does not accept its own page tokens. It is read again later.",
                        exception
                    );
                continue;
            }
            var again = new List<int>();
            for (var i = 0; i < part.Count; i++)
            {
                var result = sink[i];
                if (result.Status == "InternalError" && attempt < Attempts)
                    again.Add(part[i]);
                else if (result.Status == "InternalError")
                    queryBatch.Give(
                        part[i],
                        SourceErrorCode.ServerError,
                        "CloudWatch met an error of its own (InternalError); it is asked for again."
                    );
                else if (result.Status == "Forbidden")
                    queryBatch.Give(
                        part[i],
                        SourceErrorCode.Unauthorised,
                        "CloudWatch does not let these credentials read it (Forbidden): allow `cloudwatch:GetMetricData`, in the "
                            + "account that owns it too."
                    );
                else if (result.MixedUnits is { } mixed)
                    queryBatch.RejectUnits(part[i], mixed);
                else if (result.Status is "Complete" or "PartialData")
                    queryBatch.Keep(part[i], result, complete: result.Status == "Complete");
                else
                    queryBatch.Give(
                        part[i],
                        SourceErrorCode.Refused,
                        $"CloudWatch answered with the status '{Redaction.Excerpt(Encoding.UTF8.GetBytes(result.Status ?? "none"))}'."
                    );
            }
            if (sink.Remarked is { } remark)
                queryBatch.Partial(remark);
            part = again;
        }
    }

    private static SourceException Endless(string operation, int pages) =>
        new(
            SourceErrorCode.NotMetrics,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{operation} comes without end: "
                    + $"{(pages > MostPages ? $"more than {MostPages} pages came" : "the same page token came twice")}. Check Endpoint."
            )
        );

    private static string? Value(ListedMetric metric, string dimension)
    {
        foreach (var (name, value) in metric.Dimensions)
            if (name == dimension)
                return value;
        return null;
    }

    private sealed record RequestedSeries(Series Series, MetricQuery Query);

    /// <summary>What the pages of a batch bring of one query, appended by its id.</summary>
    private sealed class Result
    {
        public List<double> Times { get; } = [];
        public List<double> Values { get; } = [];
        public string? Status { get; set; }
        public string? MixedUnits { get; set; }
    }

    private sealed class PageSink : IMetricDataSink
    {
        private readonly Result[] results;

        public PageSink(int queries, int points)
        {
            results = new Result[queries];
            for (var i = 0; i < queries; i++)
            {
                results[i] = new Result();
                results[i].Times.EnsureCapacity(points);
                results[i].Values.EnsureCapacity(points);
            }
        }

        public Result this[int query] => results[query];

        public string? Remarked { get; private set; }

        public void Take(int query, ReadOnlySpan<double> times, ReadOnlySpan<double> values, string status, string? mixedUnits)
        {
            var result = results[query];
            result.Times.AddRange(times);
            result.Values.AddRange(values);
            result.Status = status;
            result.MixedUnits ??= mixedUnits;
        }

        public void Remark(string code, string message) => Remarked ??= $"{code}: {message}";
    }

    /// <summary>A batch of series and what becomes of them.</summary>
    private sealed class QueryBatch(string source, Interval window, List<RequestedSeries> wantedSeries, ObservationBatch batch)
    {
        public Interval Window => window;

        public List<RequestedSeries> RequestedSeries => wantedSeries;

        public List<UnreadSeries> Unread { get; } = [];

        public void Give(int index, SourceErrorCode code, string message) =>
            Unread.Add(new(wantedSeries[index].Series.ToString(), code, message));

        public void Partial(string because) =>
            batch.PartialBecause ??= $"CloudWatch says of its answer to {source}: {Redaction.Excerpt(Encoding.UTF8.GetBytes(because))}";

        public void RejectUnits(int index, string message) =>
            batch.Reject(
                wantedSeries[index].Series.ToString(),
                null,
                RejectionReason.UnitDrift,
                $"The metric is written in several units, which CloudWatch does not convert "
                    + $"({Redaction.Excerpt(Encoding.UTF8.GetBytes(message))}); nothing of it is stored. Let its writers agree on one."
            );

        public void Keep(int index, Result result, bool complete)
        {
            var (series, query) = wantedSeries[index];
            if (!complete)
                batch.PartialBecause ??= $"CloudWatch says that its values of {series} are not all there (PartialData)";
            var length = query.Period * TimeSpan.TicksPerSecond;
            var before = double.NegativeInfinity;
            for (var i = 0; i < result.Times.Count; i++)
            {
                var (time, value) = (result.Times[i], result.Values[i]);
                if (!(time is > 0 and < 4_102_444_800))
                {
                    batch.Reject(
                        series.ToString(),
                        null,
                        RejectionReason.ImplausibleTimestamp,
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"The time {time:R} lies outside the years 1970 to 2099; the value is left out."
                        )
                    );
                    continue;
                }
                if (time <= before)
                    batch.MayRepeat = true;
                before = time;
                var start = DateTime.UnixEpoch.AddTicks((long)(time * 1e6) * 10);
                var end = start.AddTicks(length);
                if (start < window.Start || end > window.End)
                    continue;
                batch.Observations.Add(new(series, new(start, end, value)));
            }
        }
    }
}
