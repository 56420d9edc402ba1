using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Ratios over the same time (docs/decisions/036): what is known of energy and of work alike is divided, and the sums beside it
/// keep all that is known.</summary>
public sealed class RatioTests
{
    private static readonly DateTime Hour = new(2026, 2, 3, 10, 0, 0, DateTimeKind.Utc);
    private static readonly Place Here = new("onprem/here", null, 1.5);
    private static readonly Deployment Llm = new(new Workload("llm", null, null, []), Here);

    // A server of 2,000 W behind a PUE of 1.5 makes 100 tokens a second: 30 J each.
    private readonly List<EnergyFact> energy = [];
    private readonly List<WorkFact> work = [];

    [Fact]
    public void Everything_known_is_divided_whole()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            Energy(bin);
            Work(bin);
        }
        var row = Row();
        Assert.Equal(10_800_000, row[Measures.Facility]);
        Assert.Equal(360_000, row[Measures.Units]);
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(20, row[Ratios.ServerJoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1, row[Ratios.Coverage]);
        Assert.Equal(1, row[Ratios.WorkCoverage]);
    }

    [Fact]
    public void Time_without_power_is_in_neither_part_of_the_ratio()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            if (bin is < 4 or > 7)
                Energy(bin);
            Work(bin);
        }
        var row = Row();
        Assert.Equal(7_200_000, row[Measures.Facility]);
        Assert.Equal(360_000, row[Measures.Units]);
        Assert.Equal(240_000, row[MatchedSums.Facility.Units]);
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(2.0 / 3, row[Ratios.Coverage]!.Value, 1e-9);
        Assert.Equal(2.0 / 3, row[Ratios.FacilityCoverage]!.Value, 1e-9);
        Assert.Equal(1, row[Ratios.WorkCoverage]);
    }

    [Fact]
    public void Time_without_work_told_is_in_neither_part_of_the_ratio()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            Energy(bin);
            if (bin < 6)
                Work(bin);
        }
        var row = Row();
        Assert.Equal(10_800_000, row[Measures.Facility]);
        Assert.Equal(180_000, row[Measures.Units]);
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(0.5, row[Ratios.WorkCoverage]);
        Assert.Equal(1, row[Ratios.FacilityCoverage]);
        Assert.Equal(0.5, row[Ratios.Coverage]);
    }

    [Fact]
    public void Work_that_is_known_to_be_none_is_known()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            Energy(bin);
            Work(bin, units: bin < 6 ? 30_000 : 0);
        }
        Assert.Equal(60, Row()[Ratios.JoulesPerUnit]!.Value, 1e-9);
    }

    [Fact]
    public void Nine_of_ten_resources_are_enough_and_are_scaled_to_the_whole()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            for (var server = 0; server < 10; server++)
                Energy(bin, server: $"s{server}", known: server == 0 && bin is >= 4 and < 8 ? 0 : 300);
            Work(bin, units: 300_000);
        }
        var row = Row();
        // Nothing of the tenth is invented in the sum.
        Assert.Equal(108_000_000 - 4 * 900_000, row[Measures.Facility]);
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1 - 4.0 / 120, row[Ratios.FacilityCoverage]!.Value, 1e-9);
        // What the tenth drew in these twenty minutes may be nothing or twice as much.
        Assert.True(row[Ratios.LowJoulesPerUnit] < 30 && row[Ratios.HighJoulesPerUnit] > 30);
    }

    [Fact]
    public void Eight_of_ten_are_not_enough()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            for (var server = 0; server < 10; server++)
                Energy(bin, server: $"s{server}", known: server < 2 && bin < 6 ? 0 : 300);
            Work(bin, units: 300_000);
        }
        var row = Row();
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1_800_000, row[MatchedSums.Facility.Units]);
        Assert.Equal(0.5, row[Ratios.Coverage]!.Value, 1e-9);
    }

    [Fact]
    public void Energy_and_work_that_never_meet_have_no_ratio_and_keep_their_sums()
    {
        for (var bin = 0; bin < 6; bin++)
        {
            Energy(bin);
            Work(6 + bin);
        }
        var row = Row();
        Assert.Null(row[Ratios.JoulesPerUnit]);
        Assert.Equal(5_400_000, row[Measures.Facility]);
        Assert.Equal(180_000, row[Measures.Units]);
    }

    [Fact]
    public void A_day_divides_the_sums_of_its_hours()
    {
        // Ten hours of which the server is known, fourteen of which the board alone is.
        var hours = new List<PeriodSums>();
        for (var hour = 0; hour < 24; hour++)
        {
            energy.Clear();
            work.Clear();
            for (var bin = 0; bin < 12; bin++)
            {
                Energy(bin, board: 180_000, known: hour < 10 ? 300 : 0);
                Work(bin, units: 600);
            }
            hours.AddRange(
                RollUp
                    .Hour(Hour, energy, work)
                    .Select(row => row with { PeriodStart = Hour.Date.AddHours(hour), PeriodEnd = Hour.Date.AddHours(hour + 1) })
            );
        }
        var day = Assert.Single(RollUp.Day(Hour.Date, hours));
        // 180,000 J of 600 tokens: 300; a server of 600,000 J: 1,000; the facility 1,500.
        Assert.Equal(300, day[Ratios.AcceleratorJoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1000, day[Ratios.ServerJoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1500, day[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(10.0 / 24, day[Ratios.Coverage]!.Value, 1e-9);
        Assert.Equal(10.0 / 24, day[Ratios.ServerCoverage]!.Value, 1e-9);
        Assert.Equal(1, day[Ratios.AcceleratorCoverage]!.Value, 1e-9);
    }

    [Fact]
    public void Bounds_unknown_of_one_period_are_unknown_of_the_ratio()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            Energy(bin, bounded: bin != 3);
            Work(bin);
        }
        var row = Row();
        Assert.Equal(30, row[Ratios.JoulesPerUnit]!.Value, 1e-9);
        Assert.Null(row[Ratios.LowJoulesPerUnit]);
        Assert.Null(row[Ratios.HighJoulesPerUnit]);
    }

    [Fact]
    public void Bounds_of_a_whole_period_are_those_of_the_meter()
    {
        for (var bin = 0; bin < 12; bin++)
        {
            Energy(bin);
            Work(bin);
        }
        Assert.Equal(28.5, Row()[Ratios.LowJoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(31.5, Row()[Ratios.HighJoulesPerUnit]!.Value, 1e-9);
    }

    private PeriodSums Row() => Assert.Single(RollUp.Hour(Hour, energy, work));

    private void Energy(int bin, string server = "s", double board = 0, double known = 300, bool bounded = true)
    {
        double? joules = known > 0 ? 2000 * known : null;
        energy.Add(
            new EnergyFact
            {
                Deployment = Llm,
                Resource = new Resource("node", server, null, null, Here),
                Period = Period(bin),
                [Measures.Accelerator] = board > 0 ? board : null,
                [Measures.Server] = joules,
                [Measures.Facility] = joules * 1.5,
                [Measures.ServerLow] = bounded ? joules * 0.95 : null,
                [Measures.ServerHigh] = bounded ? joules * 1.05 : null,
                [Measures.FacilityLow] = bounded ? joules * 1.5 * 0.95 : null,
                [Measures.FacilityHigh] = bounded ? joules * 1.5 * 1.05 : null,
                [Measures.Present] = 300,
                [Measures.AcceleratorPresent] = board > 0 ? 300 : 0,
                [Measures.AcceleratorTime] = board > 0 ? 300 : 0,
                [Measures.ServerTime] = known,
                Evidence = Evidence.Derived,
                Cover = EnergyCover.Node,
                Mappings = "",
            }
        );
    }

    private void Work(int bin, double units = 30_000) =>
        work.Add(
            new WorkFact
            {
                Deployment = Llm,
                FunctionalUnit = "output-token",
                Period = Period(bin),
                Units = units,
                Covered = 300,
                Counted = 300,
                Present = 300,
                Evidence = Evidence.Measured,
                Mappings = "",
            }
        );

    private static Interval Period(int bin) => new(Hour.AddMinutes(5 * bin), Hour.AddMinutes(5 * bin + 5));
}
