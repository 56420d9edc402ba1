using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>Reads a matrix (<c>{"status":"success","data":{"resultType":"matrix","result":[...]}}</c>) as it comes: memory holds the
/// samples and a piece of the text, never the whole of it.</summary>
/// <param name="body">The text.</param>
/// <param name="place">Address without secrets, for messages.</param>
/// <param name="source">Id of the source.</param>
/// <param name="window">Samples outside are dropped: servers differ in which ends of a range they close.</param>
/// <param name="wanted">Metrics that count.</param>
/// <param name="pool">Series of the source.</param>
internal sealed class MatrixReader(Stream body, string place, string source, Interval window, WantedMetrics wanted, SeriesPool pool)
{
    public const int MaxDepth = 32;
    private const int LongestToken = 1024 * 1024;
    private const int MostSamples = 2_000_000;

    /// <summary>NaN in a row that are still the mark of a series that ended.</summary>
    private const int MostMarks = 2;

    private readonly ObservationBatch batch = new(source);
    private readonly Node[] containers = new Node[MaxDepth + 2];
    private readonly List<KeyValuePair<string, string>> labels = [];
    private readonly List<(DateTime At, double Value)> points = [];
    private readonly List<(DateTime At, double Count, double Sum)> histograms = [];
    private readonly HashSet<PooledSeries> seen = [];
    private int depth;
    private Node next;
    private string status = "",
        type = "",
        error = "",
        errorType = "",
        label = "",
        metric = "";
    private string? malformed;
    private bool hasResult;
    private int index;
    private DateTime? at;
    private double? value,
        count,
        sum;
    private long dropped;

    /// <summary>What a container, or the value after a property's name, is.</summary>
    private enum Node
    {
        Other,
        Root,
        Status,
        Error,
        ErrorType,
        Warnings,
        Partial,
        Data,
        ResultType,
        Result,
        Entry,
        Metric,
        Label,
        Values,
        Point,
        Histograms,
        Histogram,
        Buckets,
        Count,
        Sum,
    }

    /// <summary>What a server said, without secrets and on one line.</summary>
    public static string Quote(string text) => Spelling.Shorten(Redaction.Redact(text.ReplaceLineEndings(" ")).TrimEnd('.', ' '), 300);

    /// <summary>What the server warned of; null: of nothing.</summary>
    public string? Warning { get; private set; }

    public static string Warned(string warning) => $"The server warned that its answer may be incomplete: {Quote(warning)}";

    /// <exception cref="SourceException">The answer is cut, is something else, or reports an error.</exception>
    /// <exception cref="QueryTooLargeException">A smaller query is needed.</exception>
    public async Task<ObservationBatch> ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            var state = new JsonReaderState(new JsonReaderOptions { MaxDepth = MaxDepth });
            int held = 0;
            var begun = false;
            while (true)
            {
                var more = await body.ReadAsync(buffer.AsMemory(held), cancellationToken);
                held += more;
                if (!begun)
                {
                    var start = buffer.AsSpan(0, held).TrimStart(" \t\r\n"u8);
                    if (start.IsEmpty && more > 0)
                        continue;
                    if (start.IsEmpty)
                        throw Cut(null);
                    if (start[0] != '{')
                        throw UnexpectedResponse($"\"{Redaction.Excerpt(start)}\"", null);
                    begun = true;
                }
                int used;
                try
                {
                    used = Consume(buffer.AsSpan(0, held), more == 0, ref state);
                }
                catch (JsonException broken)
                {
                    throw more == 0 ? Cut(broken) : UnexpectedResponse("broken JSON", broken);
                }
                buffer.AsSpan(used, held - used).CopyTo(buffer);
                held -= used;
                if (more == 0)
                    return Finish();
                if (held < buffer.Length)
                    continue;
                if (held >= LongestToken)
                    throw UnexpectedResponse("a text longer than any label", null);
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, held).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private SourceException Cut(Exception? inner) =>
        new(
            SourceErrorCode.Truncated,
            $"POST {place} broke off before the end of its answer; nothing of it is stored. It is read again.",
            inner
        );

    private SourceException UnexpectedResponse(string instead, Exception? inner) =>
        new(
            SourceErrorCode.NotMetrics,
            $"POST {place} did not answer as a Prometheus server but with {instead}. Check Endpoint and whether a login or proxy "
                + $"page stands before it.",
            inner
        );

