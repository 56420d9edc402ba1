using System.Runtime.InteropServices;
using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Reads whose something is, from the labels of the series that tell of it.</summary>
internal sealed class ClaimReader(Pieces pieces, IReadOnlyList<KnownSeries> series, MeterChoice choice)
{
    private readonly List<Piece> together = [];
    private readonly List<(int Workload, double Weight)> sharing = [];
    private readonly List<(string Name, long Ticks)> slices = [];

    /// <summary>Whose a part's joules are. Where several series speak of it at once they share it: slices by their size, pods that take
    /// turns evenly.</summary>
    public void Claim(MeterPart part, int bin, double weight, long ticks, WorkloadClaims claims)
    {
        if (part.Series.Count == 1 && part.Series[0].Slice is null)
            claims.Add(part.Series[0].Workload, weight, ticks);
        else
            Claim(part.Of(bin, pieces), weight, ticks, claims);
    }

    private void Claim(ReadOnlySpan<Piece> all, double amount, long ticks, WorkloadClaims claims, bool byTime = false)
    {
        sharing.Clear();
        slices.Clear();
        double weights = 0;
        long spanned = 0;
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            spanned += piece.Ticks;
            if (one.Slice is not null)
                AddTo(slices, one.SliceName, piece.Ticks);
            // A duplicate that names nobody says nothing about whose it is.
            else if (one is { Workload: WorkloadClaims.Unclaimed, NamesAPod: false })
                continue;
            else
                weights += piece.Ticks;
        }
        if (slices.Count == 0 && spanned <= ticks)
        {
            foreach (ref readonly var piece in all)
                claims.Add(series[piece.Series].Workload, byTime ? piece.Ticks : piece.Amount, piece.Ticks);
            return;
        }
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            if (one.Slice is null && one is { Workload: WorkloadClaims.Unclaimed, NamesAPod: false })
                continue;
            // A slice that several series speak of at once, as two scrapers do, is no larger for it.
            var sliceTicks = one.Slice is null ? 0 : slices.Find(slice => slice.Name == one.SliceName).Ticks;
            var weight = one.Slice is { } size ? size * piece.Ticks * Math.Min(1, (double)ticks / sliceTicks) : piece.Ticks;
            if (one.Slice is not null)
                weights += weight;
            sharing.Add((one.Workload, weight));
        }
        // What no slice holds is nobody's.
        var total = slices.Count > 0 || weights == 0 ? Math.Max(ticks, weights) : weights;
        foreach (var (workload, weight) in sharing)
            claims.Add(workload, amount * (weight / total), (long)(ticks * (weight / total)));
        if (weights < total)
            claims.Add(WorkloadClaims.Unclaimed, amount * (1 - weights / total), (long)(ticks * (1 - weights / total)));
    }

    private static void AddTo(List<(string Name, long Ticks)> slices, string name, long ticks)
    {
        var known = slices.FindIndex(slice => slice.Name == name);
        if (known < 0)
            slices.Add((name, ticks));
        else
            slices[known] = (name, slices[known].Ticks + ticks);
    }

    public void ClaimByOthers(List<Meter> meters, Meter? chosen, int bin, WorkloadClaims claims)
    {
        Meter? labelled = null;
        foreach (var other in meters)
            if (other != chosen && (labelled is null || MeterChoice.Precedes(other.First, labelled.First)) && Claimed(other, bin))
                labelled = other;
        if (labelled is null)
            return;
        claims.Clear();
        claims.Rule = ShareRule.OtherSeries;
        foreach (var part in labelled.Parts)
        {
            double joules = 0;
            long ticks = 0;
            foreach (ref readonly var piece in choice.Track(part, bin))
                (joules, ticks) = (joules + piece.Amount, ticks + piece.Ticks);
            if (ticks > 0)
                Claim(part, bin, joules, ticks, claims);
        }
    }

    /// <summary>Whose a board is, by those who tell its load: each has its time of it, slices their sevenths of that; of a board that is
    /// modelled each has what it drew in its time.</summary>
    public void ClaimByLoads(MeteredResource board, int bin, PowerRange? power, WorkloadClaims claims)
    {
        var meters = board.Loads(Component.Accelerator);
        var labelled = choice.Best(meters, bin);
        if (labelled is null || !Claimed(labelled, bin))
        {
            foreach (var other in meters)
                if (
                    Claimed(other, bin)
                    && (labelled is null || !Claimed(labelled, bin) || MeterChoice.Precedes(other.First, labelled.First))
                )
                    labelled = other;
            if (labelled is null || (power is null && !Claimed(labelled, bin)))
                return;
        }
        claims.Clear();
        claims.Rule = ShareRule.Load;
        together.Clear();
        long most = 0;
        var sliced = false;
        foreach (var part in labelled.Parts)
        {
            foreach (var one in part.Series)
                sliced |= one.Slice is not null;
            long ticks = 0;
            foreach (ref readonly var piece in choice.Track(part, bin))
                ticks += piece.Ticks;
            most = Math.Max(most, ticks);
            together.AddRange(part.Of(bin, pieces));
        }
        var byTime = power is null || sliced || labelled.First.Mapping.Scale is not null;
        if (sliced)
            Claim(CollectionsMarshal.AsSpan(together), most, most, claims, byTime);
        else
        {
            foreach (var part in labelled.Parts)
            {
                double amount = 0;
                long ticks = 0;
                foreach (ref readonly var piece in choice.Track(part, bin))
                    (amount, ticks) = (amount + piece.Amount, ticks + piece.Ticks);
                if (ticks > 0)
                    Claim(part.Of(bin, pieces), byTime ? ticks : amount, ticks, claims, byTime);
            }
        }
        if (!byTime)
            claims.WeighByEnergy(power!);
    }

    private bool Claimed(Meter meter, int bin)
    {
        foreach (var part in meter.Parts)
        foreach (ref readonly var piece in choice.Track(part, bin))
            if (series[piece.Series].Workload != WorkloadClaims.Unclaimed)
                return true;
        return false;
    }
}
