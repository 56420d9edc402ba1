using Metrics.Api.Comparing;
using Metrics.Api.Http;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;
using Microsoft.OData.Edm;

namespace Metrics.Api.OData.Model;

/// <summary>
/// The function <c>Compare</c>: which deployments may be ranked with each other, as one flat table that every BI tool loads.
/// What it says is what /api/placements says; only the form is another one.
/// </summary>
internal sealed class CompareFunction(QueryConnections connections, UnitConversions conversions, TimeProvider time)
{
    public const string Name = "Compare";
    public const string TypeName = "ComparedDeployment";
    public const string Description =
        "Deployments ranked by the energy or the emissions of a functional unit, like with like only; those that are not ranked "
        + "follow, with the reasons.";

    /// <summary>The parameters, with their types and what they mean; all but the first may be left out.</summary>
    public static IReadOnlyList<(string Name, EdmPrimitiveTypeKind Type, string Description)> Parameters { get; } =
    [
        ("unit", EdmPrimitiveTypeKind.String, "What work is counted in: 'output-token', 'request' ..."),
        ("model", EdmPrimitiveTypeKind.String, "The model, exactly as configured. Null: every model, each ranked by itself."),
        ("boundary", EdmPrimitiveTypeKind.String, "'accelerator', 'server' or 'facility'. Null: facility."),
        ("by", EdmPrimitiveTypeKind.String, "'energy' or 'carbon'. Null: energy."),
        ("idlePolicy", EdmPrimitiveTypeKind.String, "'provisioned' or 'active-only'. Null: provisioned."),
        ("from", EdmPrimitiveTypeKind.DateTimeOffset, "Start, a whole UTC hour. Null: 24 hours before the end."),
        (
            "to",
            EdmPrimitiveTypeKind.DateTimeOffset,
            "End, a whole UTC hour, not included. Null: the end of the newest complete hour with work in the unit."
        ),
        ("minCoverage", EdmPrimitiveTypeKind.Double, "Least share of the period that must be covered, from 0 to 1. Null: 0.9."),
        (
            "evidence",
            EdmPrimitiveTypeKind.String,
            "Worst evidence accepted: 'measured', 'derived', 'modelled' or 'estimated'. Null: modelled."
        ),
    ];

