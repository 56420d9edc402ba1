using Xunit;

namespace Metrics.SystemTests.Witness;

/// <summary>
/// What the product tells of one telemetry, on both engines, compared with what was approved: the public numbers and contracts,
/// whatever makes them inside.
/// </summary>
[Trait("Suite", "Quick")]
public sealed class WitnessTests(WitnessRun run) : IClassFixture<WitnessRun>
{
    [Fact]
    public void Every_row_of_every_view_is_as_approved() => Approved.Check("views", run["views"]);

    [Fact]
    public void Every_entity_of_every_set_is_as_approved() => Approved.Check("odata", run["odata"]);

    [Fact]
    public void Placements_comparisons_and_derivations_are_as_approved() => Approved.Check("answers", run["answers"]);

    [Fact]
    public void Reports_are_as_approved() => Approved.Check("reports", run["reports"]);

    [Fact]
    public void Descriptions_of_the_interfaces_are_as_approved() => Approved.Check("contract", run["contract"]);

    [Fact]
    public void A_change_of_one_value_one_row_or_one_file_would_be_seen()
    {
        var approved = run["views"]["sqlite"];
        Assert.Empty(Faults(approved));

        var hours = approved["HourlyIntensities.txt"];
        var at = hours.IndexOf("FacilityJoules=", StringComparison.Ordinal) + "FacilityJoules=".Length;
        var other = hours[..at] + (hours[at] == '9' ? '8' : '9') + hours[(at + 1)..];
        Assert.StartsWith("HourlyIntensities.txt differs", Assert.Single(Faults(With(other))), StringComparison.Ordinal);
        var fewer = string.Join('\n', hours.Split('\n')[..^2]) + "\n";
        Assert.StartsWith("HourlyIntensities.txt differs", Assert.Single(Faults(With(fewer))), StringComparison.Ordinal);
        Assert.Equal(["Runs.txt is approved and did not come."], Faults(approved.Where(file => file.Key != "Runs.txt").ToDictionary()));
        Assert.Equal(["New.txt is new."], Faults(approved.Append(new("New.txt", "")).ToDictionary()));

        // Of a table that is told by digests, a row in the middle counts too.
        var many = Enumerable.Range(0, 5_000).Select(i => $"row {i}").ToList();
        var before = string.Join('\n', Stable.Shortened(many));
        many[2_500] = "another row";
        Assert.NotNull(Approved.Difference(before, string.Join('\n', Stable.Shortened(many))));

        List<string> Faults(IReadOnlyDictionary<string, string> received) => Approved.Compare(approved, Approved.Single(received), null);

        Dictionary<string, string> With(string text) => new(approved, StringComparer.Ordinal) { ["HourlyIntensities.txt"] = text };
    }
}
