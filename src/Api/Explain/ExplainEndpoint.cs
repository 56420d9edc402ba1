using System.Globalization;
using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.OpenApi;
using RollUp = Metrics.Domain.Facts.RollUp;

namespace Metrics.Api.Explain;

/// <summary>Answers how a row came to be.</summary>
public static class ExplainEndpoint
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // The samples of three hours of every source are read for one answer: a few at a time, so that a flood of questions takes the service's
    // memory from nobody.
    private static readonly SemaphoreSlim explainSlots = new(2);

    /// <summary>
    /// Maps <c>GET /api/explain</c>. It takes the store (<see cref="QueryConnections"/>, <see cref="FactStore"/>), the
    /// <see cref="Normaliser"/> and, where there is one, the
    /// <see cref="FactorBook"/> from the services.
    /// </summary>
    public static IEndpointConventionBuilder MapExplain(this IEndpointRouteBuilder endpoints) =>
        endpoints
            .MapGet("/api/explain", GetAsync)
            .WithTags("Explain")
            .WithSummary("How a row came to be, so that a person can make it again by hand")
            .WithDescription(
                """
                Tells of one row of /odata every series and sample count behind it with a hash, the mappings, what each series gave to each
                period of the grid and whether it was used, the shares of the workloads, the factors, and the calculation with its numbers.
                The row is made again from the stored samples and compared. Days and months are told by their hours, each of which has an
                explanation of its own. Long lists are cut, and leftOut tells by how many entries.
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

    /// <param name="set">Entity set of the row: HourlyIntensities, DailyIntensities, MonthlyIntensities or EnergyFacts.</param>
    /// <param name="key">Key of the row as OData writes it, with or without parentheses:
    /// DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z; of EnergyFacts DeploymentId, ResourceId,
    /// PeriodStart.</param>
    internal static async Task<Results<Ok<Explanation>, ProblemHttpResult>> GetAsync(
        HttpContext context,
        [FromServices] QueryConnections connections,
        [FromServices] FactStore facts,
        [FromServices] Normaliser normaliser,
        [FromServices] TimeProvider time,
        string? set,
        string? key
    )
    {
        _ = (set, key);
        var errors = new RequestErrors();
        if (ExplainRequest.Read(context.Request.Query, time.GetUtcNow().UtcDateTime, errors) is not { } question)
            return Problems.Of(errors);
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
                return Problems.Of(
                    ProblemCode.NotFound,
                    $"{question.Set} has no row with the key {question.Key}. The rows that there are: /odata/{question.Set}.",
                    StatusCodes.Status404NotFound
                );
            return TypedResults.Ok(
                question.Set is ExplainRequest.Days or ExplainRequest.Months
                    ? await RollUpAsync(question, row, stored, facts, aborted)
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
        var made = question.ResourceId is null
            ? RollUp
                .Hour(hour, trace.Period.Energy, trace.Period.Work)
                .Find(sums => sums.DeploymentId == question.DeploymentId && sums.FunctionalUnit == question.FunctionalUnit)
            : null;
        var again = question.ResourceId is null ? Numbers(made) : Numbers(derivation.Own);
        var explanation = new Explanation
        {
            Set = question.Set,
            Key = question.Key,
            Row = row,
            Check = Check(row, again, dirty, samples.Count > 0),
            Formulas = derivation.Formulas(made),
        };
        return derivation.Describe(explanation, samples);
    }

    private static async Task<Explanation> RollUpAsync(
        ExplainRequest question,
        IReadOnlyDictionary<string, object?> row,
        StoredRows stored,
        FactStore facts,
        CancellationToken cancellationToken
    )
    {
        var end = (DateTime)row["PeriodEnd"]!;
        var dirty = await stored.IsDirtyAsync(question.PeriodStart, end);
        // What is stored is added up again: hours to days, and for a month days to the month.
        var hours = await facts.HoursAsync(question.DeploymentId, new Interval(question.PeriodStart, end), cancellationToken);
        var days = hours.GroupBy(hour => hour.PeriodStart.Date).SelectMany(day => RollUp.Day(day.Key, [.. day])).ToList();
        var made = (question.Set == ExplainRequest.Months ? RollUp.Period(question.PeriodStart, end, days) : days).FirstOrDefault(sums =>
            sums.FunctionalUnit == question.FunctionalUnit
        );
        // An hour's energy stands on each row of its units: it is taken once.
        var parts = hours
            .GroupBy(hour => hour.PeriodStart)
            .OrderBy(group => group.Key)
            .Select(group => (Own: group.FirstOrDefault(hour => hour.FunctionalUnit == question.FunctionalUnit), Any: group.First()))
            .ToList();
        var formulas = new List<Formula>();
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Periods))
            if (SumOf(measure, made, parts) is { } formula)
                formulas.Add(formula);
        if (made is not null)
            formulas.AddRange(RatioFormulas.Of(made));
        return new Explanation
        {
            Set = question.Set,
            Key = question.Key,
            Row = row,
            Check = Check(row, Numbers(made), dirty, true),
            Formulas = formulas,
            Hours =
            [
                .. parts.Select(part => new ExplainedHour
                {
                    PeriodStart = part.Any.PeriodStart,
                    Key = (
                        question with
                        {
                            Set = ExplainRequest.Hours,
                            FunctionalUnit = (part.Own ?? part.Any).FunctionalUnit,
                            PeriodStart = part.Any.PeriodStart,
                        }
                    ).Key,
                    Units = part.Own?[Measures.Units],
                    AcceleratorJoules = part.Any[Measures.Accelerator],
                    ServerJoules = part.Any[Measures.Server],
                    FacilityJoules = part.Any[Measures.Facility],
                    IdleJoules = part.Any[Measures.Idle],
                    OperationalGrams = part.Any[Measures.Operational],
                    EmbodiedGrams = part.Any[Measures.Embodied],
                }),
            ],
        };
    }

    /// <summary>A measure as the sum of that of the hours; bounds are of the hours that have the widest boundary. Null without a
    /// value.</summary>
    private static Formula? SumOf(Measure measure, PeriodSums? made, IReadOnlyList<(PeriodSums? Own, PeriodSums Any)> parts)
    {
        if (made?[measure] is not { } value)
            return null;
        var widest =
            made[Measures.Facility] is not null ? Measures.Facility
            : made[Measures.Server] is not null ? Measures.Server
            : Measures.Accelerator;
        var terms = parts
            .Where(part => measure.Across != AcrossResources.Bounds || part.Any[widest] is not null)
            .Select(part => (measure == Measures.Units ? part.Own : part.Any)?[measure])
            .OfType<double>()
            .ToList();
        return new Formula(measure.Name, Derivation.Sum(measure.Name, terms), value);
    }

    /// <summary>Every number that a row of a period tells.</summary>
    private static Dictionary<string, double?> Numbers(PeriodSums? sums)
    {
        var numbers = new Dictionary<string, double?>(StringComparer.Ordinal);
        if (sums is null)
            return numbers;
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Periods))
            numbers[measure.Name] = sums[measure];
        foreach (var ratio in Ratios.OfPeriods)
            numbers[ratio.Name] = sums[ratio];
        return numbers;
    }

    /// <summary>Every number that a row of a fact tells.</summary>
    private static Dictionary<string, double?> Numbers(IReadOnlyList<EnergyFact> facts)
    {
        var numbers = new Dictionary<string, double?>(StringComparer.Ordinal);
        if (facts is not [var fact])
            return numbers;
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Facts))
            numbers[measure.Name] = fact[measure];
        foreach (var ratio in Ratios.OfFacts)
            numbers[ratio.Name] = ratio.Of(fact.Values, fact.Period.Seconds, fact.Missing);
        return numbers;
    }

    private static RowCheck Check(IReadOnlyDictionary<string, object?> row, Dictionary<string, double?> again, bool dirty, bool sampled)
    {
        var differences = new List<string>();
        foreach (var (name, made) in again)
        {
            if (!row.TryGetValue(name, out var told))
                continue;
            var stored = told is null ? (double?)null : Convert.ToDouble(told, CultureInfo.InvariantCulture);
            if (stored is { } a && made is { } b ? Derivation.Near(a, b) : stored is null && made is null)
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
}
