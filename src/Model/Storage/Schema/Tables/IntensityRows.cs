using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A row with the columns of <see cref="Measures"/>, by their names.</summary>
public abstract class MeasuredRow
{
    private readonly Dictionary<string, object?> values = new(StringComparer.Ordinal);

    /// <summary>The value of a measure, a double; null when it is unknown.</summary>
    public object? this[string measure]
    {
        get => values.GetValueOrDefault(measure);
        set => values[measure] = value;
    }

    /// <summary>The columns, and what they may hold.</summary>
    internal static void Configure<T>(EntityTypeBuilder<T> builder, string table, MeasureHolders holder)
        where T : MeasuredRow
    {
        foreach (var measure in Measures.HeldBy(holder))
        {
            if (measure.Always)
                builder.IndexerProperty<double>(measure.Name);
            else
                builder.IndexerProperty<double?>(measure.Name);
        }
        builder.ToTable(table);
    }
}

/// <summary>Sums of a deployment over a period, for one functional unit. The ratios are made when they are told.</summary>
public abstract class IntensityRow : MeasuredRow
{
    public long DeploymentId { get; set; }
    public required string FunctionalUnit { get; set; }
    public DateTime PeriodStart { get; set; }
    public DateTime PeriodEnd { get; set; }

    /// <summary>UTC day of the start; a column of its own so that a filter on it finds an index.</summary>
    public DateOnly Date { get; set; }

    /// <summary>The day as yyyymmdd.</summary>
    public int DateKey { get; set; }
    public Evidence Evidence { get; set; }

    /// <summary>Names of the factors used anywhere in the period, ordered, separated by a space.</summary>
    public string Factors { get; set; } = "";

    /// <summary>Why columns are null anywhere in the period.</summary>
    public MissingReasons Missing { get; set; }

    /// <summary>What the servers' energy was made of, in any of the period.</summary>
    public CoverKinds CoverKinds { get; set; }

    /// <summary>By what idle energy was told, in any of the period.</summary>
    public IdleMeans IdleBy { get; set; }

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
        MeasuredRow.Configure(builder, name, MeasureHolders.Periods);
        builder.HasKey(row => new
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
