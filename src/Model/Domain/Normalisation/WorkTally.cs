using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>Work of one workload at one place in one functional unit: the counts of all its series, each of which counts other work.</summary>
internal sealed class WorkTally(int workload, Place place, string functionalUnit)
{
    private readonly List<(int First, int End)> ranges = [];
    private int pieceCount;

    public void Read(KnownSeries one, Interpreter interpreter, Pieces pieces)
    {
        var first = pieces.Count;
        interpreter.Read([one]);
        ranges.Add((first, pieces.Count));
        pieceCount += pieces.Count - first;
    }

    /// <summary>One fact for each grid period in which anything was counted, nothing included.</summary>
    public void Enter(Accounts accounts, Pieces pieces, Provenance provenance, IReadOnlyList<KnownSeries> series)
    {
        var ordered = System.Buffers.ArrayPool<Piece>.Shared.Rent(pieceCount);
        var count = 0;
        foreach (var (first, end) in ranges)
        {
            pieces[first..end].CopyTo(ordered.AsSpan(count));
            count += end - first;
        }
        ordered.AsSpan(0, count).Sort();
        for (int start = 0, end; start < count; start = end)
        {
            end = start + 1;
            while (end < count && ordered[end].Bin == ordered[start].Bin) end++;
            Enter(ordered.AsSpan(start, end - start), accounts, provenance, series);
        }
        System.Buffers.ArrayPool<Piece>.Shared.Return(ordered);
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
