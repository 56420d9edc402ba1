using Metrics.Domain.Observations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>The text behind the key of a series.</summary>
public sealed class SeriesRow
{
    public long Id { get; set; }
    public required string Source { get; set; }
    public required string Provider { get; set; }
    public required string Metric { get; set; }

    /// <summary>A JSON object, its names sorted by ordinal. Text on both engines: <c>jsonb</c> would sort them anew.</summary>
    public required string Labels { get; set; }
    public Statistic Statistic { get; set; }
    public long PeriodMs { get; set; }
    public DateTime FirstSeen { get; set; }
}

internal sealed class SeriesTable : IEntityTypeConfiguration<SeriesRow>
{
    public void Configure(EntityTypeBuilder<SeriesRow> builder)
    {
        builder.ToTable("series").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.HasIndex(row => new { row.Source, row.Metric });
    }
}
