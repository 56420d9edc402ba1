namespace Metrics.Emulators;

/// <summary>What is physically true of one model served at four places by eight H100 each, in every minute. What each cloud tells is made
/// from this and from nothing else.</summary>
public static class Truth
{
    /// <summary>Accelerators of a place.</summary>
    public const int Boards = 8;

    /// <summary>Minute 0.</summary>
    public static readonly DateTime Start = new(2026, 2, 3, 10, 0, 0, DateTimeKind.Utc);

    private static readonly Dictionary<(string, int), List<double>> Counters = [];

    /// <summary>Minute that counters are counted from; before it they stand still at zero. To be set before the first is asked
    /// for.</summary>
    public static int CountedFrom { get; set; }

    /// <summary>One place.</summary>
    /// <param name="Source">Name of the source that reads it.</param>
    /// <param name="Name">Provider and region.</param>
    /// <param name="Pue">Facility energy over IT energy, as the operators publish it.</param>
    /// <param name="TokensPerSecond">Output tokens a second at full load.</param>
    /// <param name="IdleWatts">Watts of the host without its boards at rest.</param>
    /// <param name="FullWatts">The same at full load.</param>
    public sealed record Place(string Source, string Name, double Pue, double TokensPerSecond, double IdleWatts, double FullWatts);

    /// <summary>Container Insights at EKS, an online deployment of Azure ML, the Ops Agent at Google, and a rack of one's own.</summary>
    public static readonly IReadOnlyList<Place> Places =
    [
        new("eks", "aws/us-east-1", 1.15, 9_000, 930, 1_160),
        new("azure-ml", "azure/westeurope", 1.16, 11_000, 870, 1_130),
        new("gke", "gcp/europe-west4", 1.07, 12_400, 980, 1_560),
        new("rack", "onprem/dc-1", 1.4, 11_900, 1_100, 2_000),
    ];

    /// <summary>The place that a source reads.</summary>
    public static Place Of(string source) => Places.Single(place => place.Source == source);

    /// <summary>Which minute an instant lies in.</summary>
    public static int MinuteOf(DateTime instant) => (int)Math.Floor((instant - Start).TotalMinutes);

    /// <summary>Share of full load in a minute.</summary>
    public static double Load(string source, int minute) => 0.3 + 0.6 * Math.Abs(Math.Sin((minute + 17.0 * source.Length) / 29));

    /// <summary>Watts of a board, the same for a whole minute.</summary>
    public static double Board(string source, int board, int minute) => 75 + 3 * board + 540 * Math.Pow(Load(source, minute), 0.9);

    /// <summary>Used share of the host's processors, 0 to 1.</summary>
    public static double Processors(string source, int minute) => 0.1 + 0.4 * Load(source, minute);

    /// <summary>Watts of the host without its boards: more than a straight line at low load, as servers draw.</summary>
    public static double Host(string source, int minute)
    {
        var place = Of(source);
        return place.IdleWatts + (place.FullWatts - place.IdleWatts) * Math.Pow(Processors(source, minute), 0.8);
    }

    /// <summary>Output tokens of a minute.</summary>
    public static double Tokens(string source, int minute) => 60 * Of(source).TokensPerSecond * Load(source, minute);

    /// <summary>A counter of a board's joules at the end of a minute, counted from <see cref="CountedFrom"/>.</summary>
    public static double BoardCounter(string source, int board, int minute) =>
        Counter(source, board, minute, at => 60 * Board(source, board, at));

    /// <summary>A counter of output tokens at the end of a minute, counted from <see cref="CountedFrom"/>.</summary>
    public static double TokenCounter(string source, int minute) => Counter(source, -1, minute, at => Tokens(source, at));

    /// <summary>Joules of the boards and of the facility, and tokens, over minutes.</summary>
    /// <param name="source">Name of the place's source.</param>
    /// <param name="from">First minute.</param>
    /// <param name="to">The minute after the last.</param>
    public static (double Accelerator, double Facility, double Tokens) Totals(string source, int from, int to)
    {
        double boards = 0,
            host = 0,
            tokens = 0;
        for (var minute = from; minute < to; minute++)
        {
            for (var board = 0; board < Boards; board++)
                boards += 60 * Board(source, board, minute);
            host += 60 * Host(source, minute);
            tokens += Tokens(source, minute);
        }
        return (boards, (boards + host) * Of(source).Pue, tokens);
    }

    // Sums, kept: a counter is asked for minute after minute.
    private static double Counter(string source, int part, int minute, Func<int, double> of)
    {
        if (minute < CountedFrom)
            return 0;
        lock (Counters)
        {
            if (!Counters.TryGetValue((source, part), out var sums))
                Counters.Add((source, part), sums = []);
            while (sums.Count <= minute - CountedFrom)
                sums.Add((sums.Count == 0 ? 0 : sums[^1]) + of(CountedFrom + sums.Count));
            return sums[minute - CountedFrom];
        }
    }
}
