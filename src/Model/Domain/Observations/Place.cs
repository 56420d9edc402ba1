namespace Metrics.Domain.Observations;

/// <summary>Where a source stands: <c>provider/region</c>, for instance <c>onprem/dc-1</c> or <c>aws/eu-central-1</c>.</summary>
/// <param name="Name">The full name; the part before the first slash is the provider, the rest the region.</param>
/// <param name="Country">ISO 3166-1 alpha-2, or null.</param>
/// <param name="Pue">Power usage effectiveness, at least 1; null when unknown, and then facility energy is unknown.</param>
/// <exception cref="ArgumentOutOfRangeException">The PUE is below 1 or not finite.</exception>
public sealed record Place(string Name, string? Country, double? Pue)
{
    /// <summary>Power usage effectiveness: facility energy over IT energy. At least 1, because a facility holds its IT; null when
    /// unknown.</summary>
    public double? Pue
    {
        get;
        init => field = AtLeastOne(value);
    } = AtLeastOne(Pue);

    /// <summary>The provider part of the name.</summary>
    public string Provider => Name.Split('/', 2)[0];

    /// <summary>The region part of the name; empty when there is none.</summary>
    public string Region => Name.Split('/', 2) is [_, var region] ? region : "";

    private static double? AtLeastOne(double? pue) =>
        pue is null or (>= 1 and < double.PositiveInfinity)
            ? pue
            : throw new ArgumentOutOfRangeException(
                nameof(pue),
                pue,
                "A PUE is facility energy over IT energy and so at least 1; leave it out when it is unknown."
            );
}
