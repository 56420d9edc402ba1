using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Metrics.Emulators.Prometheus;

/// <summary>A server that answers as Prometheus does, from signals whose values are known, and falls short of it by seed. Each source has a
/// folder of its own: <c>/rack-1/api/v1/...</c>.</summary>
/// <remarks>It is written from Prometheus's documentation and shares nothing with the reader. Ranges are left-open, as since Prometheus
/// 3.</remarks>
public sealed partial class PrometheusEmulator : IAsyncDisposable
{
    /// <summary>Time between two scrapes.</summary>
    public static readonly TimeSpan Scrape = TimeSpan.FromSeconds(15);

    private readonly Func<DateTime> now;
    private readonly Faults faults;
    private EmulatedServer server = null!;
    private long requests,
        end = DateTime.MaxValue.Ticks;

    private PrometheusEmulator(IReadOnlyList<Signal> signals, DateTime start, Faults faults, Func<DateTime> now) =>
        (Signals, Start, this.faults, this.now) = (signals, start, faults, now);

    /// <summary>What it tells: the label <c>source</c> names the folder and is not told.</summary>
    public IReadOnlyList<Signal> Signals { get; }

    /// <summary>The first instant that has a sample, at the earliest.</summary>
    public DateTime Start { get; }

    /// <summary>From here on there is none.</summary>
    public DateTime End
    {
        get => new(Volatile.Read(ref end), DateTimeKind.Utc);
        set => Volatile.Write(ref end, value.Ticks);
    }

    /// <summary>Longest pause before an answer.</summary>
    public TimeSpan Slowness { get; init; }

    /// <summary>How many series of one name the server claims to have: more make more queries.</summary>
    public int Claimed { get; init; } = 100;

    /// <summary>Asked at each query of samples, with its number from 1: what it throws or does befalls the answer.</summary>
    public Func<int, HttpContext, Task<bool>>? AtPage { get; set; }

    /// <summary>Where it answers; a source's <c>Endpoint</c> is this and the source's folder.</summary>
    public Uri Address => server.Address;

    private int pages;

    /// <summary>Counts the queries of samples from 1 again.</summary>
    public void CountPagesAgain() => Interlocked.Exchange(ref pages, 0);

    /// <summary>Queries of samples so far.</summary>
    public int Pages => Volatile.Read(ref pages);

