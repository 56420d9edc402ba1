using Metrics.Domain.Catalogue;

namespace Metrics.Domain.Normalisation;

/// <summary>What one series of work said: its pieces of the grid, and those of them that count where others tell the same work.</summary>
internal sealed class Count(KnownSeries series, int first, int end)
{
    private List<Piece>? kept;
    private Curve? curve;

    public KnownSeries Series => series;

    public int First => first;

    public int End => end;

    public string Unit => series.Mapping.FunctionalUnit!;

    public WorkLayer Layer => series.Mapping.Layer;

    /// <summary>The engine that it speaks of, once the engines of the deployment are told apart.</summary>
    public Engine? Engine { get; set; }

    /// <summary>Whether it only stands in for others where they are silent: what it speaks of is there when they are.</summary>
    public bool IsSubstitute { get; private set; }

    /// <summary>How far it had counted at each of its samples.</summary>
    public Curve Curve => curve ??= Curve.Of(series);

    /// <summary>Time that it tells about, in ticks.</summary>
    public long Ticks(Pieces pieces)
    {
        long ticks = 0;
        foreach (ref readonly var piece in pieces[first..end])
            ticks += piece.Ticks;
        return ticks;
    }

    /// <summary>Units that it counted.</summary>
    public double Units(Pieces pieces)
    {
        double units = 0;
        foreach (ref readonly var piece in pieces[first..end])
            units += piece.Amount;
        return units;
    }

    /// <summary>What counts of it, by time.</summary>
    public ReadOnlySpan<Piece> Counted(Pieces pieces) =>
        kept is null ? pieces[first..end] : System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept);

    /// <summary>Keeps these pieces alone.</summary>
    public void Keep(List<Piece> pieces) => kept = pieces;

    /// <summary>Leaves all of its work to those who tell the same.</summary>
    public void Drop()
    {
        IsSubstitute = true;
        kept = [];
    }

    /// <summary>Marks it as one that is heard only where others are silent.</summary>
    public void StandIn() => IsSubstitute = true;

    /// <summary>Leaves the work of a grid period to those who tell the same.</summary>
    public void Silence(int bin, Pieces pieces)
    {
        kept ??= [.. pieces[first..end]];
        kept.RemoveAll(piece => piece.Bin == bin);
    }

    /// <summary>Of tellings of the same work, in the order of preference, each is heard in the time in which none before it says
    /// anything.</summary>
    /// <param name="ranks">The tellings; those of one rank tell different work.</param>
    /// <param name="pieces">The pieces of the pass.</param>
    /// <param name="byPeriod">Whether in each grid period the rank that tells nearly the most of it comes before the others.</param>
    /// <param name="ofWhole">Whether each rank tells all of the work, so that a later one tells no more of a period than it has beyond the
    /// ones before.</param>
    /// <remarks>Where a later one speaks of more time than is left, it has the share of it.</remarks>
    public static void Prefer(IReadOnlyList<IReadOnlyList<Count>> ranks, Pieces pieces, bool byPeriod, bool ofWhole = false)
    {
        var said = new List<(int Bin, int Rank, int Count, Piece Piece)>();
        var counts = new List<Count>();
        for (var rank = 0; rank < ranks.Count; rank++)
            foreach (var count in ranks[rank])
            {
                foreach (ref readonly var piece in count.Counted(pieces))
                    said.Add((piece.Bin, rank, counts.Count, piece));
                counts.Add(count);
            }
        said.Sort(
            static (a, b) =>
                a.Bin != b.Bin ? a.Bin.CompareTo(b.Bin)
                : a.Rank != b.Rank ? a.Rank.CompareTo(b.Rank)
                : a.Piece.CompareTo(b.Piece)
        );
        var keep = counts.ConvertAll(static _ => new List<Piece>());
        var taken = new Stretches();
        var spoken = new Stretches();
        for (int start = 0, end; start < said.Count; start = end)
        {
            end = start + 1;
            while (end < said.Count && said[end].Bin == said[start].Bin)
                end++;
            taken.Clear();
            double units = 0;
            var leader = byPeriod ? Leader(said, start, end, spoken) : said[start].Rank;
            Take(leader);
            for (var at = start; at < end; )
            {
                var rank = said[at].Rank;
                if (rank != leader)
                    Take(rank);
                while (at < end && said[at].Rank == rank)
                    at++;
            }

            void Take(int rank)
            {
                spoken.Clear();
                double all = 0,
                    left = 0;
                for (var at = start; at < end; at++)
                {
                    var (_, of, _, piece) = said[at];
                    if (of != rank)
                        continue;
                    all += piece.Amount;
                    foreach (var (from, to) in taken.Without(piece.From, piece.To))
                        left += piece.Within(from, to).Amount;
                }
                var beyond = Math.Max(0, all - units);
                var scale = ofWhole && left > beyond ? beyond / left : 1;
                for (var at = start; at < end; at++)
                {
                    var (_, of, count, piece) = said[at];
                    if (of != rank)
                        continue;
                    foreach (var (from, to) in taken.Without(piece.From, piece.To))
                        keep[count].Add(Scaled(piece.Within(from, to), scale));
                    spoken.Add(piece.From, piece.To);
                }
                taken.Add(spoken);
                units += left * scale;
            }
        }
        for (var i = 0; i < counts.Count; i++)
            counts[i].Keep(keep[i]);
    }

    private static Piece Scaled(in Piece piece, double scale) => scale == 1 ? piece : piece with { Amount = piece.Amount * scale };

    /// <summary>The first rank that tells nearly as much of a grid period as the one that tells the most.</summary>
    private static int Leader(List<(int Bin, int Rank, int Count, Piece Piece)> said, int start, int end, Stretches spoken)
    {
        var told = new List<(int Rank, long Ticks)>();
        for (var at = start; at < end; )
        {
            var rank = said[at].Rank;
            spoken.Clear();
            for (; at < end && said[at].Rank == rank; at++)
                spoken.Add(said[at].Piece.From, said[at].Piece.To);
            told.Add((rank, spoken.Ticks));
        }
        var most = told.Max(one => one.Ticks);
        return told.Find(one => one.Ticks * 10 >= most * 9).Rank;
    }
}

