using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
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
        (Measures.IdleOf, 800),
        (Measures.Operational, 6),
        (Measures.Embodied, 4),
        (Measures.Known, 800),
        (Measures.Measured, 600),
        (Measures.Present, 3600),
        (Measures.AcceleratorTime, 3600),
        (Measures.ServerTime, 1800),
        (Measures.FacilityTime, 900),
        (Measures.WorkTime, 2700),
        (MatchedSums.Accelerator.Amount, 480),
        (MatchedSums.Accelerator.Units, 24),
        (MatchedSums.Server.Amount, 600),
        (MatchedSums.Server.Units, 20),
        (MatchedSums.Facility.Amount, 400),
        (MatchedSums.Facility.Low!, 380),
        (MatchedSums.Facility.High!, 440),
        (MatchedSums.Facility.Units, 10),
        (MatchedSums.Facility.Seconds!, 720),
        (MatchedSums.Active.Amount, 300),
        (MatchedSums.Active.Units, 10),
        (MatchedSums.Operational.Amount, 5),
        (MatchedSums.Operational.Units, 10),
        (MatchedSums.Sci.Amount, 8),
        (MatchedSums.Sci.Units, 10)
    );

    [Theory]
    [InlineData("JoulesPerUnit", 40.0)]
    [InlineData("LowJoulesPerUnit", 38.0)]
    [InlineData("HighJoulesPerUnit", 44.0)]
    [InlineData("AcceleratorJoulesPerUnit", 20.0)]
    [InlineData("ServerJoulesPerUnit", 30.0)]
    [InlineData("ActiveJoulesPerUnit", 30.0)]
    [InlineData("IdleShare", 0.25)]
    [InlineData("OperationalGramsPerUnit", 0.5)]
    [InlineData("SciGramsPerUnit", 0.8)]
    [InlineData("MeasuredShare", 0.75)]
    // The ratio of the facility rests on 720 of 3,600 seconds.
    [InlineData("Coverage", 0.2)]
    [InlineData("AcceleratorCoverage", 1.0)]
    [InlineData("ServerCoverage", 0.5)]
    [InlineData("FacilityCoverage", 0.25)]
    [InlineData("WorkCoverage", 0.75)]
    public void A_ratio_is_worked_out_of_the_measures(string name, double expected) => Assert.Equal(expected, Find(name).Of(Row));

    [Fact]
    public void Without_a_ratio_coverage_is_that_of_the_widest_boundary()
    {
        var idle = Row.With(MatchedSums.Facility.Seconds!, null);
        Assert.Equal(0.25, Ratios.Coverage.Of(idle));
        Assert.Equal(0.5, Ratios.Coverage.Of(idle.With(Measures.FacilityTime, 0)));
        Assert.Equal(0.0, Ratios.Coverage.Of(Values((Measures.Present, 3600))));
    }

    [Fact]
    public void A_ratio_of_an_unknown_part_or_over_zero_is_null()
    {
        Assert.Null(Ratios.SciGramsPerUnit.Of(Row.With(MatchedSums.Sci.Amount, null)));
        Assert.Null(Ratios.JoulesPerUnit.Of(Row.With(MatchedSums.Facility.Units, 0)));
        Assert.Equal(0, Ratios.JoulesPerUnit.Of(Row.With(MatchedSums.Facility.Amount, 0)));
    }

    [Fact]
    public void A_ratio_is_told_in_sql_in_odata_and_in_words()
    {
        static string Column(Measure measure) => $"i.{measure.Column}";
        Assert.Equal("i.matched_sci_grams / NULLIF(i.sci_matched_units, 0)", Ratios.SciGramsPerUnit.ToSql(Column));
        Assert.Equal(
            "COALESCE(NULLIF(i.facility_matched_seconds, 0), NULLIF(i.server_matched_seconds, 0), "
                + "NULLIF(i.accelerator_matched_seconds, 0), NULLIF(i.facility_seconds, 0), NULLIF(i.server_seconds, 0), "
                + "NULLIF(i.accelerator_seconds, 0), 0) / NULLIF(i.present_seconds, 0)",
            Ratios.Coverage.ToSql(Column)
        );
        Assert.Equal(
            "i.measured_joules / NULLIF(COALESCE(i.server_joules, i.accelerator_joules, i.rack_joules), 0)",
            Ratios.OfFacts[0].ToSql(Column)
        );
        Assert.Equal("MatchedFacilityJoules", Ratios.JoulesPerUnit.Over.ToOData());
        Assert.Equal("FacilityMatchedUnits", Ratios.JoulesPerUnit.Under.ToOData());
        Assert.Equal("MatchedActiveJoules / ActiveMatchedUnits", Ratios.ActiveJoulesPerUnit.Expression.ToText(measure => measure.Name));
    }

    /// <summary>The formulas of one period of the grid: what the golden cases guard by way of the roll-up.</summary>
    [Fact]
    public void What_is_matched_is_told_in_words()
    {
        Assert.Equal("OperationalGrams + EmbodiedGrams", MatchedSums.Sci.Of.ToText(measure => measure.Name));
        Assert.Equal("FacilityJoules x (1 - IdleJoules / ServerJoules)", MatchedSums.Active.Of.ToText(measure => measure.Name));
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
                "units 40 77",
                "matched_accelerator_joules 480 77",
                "accelerator_matched_units 24 77",
                "matched_server_joules 600 77",
                "server_matched_units 20 77",
                "matched_facility_joules 400 77",
                "facility_matched_units 10 77",
                "matched_active_joules 300 77",
                "active_matched_units 10 77",
                "matched_operational_grams 5 77",
                "operational_matched_units 10 77",
                "matched_sci_grams 8 77",
                "sci_matched_units 10 77",
            ],
            restated
        );
    }

    /// <summary>Days and months are made by the same loop as hours: what is known of each measure is added.</summary>
    [Fact]
    public void Every_measure_of_two_hours_is_added_up_to_that_of_the_day()
    {
        var values = new MeasureValues();
        foreach (var measure in Measures.HeldBy(MeasureHolders.Periods))
            values = values.With(measure, 10 + measure.Index);

        var day = Assert.Single(
            RollUp.Day(At.Date, [Sums(values), Sums(values) with { PeriodStart = At.AddHours(1), PeriodEnd = At.AddHours(2) }])
        );

        Assert.All(Measures.HeldBy(MeasureHolders.Periods), measure => Assert.Equal(2 * (10 + measure.Index), day[measure]));
    }

    [Fact]
    public void Reasons_are_told_by_their_words_in_order() =>
        Assert.Equal(
            "accelerator_unmetered ambiguous_identity busy_unknown embodied_unknown glitch grid_unknown hardware_unknown "
                + "implausible_value less_than_its_parts model_unknown pue_unknown server_unmetered slice_unknown told_twice wue_unknown",
            ((MissingReasons)32767).Text()
        );

    [Fact]
    public void The_documentation_has_the_tables_of_measures_and_of_ratios()
    {
        var page = File.ReadAllText(Path.Combine(Repository(), "docs", "data-model.md"));
        var rows = Measures
            .All.Where(measure => measure.Held != MeasureHolders.Passing)
            .Select(Documented)
            .Concat(Ratios.OfPeriods.Select(Documented))
            .ToList();

        Assert.Equal([], rows.Where(row => !page.Contains(row + "\n", StringComparison.Ordinal)));
        // The control: a row of something else is not there.
        Assert.DoesNotContain(Documented(new Measure("OtherJoules", "J", "Another.")), page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documentation_has_every_reason_of_a_null_and_every_rule_that_acts()
    {
        var model = File.ReadAllText(Path.Combine(Repository(), "docs", "data-model.md"));
        var rules = File.ReadAllText(Path.Combine(Repository(), "docs", "normalisation.md"));

        // Those of ratios that only rankings tell stand with the placements.
        NullReason[] ofRows =
        [
            NullReason.NoWork,
            NullReason.ZeroFunctionalUnits,
            NullReason.NoEnergy,
            NullReason.ServerUnknown,
            NullReason.PueUnknown,
            NullReason.NoCommonTime,
        ];
        var words = ofRows.Select(reason => reason.Text()).Concat(MissingReasonText.All.Select(entry => entry.Word));
        Assert.Equal([], words.Where(NotIn(model)));
        RejectionReason[] ofRules =
        [
            RejectionReason.ImplausibleValue,
            RejectionReason.Glitch,
            RejectionReason.LessThanItsParts,
            RejectionReason.AmbiguousIdentity,
            RejectionReason.ToldTwice,
            RejectionReason.SliceUnknown,
        ];
        var told = ofRules.Select(reason => SnakeCase.Of(reason));
        Assert.Equal([], told.Where(word => !rules.Contains($"| `{word}` |", StringComparison.Ordinal)));
        Assert.Equal(["told_thrice"], new[] { "told_twice", "told_thrice" }.Where(NotIn(model)));

        static Func<string, bool> NotIn(string page) => word => !page.Contains($"`{word}`", StringComparison.Ordinal);
    }

    [Fact]
    public void Each_of_the_nine_rules_has_a_page_that_says_what_was_given_up()
    {
        var rules = File.ReadAllLines(Path.Combine(Repository(), "docs", "normalisation.md"))
            .Where(line => line.Length > 4 && line.StartsWith("| ", StringComparison.Ordinal) && char.IsAsciiDigit(line[2]))
            .ToList();

        Assert.Equal(9, rules.Count);
        foreach (var rule in rules)
        {
            var pages = rule.Split("](").Skip(1).Select(part => part[..part.IndexOf(')', StringComparison.Ordinal)]).ToList();
            Assert.NotEmpty(pages);
            foreach (var page in pages)
                Assert.Contains("Given up", File.ReadAllText(Path.Combine(Repository(), "docs", page)), StringComparison.OrdinalIgnoreCase);
        }
    }

    private static readonly DateTime At = new(2026, 1, 15, 10, 0, 0, DateTimeKind.Utc);

    private static string Documented(Measure measure) =>
        $"| `{measure.Name}` | {measure.Unit} | {Holders(measure.Held)} | {Holders(measure.Exposed)} | {measure.Aggregation switch
        {
            Aggregation.Sum => "what is known is added",
            Aggregation.Bounds => "bounds of the widest boundary",
            _ => "by functional unit",
        }} | {(measure.Restated ? "yes" : "no")} | {measure.DescriptionOfPeriods} |";

    private static string Documented(Ratio ratio)
    {
        var many = ratio.OfMany switch
        {
            RatioOfMany.SumOverSum => "sum over sum",
            RatioOfMany.Weighted => "the mean by time",
            _ => "none",
        };
        return $"| `{ratio.Name}` | {ratio.Unit} | `{ratio.Expression.ToText(measure => measure.Name)}` | {many} |";
    }

    private static string Holders(MeasureHolders holders) =>
        holders switch
        {
            MeasureHolders.Facts => "facts",
            MeasureHolders.Periods => "periods",
            MeasureHolders.All => "facts, periods",
            MeasureHolders.Periods | MeasureHolders.Passing => "periods",
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
