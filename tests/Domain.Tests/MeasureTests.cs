using Metrics.Domain.Facts;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>The table of measures and that of ratios, and what is made of them.</summary>
public sealed class MeasureTests
{
    private static readonly MeasureValues Row = Values(
        (Measures.Units, 40),
        (Measures.Accelerator, 500),
        (Measures.Server, 800),
        (Measures.Facility, 1000),
        (Measures.Idle, 200),
        (Measures.Operational, 6),
        (Measures.Embodied, 4),
        (Measures.Known, 800),
        (Measures.Measured, 600),
        (Measures.Covered, 900)
    );

    [Theory]
    [InlineData("JoulesPerUnit", 25.0)]
    [InlineData("AcceleratorJoulesPerUnit", 12.5)]
    [InlineData("ServerJoulesPerUnit", 20.0)]
    // A quarter of the server's energy is idle: three quarters of 1000 J for 40 units.
    [InlineData("ActiveJoulesPerUnit", 18.75)]
    [InlineData("SciGramsPerUnit", 0.25)]
    [InlineData("MeasuredShare", 0.75)]
    [InlineData("Coverage", 0.25)]
    public void A_ratio_is_worked_out_of_the_measures(string name, double expected) =>
        Assert.Equal(expected, Find(name).Of(Row, 3600, MissingReasons.WueUnknown | MissingReasons.ModelUnknown));

    [Theory]
    [InlineData("SciGramsPerUnit", MissingReasons.PueUnknown)]
    [InlineData("SciGramsPerUnit", MissingReasons.GridUnknown)]
    [InlineData("SciGramsPerUnit", MissingReasons.EmbodiedUnknown | MissingReasons.WueUnknown)]
    [InlineData("ActiveJoulesPerUnit", MissingReasons.BusyUnknown)]
    [InlineData("ActiveJoulesPerUnit", MissingReasons.ServerUnmetered)]
    [InlineData("ActiveJoulesPerUnit", MissingReasons.HardwareUnknown)]
    [InlineData("ActiveJoulesPerUnit", MissingReasons.AcceleratorUnmetered)]
    public void What_is_missing_in_some_of_the_time_makes_no_ratio(string name, MissingReasons missing) =>
        Assert.Null(Find(name).Of(Row, 3600, missing));

    [Fact]
    public void A_ratio_of_an_unknown_part_or_over_zero_is_null()
    {
        Assert.Null(Ratios.SciGramsPerUnit.Of(Row.With(Measures.Embodied, null), 3600, MissingReasons.None));
        Assert.Null(Ratios.JoulesPerUnit.Of(Row.With(Measures.Units, 0), 3600, MissingReasons.None));
        Assert.Null(Ratios.ActiveJoulesPerUnit.Of(Row.With(Measures.Server, 0), 3600, MissingReasons.None));
        Assert.Equal(0, Ratios.JoulesPerUnit.Of(Row.With(Measures.Facility, 0), 3600, MissingReasons.None));
    }

    [Fact]
    public void A_ratio_is_told_in_sql_in_odata_and_in_words()
    {
        static string Column(Measure measure) => $"i.{measure.Column}";
        Assert.Equal(
            "CASE WHEN i.missing & 104 = 0 THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END",
            Ratios.SciGramsPerUnit.ToSql(Column, "3600", "i.missing")
        );
        Assert.Equal(
            "CASE WHEN i.missing & 135 = 0 THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / "
                + "NULLIF(i.units, 0) END",
            Ratios.ActiveJoulesPerUnit.ToSql(Column, "3600", "i.missing")
        );
        Assert.Equal("i.covered_seconds / NULLIF(3600, 0)", Ratios.Coverage.ToSql(Column, "3600", "i.missing"));
        Assert.Equal(
            "i.measured_joules / NULLIF(COALESCE(i.server_joules, i.accelerator_joules, i.rack_joules), 0)",
            Ratios.OfFacts[0].ToSql(Column, "3600", "i.missing")
        );
        Assert.Equal("OperationalGrams add EmbodiedGrams", Ratios.SciGramsPerUnit.Over.ToOData());
        Assert.Equal("FacilityJoules mul (1 sub IdleJoules div ServerJoules)", Ratios.ActiveJoulesPerUnit.Over.ToOData());
        Assert.Equal(
            "FacilityJoules x (1 - IdleJoules / ServerJoules) / Units",
            Ratios.ActiveJoulesPerUnit.Expression.ToText(measure => measure.Name, "seconds")
        );
    }

    [Fact]
    public void A_value_that_is_no_number_is_a_mistake_and_not_unknown() =>
        Assert.Throws<ArgumentException>(() => Row.With(Measures.Idle, double.NaN));

