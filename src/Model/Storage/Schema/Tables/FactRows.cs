using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Energy of one resource for one deployment in one grid period.</summary>
public sealed class EnergyFactRow : MeasuredRow
{
    public long DeploymentId { get; set; }
    public long ResourceId { get; set; }
    public DateTime PeriodStart { get; set; }
    public DateTime PeriodEnd { get; set; }
    public Evidence Evidence { get; set; }
    public EnergyCover Cover { get; set; }
    public required string Mappings { get; set; }

    /// <summary>Names of the factors used, ordered, separated by a space.</summary>
    public string Factors { get; set; } = "";

    /// <summary>Why columns are null.</summary>
    public MissingReasons Missing { get; set; }

    /// <summary>When a column of the row last changed.</summary>
    public DateTime RecomputedAt { get; set; }
}

/// <summary>Work of one deployment in one functional unit in one grid period.</summary>
public sealed class WorkFactRow
{
    public long DeploymentId { get; set; }
    public required string FunctionalUnit { get; set; }
    public DateTime PeriodStart { get; set; }
    public DateTime PeriodEnd { get; set; }
    public double Units { get; set; }
    public double CountedSeconds { get; set; }
    public Evidence Evidence { get; set; }
    public required string Mappings { get; set; }

    /// <summary>When a column of the row last changed.</summary>
    public DateTime RecomputedAt { get; set; }
}

internal sealed class EnergyFactTable : IEntityTypeConfiguration<EnergyFactRow>
{
    public void Configure(EntityTypeBuilder<EnergyFactRow> builder)
    {
        MeasuredRow.Configure(builder, "energy_facts", MeasureHolders.Facts);
        // A check that comes to null lets the row pass.
        builder.ToTable(table =>
        {
            foreach (var measure in Measures.HeldBy(MeasureHolders.Facts))
                table.HasCheckConstraint($"ck_energy_facts_{measure.Column}", $"{measure.Column} >= 0 AND {measure.Column} <= 1e24");
        });
        builder.HasKey(row => new
        {
            row.DeploymentId,
            row.ResourceId,
            row.PeriodStart,
        });
        builder.HasIndex(row => row.PeriodStart);
    }
}

internal sealed class WorkFactTable : IEntityTypeConfiguration<WorkFactRow>
{
    public void Configure(EntityTypeBuilder<WorkFactRow> builder)
    {
        builder
            .ToTable("work_facts", table => table.HasCheckConstraint("ck_work_facts_units", "units >= 0 AND units <= 1e24"))
            .HasKey(row => new
            {
                row.DeploymentId,
                row.FunctionalUnit,
                row.PeriodStart,
            });
        // Of counts, and by the name that the time of readings has.
        builder.Property<double>(Measures.Covered.Name);
        builder.Property<double>(Measures.Present.Name);
        builder.HasIndex(row => row.PeriodStart);
    }
}

/// <summary>A number of an hour that changed after it was final.</summary>
public sealed class RestatementRow
{
    public long Id { get; set; }
    public long DeploymentId { get; set; }
    public required string FunctionalUnit { get; set; }
    public DateTime PeriodStart { get; set; }

    /// <summary>Name of the column that changed.</summary>
    public required string Measure { get; set; }
    public double? Old { get; set; }
    public double? New { get; set; }

    /// <summary>Factors that made the old row; empty when there was none.</summary>
    public required string OldFactors { get; set; }

    /// <summary>Factors that made the new row; empty when there is none.</summary>
    public required string NewFactors { get; set; }
    public DateTime At { get; set; }

    /// <summary>What marked the hour: <c>late_data</c>, <c>rules_changed</c> or <c>factors_changed</c>.</summary>
    public required string Reason { get; set; }
}

internal sealed class RestatementTable : IEntityTypeConfiguration<RestatementRow>
{
    public void Configure(EntityTypeBuilder<RestatementRow> builder)
    {
        builder.ToTable("restatement").HasKey(row => row.Id);
        builder.HasIndex(row => row.At);
    }
}
