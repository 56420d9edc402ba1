using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Work of one workload at one place in one functional unit. Series of one mapping count other work each. Two mappings at
/// one endpoint count the same work on two layers (a serving framework and the engine in it), so one of them is taken.
/// </summary>
internal sealed class WorkTally(int workload, Place place, string functionalUnit)
{
    private readonly List<(int First, int End)> ranges = [];
    private readonly List<KnownSeries> members = [];
    private int pieceCount;

    public void Read(KnownSeries one, Interpreter interpreter, Pieces pieces)
    {
        var first = pieces.Count;
        interpreter.Read([one]);
        ranges.Add((first, pieces.Count));
        members.Add(one);
        pieceCount += pieces.Count - first;
    }

    /// <summary>What each series counted, as a range of the pieces, and whether it is part of the tally.</summary>
    public IEnumerable<(Range Pieces, bool Counted)> Told(Pieces pieces)
    {
        var twice = ToldTwice(pieces);
        for (var i = 0; i < ranges.Count; i++) yield return (ranges[i].First..ranges[i].End, twice is null || !twice.Contains(i));
    }

    /// <summary>One fact for each grid period in which anything was counted, nothing included.</summary>
    public void Enter(Accounts accounts, Pieces pieces, Provenance provenance, IReadOnlyList<KnownSeries> series)
    {
        var ordered = System.Buffers.ArrayPool<Piece>.Shared.Rent(pieceCount);
        var count = 0;
        var twice = ToldTwice(pieces);
        for (var i = 0; i < ranges.Count; i++)
        {
            var (first, end) = ranges[i];
            if (twice is not null && twice.Contains(i)) continue;
            pieces[first..end].CopyTo(ordered.AsSpan(count));
            count += end - first;
        }
        if (ranges.Count > 1) ordered.AsSpan(0, count).Sort();
        for (int start = 0, end; start < count; start = end)
        {
            end = start + 1;
            while (end < count && ordered[end].Bin == ordered[start].Bin) end++;
            Enter(ordered.AsSpan(start, end - start), accounts, provenance, series);
        }
        System.Buffers.ArrayPool<Piece>.Shared.Return(ordered);
    }

    /// <summary>Numbers of the series whose work another mapping tells at the same endpoint; null when there is none. Of the mappings the one that covers nearly the most time is taken, then the first by id.</summary>
    private HashSet<int>? ToldTwice(Pieces pieces)
    {
        if (members.TrueForAll(one => one.Mapping == members[0].Mapping)) return null;
        HashSet<int>? twice = null;
        foreach (var endpoint in Enumerable.Range(0, members.Count).Where(i => Endpoint(members[i]) is not null).GroupBy(i => Endpoint(members[i])!, StringComparer.Ordinal))
        {
            var told = endpoint.GroupBy(i => members[i].Mapping).Select(mapping => (mapping.Key.Id, Series: mapping.ToList(), Ticks: mapping.Max(i => Ticks(ranges[i], pieces)))).ToList();
            if (told.Count == 1) continue;
            var most = told.Max(one => one.Ticks);
            var taken = told.Where(one => one.Ticks * 10 >= most * 9).MinBy(one => one.Id, StringComparer.Ordinal).Id;
            foreach (var one in told.Where(one => one.Id != taken)) (twice ??= []).UnionWith(one.Series);
        }
        return twice;
    }

    /// <summary>What the labels name; null when they name nothing, and then nobody can say that two counts are of one thing.</summary>
    private static string? Endpoint(KnownSeries one)
    {
        foreach (var label in one.Mapping.Resource.Id)
            if (one.Series.Labels[label] is { } name) return name;
        return null;
    }

    private static long Ticks((int First, int End) range, Pieces pieces)
    {
        long ticks = 0;
        foreach (ref readonly var piece in pieces[range.First..range.End]) ticks += piece.Ticks;
        return ticks;
    }

    private void Enter(ReadOnlySpan<Piece> inBin, Accounts accounts, Provenance provenance, IReadOnlyList<KnownSeries> series)
    {
        double units = 0;
        long covered = 0, until = 0;
        var evidence = Evidence.Measured;
        var mappings = Provenance.Nothing;
        foreach (ref readonly var piece in inBin)
        {
            units += piece.Amount;
            // The pieces come by start, so that the time of any of them is the union.
            covered += Math.Max(0, piece.To - Math.Max(piece.From, until));
            until = Math.Max(until, piece.To);
            evidence = KnownSeries.Worst(evidence, series[piece.Series].Evidence);
            mappings = provenance.Union(mappings, series[piece.Series].Mappings);
        }
        accounts.EnterWork(workload, place, functionalUnit, inBin[0].Bin, units, (double)covered / TimeSpan.TicksPerSecond, evidence, mappings);
    }
}
