namespace Metrics.Domain.Factors;

/// <summary>Utilisation of a host of which only the accelerators are read.</summary>
public static class UsualLoad
{
    /// <summary>From 0 to 1.</summary>
    public const double Value = 0.5;

    /// <summary>How a result names it.</summary>
    public const string FactorName = "host_load:0.5@ccf-2024";

    /// <summary>Who published it.</summary>
    public const string Source = "Cloud Carbon Footprint: average of servers in use";

    /// <summary>SPDX identifier.</summary>
    public const string Licence = "Apache-2.0";

    /// <summary>Year that it is of.</summary>
    public const int Vintage = 2024;
}
