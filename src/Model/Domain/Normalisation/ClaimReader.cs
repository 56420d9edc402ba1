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

    /// <summary>Slices of boards whose part is unknown.</summary>
    public HashSet<KnownSeries> UnknownSlices { get; } = [];

    /// <summary>Whose a part's joules are. Where several series speak of it at once they share it: slices by their size, pods that take
    /// turns evenly.</summary>
    public void Claim(MeterPart part, int bin, double weight, long ticks, WorkloadClaims claims)
    {
        if (part.Series.Count == 1 && !part.Series[0].IsSlice)
        {
            var all = part.Of(bin, pieces);
            claims.Add(part.Series[0].Workload, weight, ticks);
            foreach (ref readonly var piece in all)
                claims.Hold(part.Series[0].Workload, piece.From, piece.To);
        }
        else
            Claim(part.Of(bin, pieces), part.Turns, weight, ticks, claims);
    }

    private void Claim(ReadOnlySpan<Piece> all, Turns? turns, double amount, long ticks, WorkloadClaims claims, bool byTime = false)
    {
        sharing.Clear();
        slices.Clear();
        double weights = 0;
        long spanned = 0,
            named = 0;
        var unknown = false;
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            spanned += piece.Ticks;
            if (one.IsSlice)
            {
                AddTo(slices, one.SliceName, piece.Ticks);
                if (one.Slice is null)
                    (unknown, _) = (true, UnknownSlices.Add(one));
            }
            // A duplicate that names nobody says nothing about whose it is.
            else if (NamesNobody(one))
                continue;
            else
                weights += piece.Ticks;
            named += piece.Ticks;
        }
        if (slices.Count == 0 && spanned <= ticks)
        {
            foreach (ref readonly var piece in all)
            {
                var one = series[piece.Series];
                var weight = byTime ? piece.Ticks : piece.Amount;
                claims.Add(one.Workload, weight, piece.Ticks);
                claims.Hold(one.Workload, piece.From, piece.To);
            }
            if (turns is not null)
                Doubt(all, turns, byTime, claims);
            return;
        }
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            if (!one.IsSlice && NamesNobody(one) && named > 0)
            {
                // Where nobody else speaks, nobody holds it.
                continue;
            }
            if (one.IsSlice && one.Slice is null)
            {
                claims.HoldUnknown(one.Workload, piece.From, piece.To);
                continue;
            }
            // A slice that several series speak of at once, as two scrapers do, is no larger for it.
            var sliceTicks = one.IsSlice ? slices.Find(slice => slice.Name == one.SliceName).Ticks : 0;
            var weight = one.Slice is { } size ? size * piece.Ticks * Math.Min(1, (double)ticks / sliceTicks) : piece.Ticks;
            if (one.IsSlice)
                weights += weight;
            sharing.Add((one.Workload, weight));
            claims.Hold(one.Workload, piece.From, piece.To);
        }
        // What no slice holds is nobody's, and so is the time in which none of them held it.
        var total = slices.Count > 0 || weights == 0 || unknown ? Math.Max(ticks, weights) : weights;
        long heldBySome = 0;
        if (slices.Count == 0 && weights > 0)
        {
            heldBySome = Union(all, named > 0);
            if (heldBySome < ticks)
                total = weights * ((double)ticks / heldBySome);
        }
        foreach (var (workload, weight) in sharing)
            claims.Add(workload, amount * (weight / total), (long)(ticks * (weight / total)));
        if (weights < total)
        {
            claims.Add(WorkloadClaims.Unclaimed, amount * (1 - weights / total), (long)(ticks * (1 - weights / total)));
            foreach (ref readonly var piece in all)
                if (slices.Count > 0 || NamesNobody(series[piece.Series]))
                    claims.Hold(WorkloadClaims.Unclaimed, piece.From, piece.To);
        }
        // Those who held it at the same time have shares by a policy; one alone has what was read.
        claims.IsPolicy |= claims.Count > 1;
    }

    private static bool NamesNobody(KnownSeries one) => one is { Workload: WorkloadClaims.Unclaimed, NamesAPod: false };

    /// <summary>The time for which any piece speaks. Pieces come by their start.</summary>
    private long Union(ReadOnlySpan<Piece> all, bool namedOnly)
    {
        long union = 0,
            until = long.MinValue;
        foreach (ref readonly var piece in all)
        {
            if ((namedOnly && NamesNobody(series[piece.Series])) || piece.To <= until)
                continue;
            union += piece.To - Math.Max(piece.From, until);
            until = piece.To;
        }
        return union;
    }

    /// <summary>Where a thing changes hands, it is the later one's from the earlier one's last sample on; that may be too much by all that
    /// lies between their samples.</summary>
    private void Doubt(ReadOnlySpan<Piece> all, Turns turns, bool byTime, WorkloadClaims claims)
    {
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            if (turns.ChangeAt(Turns.HolderOf(one), piece.From, out var before) is not { } until || piece.Ticks == 0)
                continue;
            var doubtful = Math.Min(until, piece.To) - piece.From;
            claims.Doubt(
                one.Workload,
                before == Turns.Nobody ? WorkloadClaims.Unclaimed : before,
                (byTime ? piece.Ticks : piece.Amount) * ((double)doubtful / piece.Ticks)
            );
        }
    }

    private static void AddTo(List<(string Name, long Ticks)> slices, string name, long ticks)
    {
        var known = slices.FindIndex(slice => slice.Name == name);
        if (known < 0)
            slices.Add((name, ticks));
        else
            slices[known] = (name, slices[known].Ticks + ticks);
    }

    public void ClaimByOthers(List<Meter> meters, Meter? chosen, int bin, long chosenTicks, WorkloadClaims claims)
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
        // A meter that names its owners for a part of the time names none for the rest.
        if (labelled.Parts.Count == 1 && chosenTicks > claims.Ticks && !MeterChoice.NearlyAll(claims.Ticks, chosenTicks))
            claims.LeaveRest(chosenTicks);
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
                sliced |= one.IsSlice;
            long ticks = 0;
            foreach (ref readonly var piece in choice.Track(part, bin))
                ticks += piece.Ticks;
            most = Math.Max(most, ticks);
            together.AddRange(part.Of(bin, pieces));
        }
        var byTime = power is null || sliced || labelled.First.Mapping.Scale is not null;
        if (sliced)
            Claim(CollectionsMarshal.AsSpan(together), null, most, most, claims, byTime);
        else
        {
            foreach (var part in labelled.Parts)
            {
                double amount = 0;
                long ticks = 0;
                foreach (ref readonly var piece in choice.Track(part, bin))
                    (amount, ticks) = (amount + piece.Amount, ticks + piece.Ticks);
                if (ticks > 0)
                    Claim(part.Of(bin, pieces), part.Turns, byTime ? ticks : amount, ticks, claims, byTime);
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