    private ObservationBatch Finish()
    {
        if (status == "error")
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, place);
            throw PrometheusSource.Failure(request, HttpStatusCode.OK, errorType, error);
        }
        if (status != "success" || !hasResult)
            throw UnexpectedResponse("JSON of another shape", null);
        if (type != "matrix")
            throw UnexpectedResponse($"a result of type '{Quote(type)}'", null);
        return batch;
    }

    private int Consume(ReadOnlySpan<byte> text, bool final, ref JsonReaderState state)
    {
        var reader = new Utf8JsonReader(text, final, state);
        while (reader.Read())
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    next = Named(ref reader);
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    containers[++depth] = Opened(reader.TokenType == JsonTokenType.StartObject);
                    next = Node.Other;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    Closed(containers[depth--]);
                    next = Node.Other;
                    break;
                default:
                    OnToken(ref reader);
                    next = Node.Other;
                    break;
            }
        state = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }

    private Node Named(ref Utf8JsonReader reader)
    {
        switch (containers[depth])
        {
            case Node.Root:
                if (reader.ValueTextEquals("status"u8))
                    return Node.Status;
                if (reader.ValueTextEquals("data"u8))
                    return Node.Data;
                if (reader.ValueTextEquals("error"u8))
                    return Node.Error;
                if (reader.ValueTextEquals("errorType"u8))
                    return Node.ErrorType;
                if (reader.ValueTextEquals("warnings"u8))
                    return Node.Warnings;
                return reader.ValueTextEquals("isPartial"u8) ? Node.Partial : Node.Other;
            case Node.Data:
                if (reader.ValueTextEquals("resultType"u8))
                    return Node.ResultType;
                return reader.ValueTextEquals("result"u8) ? Node.Result : Node.Other;
            case Node.Entry:
                if (reader.ValueTextEquals("metric"u8))
                    return Node.Metric;
                if (reader.ValueTextEquals("values"u8))
                    return Node.Values;
                return reader.ValueTextEquals("histograms"u8) ? Node.Histograms : Node.Other;
            case Node.Metric:
                label = Text(ref reader);
                return Node.Label;
            case Node.Buckets:
                if (reader.ValueTextEquals("count"u8))
                    return Node.Count;
                return reader.ValueTextEquals("sum"u8) ? Node.Sum : Node.Other;
            default:
                return Node.Other;
        }
    }

    private Node Opened(bool isObject)
    {
        switch (containers[depth - 1], next)
        {
            case (Node.Other, _) when depth == 1 && isObject:
                return Node.Root;
            case (Node.Root, Node.Data) when isObject:
                return Node.Data;
            case (Node.Root, Node.Warnings) when !isObject:
                return Node.Warnings;
            case (Node.Data, Node.Result) when !isObject:
                // Two results would be two answers to one question.
                if (hasResult)
                    throw UnexpectedResponse("two results", null);
                hasResult = true;
                return Node.Result;
            case (Node.Result, _) when isObject:
                labels.Clear();
                points.Clear();
                histograms.Clear();
                metric = "";
                malformed = null;
                dropped = 0;
                return Node.Entry;
            case (Node.Entry, Node.Metric) when isObject:
                return Node.Metric;
            case (Node.Entry, Node.Values) when !isObject:
                return Node.Values;
            case (Node.Entry, Node.Histograms) when !isObject:
                return Node.Histograms;
            case (Node.Values, _) when !isObject:
                index = 0;
                at = null;
                value = null;
                return Node.Point;
            case (Node.Histograms, _) when !isObject:
                index = 0;
                at = null;
                count = sum = null;
                return Node.Histogram;
            case (Node.Histogram, _) when isObject && index == 1:
                index++;
                return Node.Buckets;
            case (Node.Metric, _):
                malformed = "a label's value is no text";
                return Node.Other;
            case (Node.Point or Node.Histogram, _):
                index++;
                return Node.Other;
            default:
                return Node.Other;
        }
    }

    private void Closed(Node node)
    {
        switch (node)
        {
            case Node.Point when at is { } when && value is { } number && index == 2:
                if (window.Contains(when))
                    points.Add((when, number));
                break;
            case Node.Histogram when at is { } when && count is { } counted && sum is { } summed && index == 2:
                if (window.Contains(when))
                    histograms.Add((when, counted, summed));
                break;
            case Node.Point or Node.Histogram:
                dropped++;
                break;
            case Node.Entry:
                Take();
                break;
        }
        if (points.Count + batch.Observations.Count > MostSamples)
            throw PrometheusSource.TooLarge($"POST {place} brought more than {MostSamples} samples in one answer.", TooLargeIn.Span);
    }

    private void OnToken(ref Utf8JsonReader reader)
    {
        switch (containers[depth])
        {
            case Node.Root when next == Node.Status:
                status = Text(ref reader);
                break;
            case Node.Root when next == Node.Error:
                error = Text(ref reader);
                break;
            case Node.Root when next == Node.ErrorType:
                errorType = Text(ref reader);
                break;
            case Node.Root when next == Node.Partial && reader.TokenType == JsonTokenType.True:
                Warning ??= "The server says that its answer is partial.";
                break;
            case Node.Warnings:
                Warning ??= Warned(Text(ref reader));
                break;
            case Node.Data when next == Node.ResultType:
                type = Text(ref reader);
                break;
            case Node.Metric when next == Node.Label:
                if (reader.TokenType != JsonTokenType.String)
                    malformed = "a label's value is no text";
                else if (label == "__name__")
                    metric = Text(ref reader);
                else if (labels.Count <= SeriesPool.MostLabels)
                    labels.Add(new(label, Text(ref reader)));
                break;
            case Node.Point or Node.Histogram:
                if (index == 0 && reader.TokenType == JsonTokenType.Number)
                    at = Instant(reader.ValueSpan);
                else if (index == 1 && containers[depth] == Node.Point)
                    value = Number(ref reader);
                index++;
                break;
            case Node.Buckets when next == Node.Count:
                count = Number(ref reader);
                break;
            case Node.Buckets when next == Node.Sum:
                sum = Number(ref reader);
                break;
        }
    }

    private string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? reader.GetString()! : "";
        }
        catch (InvalidOperationException)
        {
            malformed = "a text is not valid UTF-8";
            return "";
        }
    }

    private static double? Number(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && NumberText.TryParse(reader.ValueSpan, out var number) ? number : null;

    private static DateTime? Instant(ReadOnlySpan<byte> text)
    {
        if (!NumberText.TryParse(text, out var seconds))
            return null;
        // Prometheus keeps milliseconds and writes them as seconds.
        var milliseconds = Math.Round(seconds * 1e3);
        return milliseconds is > -62_135_596_800e3 and < 253_402_300_800e3
            ? DateTime.UnixEpoch.AddTicks((long)milliseconds * TimeSpan.TicksPerMillisecond)
            : null;
    }

    private void Take()
    {
        var (sumMetric, countMetric) = wanted.OfHistogram(metric);
        var has = wanted.Has(metric);
        if (!has && sumMetric is null && countMetric is null)
            return;
        if (malformed is not null)
        {
            batch.Reject(
                Quote(metric),
                null,
                RejectionReason.Malformed,
                $"A series of the answer cannot be read: {malformed}. Mend its exporter; the other series are read."
            );
            return;
        }
        if (dropped > 0)
            batch.Reject(
                Quote(metric),
                null,
                RejectionReason.Malformed,
                string.Create(CultureInfo.InvariantCulture, $"{dropped} points of a series are not a time and a number; they are left out.")
            );
        if (has && points.Count > 0)
            Take(metric, points);
        if (histograms.Count == 0)
            return;
        if (sumMetric is not null)
            Take(sumMetric, histograms.ConvertAll(static point => (point.At, point.Sum)));
        if (countMetric is not null)
            Take(countMetric, histograms.ConvertAll(static point => (point.At, point.Count)));
        if (has)
            batch.Reject(
                Series(metric),
                null,
                RejectionReason.UnitDrift,
                $"The catalogue knows the metric as a number, here it is a native histogram; {histograms.Count} samples are left "
                    + $"out. Map its _sum or _count instead."
            );
    }

    private void Take(string name, List<(DateTime At, double Value)> samples)
    {
        if (pool.Intern("prometheus", name, labels, batch) is not { } series)
            return;
        series.LastRead = pool.Read;
        if (!seen.Add(series))
            batch.MayRepeat = true;
        var before = DateTime.MinValue;
        for (var i = 0; i < samples.Count; i++)
        {
            var (when, number) = samples[i];
            if (double.IsNaN(number) && MarksFrom(samples, i) is var marks and > 0)
            {
                i += marks - 1;
                continue;
            }
            if (when <= before)
                batch.MayRepeat = true;
            before = when;
            if (double.IsFinite(number))
                batch.Observations.Add(new Observation(series.Series, Sample.At(when, number)));
            else
                batch.Reject(
                    series.Series.ToString(),
                    when,
                    RejectionReason.NotFinite,
                    string.Create(CultureInfo.InvariantCulture, $"The value {number:R} is not a finite number; it is left out.")
                );
        }
    }

    /// <summary>How many NaN from here on are the mark of a series that ended; 0: they belong to a meter that has no value.</summary>
    /// <remarks>The protocol has one text for both. The mark is written once, when the series is away; twice where two servers scrape for
    /// one store. A meter without a value says so at every scrape, also before and after the one looked at.</remarks>
    private static int MarksFrom(List<(DateTime At, double Value)> samples, int first)
    {
        if (first > 0 && double.IsNaN(samples[first - 1].Value))
            return 0;
        var end = first;
        while (end < samples.Count && double.IsNaN(samples[end].Value))
            end++;
        return end - first <= MostMarks ? end - first : 0;
    }

    private string Series(string name)
    {
        try
        {
            return name + Labels.Of(labels);
        }
        catch (FormatException)
        {
            return name;
        }
    }
}
