using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Tables;

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
}

internal sealed class SourceTable : IEntityTypeConfiguration<SourceRow>
{
    public void Configure(EntityTypeBuilder<SourceRow> builder) => builder.ToTable("source").HasKey(row => row.Id);
}
