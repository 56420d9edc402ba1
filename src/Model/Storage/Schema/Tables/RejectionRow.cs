using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Something refused, with its reason.</summary>
public sealed class RejectionRow
{
    public long Id { get; set; }
    public required string Source { get; set; }
    public required string Subject { get; set; }
    public DateTime? At { get; set; }

    /// <summary>snake_case name of the reason.</summary>
    public required string Reason { get; set; }
    public required string Detail { get; set; }
    public DateTime FirstSeen { get; set; }
    public DateTime LastSeen { get; set; }

    /// <summary>Number of reads that saw it; 1 for what a recompute concluded.</summary>
    public long Count { get; set; }

    /// <summary>Epoch of the last read that saw it, so that two pages of one read count once.</summary>
    public long Epoch { get; set; }

    /// <summary>The hour whose recompute concluded it; it goes when that hour no longer concludes it. Null when a read was
    /// refused.</summary>
    public DateTime? Hour { get; set; }
}

internal sealed class RejectionTable : IEntityTypeConfiguration<RejectionRow>
{
    public void Configure(EntityTypeBuilder<RejectionRow> builder)
    {
        builder.ToTable("rejection").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.HasIndex(row => row.Hour);
        builder.HasIndex(row => row.LastSeen);
    }
}
