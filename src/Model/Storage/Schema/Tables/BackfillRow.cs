using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A span of the past that is to be read, or was: in windows, oldest first, beside the live reads and without their
/// watermark.</summary>
public sealed class BackfillRow
{
    public long Id { get; set; }
    public required string Source { get; set; }

    /// <summary><c>backfill</c>: somebody asked for it; <c>reread</c>: the daily second look; <c>reconcile</c>: the provider's own sums
    /// differed; <c>healed</c>: a series that could not be read can be again.</summary>
    public required string Kind { get; set; }
    public DateTime FromAt { get; set; }
    public DateTime ToAt { get; set; }

    /// <summary>Everything from <see cref="FromAt"/> to here has been read. It moves in the transaction that stores the samples.</summary>
    public DateTime Position { get; set; }

    /// <summary>Length of a window, in seconds.</summary>
    public int StepSeconds { get; set; }
    public int Windows { get; set; }
    public int WindowsDone { get; set; }
    public long Received { get; set; }
    public long Written { get; set; }

    /// <summary><c>waiting</c>, <c>reading</c>, <c>done</c> or <c>cancelled</c>.</summary>
    public required string State { get; set; }
    public DateTime RequestedAt { get; set; }
    public DateTime? StartedAt { get; set; }
    public DateTime? EndedAt { get; set; }

    /// <summary>Failed windows since the last that was stored.</summary>
    public int Failures { get; set; }
    public DateTime? NextReadAt { get; set; }
    public string? ErrorCode { get; set; }
    public string? Error { get; set; }
}

internal sealed class BackfillTable : IEntityTypeConfiguration<BackfillRow>
{
    public void Configure(EntityTypeBuilder<BackfillRow> builder)
    {
        builder.ToTable("backfill").HasKey(row => row.Id);
        builder.HasIndex(row => new { row.Source, row.State });
    }
}
