using System.Globalization;
using Metrics.Api.Http;
using Metrics.Domain.Messages;

namespace Metrics.Api.Explain;

/// <summary>Which row is to be explained.</summary>
/// <param name="Set">Entity set, one of <see cref="Sets"/>.</param>
/// <param name="DeploymentId">Key of the deployment.</param>
/// <param name="FunctionalUnit">For intensities: what work is counted in.</param>
/// <param name="ResourceId">For energy facts: key of the resource.</param>
/// <param name="PeriodStart">First instant of the period, UTC.</param>
internal sealed record ExplainRequest(string Set, long DeploymentId, string? FunctionalUnit, long? ResourceId, DateTime PeriodStart)
{
    public const string Hours = "HourlyIntensities",
        Days = "DailyIntensities",
        Months = "MonthlyIntensities",
        EnergyFacts = "EnergyFacts";

    public static IReadOnlyList<string> Sets { get; } = [Hours, Days, Months, EnergyFacts];

    /// <summary>The key as OData writes it, with texts quoted.</summary>
    public string Key =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"DeploymentId={DeploymentId},"
                + $"{(ResourceId is { } id ? $"ResourceId={id}" : $"FunctionalUnit='{Quoted(FunctionalUnit!)}'")}"
                + $",PeriodStart={PeriodStart:yyyy-MM-ddTHH:mm:ss.FFFFFF}Z"
        );

    private static string Quoted(string text) => text.Replace("'", "''", StringComparison.Ordinal);

    /// <summary>Reads the parameters; everything that is wrong is added, each with what would be right, and then there is no
    /// request.</summary>
    /// <param name="query">The parameters.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="errors">Takes what is wrong.</param>
    public static ExplainRequest? Read(IQueryCollection query, DateTime now, RequestErrors errors)
    {
        errors.RejectUnknown(query, "set", "key");
        var set = errors.One(query, "set");
        if (set is null)
            errors.Query(
                "set",
                ProblemCode.MissingParameter,
                $"'set' is missing: name the entity set of the row. Sets are: {string.Join(", ", Sets)}."
            );
        else if (!Sets.Contains(set))
            errors.Query(
                "set",
                ProblemCode.InvalidParameter,
                $"'{Spelling.Shorten(set)}' has no explanation. Sets are: {string.Join(", ", Sets)}."
            );
        var key = errors.One(query, "key");
        if (key is null)
            errors.Query(
                "key",
                ProblemCode.MissingParameter,
                "'key' is missing: give the key of the row as OData writes it, for instance "
                    + "DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z."
            );
        if (key is null || set is null || !Sets.Contains(set))
            return null;

        // The address of the row is its key too.
        if (key.StartsWith(set + "(", StringComparison.Ordinal))
            key = key[set.Length..];
        var second = set == EnergyFacts ? "ResourceId" : "FunctionalUnit";
        var parts = NamedLiterals.Read(key, "The key", errors);
        if (errors.Count > 0)
            return null;
        foreach (var part in parts.Where(part => part.Name is not ("DeploymentId" or "PeriodStart") && part.Name != second))
            errors.Key(
                $"'{Spelling.Shorten(part.Name)}' is not part of the key of {set}. Its key is: DeploymentId, {second}, PeriodStart."
            );
        foreach (var name in parts.GroupBy(part => part.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
            errors.Key($"The key has {Spelling.Shorten(name.Key)} {name.Count()} times; give it once.");

        var deployment = Number("DeploymentId");
        var resource = set == EnergyFacts ? Number("ResourceId") : null;
        var unit =
            set == EnergyFacts ? null
            : Part("FunctionalUnit") is { } named
                ? named.IsText ? named.Value
                    : Error($"FunctionalUnit is a text: write FunctionalUnit='{Spelling.Shorten(named.Value ?? "request")}'.")
            : null;
        DateTime? start = null;
        if (Part("PeriodStart") is { } time)
        {
            start = Times.From("PeriodStart", time.Value ?? "null", now, out var error);
            if (error is not null)
                errors.Query("key", ProblemCode.InvalidPeriod, error);
        }
        return errors.Count > 0 ? null : new ExplainRequest(set, deployment!.Value, unit, resource, start!.Value);

        NamedLiteral? Part(string name)
        {
            foreach (var part in parts)
                if (part.Name == name)
                    return part;
            errors.Key($"The key has no {name}. The key of {set} is: DeploymentId, {second}, PeriodStart.");
            return null;
        }

        long? Number(string name)
        {
            if (Part(name) is not { } part)
                return null;
            if (long.TryParse(part.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                return number;
            errors.Key($"{name} '{Spelling.Shorten(part.Value ?? "null")}' is not a whole number.");
            return null;
        }

        string? Error(string detail)
        {
            errors.Key(detail);
            return null;
        }
    }
}
