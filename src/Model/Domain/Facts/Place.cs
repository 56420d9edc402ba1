namespace Metrics.Domain.Facts;

/// <summary>Where a source stands: <c>provider/region</c>, for instance <c>onprem/dc-1</c> or <c>aws/eu-central-1</c>.</summary>
/// <param name="Name">The full name; the part before the first slash is the provider, the rest the region.</param>
/// <param name="Country">ISO 3166-1 alpha-2, or null.</param>
/// <param name="Pue">Power usage effectiveness, at least 1; null when unknown, and then facility energy is unknown.</param>
public sealed record Place(string Name, string? Country, double? Pue)
{
    /// <summary>The provider part of the name.</summary>
    public string Provider => Name.Split('/', 2)[0];

    /// <summary>The region part of the name; empty when there is none.</summary>
    public string Region => Name.Split('/', 2) is [_, var region] ? region : "";
}
