using Metrics.Domain.Facts;

namespace Metrics.Api.Explain;

/// <summary>How one row came to be: everything that a person needs to make it again by hand.</summary>
public sealed record Explanation
{
    /// <summary>Entity set of the row.</summary>
    public required string Set { get; init; }

    /// <summary>Key of the row, as OData writes it.</summary>
    public required string Key { get; init; }

    /// <summary>The row as it is stored, by the names of /odata.</summary>
    public required IReadOnlyDictionary<string, object?> Row { get; init; }

    /// <summary>Whether the row, made again now from what is written below, is the stored one.</summary>
    public required RowCheck Check { get; init; }

    /// <summary>The calculation from the facts to the row, step by step, with the numbers.</summary>
    public required IReadOnlyList<Formula> Formulas { get; init; }

    /// <summary>For a day or a month: its hours, each of which can be explained by its key.</summary>
    public IReadOnlyList<ExplainedHour> Hours { get; init; } = [];

    /// <summary>What rules refused, bridged or set aside in the period, of what the row rests on first.</summary>
    public IReadOnlyList<ExplainedRule> Rules { get; init; } = [];

    /// <summary>The deployment's energy facts of the period.</summary>
    public IReadOnlyList<ExplainedFact> Facts { get; init; } = [];

    /// <summary>The deployment's work facts of the period.</summary>
    public IReadOnlyList<ExplainedWork> Work { get; init; } = [];

    /// <summary>What the energy of each resource was made of in each period of the grid.</summary>
    public IReadOnlyList<ExplainedCover> Cover { get; init; } = [];

    /// <summary>Whose the energy of each resource was. The shares of a resource in a period sum to one.</summary>
    public IReadOnlyList<WorkloadShare> Shares { get; init; } = [];

    /// <summary>What each series told of each period of the grid, and whether a fact was made of it.</summary>
    public IReadOnlyList<ExplainedReading> Readings { get; init; } = [];

    /// <summary>The series behind the readings, with their mappings.</summary>
    public IReadOnlyList<ExplainedSource> Sources { get; init; } = [];

    /// <summary>The factors that the facts were made with.</summary>
    public IReadOnlyList<ExplainedFactor> Factors { get; init; } = [];

    /// <summary>How many entries of each list were left out because there are too many to tell; empty when all are here.</summary>
    public IReadOnlyDictionary<string, int> LeftOut { get; init; } = new Dictionary<string, int>();
}

/// <summary>One step of the calculation.</summary>
/// <param name="Name">The column that it gives.</param>
/// <param name="Text">The calculation with its numbers, in joules, grams, litres and units.</param>
/// <param name="Value">What comes out; null when a part is unknown.</param>
public sealed record Formula(string Name, string Text, double? Value);

/// <summary>An hour of a day or a month.</summary>
public sealed record ExplainedHour
{
    /// <summary>First instant of the hour, UTC.</summary>
    public required DateTime PeriodStart { get; init; }

    /// <summary>Key of the hour's row in HourlyIntensities, to be explained by it; of an hour without work in the unit, another unit's or
    /// none's.</summary>
    public required string Key { get; init; }

    /// <summary>Work of the hour in the unit; null when none was counted.</summary>
    public double? Units { get; init; }

    /// <summary>What the hour's row tells beside the units: properties by their names, see <see cref="MeasureProperties"/>. What is
    /// matched with work is that of the unit.</summary>
    public required MeasureValues Values { get; init; }
}

/// <summary>What drew the power.</summary>
/// <param name="Id">Key in /odata/Resources, as text.</param>
/// <param name="Kind">gpu, node ...</param>
/// <param name="Name">Its name.</param>
/// <param name="Node">The host it sits in.</param>
public sealed record ExplainedResource(string Id, string Kind, string Name, string? Node);

/// <summary>A rule that acted, with the numbers that it compared.</summary>
/// <param name="Rule">Its name: a reason of Rejections (glitch, told_twice, implausible_value ...), or keeps_its_meaning, unread_boards,
/// unknown_slice, dead_load, dead_board.</param>
/// <param name="Subject">What it acted on: a series, or a resource.</param>
/// <param name="At">When: the instant of the sample, or the start of the grid period; null when it has none.</param>
/// <param name="Text">What it saw and did, with the numbers.</param>
public sealed record ExplainedRule(string Rule, string Subject, DateTime? At, string Text);

