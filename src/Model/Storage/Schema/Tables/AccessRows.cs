using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A key that lets somebody in. The key itself is nowhere: only what it hashes to.</summary>
public sealed class AccessKeyRow
{
    /// <summary>The key's first letters after <c>emk_</c>: enough to know it by, no help in guessing the rest.</summary>
    public required string Id { get; set; }

    /// <summary>Who or what it was made for.</summary>
    public required string Name { get; set; }

    /// <summary>SHA-256 of the whole key, in hexadecimal digits.</summary>
    public required string Hash { get; set; }

    /// <summary>What it may be used for: words with commas between.</summary>
    public required string Scopes { get; set; }
    public DateTime CreatedAt { get; set; }
    public required string CreatedBy { get; set; }
    public DateTime? ExpiresAt { get; set; }
    public DateTime? RevokedAt { get; set; }

    /// <summary>When it last let somebody in, to the minute.</summary>
    public DateTime? LastUsedAt { get; set; }
}

/// <summary>What somebody changed or was refused. Rows are only ever added; each one's hash covers the one before.</summary>
public sealed class AuditRow
{
    /// <summary>1, 2, 3 ... without a gap.</summary>
    public long Id { get; set; }
    public DateTime At { get; set; }

    /// <summary>Who: <c>key:ID (name)</c>, <c>token:subject</c>, <c>local</c>, <c>command line</c>, or an address that was not let
    /// in.</summary>
    public required string Actor { get; set; }

    /// <summary>What was done: <c>key.created</c>, or a method and an address.</summary>
    public required string Action { get; set; }

    /// <summary>How it ended: a status, or what was changed.</summary>
    public required string Outcome { get; set; }

    /// <summary>SHA-256 over this row and the hash before it, in hexadecimal digits.</summary>
    public required string Hash { get; set; }
}

internal sealed class AccessKeyTable : IEntityTypeConfiguration<AccessKeyRow>
{
    public void Configure(EntityTypeBuilder<AccessKeyRow> builder) => builder.ToTable("access_key").HasKey(row => row.Id);
}

internal sealed class AuditTable : IEntityTypeConfiguration<AuditRow>
{
    public void Configure(EntityTypeBuilder<AuditRow> builder)
    {
        builder.ToTable("audit").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
    }
}
