using Metrics.Domain.Quantities;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>A number that is not measured here: a PUE, the intensity of a grid, the watts of a power model. What was ever in use
/// stays.</summary>
public sealed class FactorRow
{
    public long Id { get; set; }

    /// <summary>How results name it: <c>grid_intensity:country/DE:location_average@ember-2025</c>.</summary>
    public required string Name { get; set; }

    /// <summary><c>pue</c>, <c>wue</c>, <c>grid_intensity</c>; <c>idle_power</c> and <c>max_power</c> of a mapping.</summary>
    public required string Kind { get; set; }
    public string? Place { get; set; }

    /// <summary>How it was found: <c>location_average</c> ...; for a power model the id of its mapping.</summary>
    public string? Method { get; set; }
    public double Value { get; set; }
    public double? Low { get; set; }
    public double? High { get; set; }
    public required string Unit { get; set; }

    /// <summary>Who published it.</summary>
    public required string Source { get; set; }
    public string? Licence { get; set; }

    /// <summary>The day it was taken from its source.</summary>
    public DateOnly? Retrieved { get; set; }
    public string? Vintage { get; set; }

    /// <summary>First day that it is used for; null: any day before the last.</summary>
    public DateOnly? ValidFrom { get; set; }

    /// <summary>First day that it is no longer used for; null: every day after the first.</summary>
    public DateOnly? ValidTo { get; set; }

    /// <summary>The edition that it came with.</summary>
    public required string Version { get; set; }

    /// <summary>When it was found to be no longer in use; null while it is.</summary>
    public DateTime? SupersededAt { get; set; }
}

/// <summary>A mapping of the catalogue, every version that was ever in use.</summary>
public sealed class MetricMappingRow
{
    public required string Id { get; set; }
    public int Version { get; set; }
    public required string Provider { get; set; }

    /// <summary>Every spelling, separated by a space.</summary>
    public required string Metrics { get; set; }
    public required string Quantity { get; set; }
    public required string Unit { get; set; }
    public required string Kind { get; set; }
    public required string Component { get; set; }
    public string? FunctionalUnit { get; set; }
    public Evidence Evidence { get; set; }
    public DateOnly EffectiveFrom { get; set; }
    public required string Reference { get; set; }
}

/// <summary>A day, for tools that join on one.</summary>
public sealed class CalendarRow
{
    public DateOnly Date { get; set; }
    public int DateKey { get; set; }
    public int Year { get; set; }
    public int Quarter { get; set; }
    public int Month { get; set; }
    public int Day { get; set; }
    public int IsoWeek { get; set; }

    /// <summary>1 is Monday, 7 Sunday.</summary>
    public int Weekday { get; set; }
    public required string MonthName { get; set; }
    public required string WeekdayName { get; set; }
}

/// <summary>What this database remembers of itself: the fingerprint of the rules its facts were made by, and the keys that its processes
/// share.</summary>
public sealed class SettingRow
{
    public required string Name { get; set; }
    public required string Value { get; set; }
}

internal sealed class FactorTable : IEntityTypeConfiguration<FactorRow>
{
    public void Configure(EntityTypeBuilder<FactorRow> builder)
    {
        builder.ToTable("factor").HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
    }
}

internal sealed class MetricMappingTable : IEntityTypeConfiguration<MetricMappingRow>
{
    public void Configure(EntityTypeBuilder<MetricMappingRow> builder) =>
        builder.ToTable("metric_mappings").HasKey(row => new { row.Id, row.Version });
}

internal sealed class CalendarTable : IEntityTypeConfiguration<CalendarRow>
{
    public void Configure(EntityTypeBuilder<CalendarRow> builder) => builder.ToTable("calendar_day").HasKey(row => row.Date);
}

internal sealed class SettingTable : IEntityTypeConfiguration<SettingRow>
{
    public void Configure(EntityTypeBuilder<SettingRow> builder) => builder.ToTable("settings").HasKey(row => row.Name);
}
