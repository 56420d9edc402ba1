using Metrics.Domain.Observations;

namespace Metrics.Domain.Facts;

/// <summary>A workload at a place.</summary>
public sealed record Deployment(Workload Workload, Place Place)
{
    /// <summary>Key derived from the workload's and the place's name.</summary>
    public long Id { get; } = Identity.Of("deployment", Workload.Name, Place.Name);
}

/// <summary>What draws power.</summary>
/// <param name="Kind"><c>gpu</c>, <c>node</c>, <c>pdu</c>, <c>rack</c> ...</param>
/// <param name="Name">Its name: a GPU's UUID without prefix in lower case; a node's host name without port.</param>
/// <param name="Node">Name of the node it sits in; null for a node itself or when unknown.</param>
/// <param name="Hardware">Model of the hardware as reported, or null.</param>
/// <param name="Place">Where it stands.</param>
public sealed record Resource(string Kind, string Name, string? Node, string? Hardware, Place Place)
{
    /// <summary>Key derived from place, kind and name.</summary>
    public long Id { get; } = Identity.Of("resource", Place.Name, Kind, Name);
}
