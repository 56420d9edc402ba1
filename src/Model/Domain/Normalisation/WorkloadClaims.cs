using Metrics.Domain.Factors;

namespace Metrics.Domain.Normalisation;

/// <summary>Who claims the series of a reading, by what weighs their shares: joules, seconds at full load or time. Used again from period
/// to period.</summary>
internal sealed class WorkloadClaims
{
    /// <summary>Stands for the series that no workload claims.</summary>
    public const int Unclaimed = -1;

    private readonly List<(int Workload, double Weight, long Ticks)> claims = [];

    public int Count => claims.Count;

    public (int Workload, double Weight, long Ticks) this[int index] => claims[index];

    public bool Any => claims.Exists(static claim => claim.Workload != WorkloadClaims.Unclaimed);

    /// <summary>The weights of all together, of one kind.</summary>
    public double Weight { get; private set; }

    public long Ticks { get; private set; }

    /// <summary>What the claims were made of.</summary>
    public ShareRule Rule { get; set; }

    public void Clear()
    {
        claims.Clear();
        (Weight, Ticks, Rule) = (0, 0, ShareRule.Series);
    }

    public void Add(int workload, double weight, long ticks)
    {
        Weight += weight;
        Ticks += ticks;
        for (var i = 0; i < claims.Count; i++)
        {
            if (claims[i].Workload != workload)
                continue;
            claims[i] = (workload, claims[i].Weight + weight, claims[i].Ticks + ticks);
            return;
        }
        claims.Add((workload, weight, ticks));
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
            claims[i] = claims[i] with { Weight = joules };
            Weight += joules;
        }
    }

    /// <summary>The share of a claim: by weight, or by time where there is none.</summary>
    public double ShareOf(int index) =>
        claims.Count == 1 ? 1
        : Weight > 0 ? claims[index].Weight / Weight
        : TimeShareOf(index);

    /// <summary>The share of a claim by time alone.</summary>
    public double TimeShareOf(int index) => claims.Count == 1 ? 1 : (double)claims[index].Ticks / Ticks;
}
