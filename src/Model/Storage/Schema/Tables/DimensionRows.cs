using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Where sources stand.</summary>
public sealed class PlaceRow
{
    public required string Name { get; set; }
    public required string Provider { get; set; }
    public required string Region { get; set; }
    public string? Country { get; set; }
    public double? Pue { get; set; }
}

/// <summary>What does work.</summary>
public sealed class WorkloadRow
{
    public required string Name { get; set; }
    public string? Model { get; set; }
    public string? Precision { get; set; }
}

/// <summary>What draws power.</summary>
public sealed class ResourceRow
{
    public long Id { get; set; }
    public required string Kind { get; set; }
    public required string Name { get; set; }
    public string? Node { get; set; }
    public string? Hardware { get; set; }
    public required string Place { get; set; }

    /// <summary>The account, subscription or project that it is told under.</summary>
    public string? Account { get; set; }

    /// <summary>What makes its name unique at the place; empty when nothing has to.</summary>
    public required string Scope { get; set; }

    /// <summary>Whether accelerator energy was ever told of it.</summary>
    public bool Accelerator { get; set; }
}

/// <summary>A workload at a place.</summary>
public sealed class DeploymentRow
{
    public long Id { get; set; }
    public required string Workload { get; set; }
    public required string Place { get; set; }

    /// <summary>The account, subscription or project that its telemetry names.</summary>
    public string? Account { get; set; }

    /// <summary>The distinct hardware models of its resources, sorted, joined with <c>, </c>; null when none is known.</summary>
    public string? Hardware { get; set; }

    /// <summary>How many accelerators it was ever seen on; null when none.</summary>
    public int? Accelerators { get; set; }
}

/// <summary>A resource that drew energy for a deployment.</summary>
public sealed class DeploymentResourceRow
{
    public long DeploymentId { get; set; }
    public long ResourceId { get; set; }
}

internal sealed class PlaceTable : IEntityTypeConfiguration<PlaceRow>
{
    public void Configure(EntityTypeBuilder<PlaceRow> builder) => builder.ToTable("places").HasKey(row => row.Name);
}

internal sealed class WorkloadTable : IEntityTypeConfiguration<WorkloadRow>
{
    public void Configure(EntityTypeBuilder<WorkloadRow> builder) => builder.ToTable("workload").HasKey(row => row.Name);
}

internal sealed class ResourceTable : IEntityTypeConfiguration<ResourceRow>
{
    public void Configure(EntityTypeBuilder<ResourceRow> builder)
    {
        builder.ToTable("resource").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.HasOne<PlaceRow>().WithMany().HasForeignKey(row => row.Place).OnDelete(DeleteBehavior.Restrict);
    }
}

internal sealed class DeploymentTable : IEntityTypeConfiguration<DeploymentRow>
{
    public void Configure(EntityTypeBuilder<DeploymentRow> builder)
    {
        builder.ToTable("deployment").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.HasOne<WorkloadRow>().WithMany().HasForeignKey(row => row.Workload).OnDelete(DeleteBehavior.Restrict);
        builder.HasOne<PlaceRow>().WithMany().HasForeignKey(row => row.Place).OnDelete(DeleteBehavior.Restrict);
    }
}

internal sealed class DeploymentResourceTable : IEntityTypeConfiguration<DeploymentResourceRow>
{
    public void Configure(EntityTypeBuilder<DeploymentResourceRow> builder)
    {
        builder.ToTable("deployment_resources").HasKey(row => new { row.DeploymentId, row.ResourceId });
        builder.HasOne<DeploymentRow>().WithMany().HasForeignKey(row => row.DeploymentId).OnDelete(DeleteBehavior.Restrict);
        builder.HasOne<ResourceRow>().WithMany().HasForeignKey(row => row.ResourceId).OnDelete(DeleteBehavior.Restrict);
    }
}
