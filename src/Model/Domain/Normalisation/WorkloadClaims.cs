using Metrics.Domain.Factors;

namespace Metrics.Domain.Normalisation;

/// <summary>What one workload claims of a reading.</summary>
/// <param name="Workload">Number of the workload, or <see cref="WorkloadClaims.Unclaimed"/>.</param>
/// <param name="Weight">What its share weighs: joules, seconds at full load or time.</param>
/// <param name="Ticks">Its share of the time; those of all make up the time that the reading is known.</param>
/// <param name="Held">The time for which it held the thing, whatever share of it.</param>
/// <param name="Until">Until when that has been counted.</param>
/// <param name="There">The time for which it had the thing, whether it was read or not.</param>
/// <param name="ThereUntil">Until when that has been counted.</param>
/// <param name="Less">Of the weight what may be another's: the change of hands lies somewhere in it.</param>
/// <param name="More">What weighs as another's and may be its own.</param>
/// <param name="IsUnknown">Whether it holds a slice whose part of the board is unknown.</param>
internal readonly record struct Claim(
    int Workload,
    double Weight,
    long Ticks,
    long Held,
    long Until,
    long There,
    long ThereUntil,
    double Less,
    double More,
    bool IsUnknown
);

/// <summary>Who claims the series of a reading, by what weighs their shares: joules, seconds at full load or time. Used again from period
/// to period.</summary>
internal sealed class WorkloadClaims
{
    /// <summary>Stands for the series that no workload claims.</summary>
    public const int Unclaimed = -1;

    private readonly List<Claim> claims = [];

    public int Count => claims.Count;

    public Claim this[int index] => claims[index];

    public bool Any => claims.Exists(static claim => claim.Workload != WorkloadClaims.Unclaimed);

    /// <summary>The weights of all together, of one kind.</summary>
    public double Weight { get; private set; }

    public long Ticks { get; private set; }

    /// <summary>What the claims were made of.</summary>
    public ShareRule Rule { get; set; }

    /// <summary>Whether some of them held the thing at the same time, so that the shares are a policy and no reading.</summary>
    public bool IsPolicy { get; set; }

    /// <summary>Whether the part of a slice in its board is unknown.</summary>
    public bool HasUnknownSlice { get; private set; }

    public void Clear()
    {
        claims.Clear();
        (Weight, Ticks, Rule, IsPolicy, HasUnknownSlice) = (0, 0, ShareRule.Series, false, false);
    }

    public int IndexOf(int workload)
    {
        for (var i = 0; i < claims.Count; i++)
            if (claims[i].Workload == workload)
                return i;
        return -1;
    }

    /// <summary>Adds a share.</summary>
    /// <param name="workload">Whose.</param>
    /// <param name="weight">What it weighs.</param>
    /// <param name="ticks">Its share of the time.</param>
    public void Add(int workload, double weight, long ticks)
    {
        Weight += weight;
        Ticks += ticks;
        var at = IndexOf(workload);
        if (at < 0)
            claims.Add(new Claim(workload, weight, ticks, 0, long.MinValue, 0, long.MinValue, 0, 0, false));
        else
            claims[at] = claims[at] with { Weight = claims[at].Weight + weight, Ticks = claims[at].Ticks + ticks };
    }

    /// <summary>Adds a stretch for which it held the thing. Stretches come in the order of time.</summary>
    public void Hold(int workload, long from, long to)
    {
        var at = IndexOf(workload);
        if (at < 0)
        {
            claims.Add(new Claim(workload, 0, 0, to - from, to, 0, long.MinValue, 0, 0, false));
            return;
        }
        var claim = claims[at];
        if (to > claim.Until)
            claims[at] = claim with { Held = claim.Held + (to - Math.Max(from, claim.Until)), Until = to };
    }

    /// <summary>Adds a stretch for which it had the thing, read or not. Stretches come in the order of time.</summary>
    public void Present(int workload, long from, long to)
    {
        var at = IndexOf(workload);
        if (at < 0)
        {
            claims.Add(new Claim(workload, 0, 0, 0, long.MinValue, to - from, to, 0, 0, false));
            return;
        }
        var claim = claims[at];
        if (to > claim.ThereUntil)
            claims[at] = claim with { There = claim.There + (to - Math.Max(from, claim.ThereUntil)), ThereUntil = to };
    }

    /// <summary>Adds a stretch in which nothing was read, beside those in which something was.</summary>
    public void PresentUnread(int workload, long ticks)
    {
        var at = IndexOf(workload);
        if (at < 0)
            claims.Add(new Claim(workload, 0, 0, 0, long.MinValue, ticks, long.MinValue, 0, 0, false));
        else
            claims[at] = claims[at] with { There = claims[at].There + ticks };
    }

    /// <summary>The time for which a claim held what was read, of a reading that is known for so long.</summary>
    public long HeldOf(int index, long ticks) =>
        claims[index] is var claim && claim.Held > 0 ? Math.Min(claim.Held, ticks)
        : claim.Ticks > 0 || claims.Count == 1 && claim.There == 0 ? ticks
        : 0;

    /// <summary>The time for which a claim had it, read or not.</summary>
    public long ThereOf(int index, long ticks) => Math.Max(HeldOf(index, ticks), claims[index].There);

    /// <summary>Of a weight that one has, another may have held it still.</summary>
    public void Doubt(int workload, int other, double weight)
    {
        if (IndexOf(workload) is >= 0 and var at)
            claims[at] = claims[at] with { Less = claims[at].Less + weight };
        if (IndexOf(other) is >= 0 and var before)
            claims[before] = claims[before] with { More = claims[before].More + weight };
    }

    /// <summary>A slice is held whose part of the board is unknown.</summary>
    public void HoldUnknown(int workload, long from, long to)
    {
        Hold(workload, from, to);
        var at = IndexOf(workload);
        claims[at] = claims[at] with { IsUnknown = true };
        HasUnknownSlice = true;
    }

    /// <summary>Leaves to nobody what of a time none of them held.</summary>
    public void LeaveRest(long ticks)
    {
        if (Ticks <= 0 || ticks <= Ticks)
            return;
        var left = ticks - Ticks;
        var weight = Weight * ((double)left / Ticks);
        Add(Unclaimed, weight, left);
        var at = IndexOf(Unclaimed);
        claims[at] = claims[at] with { Held = claims[at].Held + left };
    }

    /// <summary>Of claims that weigh by seconds at full load makes claims that weigh by joules: of each what the line from rest to full
    /// load draws in its time.</summary>
    public void WeighByEnergy(PowerRange power)
    {
        Weight = 0;
        for (var i = 0; i < claims.Count; i++)
        {
            var joules =
                power.Idle.Watts * claims[i].Ticks / TimeSpan.TicksPerSecond + (power.Max.Watts - power.Idle.Watts) * claims[i].Weight;
            var scale = claims[i].Weight > 0 ? joules / claims[i].Weight : 0;
            claims[i] = claims[i] with { Weight = joules, Less = claims[i].Less * scale, More = claims[i].More * scale };
            Weight += joules;
        }
    }

    /// <summary>The share of a claim: by weight, or by time where there is none.</summary>
    public double ShareOf(int index) =>
        claims.Count == 1 ? 1
        : Weight > 0 ? claims[index].Weight / Weight
        : TimeShareOf(index);

    /// <summary>The share of a claim by time alone.</summary>
    public double TimeShareOf(int index) =>
        claims.Count == 1 ? 1
        : Ticks > 0 ? (double)claims[index].Ticks / Ticks
        : 0;
}