    /// <summary>Starts it on loopback.</summary>
    public static async Task<PrometheusEmulator> StartAsync(
        IReadOnlyList<Signal> signals,
        DateTime start,
        Faults faults,
        Func<DateTime> now,
        TimeSpan slowness = default,
        int claimed = 100,
        ListenAddresses? at = null
    )
    {
        var served = new PrometheusEmulator(signals, start, faults, now) { Slowness = slowness, Claimed = claimed };
        served.server = await EmulatedServer.StartAsync(
            app =>
            {
                app.MapGet("/{source}/api/v1/label/__name__/values", (string source, HttpContext context) =>
                    served.AnswerAsync(context, served.Names(source))
                );
                app.MapPost("/{source}/api/v1/query", async (string source, HttpContext context) =>
                {
                    var form = await context.Request.ReadFormAsync();
                    await served.QueryAsync(context, source, form["query"]!, decimal.Parse(form["time"]!, CultureInfo.InvariantCulture));
                });
            },
            at,
            time: now
        );
        return served;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => server.DisposeAsync();

    /// <summary>Instants at which the signal was scraped, from start to end: every 15 seconds, each signal at seconds of its own.</summary>
    public IEnumerable<DateTime> Instants(Signal signal, DateTime from, DateTime to)
    {
        var offset = TimeSpan.FromSeconds(Offset(signal));
        if (from < Start)
            from = Start;
        if (to > End)
            to = End;
        var at = new DateTime((from - offset).Ticks / Scrape.Ticks * Scrape.Ticks, DateTimeKind.Utc) + offset;
        if (at < from)
            at += Scrape;
        for (; at < to; at += Scrape)
            yield return at;
    }

    private IEnumerable<Signal> Of(string source) => Signals.Where(signal => signal.Labels["source"] == source);

    private int Offset(Signal signal) => (int)(faults.Chance("offset", signal.Key, 0) * Scrape.TotalSeconds);

    private static Func<bool, string> Always(string text) => _ => text;

    private Func<bool, string> Names(string source) =>
        Always(
            $$"""{"status":"success","data":[{{string.Join(',', Of(source).Select(signal => $"\"{signal.Metric}\"").Distinct())}},"up"]}"""
        );

    private async Task QueryAsync(HttpContext context, string source, string query, decimal time)
    {
        if (query.StartsWith("count by", StringComparison.Ordinal))
        {
            var counts = Of(source)
                .Select(signal => signal.Metric)
                .Distinct()
                .Select(name => $$"""{"metric":{"__name__":"{{name}}"},"value":[{{time}},"{{Claimed}}"]}""");
            await AnswerAsync(
                context,
                Always($$$"""{"status":"success","data":{"resultType":"vector","result":[{{{string.Join(',', counts)}}}]}}""")
            );
            return;
        }
        var page = Interlocked.Increment(ref pages);
        if (AtPage is { } befalls && await befalls(page, context))
            return;
        var asked = RangeSelector().Match(query);
        if (!asked.Success)
            throw new InvalidOperationException($"This server does not understand: {query}");
        var names = new Regex($"^(?:{asked.Groups[1].Value.Replace("\\\\", "\\", StringComparison.Ordinal)})$");
        var last = At(time);
        // Left-open: an instant exactly at the range's start is not in it.
        var first = last.AddMilliseconds(-long.Parse(asked.Groups[2].Value, CultureInfo.InvariantCulture)).AddTicks(1);
        await AnswerAsync(context, partial =>
            Matrix(
                [.. Of(source).Where(signal => names.IsMatch(signal.Metric)).Where((_, index) => !partial || index % 2 == 0)],
                first,
                last,
                partial
            )
        );
    }

    private string Matrix(List<Signal> signals, DateTime first, DateTime last, bool partial)
    {
        var text = new StringBuilder("""{"status":"success",""")
            .Append(partial ? """ "warnings":["a store did not answer"],""" : "")
            .Append(
                """
                "data":{"resultType":"matrix","result":[
                """
            );
        var shown = now();
        var any = false;
        foreach (var signal in signals)
        {
            var values = new StringBuilder();
            var scraped = signal with { Minute = before => signal.Minute(before.AddMinutes(1)) };
            foreach (var at in Instants(signal, first, last.AddTicks(1)))
            {
                // What is decided for a minute is decided here for an instant, which can be read as soon as it was scraped.
                if (faults.Shown(scraped, at.AddMinutes(-1), shown) is not { } value)
                    continue;
                var point = string.Create(
                    CultureInfo.InvariantCulture,
                    $"[{(at - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond / 1000m:0.###},\"{value:R}\"]"
                );
                values.Append(values.Length == 0 ? "" : ",").Append(point);
                if (faults.LateShare > 0 && faults.Chance("twice", signal.Key, at.Ticks) < 0.03)
                    values.Append(',').Append(point);
            }
            if (values.Length == 0)
                continue;
            var labels = string.Join(
                ',',
                signal.Labels.Where(label => label.Key != "source").Select(label => $"\"{label.Key}\":\"{label.Value}\"")
            );
            text.Append(any ? "," : "")
                .Append(CultureInfo.InvariantCulture, $$"""{"metric":{"__name__":"{{signal.Metric}}",{{labels}}},"values":[{{values}}]}""");
            any = true;
        }
        return text.Append("]}}").ToString();
    }

    private async Task AnswerAsync(HttpContext context, Func<bool, string> text)
    {
        var request = Interlocked.Increment(ref requests);
        if (Slowness > TimeSpan.Zero)
            await Task.Delay(Slowness * faults.Chance("slow", "", request));
        var fault = faults.Of(request);
        context.Response.ContentType = "application/json";
        if (fault == RequestFault.Throttled)
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "20";
            return;
        }
        if (fault == RequestFault.Broken)
        {
            context.Response.StatusCode = 503;
            return;
        }
        var body = text(fault == RequestFault.Partial);
        if (fault == RequestFault.Cut)
            await EmulatedServer.Cut(cut => cut.Response.WriteAsync(body))(context);
        else
            await context.Response.WriteAsync(body);
    }

    private static DateTime At(decimal seconds) => DateTime.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));

    [GeneratedRegex("""^\{__name__=~"([^"]*)"\}\[(\d+)ms\]$""")]
    private static partial Regex RangeSelector();
}
