using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A configured source: how far it was read, who may read it now, and how that went.</summary>
public sealed class SourceRow
{
    public required string Id { get; set; }
    public required string Provider { get; set; }
    public string? Place { get; set; }
    public DateTime RegisteredAt { get; set; }
    public DateTime? Watermark { get; set; }
    public string? Cursor { get; set; }
    public long Epoch { get; set; }
    public string? LeaseOwner { get; set; }
    public DateTime? LeaseUntil { get; set; }
    public DateTime? NextReadAt { get; set; }
    public int Failures { get; set; }
    public string? LastErrorCode { get; set; }
    public string? LastError { get; set; }
    public DateTime? LastReadAt { get; set; }

    /// <summary>Series of the last whole read; null before it, and for sources that do not overlap their windows.</summary>
    public int? SeriesExpected { get; set; }

    /// <summary>Reads in a row that brought at most half of those.</summary>
    public int ThinReads { get; set; }

    /// <summary>When the daily second look was last asked for.</summary>
    public DateTime? RereadAt { get; set; }

    /// <summary>Days before this were compared with the provider's own statistic.</summary>
    public DateTime? ReconciledUntil { get; set; }

    /// <summary>Since when it has been found behind; null while it is not.</summary>
    public DateTime? StaleSince { get; set; }
}

internal sealed class SourceTable : IEntityTypeConfiguration<SourceRow>
{
    public void Configure(EntityTypeBuilder<SourceRow> builder) => builder.ToTable("source").HasKey(row => row.Id);
}
