using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Xml;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers.Azure;

/// <summary>Resources of one subscription and region in Azure Monitor.</summary>
/// <remarks>
/// Resources and the definitions of their metrics are listed and kept for a while; a metric is split by those of its dimensions that the
/// catalogue asks about. Fifty resources of a type are read at once where the credentials reach the whole subscription, else one by one.
/// </remarks>
internal sealed class AzureSource(AzureMonitorSettings settings, MetricCatalogue catalogue, IAzureMonitor monitor)
    : ITelemetrySource,
        ICoarseStatistics,
        IDisposable
{
    private const string Provider = "azure-monitor";

    /// <summary>Most resources and most metrics of one call.</summary>
    private const int MostResources = 50,
        MostNames = 20;

    /// <summary>More pages than any list has.</summary>
    private const int MostPages = 10_000;

    private static readonly TimeSpan ListKept = TimeSpan.FromMinutes(10),
        Minute = TimeSpan.FromMinutes(1),
        Hour = TimeSpan.FromHours(1);

    /// <summary>Once the region's endpoint refused, the Resource Manager is asked for so long: roles take up to half an hour to
    /// arrive.</summary>
    private static readonly TimeSpan BatchRefused = TimeSpan.FromMinutes(30);

    private readonly SeriesPool pool = new(settings.Id, settings.MaxSeries);
    private readonly List<KeyValuePair<string, string>> labels = [];
    private readonly List<Wanted> wanted = [.. Want(catalogue)];
    private IReadOnlyList<ResourceQuery> resourceQueries = [];
    private DateTime? listedAt,
        batchRefusedAt;
    private bool anyRead;
    private SourceException? lastForbidden;

    /// <summary>A metric of the catalogue: which statistic, by which labels and in which grain it is explained.</summary>
    private sealed record Wanted(string Namespace, string Name, Statistic Statistic, TimeSpan? Grain, IReadOnlySet<string> Labels);

    /// <summary>A resource, with what its metrics do not tell of it.</summary>
    /// <param name="Id">As the Resource Manager lists it.</param>
    /// <param name="Labels">Added to all its series.</param>
    /// <param name="Models">Of an account: its deployments by name, with the model's name and when the deployment was made.</param>
    private sealed record Resource(
        string Id,
        string Type,
        string Kind,
        IReadOnlyList<KeyValuePair<string, string>> Labels,
        IReadOnlyDictionary<string, (string Model, DateTime? Since)> Models
    );

    /// <summary>A query and the resources that it is for.</summary>
    private sealed record ResourceQuery(MetricsQuery Query, Statistic Statistic, bool Custom, Resource[] Resources);

    public FarClock? FarClock => monitor.FarClock;

    public Cadence Cadence { get; } =
        new(
            settings.Settle ?? TimeSpan.FromMinutes(5),
            settings.Overlap ?? TimeSpan.FromHours(1),
            settings.Lookback ?? TimeSpan.FromHours(1),
            TimeSpan.FromHours(2)
        )
        {
            Every = settings.Every ?? TimeSpan.FromMinutes(2),
            Align = TimeSpan.FromMinutes(1),
            Reread = TimeSpan.FromHours(48),
            Keeps = TimeSpan.FromDays(93),
        };

    public void Dispose()
    {
        pool.Dispose();
        monitor.Dispose();
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        var batch = new ObservationBatch(settings.Id);
        await ListAsync(request.Now, batch, cancellationToken);
        (anyRead, lastForbidden) = (false, null);
        var unread = new List<UnreadSeries>();
        foreach (var resourceQuery in resourceQueries)
        {
            await foreach (
                var one in QueryAsync(
                    resourceQuery,
                    request.Window,
                    request.Now,
                    batch,
                    (series, start, end, value) =>
                    {
                        if (start >= request.Window.Start && end <= request.Window.End)
                            batch.Observations.Add(new(series, new(start, end, value)));
                    },
                    cancellationToken
                )
            )
                unread.Add(one);
            foreach (var page in batch.Pages())
                yield return page;
            batch = new ObservationBatch(settings.Id);
        }
        // Where nothing at all may be read it is no matter of single metrics.
        if (!anyRead && lastForbidden is { } forbidden)
            throw forbidden;
        if (unread.Count > 0)
            yield return new Page([]) { Unread = unread };
        pool.ReportLeftOut(batch);
        foreach (var page in batch.Pages())
            yield return page;
    }

    /// <summary>The same statistic over an hour. A mean of means is the hour's mean only where every minute had as many samples, so a
    /// little is allowed for.</summary>
    public async IAsyncEnumerable<CoarseStatistic> CoarseAsync(
        Interval hours,
        DateTime now,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        await ListAsync(now, new ObservationBatch(settings.Id), cancellationToken);
        foreach (var resourceQuery in resourceQueries)
        {
            if (resourceQuery.Query.Grain >= Hour || resourceQuery.Statistic is not (Statistic.Sum or Statistic.Average))
                continue;
            var found = new List<CoarseStatistic>();
            await foreach (
                var unread in QueryAsync(
                    resourceQuery with
                    {
                        Query = resourceQuery.Query with { Grain = Hour },
                    },
                    hours,
                    now,
                    new ObservationBatch(settings.Id),
                    (series, start, end, value) =>
                    {
                        if (end - start == Hour)
                            found.Add(
                                resourceQuery.Statistic == Statistic.Sum
                                    ? new(series, start, value, null, null, 1e-9)
                                    : new(series, start, null, value, null, 0.02)
                            );
                    },
                    cancellationToken,
                    resourceQuery.Query.Grain
                )
            )
            {
                // What cannot be read is told by the reads of the source; here it is not compared.
                _ = unread;
            }
            foreach (var statistic in found)
                yield return statistic;
        }
    }

    private static IEnumerable<Wanted> Want(MetricCatalogue catalogue)
    {
        foreach (var metric in catalogue.MetricsOf(Provider).Distinct(StringComparer.Ordinal))
        {
            // A resource's own metrics stand in the namespace of its type, which holds slashes; the names of custom metrics may hold some.
            var cut = metric.StartsWith("Microsoft.", StringComparison.OrdinalIgnoreCase)
                ? metric.LastIndexOf('/')
                : metric.IndexOf('/', StringComparison.Ordinal);
            foreach (
                var same in catalogue
                    .Mappings.Where(mapping => mapping.Provider == Provider && mapping.Metrics.Contains(metric))
                    .GroupBy(mapping =>
                        (
                            Statistic: mapping.Statistic ?? (mapping.Kind == SampleKind.Delta ? Statistic.Sum : Statistic.Average),
                            mapping.Period
                        )
                    )
            )
                yield return new(
                    metric[..cut],
                    metric[(cut + 1)..],
                    same.Key.Statistic,
                    same.Key.Period,
                    same.SelectMany(Labels).ToHashSet(StringComparer.OrdinalIgnoreCase)
                );
        }

        static IEnumerable<string> Labels(MetricMapping mapping) =>
            [
                .. mapping.When.Select(condition => condition.Label),
                .. mapping.Resource.Id,
                .. mapping.Resource.Node,
                .. mapping.Resource.Part,
                .. mapping.EstimateModel ?? [],
                .. mapping.RollUp?.Within ?? [],
            ];
    }

    private async Task ListAsync(DateTime now, ObservationBatch batch, CancellationToken cancellationToken)
    {
        if (listedAt is { } at && now - at < ListKept && now >= at)
            return;
        var resources = await ResourcesAsync(cancellationToken);
        var made = new List<ResourceQuery>();
        foreach (var same in resources.GroupBy(resource => (resource.Type, resource.Kind)))
        {
            var here = wanted.Where(metric => metric.Namespace.Equals(same.Key.Type, StringComparison.OrdinalIgnoreCase)).ToList();
            if (here.Count > 0)
                made.AddRange(Plan(here, await DefinitionsAsync(same, null, cancellationToken), [.. same], false, batch));
        }
        // Custom metrics are whose agents write them: every machine is asked by itself whether it has some.
        foreach (
            var custom in wanted
                .Where(metric => !metric.Namespace.StartsWith("Microsoft.", StringComparison.OrdinalIgnoreCase))
                .GroupBy(metric => metric.Namespace)
        )
        foreach (var machine in resources.Where(resource => IsMachine(resource.Type)))
            made.AddRange(Plan([.. custom], await DefinitionsAsync([machine], custom.Key, cancellationToken), [machine], true, batch));
        resourceQueries = made;
        listedAt = now;
    }

    private static bool IsMachine(string type) =>
        type.Equals("Microsoft.Compute/virtualMachines", StringComparison.OrdinalIgnoreCase)
        || type.Equals("Microsoft.Compute/virtualMachineScaleSets", StringComparison.OrdinalIgnoreCase);

    private async Task<List<Resource>> ResourcesAsync(CancellationToken cancellationToken)
    {
        var azure = settings.Azure!;
        var types = wanted
            .Where(metric => metric.Namespace.StartsWith("Microsoft.", StringComparison.OrdinalIgnoreCase))
            .Select(metric => metric.Namespace)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (wanted.Exists(metric => !types.Contains(metric.Namespace)))
            types.UnionWith(["Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets"]);
        var filter = string.Join(" or ", types.Order(StringComparer.Ordinal).Select(type => $"resourceType eq '{type}'"));
        var found = new SortedDictionary<string, (string Type, string Kind, string Size)>(StringComparer.OrdinalIgnoreCase);
        await foreach (
            var element in EveryAsync(
                $"/subscriptions/{azure.Subscription}/resources?api-version=2021-04-01&$filter={Uri.EscapeDataString(filter)}",
                cancellationToken
            )
        )
        {
            var (id, type) = (RestAzureMonitor.Text(element, "id"), RestAzureMonitor.Text(element, "type"));
            if (
                id.Length == 0
                || !types.Contains(type)
                || !string.Equals(
                    RestAzureMonitor.Text(element, "location").Replace(" ", "", StringComparison.Ordinal),
                    azure.Region,
                    StringComparison.OrdinalIgnoreCase
                )
            )
                continue;
            var tags = element.TryGetProperty("tags", out var some) ? some : default;
            if (azure.Tags.All(tag => Tag(tags, tag.Key) == tag.Value))
                found[id] = (
                    type,
                    RestAzureMonitor.Text(element, "kind"),
                    element.TryGetProperty("sku", out var sku) ? RestAzureMonitor.Text(sku, "name") : ""
                );
        }

        var sizes = await SizesAsync(found.Select(resource => (resource.Key, resource.Value.Type)), cancellationToken);
        var resources = new List<Resource>(found.Count);
        foreach (var (id, (type, kind, sku)) in found)
        {
            List<KeyValuePair<string, string>> known = [new("resourceid", id)];
            var size = type.Equals("Microsoft.Compute/virtualMachineScaleSets", StringComparison.OrdinalIgnoreCase)
                ? sku
                : sizes.GetValueOrDefault(id, "");
            if (size.Length > 0)
                known.Add(new("vmsize", size));
            var models = new Dictionary<string, (string, DateTime?)>(StringComparer.OrdinalIgnoreCase);
            if (type.Equals("Microsoft.CognitiveServices/accounts", StringComparison.OrdinalIgnoreCase))
                await foreach (
                    var deployment in EveryAsync($"{id}/deployments?api-version=2024-10-01", cancellationToken, mayBeForbidden: true)
                )
                    if (
                        Inner(deployment, "properties", "model") is var model
                        && RestAzureMonitor.Text(model, "name") is { Length: > 0 } name
                    )
                        models[RestAzureMonitor.Text(deployment, "name")] = (
                            name,
                            Instant(RestAzureMonitor.Text(Inner(deployment, "systemData"), "createdAt"))
                        );
            resources.Add(new(id, type, kind, known, models));
        }
        return resources;
    }

    /// <summary>Sizes of machines and of the instances of deployments, by the resource.</summary>
    private async Task<Dictionary<string, string>> SizesAsync(
        IEnumerable<(string Id, string Type)> resources,
        CancellationToken cancellationToken
    )
    {
        var sizes = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var lists = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (id, type) in resources)
        {
            if (type.Equals("Microsoft.Compute/virtualMachines", StringComparison.OrdinalIgnoreCase))
                lists.Add(
                    $"/subscriptions/{settings.Azure!.Subscription}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01"
                );
            else if (type.EndsWith("/onlineEndpoints/deployments", StringComparison.OrdinalIgnoreCase))
                lists.Add($"{id[..id.LastIndexOf('/')]}?api-version=2024-10-01");
        }
        foreach (var list in lists)
        await foreach (var element in EveryAsync(list, cancellationToken, mayBeForbidden: true))
            sizes[RestAzureMonitor.Text(element, "id")] = RestAzureMonitor.Text(Inner(element, "properties", "hardwareProfile"), "vmSize")
                is { Length: > 0 } size
                ? size
                : RestAzureMonitor.Text(Inner(element, "properties"), "instanceType");
        return sizes;
    }

    /// <summary>What Azure says of the metrics of a type, by name: of the first of the resources that is there.</summary>
    private async Task<Dictionary<string, JsonElement>> DefinitionsAsync(
        IEnumerable<Resource> resources,
        string? custom,
        CancellationToken cancellationToken
    )
    {
        foreach (var resource in resources)
        {
            var definitions = new Dictionary<string, JsonElement>(StringComparer.OrdinalIgnoreCase);
            try
            {
                await foreach (
                    var element in EveryAsync(
                        $"{resource.Id}/providers/Microsoft.Insights/metricDefinitions?api-version=2024-02-01"
                            + (custom is null ? "" : "&metricnamespace=" + Uri.EscapeDataString(custom)),
                        cancellationToken
                    )
                )
                    definitions[RestAzureMonitor.Text(Inner(element, "name"), "value")] = element.Clone();
            }
            catch (SourceException exception) when (exception.Code == SourceErrorCode.Refused)
            {
                // It was deleted since it was listed, or has no such namespace.
                continue;
            }
            return definitions;
        }
        return [];
    }

    private static IEnumerable<ResourceQuery> Plan(
        List<Wanted> metrics,
        Dictionary<string, JsonElement> definitions,
        IReadOnlyList<Resource> resources,
        bool custom,
        ObservationBatch batch
    )
    {
        var planned = new List<(Wanted Metric, TimeSpan Grain, string Dimensions)>();
        foreach (var metric in metrics)
        {
            if (!definitions.TryGetValue(metric.Name, out var definition))
                continue;
            var supported = Array(definition, "supportedAggregationTypes").Select(type => type.GetString()).ToList();
            if (supported.Count > 0 && !supported.Contains(Aggregation(metric.Statistic), StringComparer.OrdinalIgnoreCase))
            {
                batch.Reject(
                    $"{metric.Namespace}/{metric.Name}",
                    null,
                    RejectionReason.UnitDrift,
                    $"Azure does not tell its {Aggregation(metric.Statistic)} any more, by which the catalogue explains it. It is "
                        + $"not read; mend the mapping."
                );
                continue;
            }
            var grains = Array(definition, "metricAvailabilities")
                .Select(one => Duration(RestAzureMonitor.Text(one, "timeGrain")))
                .Where(grain => grain >= Minute)
                .Order()
                .ToList();
            var grain = metric.Grain ?? (grains.Count == 0 ? Minute : grains[0]);
            if (grains.Count > 0 && !grains.Contains(grain))
                continue;
            var dimensions = Array(definition, "dimensions")
                .Select(dimension => RestAzureMonitor.Text(dimension, "value"))
                .Where(metric.Labels.Contains)
                .Order(StringComparer.OrdinalIgnoreCase);
            planned.Add((metric, grain, string.Join('\n', dimensions)));
        }
        foreach (var alike in planned.GroupBy(one => (one.Metric.Namespace, one.Metric.Statistic, one.Grain, one.Dimensions)))
        foreach (var names in alike.Select(one => one.Metric.Name).Chunk(MostNames))
        foreach (var part in resources.Chunk(MostResources))
            yield return new(
                new(
                    alike.Key.Namespace,
                    names,
                    Aggregation(alike.Key.Statistic),
                    alike.Key.Grain,
                    alike.Key.Dimensions.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                ),
                alike.Key.Statistic,
                custom,
                part
            );
    }

    /// <summary>Asks for all of it, in smaller parts where Azure does not accept the whole, and tells of what is left that it does not
    /// accept.</summary>
    private async IAsyncEnumerable<UnreadSeries> QueryAsync(
        ResourceQuery whole,
        Interval window,
        DateTime now,
        ObservationBatch batch,
        Action<Series, DateTime, DateTime, double> take,
        [EnumeratorCancellation] CancellationToken cancellationToken,
        TimeSpan? period = null
    )
    {
        var left = new Stack<ResourceQuery>();
        left.Push(whole);
        while (left.TryPop(out var resourceQuery))
        {
            var span = new Interval(window.Start.Floor(resourceQuery.Query.Grain), window.End.Ceiling(resourceQuery.Query.Grain));
            var byBatch = !resourceQuery.Custom && !(batchRefusedAt is { } at && now - at < BatchRefused && now >= at);
            var unread = new List<UnreadSeries>();
            try
            {
                if (byBatch)
                {
                    using var document = await monitor.BatchAsync(
                        [.. resourceQuery.Resources.Select(resource => resource.Id)],
                        resourceQuery.Query,
                        span,
                        cancellationToken
                    );
                    if (!document.RootElement.TryGetProperty("values", out _))
                        throw NoMetrics("values");
                    var byId = resourceQuery.Resources.ToDictionary(resource => resource.Id, StringComparer.OrdinalIgnoreCase);
                    foreach (var one in Array(document.RootElement, "values"))
                        if (byId.TryGetValue(RestAzureMonitor.Text(one, "resourceid"), out var resource))
                            Take(one, resourceQuery, resource, now, batch, unread, take, period);
                }
                else if (resourceQuery.Resources.Length > 1)
                {
                    foreach (var resource in resourceQuery.Resources.AsEnumerable().Reverse())
                        left.Push(resourceQuery with { Resources = [resource] });
                }
                else
                {
                    using var document = await monitor.MetricsAsync(
                        resourceQuery.Resources[0].Id,
                        resourceQuery.Query,
                        span,
                        cancellationToken
                    );
                    if (!document.RootElement.TryGetProperty("value", out _))
                        throw NoMetrics("value");
                    Take(document.RootElement, resourceQuery, resourceQuery.Resources[0], now, batch, unread, take, period);
                }
            }
            catch (ForbiddenException) when (byBatch)
            {
                // A role on each resource is not enough for the region's endpoint, and is for the Resource Manager.
                batchRefusedAt = now;
                left.Push(resourceQuery);
            }
            catch (ForbiddenException forbidden)
            {
                lastForbidden = forbidden.Exception;
                foreach (var name in resourceQuery.Query.Names)
                    unread.Add(
                        new(Subject(resourceQuery, name, resourceQuery.Resources[0]), forbidden.Exception.Code, forbidden.Exception.Message)
                    );
            }
            catch (SourceException exception) when (exception.Code == SourceErrorCode.Refused)
            {
                if (resourceQuery.Query.Names.Count > 1)
                    foreach (var names in resourceQuery.Query.Names.Chunk((resourceQuery.Query.Names.Count + 1) / 2).Reverse())
                        left.Push(resourceQuery with { Query = resourceQuery.Query with { Names = names } });
                else if (resourceQuery.Resources.Length > 1)
                    foreach (var part in resourceQuery.Resources.Chunk((resourceQuery.Resources.Length + 1) / 2).Reverse())
                        left.Push(resourceQuery with { Resources = part });
                else
                    unread.Add(
                        new(
                            Subject(resourceQuery, resourceQuery.Query.Names[0], resourceQuery.Resources[0]),
                            exception.Code,
                            exception.Message
                        )
                    );
            }
            foreach (var one in unread)
                yield return one;
        }
    }

    private static string Subject(ResourceQuery resourceQuery, string name, Resource resource) =>
        $"{resourceQuery.Query.Namespace}/{name}{{resourceid={resource.Id}}}";

    private SourceException NoMetrics(string missing) =>
        new(
            SourceErrorCode.NotMetrics,
            $"Azure Monitor answered without '{missing}'. Check Endpoint and Azure:MetricsEndpoint of {settings.Id}."
        );

    /// <summary>Hands on the values of one resource.</summary>
    private void Take(
        JsonElement response,
        ResourceQuery resourceQuery,
        Resource resource,
        DateTime now,
        ObservationBatch batch,
        List<UnreadSeries> unread,
        Action<Series, DateTime, DateTime, double> take,
        TimeSpan? period
    )
    {
        anyRead = true;
        // Azure may answer in another grain than was asked for: what counts is what it says.
        var grain = Duration(RestAzureMonitor.Text(response, "interval"));
        if (grain <= TimeSpan.Zero)
            grain = resourceQuery.Query.Grain;
        foreach (var metric in Array(response, "value"))
        {
            var name = RestAzureMonitor.Text(Inner(metric, "name"), "value");
            // Spelled as the catalogue does.
            name = resourceQuery.Query.Names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name;
            if (RestAzureMonitor.Text(metric, "errorCode") is { Length: > 0 } code && code != "Success")
            {
                unread.Add(
                    new(
                        Subject(resourceQuery, name, resource),
                        SourceErrorCode.Refused,
                        $"Azure Monitor does not tell {name} of {resource.Id} ({Shown(code)}: "
                            + $"\"{Shown(RestAzureMonitor.Text(metric, "errorMessage"))}\"). The rest is read."
                    )
                );
                continue;
            }
            var count = 0;
            foreach (var one in Array(metric, "timeseries"))
            {
                count++;
                if (
                    SeriesOf(
                        one,
                        $"{resourceQuery.Query.Namespace}/{name}",
                        resourceQuery.Statistic,
                        resource,
                        period ?? grain,
                        batch,
                        out var since
                    )
                    is not { } series
                )
                    continue;
                if (catalogue.Find(series, now) is null)
                {
                    if (
                        grain != resourceQuery.Query.Grain
                        && period is null
                        && catalogue.Find(
                            new Series(series.Source, Provider, series.Metric, series.Labels, series.Statistic, resourceQuery.Query.Grain),
                            now
                        )
                            is not null
                    )
                        batch.Reject(
                            series.ToString(),
                            null,
                            RejectionReason.UnitDrift,
                            $"Azure answered by {XmlConvert.ToString(grain)} where "
                                + $"{XmlConvert.ToString(resourceQuery.Query.Grain)} was asked for, and the catalogue does not explain "
                                + $"that. It is not stored."
                        );
                    continue;
                }
                var before = DateTime.MinValue;
                foreach (var point in Array(one, "data"))
                {
                    // A bucket without a value is a gap and no zero.
                    if (!point.TryGetProperty(resourceQuery.Query.Aggregation, out var value) || value.ValueKind == JsonValueKind.Null)
                        continue;
                    if (Instant(RestAzureMonitor.Text(point, "timeStamp")) is not { } start || value.ValueKind != JsonValueKind.Number)
                    {
                        batch.Reject(
                            series.ToString(),
                            null,
                            RejectionReason.Malformed,
                            "A point has no time or no number. It is not read."
                        );
                        continue;
                    }
                    if (start <= before)
                        batch.MayRepeat = true;
                    before = start;
                    if (start >= since)
                        take(series, start, start + grain, value.GetDouble());
                }
            }
            if (count >= resourceQuery.Query.Top)
                batch.Reject(
                    Subject(resourceQuery, name, resource),
                    null,
                    RejectionReason.LimitExceeded,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The metric has {resourceQuery.Query.Top} series or more; what Azure left out beyond them it does not say."
                    )
                );
        }
    }

    private Series? SeriesOf(
        JsonElement timeseries,
        string metric,
        Statistic statistic,
        Resource resource,
        TimeSpan period,
        ObservationBatch batch,
        out DateTime since
    )
    {
        since = DateTime.MinValue;
        labels.Clear();
        labels.AddRange(resource.Labels);
        foreach (var dimension in Array(timeseries, "metadatavalues"))
        {
            var name = RestAzureMonitor.Text(Inner(dimension, "name"), "value").ToLowerInvariant();
            if (name.Length > 0 && !labels.Exists(label => label.Key == name))
                labels.Add(new(name, RestAzureMonitor.Text(dimension, "value")));
        }
        // Where the metric does not name the model its deployment does, for the time since it was made: what was before belongs to another
        // of the same name.
        if (resource.Models.Count > 0 && !labels.Exists(label => label.Key == "modelname"))
            foreach (var (key, value) in labels)
                if (key == "modeldeploymentname" && resource.Models.TryGetValue(value, out var model))
                {
                    labels.Add(new("modelname", model.Model));
                    if (model.Since is { } made)
                        since = made;
                    break;
                }
        if (pool.Intern(Provider, metric, labels, batch, statistic: statistic, period: period) is not { } pooled)
            return null;
        pooled.LastRead = pool.Read;
        return pooled.Series;
    }

    /// <summary>The elements of every page of a list.</summary>
    private async IAsyncEnumerable<JsonElement> EveryAsync(
        string address,
        [EnumeratorCancellation] CancellationToken cancellationToken,
        bool mayBeForbidden = false
    )
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var next = address; next.Length > 0; )
        {
            JsonDocument document;
            try
            {
                document = await monitor.ListAsync(next, cancellationToken);
            }
            catch (ForbiddenException) when (mayBeForbidden)
            {
                // What it would have told is left out; the metrics can be read without it.
                yield break;
            }
            catch (ForbiddenException forbidden)
            {
                throw forbidden.Exception;
            }
            using (document)
            {
                if (!document.RootElement.TryGetProperty("value", out _))
                    throw NoMetrics("value");
                foreach (var element in Array(document.RootElement, "value"))
                    yield return element;
                next = RestAzureMonitor.Text(document.RootElement, "nextLink");
                if (next.Length > 0 && (!seen.Add(next) || seen.Count >= MostPages))
                    throw new SourceException(
                        SourceErrorCode.NotMetrics,
                        $"The list {address.Split('?')[0]} comes without end: the server gave "
                            + $"{(seen.Count >= MostPages ? $"more than {MostPages} pages" : "the same nextLink twice")}. Check "
                            + $"Endpoint."
                    );
            }
        }
    }

    private static string Aggregation(Statistic statistic) =>
        statistic switch
        {
            Statistic.Sum => "total",
            Statistic.Minimum => "minimum",
            Statistic.Maximum => "maximum",
            Statistic.SampleCount => "count",
            _ => "average",
        };

    private static string? Tag(JsonElement tags, string name)
    {
        if (tags.ValueKind != JsonValueKind.Object)
            return null;
        foreach (var tag in tags.EnumerateObject())
            if (tag.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && tag.Value.ValueKind == JsonValueKind.String)
                return tag.Value.GetString();
        return null;
    }

    private static string Shown(string text) => Redaction.Excerpt(Encoding.UTF8.GetBytes(text));

    private static DateTime? Instant(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.AddTicks(-(time.UtcDateTime.Ticks % 10))
            : null;

    private static TimeSpan Duration(string text)
    {
        try
        {
            return text.Length is 0 or > 20 ? TimeSpan.Zero : XmlConvert.ToTimeSpan(text);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException)
        {
            return TimeSpan.Zero;
        }
    }

    private static JsonElement Inner(JsonElement whole, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (whole.ValueKind != JsonValueKind.Object || !whole.TryGetProperty(name, out whole))
                return default;
        return whole;
    }

    private static JsonElement.ArrayEnumerator Array(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : default;
}
