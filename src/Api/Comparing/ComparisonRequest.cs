using System.Globalization;
using Metrics.Api.Http;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Comparing;

/// <summary>A comparison as it was requested. Times are whole UTC hours; those left out are null until the data says what they
/// are.</summary>
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
    /// <summary>Longest period of one request: every hour of it is read.</summary>
    public const int MostDays = 31;

    /// <summary>The parameters, by the names that every address has for them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    ["unit", "model", "boundary", "by", "idlePolicy", "from", "to", "minCoverage", "evidence"];

    /// <summary>Reads the parameters; everything that is wrong is added, each with what would be right, and then there is no
    /// request.</summary>
    /// <param name="given">Name and value as they came; a name may come more than once.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="errors">Takes what is wrong.</param>
    public static ComparisonRequest? Read(IEnumerable<(string Name, string? Value)> given, DateTime now, RequestErrors errors)
    {
        var values = given.ToLookup(pair => pair.Name, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var name in values.Select(group => group.Key).Where(key => !Names.Contains(key, StringComparer.OrdinalIgnoreCase)))
            errors.Query(Spelling.Shorten(name), ProblemCode.UnknownParameter, RequestErrors.Unknown(name, Names));
        foreach (var group in values.Where(group => group.Count() > 1 && Names.Contains(group.Key, StringComparer.OrdinalIgnoreCase)))
            errors.Query(group.Key, ProblemCode.RepeatedParameter, $"'{group.Key}' is given {group.Count()} times; give it once.");

        var unit = One("unit");
        if (unit is null)
            errors.Query("unit", ProblemCode.MissingUnit, $"'unit' is missing: say what work is counted in. Units are: {Units}.");
        else if (!FunctionalUnit.Known.ContainsKey(unit))
            errors.Query("unit", ProblemCode.UnknownUnit, $"'{Spelling.Shorten(unit)}' is not a functional unit. Units are: {Units}.");

        var by = Named("by", RankedBy.Energy, "what can be ranked by. A ranking is by one of");
        var boundary = Named("boundary", Boundary.Facility, "a boundary. Boundaries are", ProblemCode.UnknownBoundary);
        if (by == RankedBy.Carbon && boundary != Boundary.Facility)
            errors.Query(
                "boundary",
                ProblemCode.InvalidParameter,
                "by=carbon is of the facility, because emissions are made of all that a place draws: leave "
                    + $"boundary={boundary.ToWord()} out."
            );
        var idle = Named("idlePolicy", IdlePolicy.Provisioned, "an idle policy. Idle policies are");
        var evidence = Named("evidence", new ComparisonTerms().WorstEvidence, "evidence. The worst accepted is one of");

        var coverage = ComparisonTerms.UsualCoverage;
        if (
            One("minCoverage") is { } share
            && !(
                double.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out coverage)
                && coverage is >= 0 and <= 1
            )
        )
            errors.Query(
                "minCoverage",
                ProblemCode.InvalidNumber,
                $"minCoverage '{Spelling.Shorten(share)}' is not a share from 0 to 1, for instance 0.9."
            );

        var (from, to) = (Time("from", Times.From), Time("to", Times.To));
        return errors.Count > 0 ? null : new ComparisonRequest(unit!, One("model"), boundary, by, idle, from, to, coverage, evidence);

        // A parameter without a value is one left out: forms send it so.
        string? One(string name) => values[name].FirstOrDefault() is { } value && !string.IsNullOrWhiteSpace(value) ? value : null;

        T Named<T>(string name, T usual, string what, ProblemCode code = ProblemCode.InvalidParameter)
            where T : struct, Enum
        {
            if (One(name) is not { } text)
                return usual;
            // By name alone: Enum.TryParse would take numbers too.
            foreach (var known in Enum.GetValues<T>())
                if (string.Equals(known.ToWord(), text, StringComparison.OrdinalIgnoreCase))
                    return known;
            errors.Query(name, code, $"'{Spelling.Shorten(text)}' is not {what}: {string.Join(", ", Words.All<T>())}.");
            return usual;
        }

        DateTime? Time(string name, TimeReader read)
        {
            if (One(name) is not { } text)
                return null;
            var time = read(name, text, now, out var error, TimeStep.Hour);
            if (time?.Ticks % TimeSpan.TicksPerHour > 0)
                error = $"{name} '{Spelling.Shorten(text)}' is not a whole hour of UTC, and the sums are kept by the hour.";
            if (error is null)
                return time;
            errors.Query(name, ProblemCode.InvalidPeriod, error);
            return null;
        }
    }

    private static string Units => string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal));
}
