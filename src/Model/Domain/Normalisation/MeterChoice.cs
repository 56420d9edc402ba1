using System.Runtime.InteropServices;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Which of several meters is taken, and which of several series that tell the same.</summary>
internal sealed class MeterChoice(Grid grid, Pieces pieces, DecisionTrace? trace)
{
    private readonly List<Piece> chosen = [];
    private readonly List<(long Ticks, int Series)> tracks = [];
    private readonly PriorityQueue<int, (long End, int Track)> ends = new();
    private int[] trackOf = new int[16];

    /// <summary>Of the meters that cover nearly as much as the one that covers most: the best evidence, then the first by mapping and
    /// series.</summary>
    public Meter? Best(List<Meter> meters, int bin)
    {
        if (meters.Count == 1)
            return TicksOf(meters[0], bin) > 0 ? meters[0] : null;
        long most = 0;
        foreach (var meter in meters)
            most = Math.Max(most, TicksOf(meter, bin));
        if (most == 0)
            return null;
        Meter? best = null;
        foreach (var meter in meters)
            if (NearlyAll(TicksOf(meter, bin), most) && (best is null || Precedes(meter.First, best.First)))
                best = meter;
        return best;
    }

    private static bool NearlyAll(long ticks, long most) => ticks * 10 >= most * 9;

    public static bool Precedes(KnownSeries a, KnownSeries b)
    {
        if (a.Evidence != b.Evidence)
            return a.Evidence < b.Evidence;
        var byId = string.CompareOrdinal(a.Mapping.Id, b.Mapping.Id);
        return byId != 0 ? byId < 0 : a.Number < b.Number;
    }

    /// <summary>Whether anything is told of an accelerator within reach of a period.</summary>
    public bool HasSamplesNear(MeteredResource board, int bin) =>
        board[Component.Accelerator]
            .Concat(board.Loads(Component.Accelerator))
            .Any(meter => meter.Parts.Exists(part => part.HasSamplesNear(grid[bin])));

    /// <summary>The time for which all parts that say anything are known; none where a part is silent without which the others are no
    /// whole.</summary>
    private long TicksOf(Meter meter, int bin)
    {
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
                partTicks += piece.Ticks;
            if (partTicks > 0)
                ticks = Math.Min(ticks, partTicks);
            else if (meter.PartsMakeAWhole && part.HasSamplesNear(grid[bin]))
                return 0;
        }
        return ticks == long.MaxValue ? 0 : ticks;
    }

    /// <summary>The pieces of a part in a period, without duplicates: pieces that follow each other are one track, and of tracks that
    /// overlap one is chosen.</summary>
    public ReadOnlySpan<Piece> Track(MeterPart part, int bin)
    {
        var all = part.Of(bin, pieces);
        if (part.Series.Count == 1 || all.Length <= 1)
            return all;

        tracks.Clear();
        ends.Clear();
        if (trackOf.Length < all.Length)
            trackOf = new int[all.Length * 2];
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            // The track that ended first goes on, so that a flood of label sets costs no more than sorting it.
            if (ends.TryPeek(out var track, out var earliest) && earliest.End <= piece.From)
            {
                ends.Dequeue();
                tracks[track] = (tracks[track].Ticks + piece.Ticks, Math.Min(tracks[track].Series, piece.Series));
            }
            else
            {
                track = tracks.Count;
                tracks.Add((piece.Ticks, piece.Series));
            }
            ends.Enqueue(track, (piece.To, track));
            trackOf[i] = track;
        }
        if (tracks.Count == 1)
            return all;

        var most = tracks.Max(static track => track.Ticks);
        var best = -1;
        for (var i = 0; i < tracks.Count; i++)
            if (NearlyAll(tracks[i].Ticks, most) && (best < 0 || tracks[i].Series < tracks[best].Series))
                best = i;
        chosen.Clear();
        for (var i = 0; i < all.Length; i++)
            if (trackOf[i] == best)
                chosen.Add(all[i]);
        if (trace is not null)
            for (var i = 0; i < all.Length; i++)
                if (trackOf[i] != best)
                    trace.Duplicate(all[i], chosen[0].Series);
        return CollectionsMarshal.AsSpan(chosen);
    }
}
