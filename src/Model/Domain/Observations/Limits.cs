namespace Metrics.Domain.Observations;

/// <summary>How far what is read may reach, in value and in time.</summary>
public static class Limits
{
    /// <summary>Largest value of a sample, in the provider's unit.</summary>
    public const double LargestValue = 1e24;

    /// <summary>The longest time between two samples that any mapping may bridge: how far around a period samples are needed.</summary>
    public static readonly TimeSpan Reach = TimeSpan.FromHours(1);
}