    /// <summary>The columns, each with its value in a row.</summary>
    public static IReadOnlyList<ComparedColumn> Columns { get; } =
    [
        new(
            "Group",
            EdmPrimitiveTypeKind.Int32,
            "Rows of one group are ranked with each other; the largest is 1. Null: not ranked.",
            null,
            row => row.Group
        ),
        new("Rank", EdmPrimitiveTypeKind.Int32, "Place in the group, the best is 1. Null: not ranked.", null, row => row.Rank),
        new(
            "Certain",
            EdmPrimitiveTypeKind.Boolean,
            "Whether the place is certain: false where the bounds overlap with another's. Null where bounds are unknown.",
            null,
            row => row.Ranked?.Certain
        ),
        new("DeploymentId", EdmPrimitiveTypeKind.Int64, "Key in Deployments.", null, row => row.Sums.Id, Nullable: false),
        new("Workload", EdmPrimitiveTypeKind.String, "What does the work.", null, row => row.Sums.Workload, Nullable: false),
        new("Model", EdmPrimitiveTypeKind.String, "Served model.", null, row => row.Sums.Model),
        new("Precision", EdmPrimitiveTypeKind.String, "Number format of the weights.", null, row => row.Sums.Precision),
        new("Provider", EdmPrimitiveTypeKind.String, "Who runs the place.", null, row => row.Sums.Provider, Nullable: false),
        new("Region", EdmPrimitiveTypeKind.String, "The provider's region.", null, row => row.Sums.Region, Nullable: false),
        new("Hardware", EdmPrimitiveTypeKind.String, "Hardware models.", null, row => row.Sums.Hardware),
        new("FunctionalUnit", EdmPrimitiveTypeKind.String, "What the units are.", null, row => row.Row.FunctionalUnit, Nullable: false),
        new(
            "Converted",
            EdmPrimitiveTypeKind.String,
            "The declared conversion that made the units from what was counted. Null: they were counted.",
            null,
            row => row.Row.Converted
        ),
        new("Boundary", EdmPrimitiveTypeKind.String, "What the energy includes.", null, row => row.Row.Boundary.ToWord(), Nullable: false),
        new(
            "IdlePolicy",
            EdmPrimitiveTypeKind.String,
            "Whether energy drawn while doing nothing is included.",
            null,
            row => row.Row.IdlePolicy.ToWord(),
            Nullable: false
        ),
        new("CarbonMethod", EdmPrimitiveTypeKind.String, "How the grams are made.", null, row => row.Row.CarbonMethod),
        new("JoulesPerUnit", EdmPrimitiveTypeKind.Double, "Energy of the period over its units.", "J", row =>
            row.Row.PerUnit(RankedBy.Energy)
        ),
        new("LowJoulesPerUnit", EdmPrimitiveTypeKind.Double, "The least that JoulesPerUnit can be.", "J", row =>
            row.Row.BoundsPerUnit(RankedBy.Energy)?.Low
        ),
        new("HighJoulesPerUnit", EdmPrimitiveTypeKind.Double, "The most that JoulesPerUnit can be.", "J", row =>
            row.Row.BoundsPerUnit(RankedBy.Energy)?.High
        ),
        new(
            "GramsPerUnit",
            EdmPrimitiveTypeKind.Double,
            "Operational and embodied emissions of the period over its units, as CO2 equivalents.",
            "g",
            row => row.Row.PerUnit(RankedBy.Carbon)
        ),
        new("LowGramsPerUnit", EdmPrimitiveTypeKind.Double, "The least that GramsPerUnit can be by the bounds of the energy.", "g", row =>
            row.Row.BoundsPerUnit(RankedBy.Carbon)?.Low
        ),
        new("HighGramsPerUnit", EdmPrimitiveTypeKind.Double, "The most that GramsPerUnit can be by the bounds of the energy.", "g", row =>
            row.Row.BoundsPerUnit(RankedBy.Carbon)?.High
        ),
        new("Joules", EdmPrimitiveTypeKind.Double, "Energy of the period at the boundary, by the idle policy.", "J", row =>
            row.Row.Energy.Value
        ),
        new("Grams", EdmPrimitiveTypeKind.Double, "Operational and embodied emissions of the period, as CO2 equivalents.", "g", row =>
            row.Row.Carbon.Value
        ),
        new("Units", EdmPrimitiveTypeKind.Double, "Work of the hours whose energy (or emissions) are known.", null, row => row.Row.Units),
        new(
            "Coverage",
            EdmPrimitiveTypeKind.Double,
            "Share of the period for which the energy is known.",
            "1",
            row => row.Row.Coverage,
            Nullable: false
        ),
        new(
            "Evidence",
            EdmPrimitiveTypeKind.String,
            "Worst evidence of the inputs.",
            null,
            row => row.Row.Evidence.ToWord(),
            Nullable: false
        ),
        new("MeasuredShare", EdmPrimitiveTypeKind.Double, "Share of the energy that was measured or derived.", "1", row =>
            row.Row.MeasuredShare
        ),
        new(
            "SavingAgainstWorst",
            EdmPrimitiveTypeKind.Double,
            "Share that the worst of the group would save by being like this one.",
            "1",
            row => row.Ranked?.SavingAgainstWorst
        ),
        new("Differs", EdmPrimitiveTypeKind.String, "Why the group is not ranked with the first one, in words.", null, row =>
            Text(row.Differs.Select(difference => difference.ToString()))
        ),
        new("Reasons", EdmPrimitiveTypeKind.String, "Why the row is not ranked, every reason.", null, row => Text(row.Reasons)),
        new("FactorVersion", EdmPrimitiveTypeKind.String, "Factors that the period was made with, by name.", null, row =>
            row.Sums.Factors.Count == 0 ? null : string.Join(' ', row.Sums.Factors)
        ),
        new("Missing", EdmPrimitiveTypeKind.String, "Why numbers of the period are null.", null, row =>
            row.Sums.Missing == MissingReasons.None ? null : row.Sums.Missing.Text()
        ),
        new("PeriodStart", EdmPrimitiveTypeKind.DateTimeOffset, "The first hour summed.", null, row => row.From, Nullable: false),
        new("PeriodEnd", EdmPrimitiveTypeKind.DateTimeOffset, "The end of the last hour summed.", null, row => row.To, Nullable: false),
    ];

    /// <summary>The list of arguments of a call; null when the path is no call of the function.</summary>
    /// <param name="rest">The path below the root, as it was sent.</param>
    /// <exception cref="ODataError">The path goes on after the call.</exception>
    public static string? Arguments(string rest)
    {
        var path = Uri.UnescapeDataString(rest);
        if (!path.StartsWith(Name, StringComparison.Ordinal))
            return null;
        var list = path[Name.Length..];
        if (list.Length == 0 || list is ['(', .., ')'])
            return list;
        if (list[0] == '/')
            throw ODataError.NotSupported($"The path segment '{Spelling.Shorten(list[1..])}' after a function", "path");
        if (list[0] != '(')
            return null;
        var end = list.LastIndexOf(')');
        throw end > 0 && list[(end + 1)..].StartsWith('/')
            ? ODataError.NotSupported($"The path segment '{Spelling.Shorten(list[(end + 2)..])}' after a function", "path")
            : ODataError.BadRequest("InvalidPath", $"The call of {Name} has no closing parenthesis.", "path");
    }