    [Fact]
    public void Values_are_equal_when_each_is_and_another_of_one_measure_leaves_the_rest()
    {
        var other = Row.With(Measures.Idle, 201);
        Assert.NotEqual(Row, other);
        Assert.Equal((200, 201, 800), (Row[Measures.Idle], other[Measures.Idle], other[Measures.Server]));
        Assert.Equal(Row, other.With(Measures.Idle, 200));
        Assert.Equal(Row.GetHashCode(), other.With(Measures.Idle, 200).GetHashCode());
    }

    [Fact]
    public void Every_measure_that_is_restated_is_told_of_once_when_it_changes()
    {
        var restated = new List<string>();
        foreach (var measure in Measures.All)
        {
            var changes = Restatement.Between([Sums(Row)], [Sums(Row.With(measure, 77))]);
            restated.AddRange(changes.Select(change => $"{change.Measure.Column} {change.Old} {change.New}"));
        }
        Assert.Equal(
            [
                "units 40 77",
                "accelerator_joules 500 77",
                "server_joules 800 77",
                "facility_joules 1000 77",
                "rack_joules  77",
                "idle_joules 200 77",
                "operational_grams 6 77",
                "marginal_grams  77",
                "market_based_grams  77",
                "embodied_grams 4 77",
                "water_litres  77",
                "low_joules  77",
                "high_joules  77",
            ],
            restated
        );
    }

    /// <summary>Days and months are made by the same loop as hours: what is known of each measure is added.</summary>
    [Fact]
    public void Every_measure_of_two_hours_is_added_up_to_that_of_the_day()
    {
        var values = new MeasureValues();
        foreach (var measure in Measures.All)
            values = values.With(measure, 10 + measure.Index);

        var day = Assert.Single(
            RollUp.Day(At.Date, [Sums(values), Sums(values) with { PeriodStart = At.AddHours(1), PeriodEnd = At.AddHours(2) }])
        );

        Assert.All(Measures.All, measure => Assert.Equal(2 * (10 + measure.Index), day[measure]));
    }

    [Fact]
    public void Reasons_are_told_by_their_words_in_order() =>
        Assert.Equal(
            "accelerator_unmetered busy_unknown embodied_unknown grid_unknown hardware_unknown model_unknown pue_unknown "
                + "server_unmetered wue_unknown",
            ((MissingReasons)511).Text()
        );

    [Fact]
    public void The_documentation_has_the_tables_of_measures_and_of_ratios()
    {
        var page = File.ReadAllText(Path.Combine(Repository(), "docs", "data-model.md"));
        var rows = Measures.All.Select(Documented).Concat(Ratios.OfPeriods.Select(Documented)).ToList();

        Assert.Equal([], rows.Where(row => !page.Contains(row + "\n", StringComparison.Ordinal)));
        // The control: a row of something else is not there.
        Assert.DoesNotContain(Documented(new Measure("OtherJoules", "J", "Another.")), page, StringComparison.Ordinal);
    }

    private static readonly DateTime At = new(2026, 1, 15, 10, 0, 0, DateTimeKind.Utc);

    private static string Documented(Measure measure) =>
        $"| `{measure.Name}` | {measure.Unit} | {Holders(measure.Held)} | {Holders(measure.Exposed)} | {measure.Across switch
        {
            AcrossResources.UnknownOfOneIsUnknown => "unknown of one is unknown",
            AcrossResources.SumsWhatIsKnown => "what is known is added",
            AcrossResources.Bounds => "bounds of the widest boundary",
            AcrossResources.Mean => "the mean",
            _ => "counted by unit",
        }} | {(measure.Restated ? "yes" : "no")} | {measure.DescriptionOfPeriods} |";

    private static string Documented(Ratio ratio)
    {
        var words = string.Join(", ", ratio.NullWhile.Words().Select(word => $"`{word}`"));
        var many = ratio.OfMany switch
        {
            RatioOfMany.SumOverSum => "sum over sum",
            RatioOfMany.Mean => "the mean",
            _ => "none",
        };
        var made = ratio.Expression.ToText(measure => measure.Name, "seconds");
        return $"| `{ratio.Name}` | {ratio.Unit} | `{made}` | {many} |{(words.Length == 0 ? "" : " " + words)} |";
    }

    private static string Holders(MeasureHolders holders) =>
        holders switch
        {
            MeasureHolders.Facts => "facts",
            MeasureHolders.Periods => "periods",
            MeasureHolders.All => "facts, periods",
            _ => "no set",
        };

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Metrics.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }

    private static Ratio Find(string name) => Ratios.OfPeriods.Single(ratio => ratio.Name == name);

    private static PeriodSums Sums(MeasureValues values) =>
        new()
        {
            DeploymentId = 1,
            FunctionalUnit = "token",
            PeriodStart = At,
            PeriodEnd = At.AddHours(1),
            Values = values,
            Evidence = Quantities.Evidence.Measured,
        };

    private static MeasureValues Values(params (Measure Measure, double Value)[] values) =>
        values.Aggregate(new MeasureValues(), (all, one) => all.With(one.Measure, one.Value));
}
