using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Metrics.Api.Commands;

/// <summary>How progress is shown.</summary>
internal enum ProgressStyle
{
    /// <summary>One line that is drawn again, on a terminal.</summary>
    Bar,

    /// <summary>A line now and then.</summary>
    Plain,

    /// <summary>The same, each a JSON object.</summary>
    Json,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>How far long work is: the one way in which all commands show it, on standard error.</summary>
internal sealed class Progress : IDisposable
{
    private const int BarWidth = 30;

    /// <summary>A bar is not drawn oftener than this, nor a line printed.</summary>
    private static readonly TimeSpan BarPause = TimeSpan.FromSeconds(0.25),
        LinePause = TimeSpan.FromSeconds(5);

    private static readonly JsonSerializerOptions Relaxed = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly TextWriter to;
    private readonly ProgressStyle style;
    private readonly TimeProvider clock;
    private string? step,
        lastText;
    private long began,
        shownAt,
        first,
        last = -1;
    private bool drawn;

    /// <summary>Shows progress.</summary>
    /// <param name="style">How.</param>
    /// <param name="to">Where to; null: standard error.</param>
    /// <param name="clock">For the time that is left; null: the system's.</param>
    public Progress(ProgressStyle style, TextWriter? to = null, TimeProvider? clock = null) =>
        (this.style, this.to, this.clock) = (style, to ?? Console.Error, clock ?? TimeProvider.System);

    /// <summary>The option <c>--progress</c>.</summary>
    public static Option<string?> Option() =>
        CommonOptions.Text(
            "--progress",
            "STYLE",
            "auto (a bar on a terminal, else lines), plain (lines), json (a JSON object a line) or none; on standard error",
            "auto",
            "plain",
            "json",
            "none"
        );

    /// <summary>The style of that name; null when there is none.</summary>
    public static ProgressStyle? Parse(string? name) =>
        name switch
        {
            null or "auto" => Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") == "dumb"
                ? ProgressStyle.Plain
                : ProgressStyle.Bar,
            "plain" => ProgressStyle.Plain,
            "json" => ProgressStyle.Json,
            "none" => ProgressStyle.None,
            _ => null,
        };

    /// <summary>What is wrong with the option's value; empty when it can be used.</summary>
    public static IEnumerable<string> Validate(ParseResult parsed, Option<string?> option) =>
        Parse(parsed.TextOf(option)) is null
            ? [$"--progress: '{parsed.TextOf(option)}' is not a style; there are auto, plain, json and none."]
            : [];

    /// <summary>Shows how far a step is.</summary>
    /// <param name="name">The step: a word or two.</param>
    /// <param name="done">What is done.</param>
    /// <param name="total">What there is to do, about.</param>
    /// <param name="unit">What is counted.</param>
    /// <param name="detail">More to say; null: nothing.</param>
    public void Show(string name, long done, long total, string unit, string? detail = null)
    {
        var now = clock.GetTimestamp();
        if (name != step)
        {
            End();
            (step, lastText, began, first, shownAt, last) = (name, null, now, done, now - clock.TimestampFrequency * 3600, -1);
        }
        var isLast = done >= total;
        var pause = style == ProgressStyle.Bar ? BarPause : LinePause;
        if (style == ProgressStyle.None || (isLast ? last == done : clock.GetElapsedTime(shownAt, now) < pause))
            return;
        (shownAt, last) = (now, done);
        var elapsed = clock.GetElapsedTime(began, now);
        // One piece says little of how long the others take.
        TimeSpan? left = done > first + 1 && !isLast ? elapsed / (done - first) * (total - done) : null;
        if (style == ProgressStyle.Json)
        {
            to.WriteLine(
                JsonSerializer.Serialize(
                    new
                    {
                        step,
                        done,
                        total,
                        unit,
                        detail,
                        elapsedSeconds = Math.Round(elapsed.TotalSeconds, 1),
                        remainingSeconds = left is { } rest ? Math.Round(rest.TotalSeconds) : (double?)null,
                    },
                    Relaxed
                )
            );
            return;
        }
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{done:#,0}/{total:#,0} {unit}{(detail is null ? "" : "  " + detail)}{(left is { } eta ? $"  {eta:hh\\:mm\\:ss} left" : "")}"
        );
        if (style == ProgressStyle.Plain)
        {
            if (text != lastText)
                to.WriteLine($"{step}: {text}");
            lastText = text;
            return;
        }
        var full = (int)(BarWidth * Math.Min(1, total == 0 ? 1 : (double)done / total));
        // The cursor waits at the line's start: what is logged meanwhile goes over the bar and not behind it.
        to.Write($"\r{Cut($"{step} [{new string('#', full)}{new string('.', BarWidth - full)}] {text}")}\u001b[K\r");
        drawn = true;
    }

    /// <summary>Says a sentence of the work, on a line of its own.</summary>
    public void Say(string sentence)
    {
        End();
        if (style == ProgressStyle.Json)
            to.WriteLine(JsonSerializer.Serialize(new { message = sentence }, Relaxed));
        else if (style != ProgressStyle.None)
            to.WriteLine(sentence);
    }

    /// <summary>Leaves the line.</summary>
    public void Dispose() => End();

    private void End()
    {
        if (drawn)
            to.WriteLine();
        (drawn, step) = (false, null);
    }

    private static string Cut(string line)
    {
        var width = Console.IsErrorRedirected ? int.MaxValue : Math.Max(20, Console.WindowWidth);
        return line.Length < width ? line : line[..(width - 1)];
    }
}
