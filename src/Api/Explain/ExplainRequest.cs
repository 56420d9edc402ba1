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

    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mmzzz"];
    private static readonly string[] InUtc = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'"];

    /// <summary>The key as OData writes it, with texts quoted.</summary>
    public string Key =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"DeploymentId={DeploymentId},{(ResourceId is { } resource ? $"ResourceId={resource}" : $"FunctionalUnit='{FunctionalUnit!.Replace("'", "''", StringComparison.Ordinal)}'")},PeriodStart={PeriodStart:yyyy-MM-ddTHH:mm:ss.FFFFFF}Z"
        );

    /// <summary>Reads the parameters; every fault is added, each with what would be right, and then there is no question.</summary>
    public static ExplainRequest? Read(IQueryCollection query, List<string> faults)
    {
        foreach (
            var name in query.Keys.Where(key =>
                !key.Equals("set", StringComparison.OrdinalIgnoreCase) && !key.Equals("key", StringComparison.OrdinalIgnoreCase)
            )
        )
            faults.Add($"'{Spelling.Shorten(name)}' is not a parameter. Parameters are: set, key.");
        var set = One("set");
        if (set is null)
            faults.Add($"'set' is missing: name the entity set of the row. Sets are: {string.Join(", ", Sets)}.");
        else if (!Sets.Contains(set))
            faults.Add($"'{Spelling.Shorten(set)}' has no explanation. Sets are: {string.Join(", ", Sets)}.");
        var key = One("key");
        if (key is null)
            faults.Add(
                "'key' is missing: give the key of the row as OData writes it, for instance "
                    + "DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z."
            );
        if (key is null || set is null || !Sets.Contains(set))
            return null;

        // The address of the row is its key too.
        if (key.StartsWith(set + "(", StringComparison.Ordinal))
            key = key[set.Length..];
        var second = set == EnergyFacts ? "ResourceId" : "FunctionalUnit";
        var parts = NamedLiterals.Read(key, "The key", faults);
        if (faults.Count > 0)
            return null;
        foreach (var part in parts.Where(part => part.Name is not ("DeploymentId" or "PeriodStart") && part.Name != second))
            faults.Add(
                $"'{Spelling.Shorten(part.Name)}' is not part of the key of {set}. Its key is: DeploymentId, {second}, PeriodStart."
            );
        foreach (var name in parts.GroupBy(part => part.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
            faults.Add($"The key has {Spelling.Shorten(name.Key)} {name.Count()} times; give it once.");

        var deployment = Number("DeploymentId");
        var resource = set == EnergyFacts ? Number("ResourceId") : null;
        var unit =
            set == EnergyFacts ? null
            : Part("FunctionalUnit") is { } named
                ? named.IsText ? named.Value
                    : Fault($"FunctionalUnit is a text: write FunctionalUnit='{Spelling.Shorten(named.Value ?? "request")}'.")
            : null;
        DateTime? start = null;
        if (Part("PeriodStart") is { } time)
        {
            if (
                DateTimeOffset.TryParseExact(time.Value, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var instant)
                || DateTimeOffset.TryParseExact(
                    time.Value,
                    InUtc,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal,
                    out instant
                )
            )
                start = instant.UtcDateTime;
            else
                faults.Add(
                    $"PeriodStart '{Spelling.Shorten(time.Value ?? "null")}' is not a time. Write 2026-02-01T00:00:00Z, or with "
                        + "an offset whose + is %2B."
                );
        }
        return faults.Count > 0 ? null : new ExplainRequest(set, deployment!.Value, unit, resource, start!.Value);

        string? One(string name)
        {
            var values = query[name];
            if (values.Count > 1)
                faults.Add($"'{name}' is given {values.Count} times; give it once.");
            return string.IsNullOrWhiteSpace(values.FirstOrDefault()) ? null : values[0]!.Trim();
        }

        NamedLiteral? Part(string name)
        {
            foreach (var part in parts)
                if (part.Name == name)
                    return part;
            faults.Add($"The key has no {name}. The key of {set} is: DeploymentId, {second}, PeriodStart.");
            return null;
        }

        long? Number(string name)
        {
            if (Part(name) is not { } part)
                return null;
            if (long.TryParse(part.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                return number;
            faults.Add($"{name} '{Spelling.Shorten(part.Value ?? "null")}' is not a whole number.");
            return null;
        }

        string? Fault(string fault)
        {
            faults.Add(fault);
            return null;
        }
    }
}