/// <summary>An energy fact.</summary>
public sealed record ExplainedFact
{
    /// <summary>What drew the power.</summary>
    public required ExplainedResource Resource { get; init; }

    /// <summary>First instant of the grid period, UTC.</summary>
    public required DateTime PeriodStart { get; init; }

    /// <summary>End of the grid period, UTC.</summary>
    public required DateTime PeriodEnd { get; init; }

    /// <summary>The measures: properties by their names, see <see cref="MeasureProperties"/>.</summary>
    public required MeasureValues Values { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required string Evidence { get; init; }

    /// <summary>What made up the widest boundary: node, cpu+memory+accelerator, host-model ...</summary>
    public required string Cover { get; init; }

    /// <summary>Mappings, as id@version.</summary>
    public required string Mappings { get; init; }

    /// <summary>Factors, by name.</summary>
    public required string Factors { get; init; }

    /// <summary>Why columns are null.</summary>
    public required string Missing { get; init; }
}

/// <summary>A work fact.</summary>
/// <param name="PeriodStart">First instant of the grid period, UTC.</param>
/// <param name="Units">Units of work.</param>
/// <param name="CoveredSeconds">Seconds for which counts exist.</param>
/// <param name="Mappings">Mappings, as id@version.</param>
public sealed record ExplainedWork(DateTime PeriodStart, double Units, double CoveredSeconds, string Mappings);

/// <summary>What a resource's energy was made of in one grid period.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="PeriodStart">First instant of the grid period, UTC.</param>
/// <param name="Cover">What made up the widest boundary.</param>
/// <param name="Joules">Energy of all who share it: of the server boundary, or of the accelerator's where the server is unknown.</param>
/// <param name="Text">How that came from the readings, with the numbers.</param>
/// <param name="Bounds">The least and the most that it can be, with the numbers: of a model at rest and at full load, of a meter by its
/// accuracy; null when nothing states them.</param>
/// <param name="Idle">How the part of it that was drawn while doing nothing was told; null when it is unknown.</param>
/// <param name="Embodied">How the emissions of making it that fall to the period were found, with the numbers; null when they are
/// unknown.</param>
public sealed record ExplainedCover(
    ExplainedResource Resource,
    DateTime PeriodStart,
    string Cover,
    double? Joules,
    string Text,
    string? Bounds,
    string? Idle,
    string? Embodied
);

/// <summary>A workload's part of a resource in one grid period.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="PeriodStart">First instant of the grid period, UTC.</param>
/// <param name="Workload">The workload; unattributed is what no rule claims.</param>
/// <param name="Joules">Its joules: of the server boundary, or of the accelerator's where the server is unknown.</param>
/// <param name="Share">Its joules over those of all; null when there are none.</param>
/// <param name="By">What gave it that share, with the numbers; null for one that has all.</param>
public sealed record WorkloadShare(
    ExplainedResource Resource,
    DateTime PeriodStart,
    string Workload,
    double? Joules,
    double? Share,
    string? By
);

/// <summary>What one series told of one grid period.</summary>
public sealed record ExplainedReading
{
    /// <summary>Number of the series in sources.</summary>
    public required int Source { get; init; }

    /// <summary>What it is about; null for work.</summary>
    public ExplainedResource? Resource { get; init; }

    /// <summary>The part of the resource: accelerator, node, cpu ...; none for work.</summary>
    public required string Component { get; init; }

    /// <summary>Which of the component's disjoint parts; empty when there is one.</summary>
    public required string Part { get; init; }

    /// <summary>First instant of the grid period, UTC.</summary>
    public required DateTime PeriodStart { get; init; }

    /// <summary>Joules, units of work, or seconds at full load, as unit says.</summary>
    public required double Amount { get; init; }

    /// <summary>J; the functional unit; or s for seconds at full load.</summary>
    public required string Unit { get; init; }

    /// <summary>The stretch of the period that it speaks of.</summary>
    public required double Seconds { get; init; }

    /// <summary>The workload whose rules claim the series.</summary>
    public required string Workload { get; init; }

    /// <summary>Whether a fact was made of it.</summary>
    public required bool Used { get; init; }

