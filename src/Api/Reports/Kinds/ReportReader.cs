using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Opens reports: one consistent view of the store, what stands at the head read, and rows as a stream.</summary>
internal sealed class ReportReader(QueryConnections connections, UnitConversions conversions, TimeProvider clock)
{
    private const int MostWorkloads = 50;

    /// <summary>Opens a report. What it needs to be told at its head has been read; its rows are read as they are asked for, until it is
    /// disposed of.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ReportError">There is no such workload, or no data.</exception>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<OpenReport> OpenAsync(ReportRequest request, CancellationToken cancellationToken)
    {
        // A report of years is long at work, and whoever asked can stop it; sorting it in memory would hold the whole of it.
        var session = new ReadSession(connections, Timeout.InfiniteTimeSpan, cancellationToken, takesTurns: false, sortsOnDisk: true);
        try
        {
            var kind = request.Kind;
            var selection = new ReportSelection(
                kind.LengthOf(request.Grain),
                request.From,
                request.To,
                request.Workload,
                request.Provider,
                request.Unit
            );
            var queries = new ReportQueries(session, selection);
            if (request.Workload is { } workload && !await queries.HasWorkloadAsync(workload))
                throw new ReportError(
                    "unknown_workload",
                    $"There is no workload '{Spelling.Shorten(workload)}'. There are: {List(await queries.WorkloadsAsync(MostWorkloads))}.",
                    StatusCodes.Status404NotFound
                );
            var totals = new ReportTotals(await queries.SumsAsync());
            if (totals.Rows == 0)
                throw new ReportError("no_data", await NoDataAsync(request, queries), StatusCodes.Status404NotFound);
            var (gaps, count) = await ReportGaps.FindAsync(queries);
            var factors = await queries.FactorsAsync();
            var report = new Report
            {
                Kind = kind.Name,
                Title = kind.Title,
                From = request.From,
                To = request.To,
                DataAsOf = totals.ComputedAt,
                Parameters = [.. Parameters(request)],
                Columns = kind.Columns,
                Totals =
                [
                    .. kind.Totals(totals)
                        .Select(total => (total.Name, total.Value is { } value ? ReportTotals.Rounded(value) : (double?)null)),
                ],
                Factors = factors,
                Gaps = gaps,
                GapCount = count,
                Notes = count == 0 ? kind.Notes : [.. kind.Notes, NoteOf(count)],
                Chart = kind.Chart(totals),
                Rows = kind.RowsAsync(new ReportSource(request, session, queries, conversions, clock.GetUtcNow().UtcDateTime)),
            };
            return new OpenReport(report, totals.Rows, session);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private static IEnumerable<(string Name, string Value)> Parameters(ReportRequest request)
    {
        if (request.Kind.HasPeriods)
            yield return ("grain", request.Grain.ToString().ToLowerInvariant());
        if (request.Workload is { } workload)
            yield return ("workload", workload);
        if (request.Provider is { } provider)
            yield return ("provider", provider);
        if (request.Unit is { } unit)
            yield return ("unit", unit);
    }

    private static async Task<string> NoDataAsync(ReportRequest request, ReportQueries queries)
    {
        var narrowed = request.Workload is null && request.Provider is null && request.Unit is null ? "" : " for what was asked";
        var range = await queries.RangeAsync() is var (from, to)
            ? $"There is data from {ReportText.Of(from)} to {ReportText.Of(to)}."
            : "There is none at all yet.";
        return $"There is no data of the period {ReportText.Of(request.From)} to {ReportText.Of(request.To)}{narrowed}. {range}";
    }

    private static string NoteOf(int gaps)
    {
        var listed = gaps > Report.MostGaps ? $" up to {Report.MostGaps}" : "";
        return $"The period has {gaps} gaps: times for which not all is known. They are listed{listed}; nothing is interpolated.";
    }

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}

/// <summary>A report and the view of the store that its rows come from.</summary>
internal sealed class OpenReport(Report report, long rows, ReadSession session) : IAsyncDisposable
{
    /// <summary>The report.</summary>
    public Report Report { get; } = report;

    /// <summary>How many rows of the store it is made of, which is about how many it has.</summary>
    public long StoredRows { get; } = rows;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => session.DisposeAsync();
}
