using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>One value of a series, verbatim.</summary>
public sealed class SampleRow
{
    public long SeriesId { get; set; }
    public DateTime Start { get; set; }
    public DateTime EndAt { get; set; }
    public double Value { get; set; }
}

internal sealed class SampleTable : IEntityTypeConfiguration<SampleRow>
{
    public void Configure(EntityTypeBuilder<SampleRow> builder)
    {
        // NaN is greater than every number on PostgreSQL and infinity is a number there, so a lower bound alone would let both in.
        builder
            .ToTable("samples", table => table.HasCheckConstraint("ck_samples_value", "value >= 0 AND value <= 1e24"))
            .HasKey(row => new { row.SeriesId, row.Start });
    }
}

/// <summary>An hour that some sample reaches into: all hours that can have facts.</summary>
public sealed class SampleHourRow
{
    public DateTime Hour { get; set; }
}

internal sealed class SampleHourTable : IEntityTypeConfiguration<SampleHourRow>
{
    public void Configure(EntityTypeBuilder<SampleHourRow> builder) => builder.ToTable("sample_hours").HasKey(row => row.Hour);
}

/// <summary>An hour whose facts are older than its samples or than the rules.</summary>
public sealed class DirtyHourRow
{
    public DateTime Hour { get; set; }

    /// <summary>Unique over all markings ever made, so that a mark made during a recompute is never taken for the one before it.</summary>
    public long Mark { get; set; }

    /// <summary>Why: <c>late_data</c> when a sample changed, else <c>rules_changed</c>, else <c>factors_changed</c>.</summary>
    public required string Reason { get; set; }
}

internal sealed class DirtyHourTable : IEntityTypeConfiguration<DirtyHourRow>
{
    public void Configure(EntityTypeBuilder<DirtyHourRow> builder) => builder.ToTable("dirty_hours").HasKey(row => row.Hour);
}
