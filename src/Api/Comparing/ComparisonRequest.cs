using System.Globalization;
using Metrics.Api.Http;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Comparing;

/// <summary>What was asked, understood. Times are whole UTC hours; those left out are null until the data says what they are.</summary>
internal sealed record ComparisonRequest(
    string Unit,
    string? Model,
    Boundary Boundary,
    RankedBy By,
    IdlePolicy IdlePolicy,
    DateTime? From,
    DateTime? To,
    double MinCoverage,
    Evidence Evidence
)
{
    /// <summary>Longest period of one question: every hour of it is read.</summary>
    public const int MostDays = 31;

    /// <summary>The parameters, by the names that every way of asking has for them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    ["unit", "model", "boundary", "by", "idlePolicy", "from", "to", "minCoverage", "evidence"];

    private static readonly string[] WithOffset = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mmzzz"];

    // 'Z' as a letter, and a day alone: both mean UTC.
    private static readonly string[] InUtc =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
        "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "yyyy-MM-dd'T'HH:mm'Z'",
        "yyyy-MM-dd",
    ];

    /// <summary>Reads the parameters; every fault is added, each with what would be right, and then there is no question.</summary>
    /// <param name="given">Name and value as they came; a name may come more than once.</param>
    /// <param name="faults">Takes the faults.</param>
    public static ComparisonRequest? Read(IEnumerable<(string Name, string? Value)> given, List<string> faults)
    {
        var values = given.ToLookup(pair => pair.Name, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var name in values.Select(group => group.Key).Where(key => !Names.Contains(key, StringComparer.OrdinalIgnoreCase)))
            faults.Add($"'{Spelling.Shorten(name)}' is not a parameter. Parameters are: {string.Join(", ", Names)}.");

        var unit = One("unit");
        if (unit is null)
            faults.Add($"'unit' is missing: say what work is counted in. Units are: {Units}.");
        else if (!FunctionalUnit.Known.ContainsKey(unit))
            faults.Add($"'{Spelling.Shorten(unit)}' is not a functional unit. Units are: {Units}.");

        var by = Named("by", RankedBy.Energy, "'{0}' is not what can be ranked by. A ranking is by one of: {1}.");
        var boundary = Named("boundary", Boundary.Facility, "'{0}' is not a boundary. Boundaries are: {1}.");
        if (by == RankedBy.Carbon && boundary != Boundary.Facility)
            faults.Add(
                $"by=carbon is of the facility, because emissions are made of all that a place draws: leave boundary={Word(boundary)} out."
            );
        var idle = Named("idlePolicy", IdlePolicy.Provisioned, "'{0}' is not an idle policy. Idle policies are: {1}.");
        var evidence = Named("evidence", new ComparisonTerms().WorstEvidence, "'{0}' is not evidence. The worst accepted is one of: {1}.");

        var coverage = ComparisonTerms.UsualCoverage;
        if (
            One("minCoverage") is { } share
            && !(
                double.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out coverage)
                && coverage is >= 0 and <= 1
            )
        )
            faults.Add($"minCoverage '{Spelling.Shorten(share)}' is not a share from 0 to 1, for instance 0.9.");

        var (from, to) = (Time("from"), Time("to"));
        return faults.Count > 0 ? null : new ComparisonRequest(unit!, One("model"), boundary, by, idle, from, to, coverage, evidence);

        // A parameter without a value is one left out: forms send it so.
        string? One(string name)
        {
            var all = values[name].ToList();
            if (all.Count > 1)
            {
                var fault = $"'{name}' is given {all.Count} times; give it once.";
                if (!faults.Contains(fault))
                    faults.Add(fault);
            }
            return string.IsNullOrWhiteSpace(all.FirstOrDefault()) ? null : all[0];
        }

        T Named<T>(string name, T usual, string fault)
            where T : struct, Enum
        {
            if (One(name) is not { } text)
                return usual;
            // By name alone: Enum.TryParse would take numbers too.
            foreach (var known in Enum.GetValues<T>())
                if (string.Equals(Word(known), text, StringComparison.OrdinalIgnoreCase))
                    return known;
            faults.Add(
                string.Format(
                    CultureInfo.InvariantCulture,
                    fault,
                    Spelling.Shorten(text),
                    string.Join(", ", Enum.GetValues<T>().Select(Word))
                )
            );
            return usual;
        }

        DateTime? Time(string name)
        {
            if (One(name) is not { } text)
                return null;
            if (
                !DateTimeOffset.TryParseExact(text, WithOffset, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
                && !DateTimeOffset.TryParseExact(text, InUtc, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time)
            )
            {
                faults.Add(
                    $"{name} '{Spelling.Shorten(text)}' is not a time. Write 2026-02-01T00:00:00Z, 2026-02-01T02:00:00%2B02:00 (a + in "
                        + "an address is %2B) or 2026-02-01."
                );
                return null;
            }
            if (time.UtcTicks % TimeSpan.TicksPerHour == 0)
                return time.UtcDateTime;
            faults.Add($"{name} '{Spelling.Shorten(text)}' is not a whole hour of UTC, and the sums are kept by the hour.");
            return null;
        }
    }

    /// <summary>A boundary, an idle policy, an evidence ... as the API writes it: <c>active-only</c>.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum =>
        string.Concat(
            value
                .ToString()
                .Select(
                    (letter, at) =>
                        char.IsAsciiLetterUpper(letter) ? $"{(at == 0 ? "" : "-")}{char.ToLowerInvariant(letter)}" : letter.ToString()
                )
        );

    private static string Units => string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal));
}
