using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>When somebody wants to be told of joules per unit.</summary>
public sealed class IntensityRuleRow
{
    /// <summary><c>rule_</c> and 32 hexadecimal digits.</summary>
    public required string Id { get; set; }
    public string? Description { get; set; }

    /// <summary><c>threshold</c> or <c>drift</c>.</summary>
    public required string Kind { get; set; }
    public required string Workload { get; set; }
    public required string FunctionalUnit { get; set; }

    /// <summary><c>accelerator</c>, <c>server</c> or <c>facility</c>.</summary>
    public required string Boundary { get; set; }

    /// <summary><c>above</c>, <c>below</c>, or of a drift <c>either</c>.</summary>
    public required string Comparison { get; set; }

    /// <summary>Joules per unit; of a drift the share of the baseline.</summary>
    public double Threshold { get; set; }
    public int WindowHours { get; set; }

    /// <summary>Hours before the window that a drift is set against.</summary>
    public int? BaselineHours { get; set; }
    public int CoolDownMinutes { get; set; }
    public bool Enabled { get; set; }
    public DateTime CreatedAt { get; set; }
    public DateTime UpdatedAt { get; set; }

    /// <summary>When it last told.</summary>
    public DateTime? FiredAt { get; set; }

    /// <summary>End of the window that it told of: the same window is not told of twice.</summary>
    public DateTime? FiredWindowEnd { get; set; }
}

internal sealed class IntensityRuleTable : IEntityTypeConfiguration<IntensityRuleRow>
{
    public void Configure(EntityTypeBuilder<IntensityRuleRow> builder) => builder.ToTable("intensity_rule").HasKey(row => row.Id);
}
