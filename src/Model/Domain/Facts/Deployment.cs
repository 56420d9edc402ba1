using Metrics.Domain.Observations;

namespace Metrics.Domain.Facts;

/// <summary>A workload at a place.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Place">Where it runs.</param>
/// <param name="Account">The account, subscription or project that its telemetry names; null when it names none.</param>
public sealed record Deployment(Workload Workload, Place Place, string? Account = null)
{
    /// <summary>Key derived from the workload's and the place's name, and from the account where one is told.</summary>
    public long Id { get; } =
        Account is null
            ? Identity.Of("deployment", Workload.Name, Place.Name)
            : Identity.Of("deployment", Workload.Name, Place.Name, Account);
}

/// <summary>What draws power.</summary>
/// <param name="Kind"><c>gpu</c>, <c>node</c>, <c>pdu</c>, <c>rack</c> ...</param>
/// <param name="Name">Its name: a GPU's UUID without prefix in lower case; a node's host name without port.</param>
/// <param name="Node">Name of the node it sits in; null for a node itself or when unknown.</param>
/// <param name="Hardware">Model of the hardware as reported, or null.</param>
/// <param name="Place">Where it stands.</param>
/// <param name="Account">The account, subscription or project that it is told under; null when none is told.</param>
/// <param name="Scope">What makes its name unique at the place, its account among it: the values of the labels that the catalogue calls
/// its scope, separated by slashes; empty when none is told.</param>
public sealed record Resource(
    string Kind,
    string Name,
    string? Node,
    string? Hardware,
    Place Place,
    string? Account = null,
    string Scope = ""
)
{
    /// <summary>Key derived from place, kind and name, and from the scope where one is told.</summary>
    public long Id { get; } =
        Scope.Length == 0 ? Identity.Of("resource", Place.Name, Kind, Name) : Identity.Of("resource", Place.Name, Kind, Name, Scope);
}