    /// <summary>Why it was not used; null when it was.</summary>
    public string? Why { get; init; }
}

/// <summary>A series of samples and how it is understood.</summary>
public sealed record ExplainedSource
{
    /// <summary>Its number in readings.</summary>
    public required int Number { get; init; }

    /// <summary>Id of the source in the configuration.</summary>
    public required string Source { get; init; }

    /// <summary>Provider of the source.</summary>
    public required string Provider { get; init; }

    /// <summary>Name of the metric, as the provider writes it.</summary>
    public required string Metric { get; init; }

    /// <summary>Labels of the series.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Raw, or how the provider made one value of a period.</summary>
    public required string Statistic { get; init; }

    /// <summary>Length of the provider's period in seconds; 0 for an instant.</summary>
    public required double PeriodSeconds { get; init; }

    /// <summary>How many samples were looked at: those that start within the period and an hour around it.</summary>
    public required int Samples { get; init; }

    /// <summary>The earliest of them.</summary>
    public ExplainedSample? First { get; init; }

    /// <summary>The latest of them.</summary>
    public ExplainedSample? Last { get; init; }

    /// <summary>SHA-256 over the samples, one line each, by start: start, end (yyyy-MM-ddTHH:mm:ss.ffffffZ) and the shortest text of the
    /// value that reads back as it, separated by a blank, ended by a line feed; in UTF-8.</summary>
    public required string Sha256 { get; init; }

    /// <summary>How the samples are understood.</summary>
    public required ExplainedMapping Mapping { get; init; }
}

/// <summary>A sample, in the provider's unit.</summary>
/// <param name="Start">UTC; equal to the end for an instant.</param>
/// <param name="End">UTC.</param>
/// <param name="Value">The value.</param>
public sealed record ExplainedSample(DateTime Start, DateTime End, double Value);

/// <summary>How a metric is understood.</summary>
public sealed record ExplainedMapping
{
    /// <summary>id@version.</summary>
    public required string Name { get; init; }

    /// <summary>Unit of the raw value.</summary>
    public required string Unit { get; init; }

    /// <summary>The raw value times numerator over denominator is in joules, watts, units of work, or a share of full load.</summary>
    public required double Numerator { get; init; }

    /// <summary>See the numerator.</summary>
    public required double Denominator { get; init; }

    /// <summary>Gauge, Delta or Cumulative.</summary>
    public required string Kind { get; init; }

    /// <summary>What is read: energy, power, utilisation or work.</summary>
    public required string Quantity { get; init; }

    /// <summary>Part of the machine; none for work.</summary>
    public required string Component { get; init; }

    /// <summary>What work is counted in.</summary>
    public string? FunctionalUnit { get; init; }

    /// <summary>How good the number is.</summary>
    public required string Evidence { get; init; }

    /// <summary>Whether a level holds until the next sample; else two samples are joined by a straight line.</summary>
    public required bool Hold { get; init; }

    /// <summary>Raw value at which a counter starts again from zero; null when a fall is a reset.</summary>
    public double? WrapsAt { get; init; }

    /// <summary>Longest time between two samples that still says what happened between them, in seconds.</summary>
    public required double MaxSpanSeconds { get; init; }

    /// <summary>Watts at no load, for utilisation with a power model.</summary>
    public double? IdleWatts { get; init; }

    /// <summary>Watts at full load.</summary>
    public double? MaxWatts { get; init; }

    /// <summary>Where it is written what the metric means.</summary>
    public required string Reference { get; init; }
}

/// <summary>A factor.</summary>
public sealed record ExplainedFactor
{
    /// <summary>Name, as the facts tell it.</summary>
    public required string Name { get; init; }

    /// <summary>Value; null when it has none of its own (a table's row) or is no longer known.</summary>
    public double? Value { get; init; }

    /// <summary>Unit of the value.</summary>
    public string? Unit { get; init; }

    /// <summary>What the factor says beside the value, in words.</summary>
    public string? Text { get; init; }

    /// <summary>Who published it.</summary>
    public string? Source { get; init; }

    /// <summary>Its licence.</summary>
    public string? Licence { get; init; }

    /// <summary>The year that it speaks of, or its edition.</summary>
    public string? Vintage { get; init; }
}