/// <summary>Stretches of time that do not touch, in order.</summary>
internal sealed class Stretches
{
    private readonly List<(long From, long To)> items = [];

    public IReadOnlyList<(long From, long To)> Items => items;

    public long Ticks => items.Sum(static one => one.To - one.From);

    public void Clear() => items.Clear();

    public void Add(Stretches others)
    {
        foreach (var (from, to) in others.items)
            Add(from, to);
    }

    public void Add(long from, long to)
    {
        if (to <= from)
            return;
        var first = FirstEndingAt(from);
        var next = first;
        while (next < items.Count && items[next].From <= to)
        {
            from = Math.Min(from, items[next].From);
            to = Math.Max(to, items[next].To);
            next++;
        }
        if (next > first)
            items.RemoveRange(first, next - first);
        items.Insert(first, (from, to));
    }

    /// <summary>What of the span none of them holds, in order.</summary>
    public IReadOnlyList<(long From, long To)> Without(long from, long to)
    {
        var at = FirstEndingAt(from);
        if (at == items.Count || items[at].From >= to)
            return [(from, to)];
        var free = new List<(long, long)>();
        for (; at < items.Count && items[at].From < to; at++)
        {
            if (items[at].From > from)
                free.Add((from, items[at].From));
            from = Math.Max(from, items[at].To);
        }
        if (from < to)
            free.Add((from, to));
        return free;
    }

    /// <summary>How much of the span they hold, in ticks.</summary>
    public long Within(long from, long to)
    {
        long ticks = 0;
        for (var at = FirstEndingAt(from); at < items.Count && items[at].From < to; at++)
            ticks += Math.Min(to, items[at].To) - Math.Max(from, items[at].From) is > 0 and var held ? held : 0;
        return ticks;
    }

    private int FirstEndingAt(long from)
    {
        var (low, high) = (0, items.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (items[middle].To < from)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
