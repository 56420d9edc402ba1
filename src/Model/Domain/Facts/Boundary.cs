namespace Metrics.Domain.Facts;

/// <summary>What an amount of energy includes; each holds the one before.</summary>
public enum Boundary
{
    /// <summary>Accelerator boards only.</summary>
    Accelerator = 0,

    /// <summary>Whole servers: IT energy.</summary>
    Server = 1,

    /// <summary>IT energy times PUE.</summary>
    Facility = 2,
}
