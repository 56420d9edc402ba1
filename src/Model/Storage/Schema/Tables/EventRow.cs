using Metrics.Storage.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Something that happened and that others may want to be told of. Appended in the transaction of the change that it tells of,
/// never altered.</summary>
public sealed class EventRow
{
    public long Id { get; set; }

    /// <summary>One of <see cref="EventTypes"/>.</summary>
    public required string Type { get; set; }
    public string? Source { get; set; }
    public DateTime At { get; set; }

    /// <summary>A JSON object.</summary>
    public required string Body { get; set; }
}

internal sealed class EventTable : IEntityTypeConfiguration<EventRow>
{
    public void Configure(EntityTypeBuilder<EventRow> builder)
    {
        builder.ToTable("event").HasKey(row => row.Id);
        builder.HasIndex(row => row.At);
    }
}
