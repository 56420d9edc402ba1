using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>One read of a source and how it ended. One row for each claim that read anything.</summary>
public sealed class RunRow
{
    public long Id { get; set; }
    public required string Source { get; set; }

    /// <summary>Epoch of the claim: pages of one read add to one row.</summary>
    public long Epoch { get; set; }

    /// <summary><c>read</c>, <c>reconcile</c>, or the kind of a <see cref="BackfillRow"/>.</summary>
    public required string Kind { get; set; }
    public DateTime StartedAt { get; set; }
    public DateTime? EndedAt { get; set; }
    public DateTime? WindowStart { get; set; }
    public DateTime? WindowEnd { get; set; }
    public long Received { get; set; }
    public long Written { get; set; }
    public long Rejected { get; set; }

    /// <summary>Series of the last whole read before; null where that says nothing.</summary>
    public int? SeriesExpected { get; set; }

    /// <summary>Series that the window brought.</summary>
    public int SeriesReceived { get; set; }

    /// <summary><c>reading</c> until it ends, then <c>whole</c>, <c>partial</c>, <c>failed</c>, <c>fenced</c> or, of a comparison,
    /// <c>mismatch</c>.</summary>
    public required string State { get; set; }
    public string? ErrorCode { get; set; }
    public string? Error { get; set; }
}

internal sealed class RunTable : IEntityTypeConfiguration<RunRow>
{
    public void Configure(EntityTypeBuilder<RunRow> builder)
    {
        builder.ToTable("run").HasKey(row => row.Id);
        builder.HasIndex(row => new { row.Source, row.Epoch }).IsUnique();
        builder.HasIndex(row => row.StartedAt);
    }
}
