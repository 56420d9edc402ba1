using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;

namespace Metrics.Api.Comparing;

/// <summary>The deployments of a period, compared. Whoever tells of a comparison, in whatever form, has it from here.</summary>
internal sealed record DeploymentComparison
{
    /// <summary>How the grams of a ranking are made. Market-based grams have no name here: they are never ranked.</summary>
    public const string CarbonMethod = "location-based average with embodied";

    public required ComparisonRequest Request { get; init; }

    /// <summary>The hours summed.</summary>
    public required Interval Period { get; init; }

    /// <summary>What may be ranked with each other, and what was left out and why.</summary>
    public required Comparison Result { get; init; }

    /// <summary>The sums behind a row, by the row's deployment.</summary>
    public required IReadOnlyDictionary<string, DeploymentSums> Sums { get; init; }

    /// <summary>Why there is nothing, and what there is instead; null when there is something.</summary>
    public required string? Note { get; init; }

    /// <summary>Sums the period and compares; null when the question has a fault that only the data shows, which is then added.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public static async Task<DeploymentComparison?> ReadAsync(
        ReadSession session,
        ComparisonRequest request,
        UnitConversions conversions,
        DateTime now,
        List<string> errors
    )
    {
        var hours = new DeploymentHours(session);
        // The asked unit first: what a deployment counts itself needs no conversion. Of several others the first by name is taken.
        string[] units =
        [
            request.Unit,
            .. FunctionalUnit
                .Known.Keys.Where(unit => unit != request.Unit && conversions.Factor(request.Unit, unit) is not null)
                .Order(StringComparer.Ordinal),
        ];
        var newest = request.To;
        if (newest is null)
        {
            foreach (var unit in units)
                if (await hours.NewestEndAsync(unit, now) is { } last && (newest is null || last > newest))
                    newest = last;
        }
        var end = newest ?? now.Date.AddHours(now.Hour);
        var start = request.From
            ?? (end > DateTime.MinValue.AddDays(1) ? end.AddDays(-1) : DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc));
        if (start >= end)
            errors.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"from {start:yyyy-MM-ddTHH:mm:ssZ} is not before to {end:yyyy-MM-ddTHH:mm:ssZ}"
                        + $"{(request.To is null ? ", the end of the newest complete hour with work in the unit" : "")}."
                )
            );
        else if (end - start > TimeSpan.FromDays(ComparisonRequest.MostDays))
            errors.Add(
                $"The period is longer than {ComparisonRequest.MostDays} days, and every hour of it is read. Ask for less, or take "
                    + "/odata/DailyIntensities or /odata/MonthlyIntensities."
            );
        if (errors.Count > 0)
            return null;

        var period = new Interval(start, end);
        var terms = new SumTerms(request.Boundary, request.By, request.IdlePolicy, request.Model);
        var sums = new Dictionary<string, DeploymentSums>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            foreach (var found in await hours.SumAsync(period, unit, terms))
                if (!sums.TryGetValue(Key(found.Id), out var known) || (known.Units is null && found.Units is not null))
                    sums[Key(found.Id)] = found;
        }
        var factors = sums.Count == 0 ? [] : await hours.FactorsAsync(period);
        foreach (var (key, sum) in sums)
            if (factors.TryGetValue(sum.Id, out var names))
                sums[key] = sum with { Factors = names };
        var unclaimed = sums
            .Values.Where(sum => sum.Workload == Workload.Unattributed.Name)
            .OrderBy(sum => sum.Place, StringComparer.Ordinal)
            .ToList();
        var result = Comparability.Of(
            sums.Values.Except(unclaimed).Select(sum => Row(request, sum)),
            new ComparisonTerms
            {
                By = request.By,
                FunctionalUnit = request.Unit,
                Conversions = conversions,
                MinimumCoverage = request.MinCoverage,
                WorstEvidence = request.Evidence,
                // Whoever accepts estimates has asked for them beside the rest.
                EstimatedBesideMeasured = request.Evidence == Evidence.Estimated,
            }
        );
        return new DeploymentComparison
        {
            Request = request,
            Period = period,
            Result = result with
            {
                LeftOut =
                [
                    .. result.LeftOut,
                    .. unclaimed.Select(sum => new RowLeftOut(
                        Row(request, sum),
                        ["no workload's rules claim it: it is what is left at its place, and no deployment"]
                    )),
                ],
            },
            Sums = sums,
            Note = sums.Count > 0 ? null : Nothing(request, await hours.PresentAsync(period)),
        };
    }

    private static ComparableRow Row(ComparisonRequest request, DeploymentSums sums) =>
        new()
        {
            Deployment = Key(sums.Id),
            Workload = sums.Workload,
            Model = sums.Model,
            Precision = sums.Precision,
            Hardware = sums.Hardware,
            FunctionalUnit = sums.FunctionalUnit,
            Boundary = request.Boundary,
            PueIncluded = request.Boundary == Boundary.Facility,
            IdlePolicy = request.IdlePolicy,
            CarbonMethod = sums.Carbon.Value is null ? null : CarbonMethod,
            Evidence = sums.Evidence,
            Coverage = sums.Coverage,
            MeasuredShare = Ratios.MeasuredShare.Of(sums.Values),
            Energy = sums.Energy,
            Carbon = sums.Carbon,
            Units = (request.By == RankedBy.Energy ? sums.Energy : sums.Carbon).Units ?? sums.Units,
            CoverKind = request.Boundary == Boundary.Accelerator ? null : sums.CoverKinds.Word(),
            // Of a machine of which boards are not read, what the others drew of the rest is not known to be shared out rightly.
            Disbelieved =
                sums.Missing
                & (
                    MissingReasonText.Disbelieving
                    | (request.Boundary == Boundary.Accelerator ? MissingReasons.None : MissingReasons.AcceleratorUnmetered)
                ),
            UnknownBecause = Unknown(request, sums),
        };

    /// <summary>The first link of the chain that is unknown in all of the time; where each is known and never at once with the work, that
    /// is what is told.</summary>
    private static NullReason Unknown(ComparisonRequest request, DeploymentSums sums) =>
        sums[Measures.Known] is null ? NullReason.NoEnergy
        : sums[Measures.Of(request.Boundary)] is null
            ? request.Boundary switch
            {
                Boundary.Accelerator => NullReason.AcceleratorUnknown,
                Boundary.Facility when sums[Measures.Server] is not null => NullReason.PueUnknown,
                _ => NullReason.ServerUnknown,
            }
        : request.IdlePolicy == IdlePolicy.ActiveOnly && request.Boundary == Boundary.Accelerator && sums[Measures.Server] is not null
            ? NullReason.AcceleratorIdleUnknown
        : request.IdlePolicy == IdlePolicy.ActiveOnly && sums[Measures.Idle] is null ? NullReason.BusyUnknown
        : request.By == RankedBy.Carbon && sums[Measures.Operational] is null ? NullReason.GridUnknown
        : request.By == RankedBy.Carbon && sums[Measures.Embodied] is null ? NullReason.EmbodiedUnknown
        : NullReason.NoCommonTime;

    private static string Nothing(ComparisonRequest request, (IReadOnlyList<string> Units, IReadOnlyList<string> Models) present)
    {
        var missing = request.Model is { } model
            ? $"No deployment serves '{model}' in this period."
            : $"No work was counted in {request.Unit} in this period.";
        return $"{missing} Units with work: {List(present.Units)}. Models with work: {List(present.Models)}.";

        static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
    }

    private static string Key(long id) => id.ToString(CultureInfo.InvariantCulture);
}
