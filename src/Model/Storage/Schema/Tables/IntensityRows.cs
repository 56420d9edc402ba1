using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Sums of a deployment over a period, for one functional unit. The ratios are made when they are told.</summary>
public abstract class IntensityRow
{
    /// <summary>The functional unit of a period without any work.</summary>
    public const string NoWork = "none";

    public long DeploymentId { get; set; }
    public required string FunctionalUnit { get; set; }
    public DateTime PeriodStart { get; set; }
    public DateTime PeriodEnd { get; set; }

    /// <summary>UTC day of the start; a column of its own so that a filter on it finds an index.</summary>
    public DateOnly Date { get; set; }

    /// <summary>The day as yyyymmdd.</summary>
    public int DateKey { get; set; }

    /// <summary>Null when no work was counted.</summary>
    public double? Units { get; set; }
    public double? AcceleratorJoules { get; set; }
    public double? ServerJoules { get; set; }
    public double? FacilityJoules { get; set; }
    public double? RackJoules { get; set; }
    public double? IdleJoules { get; set; }

    /// <summary>The least that the joules of the widest boundary can be that the row has; null when they or the bounds of a part of them are unknown.</summary>
    public double? LowJoules { get; set; }

    /// <summary>The most that they can be.</summary>
    public double? HighJoules { get; set; }
    public double? OperationalGrams { get; set; }
    public double? MarginalGrams { get; set; }
    public double? MarketBasedGrams { get; set; }
    public double? EmbodiedGrams { get; set; }
    public double? WaterLitres { get; set; }

    /// <summary>Joules of each resource's widest boundary known without PUE, added up: what <see cref="MeasuredJoules"/> is a part of. Null without any energy fact.</summary>
    public double? KnownJoules { get; set; }
    public double MeasuredJoules { get; set; }

    /// <summary>Mean over the deployment's resources of the seconds covered.</summary>
    public double CoveredSeconds { get; set; }
    public Evidence Evidence { get; set; }

    /// <summary>Names of the factors used anywhere in the period, ordered, separated by a space.</summary>
    public string Factors { get; set; } = "";

    /// <summary>Words of why columns are null anywhere in the period, ordered, separated by a space.</summary>
    public string Missing { get; set; } = "";

    /// <summary>When a column of the row last changed.</summary>
    public DateTime RecomputedAt { get; set; }
}

/// <summary>Sums of one hour, from facts.</summary>
public sealed class IntensityHourRow : IntensityRow
{
    /// <summary>Whether all sources had been read an hour past its end while it stood: a change from then on is a restatement.</summary>
    public bool Final { get; set; }
}

/// <summary>Sums of one UTC day, from its hours.</summary>
public sealed class IntensityDayRow : IntensityRow;

internal abstract class IntensityTable<T>(string name) : IEntityTypeConfiguration<T>
    where T : IntensityRow
{
    public virtual void Configure(EntityTypeBuilder<T> builder)
    {
        builder
            .ToTable(name)
            .HasKey(row => new
            {
                row.DeploymentId,
                row.FunctionalUnit,
                row.PeriodStart,
            });
        builder.HasIndex(row => row.PeriodStart);
        builder.HasIndex(row => row.Date);
    }
}

internal sealed class IntensityHourTable() : IntensityTable<IntensityHourRow>("intensity_hours")
{
    public override void Configure(EntityTypeBuilder<IntensityHourRow> builder)
    {
        base.Configure(builder);
        // Hours that are not final yet are few, and they are asked for at every tick.
        builder.HasIndex(row => row.PeriodEnd).HasFilter("NOT final");
    }
}

internal sealed class IntensityDayTable() : IntensityTable<IntensityDayRow>("intensity_days");