    /// <summary>The comparison that a call asks for.</summary>
    /// <exception cref="ODataError">An argument is missing, unknown, or not what the parameter takes; all errors are listed.</exception>
    public ComparisonRequest ReadRequest(string arguments, IReadOnlyDictionary<string, string> aliases)
    {
        var errors = new RequestErrors();
        var values = new List<(string, string?)>();
        foreach (var literal in NamedLiterals.Read(arguments, $"The list of parameters of {Name}", errors))
        {
            var argument = literal;
            if (argument is { IsText: false, Value: ['@', ..] alias })
            {
                if (!aliases.TryGetValue(alias, out var aliased))
                {
                    errors.Key(
                        $"{Spelling.Shorten(argument.Name)} is {Spelling.Shorten(alias)}, and there is no such "
                            + $"parameter alias: add &{Spelling.Shorten(alias)}=... to the query."
                    );
                    continue;
                }
                if (
                    NamedLiterals.Read($"{argument.Name}={aliased}", $"The parameter alias {Spelling.Shorten(alias)}", errors)
                    is not [var one]
                )
                    continue;
                argument = one;
            }
            if (
                argument is { IsText: false, Value: { } bare }
                && Parameters.FirstOrDefault(parameter => parameter.Name.Equals(argument.Name, StringComparison.OrdinalIgnoreCase))
                    is { Name: not null, Type: EdmPrimitiveTypeKind.String }
            )
            {
                errors.Key($"{argument.Name} is a text: write {argument.Name}='{Spelling.Shorten(bare)}'.");
            }
            values.Add((argument.Name, argument.Value));
        }
        var request = ComparisonRequest.Read(values, time.GetUtcNow().UtcDateTime, errors);
        return errors.Count == 0 && request is not null ? request : throw Invalid([.. errors.Select(error => error.Detail)]);
    }

    /// <summary>Carries out a call, whole or not at all.</summary>
    /// <returns>The rows, ranked ones first.</returns>
    /// <exception cref="ODataError">The request has an error that only the data shows.</exception>
    public async Task<IReadOnlyList<ComparedRow>> RowsAsync(ComparisonRequest request, CancellationToken cancellationToken)
    {
        var errors = new List<string>();
        await using var session = new ReadSession(connections, cancellationToken);
        var comparison = await DeploymentComparison.ReadAsync(session, request, conversions, time.GetUtcNow().UtcDateTime, errors)
            ?? throw Invalid(errors);
        var rows = new List<ComparedRow>();
        var (from, to) = (comparison.Period.Start, comparison.Period.End);
        foreach (var (group, at) in comparison.Result.Groups.Select((group, at) => (group, at + 1)))
            rows.AddRange(
                group.Rows.Select(
                    (ranked, place) =>
                        new ComparedRow(
                            comparison.Sums[ranked.Row.Deployment],
                            ranked.Row,
                            ranked,
                            at,
                            place + 1,
                            group.Differences,
                            [],
                            from,
                            to
                        )
                )
            );
        rows.AddRange(
            comparison.Result.LeftOut.Select(left => new ComparedRow(
                comparison.Sums[left.Row.Deployment],
                left.Row,
                null,
                null,
                null,
                [],
                left.Reasons,
                from,
                to
            ))
        );
        return rows;
    }

    private static string? Text(IEnumerable<string> parts) => string.Join("; ", parts) is { Length: > 0 } text ? text : null;

    private static ODataError Invalid(List<string> errors) => ODataError.BadRequest("InvalidParameter", errors, Name);
}

/// <summary>A column of the answer.</summary>
internal sealed record ComparedColumn(
    string Name,
    EdmPrimitiveTypeKind Type,
    string Description,
    string? Unit,
    Func<ComparedRow, object?> Value,
    bool Nullable = true
);

/// <summary>A deployment in the answer.</summary>
internal sealed record ComparedRow(
    DeploymentSums Sums,
    ComparableRow Row,
    RankedRow? Ranked,
    int? Group,
    int? Rank,
    IReadOnlyList<KeyDifference> Differs,
    IReadOnlyList<string> Reasons,
    DateTime From,
    DateTime To
);
