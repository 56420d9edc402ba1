using System.ComponentModel;
using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Queries;
using Metrics.Storage.Schema.Tables;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.OpenApi;

namespace Metrics.Api.Explain;

/// <summary>Answers how a row came to be.</summary>
public static class ExplainEndpoint
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // The samples of three hours of every source are read for one answer: a few at a time, so that a flood of questions takes the service's memory from nobody.
    private static readonly SemaphoreSlim explainSlots = new(2);

    /// <summary>
    /// Maps <c>GET /api/explain</c>. It takes the store (<see cref="QueryConnections"/>, <see cref="FactStore"/>), the <see cref="Normaliser"/> and, where there is one, the
    /// <see cref="FactorBook"/> from the services.
    /// </summary>
    public static IEndpointConventionBuilder MapExplain(this IEndpointRouteBuilder endpoints) =>
        endpoints
            .MapGet("/api/explain", AnswerAsync)
            .WithTags("Explain")
            .WithSummary("How a row came to be, so that a person can make it again by hand")
            .WithDescription(
                """
                Tells of one row of /odata every series and sample count behind it with a hash, the mappings, what each series gave to each period of the grid and whether it was
                used, the shares of the workloads, the factors, and the calculation with its numbers. The row is made again from the stored samples and compared. Days and months
                are told by their hours, each of which has an explanation of its own. Long lists are cut, and leftOut tells by how many entries.
                """
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(
                (operation, _, _) =>
                {
                    // Nullable to the framework, so that their absence is told in our words; required all the same.
                    foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
                        parameter.Required = true;
                    return Task.CompletedTask;
                }
            );

    private static async Task<Results<Ok<Explanation>, ProblemHttpResult>> AnswerAsync(
        HttpContext context,
        [FromServices] QueryConnections connections,
        [FromServices] FactStore facts,
        [FromServices] Normaliser normaliser,
        [FromServices] ILogger<Explanation> log,
        [Description("Entity set of the row: HourlyIntensities, DailyIntensities, MonthlyIntensities or EnergyFacts.")] string? set,
        [Description(
            "Key of the row as OData writes it, with or without parentheses: DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z; of EnergyFacts DeploymentId, ResourceId, PeriodStart."
        )]
            string? key
    )
    {
        _ = (set, key);
        var faults = new List<string>();
        if (ExplainRequest.Read(context.Request.Query, faults) is not { } question)
            return TypedResults.Problem(
                string.Join(' ', faults),
                statusCode: StatusCodes.Status400BadRequest,
                title: "The question cannot be answered as it is put."
            );
        context.Response.Headers.CacheControl = "no-store";
        var aborted = context.RequestAborted;
        await explainSlots.WaitAsync(aborted);
        try
        {
            await using var session = new ReadSession(connections, aborted);
            var stored = new StoredRows(session);
            var found = question.ResourceId is { } resource
                ? await stored.EnergyFactAsync(question.DeploymentId, resource, question.PeriodStart)
                : await stored.IntensityAsync(question.Set, question.DeploymentId, question.FunctionalUnit!, question.PeriodStart);
            if (found is not { } row)
                return TypedResults.Problem(
                    $"{question.Set} has no row with the key {question.Key}. The rows that there are: /odata/{question.Set}.",
                    statusCode: StatusCodes.Status404NotFound,
                    title: "There is no such row."
                );
            return TypedResults.Ok(
                question.Set is ExplainRequest.Days or ExplainRequest.Months
                    ? await RollUpAsync(question, row, stored)
                    : await HourAsync(
                        question,
                        row,
                        stored,
                        facts,
                        normaliser,
                        context.RequestServices.GetService<FactorBook>() ?? FactorBook.Published,
                        aborted
                    )
            );
        }
        catch (Exception exception) when (!aborted.IsCancellationRequested && StorageFault.IsOutside(exception))
        {
            log.LogError(exception, "A row could not be explained.");
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem(
                "The store cannot be read now; the service's log says why. Come back.",
                statusCode: StatusCodes.Status503ServiceUnavailable
            );
        }
        finally
        {
            explainSlots.Release();
        }
    }

    private static async Task<Explanation> HourAsync(
        ExplainRequest question,
        IReadOnlyDictionary<string, object?> row,
        StoredRows stored,
        FactStore facts,
        Normaliser normaliser,
        FactorBook book,
        CancellationToken cancellationToken
    )
    {
        var hour = new DateTime(question.PeriodStart.Ticks - question.PeriodStart.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);
        var period = new Interval(hour, hour + Hour);
        var dirty = await stored.IsDirtyAsync(period.Start, period.End);
        var samples = await facts.SamplesAsync(new Interval(period.Start - Limits.Reach, period.End + Limits.Reach), cancellationToken);
        var trace = normaliser.Trace(period, samples);
        var derivation = new Derivation(trace, question, book);
        var again = question.ResourceId is null
            ? OfHour(
                RollUp
                    .Hour(hour, trace.Period.Energy, trace.Period.Work)
                    .FirstOrDefault(made => made.DeploymentId == question.DeploymentId && made.FunctionalUnit == question.FunctionalUnit)
            )
            : OfFact(derivation.Own);
        var explanation = new Explanation
        {
            Set = question.Set,
            Key = question.Key,
            Row = row,
            Check = Check(row, again, dirty, samples.Count > 0),
            Formulas =
                derivation.Formulas(again.GetValueOrDefault("Units")) is var formulas && question.ResourceId is null
                    ? formulas
                    : [.. formulas.Where(formula => !formula.Name.EndsWith("PerUnit", StringComparison.Ordinal))],
        };
        return derivation.Complete(explanation, samples);
    }

    private static async Task<Explanation> RollUpAsync(ExplainRequest question, IReadOnlyDictionary<string, object?> row, StoredRows stored)
    {
        var end = (DateTime)row["PeriodEnd"]!;
        var dirty = await stored.IsDirtyAsync(question.PeriodStart, end);
        var rows = await stored.HoursAsync(question.DeploymentId, question.PeriodStart, end);
        // An hour's energy stands on each row of its units: it is taken once.
        var hours = rows.GroupBy(hour => (DateTime)hour["PeriodStart"]!)
            .Select(group =>
            {
                var own = group.FirstOrDefault(hour => (string)hour["FunctionalUnit"]! == question.FunctionalUnit);
                var any = own ?? group.First();
                return new ExplainedHour
                {
                    PeriodStart = group.Key,
                    Key = (
                        question with
                        {
                            Set = ExplainRequest.Hours,
                            FunctionalUnit = (string)any["FunctionalUnit"]!,
                            PeriodStart = group.Key,
                        }
                    ).Key,
                    Units = (double?)own?["Units"],
                    AcceleratorJoules = (double?)any["AcceleratorJoules"],
                    ServerJoules = (double?)any["ServerJoules"],
                    FacilityJoules = (double?)any["FacilityJoules"],
                    IdleJoules = (double?)any["IdleJoules"],
                    OperationalGrams = (double?)any["OperationalGrams"],
                    EmbodiedGrams = (double?)any["EmbodiedGrams"],
                };
            })
            .ToList();
        var formulas = new List<Formula>();
        var again = new Dictionary<string, double?>(StringComparer.Ordinal)
        {
            ["Units"] = Add("Units", hour => hour.Units),
            ["AcceleratorJoules"] = Add("AcceleratorJoules", hour => hour.AcceleratorJoules),
            ["ServerJoules"] = Add("ServerJoules", hour => hour.ServerJoules),
            ["FacilityJoules"] = Add("FacilityJoules", hour => hour.FacilityJoules),
            ["IdleJoules"] = Add("IdleJoules", hour => hour.IdleJoules),
            ["OperationalGrams"] = Add("OperationalGrams", hour => hour.OperationalGrams),
            ["EmbodiedGrams"] = Add("EmbodiedGrams", hour => hour.EmbodiedGrams),
        };
        var ratios = Derivation
            .Ratios(
                again["Units"],
                again["AcceleratorJoules"],
                again["ServerJoules"],
                again["FacilityJoules"],
                again["IdleJoules"],
                again["OperationalGrams"],
                again["EmbodiedGrams"],
                rows.Aggregate(MissingReasons.None, (all, hour) => all | MissingReasonText.Parse((string?)hour["Missing"] ?? ""))
            )
            .ToList();
        formulas.AddRange(ratios);
        foreach (var ratio in ratios)
            again[ratio.Name] = ratio.Value;
        return new Explanation
        {
            Set = question.Set,
            Key = question.Key,
            Row = row,
            Check = Check(row, again, dirty, true),
            Formulas = formulas,
            Hours = hours,
        };

        double? Add(string name, Func<ExplainedHour, double?> of)
        {
            var parts = hours.Select(of).OfType<double>().ToList();
            if (parts.Count == 0)
                return null;
            formulas.Add(new Formula(name, Derivation.Sum(name, parts), parts.Aggregate(0.0, (sum, more) => sum + more)));
            return formulas[^1].Value;
        }
    }

    private static RowCheck Check(IReadOnlyDictionary<string, object?> row, Dictionary<string, double?> again, bool dirty, bool sampled)
    {
        var differences = new List<string>();
        foreach (var (name, made) in again)
        {
            if (!row.TryGetValue(name, out var told))
                continue;
            var stored = told is null ? (double?)null : Convert.ToDouble(told, CultureInfo.InvariantCulture);
            if (stored is { } a && made is { } b ? RowCheck.IsSame(a, b) : stored is null && made is null)
                continue;
            differences.Add($"{name}: stored {Text(stored)}, made again {Text(made)}");
        }
        if (again.Count == 0)
            differences.Add("the samples that are stored now make no such row");
        return new RowCheck
        {
            Equal = differences.Count == 0,
            Dirty = dirty,
            Recomputed = again,
            Differences = differences,
            Note =
                differences.Count == 0 ? null
                : dirty ? "Samples of the period came after the row was made. It is made again by the worker, and then both are the same."
                : !sampled ? "The samples of the period are no longer kept; the row was made when they were."
                : "Samples or factors are others than when the row was made, and no recompute was asked for since.",
        };

        static string Text(double? value) => value is { } known ? Derivation.Number(known) : "null";
    }

    private static Dictionary<string, double?> OfHour(IntensityHourRow? row)
    {
        if (row is null)
            return [];
        var again = new Dictionary<string, double?>(StringComparer.Ordinal)
        {
            ["Units"] = row.Units,
            ["AcceleratorJoules"] = row.AcceleratorJoules,
            ["ServerJoules"] = row.ServerJoules,
            ["FacilityJoules"] = row.FacilityJoules,
            ["IdleJoules"] = row.IdleJoules,
            ["LowJoules"] = row.LowJoules,
            ["HighJoules"] = row.HighJoules,
            ["OperationalGrams"] = row.OperationalGrams,
            ["MarginalGrams"] = row.MarginalGrams,
            ["MarketBasedGrams"] = row.MarketBasedGrams,
            ["EmbodiedGrams"] = row.EmbodiedGrams,
            ["WaterLitres"] = row.WaterLitres,
        };
        foreach (
            var ratio in Derivation.Ratios(
                row.Units,
                row.AcceleratorJoules,
                row.ServerJoules,
                row.FacilityJoules,
                row.IdleJoules,
                row.OperationalGrams,
                row.EmbodiedGrams,
                MissingReasonText.Parse(row.Missing)
            )
        )
            again[ratio.Name] = ratio.Value;
        return again;
    }

    private static Dictionary<string, double?> OfFact(IReadOnlyList<EnergyFact> facts) =>
        facts is not [var fact]
            ? []
            : new(StringComparer.Ordinal)
            {
                ["AcceleratorJoules"] = fact.AcceleratorJoules,
                ["ServerJoules"] = fact.ServerJoules,
                ["FacilityJoules"] = fact.FacilityJoules,
                ["RackJoules"] = fact.RackJoules,
                ["IdleJoules"] = fact.IdleJoules,
                ["LowJoules"] = fact.LowJoules,
                ["HighJoules"] = fact.HighJoules,
                ["OperationalGrams"] = fact.OperationalGrams,
                ["MarginalGrams"] = fact.MarginalGrams,
                ["MarketBasedGrams"] = fact.MarketBasedGrams,
                ["EmbodiedGrams"] = fact.EmbodiedGrams,
                ["WaterLitres"] = fact.WaterLitres,
            };
}
