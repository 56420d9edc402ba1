using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A series that a source did not let be read although it let the others. After a few reads in a row the source goes on without
/// it.</summary>
public sealed class QuarantineRow
{
    public required string Source { get; set; }
    public required string Subject { get; set; }
    public required string Code { get; set; }
    public required string Message { get; set; }

    /// <summary>Reads in a row that did not get it.</summary>
    public int Failures { get; set; }

    /// <summary>Start of the first window that lacks it: from here on it is read again once it can be.</summary>
    public DateTime Since { get; set; }
    public DateTime LastAt { get; set; }
}

internal sealed class QuarantineTable : IEntityTypeConfiguration<QuarantineRow>
{
    public void Configure(EntityTypeBuilder<QuarantineRow> builder) =>
        builder.ToTable("quarantine").HasKey(row => new { row.Source, row.Subject });
}
