using System.Globalization;
using Hangfire;
using Hangfire.Storage;
using Metrics.Api.Access;
using Metrics.Api.Settings;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Metrics.Api.Operations;

/// <summary>Registers what turns sources into facts, and who does it.</summary>
public static class WorkerRegistration
{
    /// <summary>Adds the way from a source to facts. Nothing of it runs by itself.</summary>
    public static IServiceCollection AddPipeline(this IServiceCollection services, MetricsSettings settings, MetricCatalogue catalogue) =>
        services
            .AddSingleton(catalogue)
            .AddSingleton(settings.ToFactors())
            .AddSingleton(settings.ToConversions())
            .AddSingleton(
                new Normaliser(
                    catalogue,
                    settings.ToWorkloads(),
                    settings.ToPlaces(),
                    settings.Grain,
                    settings.ToFactors(),
                    settings.ToHardware()
                )
            )
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<RuleWatch>(provider, settings.ToWorkloads()))
            .AddSingleton<SourceList>()
            .AddSingleton<SourceReader>()
            .AddSingleton<Reconciliation>()
            .AddSingleton<RowWatch>()
            .AddSingleton<FactRecomputer>()
            .AddSingleton<Jobs>();

    /// <summary>Adds what reads by itself: the scheduler's server, the worker and the watchdog.</summary>
    public static IServiceCollection AddWorker(this IServiceCollection services) =>
        services
            .AddHangfireServer(Schedule.ServerOptions)
            .AddSingleton<Worker>()
            .AddHostedService(provider => provider.GetRequiredService<Worker>())
            .AddHostedService<Watchdog>();
}

/// <summary>Opens the configured sources once the service listens, and gives Hangfire one recurring read for each and one
/// recompute.</summary>
/// <remarks>Everything is registered again at every start: a recurring job that was lost or disabled comes back.</remarks>
public sealed class Worker(
    MetricsSettings settings,
    MetricCatalogue catalogue,
    FactorBook book,
    SourceList sources,
    ReadLog log,
    FactStore facts,
    IRecurringJobManager recurring,
    IBackgroundJobClient jobs,
    JobStorage storage,
    IServer server,
    AccessKeyCache keys,
    IConfiguration configuration,
    TimeProvider clock,
    ILogger<Worker> logger
) : IHostedLifecycleService
{
    private const string RecomputeJob = "recompute",
        CheckRowsJob = "check-rows";

    /// <summary>Every night, when few look and the hours of the day before are there.</summary>
    private const string Nightly = "0 17 3 * * *";

    /// <inheritdoc/>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await facts.SyncMappingsAsync(catalogue, cancellationToken);
        var marked = await facts.SyncFactorsAsync(book, [.. settings.ToPlaces().Values.Distinct()], cancellationToken);
        if (marked > 0)
            logger.LogInformation("Factors are others than at the last start: {Hours} hours are computed again.", marked);
        await facts.MarkDirtyIfChangedAsync(Fingerprint(), cancellationToken);

        foreach (var source in settings.Sources.Values)
        {
            if (source is ExporterSettings { Endpoint: null } own)
                (own.Endpoint, own.BearerToken) = (OwnMetrics(), keys.Own);
            await log.RegisterAsync(source.Id, source.Provider, source.Place, cancellationToken);
            sources.Add(source, KnownProviders.All[source.Provider].Open(source, catalogue, clock));
        }
        // No read begins before all sources are known: an hour is final only when all of them were read past it.
        foreach (var source in settings.Sources.Keys)
        {
            Schedule(source);
            jobs.Enqueue<Jobs>(job => job.ReadAsync(source, CancellationToken.None));
        }
        recurring.AddOrUpdate<Jobs>(
            RecomputeJob,
            job => job.RecomputeAsync(CancellationToken.None),
            Jobs.Cron(TimeSpan.FromSeconds(15)),
            Utc
        );
        recurring.AddOrUpdate<Jobs>(CheckRowsJob, job => job.CheckRowsAsync(CancellationToken.None), Nightly, Utc);
        using (var connection = storage.GetConnection())
        {
            var wanted = settings.Sources.Keys.Select(Recurring).Concat([RecomputeJob, CheckRowsJob]).ToHashSet(StringComparer.Ordinal);
            foreach (var known in connection.GetRecurringJobs().Where(known => !wanted.Contains(known.Id)))
                recurring.RemoveIfExists(known.Id);
        }
        logger.LogInformation(
            LogEvents.SourcesOpened,
            "Reading {Count} sources: {Sources}.",
            settings.Sources.Count,
            string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))
        );
    }

    /// <summary>Registers the recurring read of a source that is open; again, it changes nothing but brings back one that was lost or
    /// disabled.</summary>
    public void Schedule(string source)
    {
        if (!sources.TryGet(source, out _, out var open))
            return;
        recurring.AddOrUpdate<Jobs>(
            Recurring(source),
            job => job.ReadAsync(source, CancellationToken.None),
            Jobs.Cron(open.Cadence.Every),
            Utc
        );
    }

    private static RecurringJobOptions Utc => new() { TimeZone = TimeZoneInfo.Utc, MisfireHandling = MisfireHandlingMode.Relaxed };

    private static string Recurring(string source) => $"read:{source}";

    /// <summary>Everything beside samples and dated factors that decides what the facts are: when it changes, all hours are computed
    /// again.</summary>
    private string Fingerprint()
    {
        var parts = new List<string> { $"revision {Normaliser.Revision}", settings.Grain.ToString() };
        parts.AddRange(catalogue.Mappings.Select(mapping => $"{mapping.Id}@{mapping.Version}"));
        // Where a source stands decides which factors are asked for. Their values are no part of it: a factor marks the hours that it holds
        // for.
        foreach (var (source, place) in settings.ToPlaces().OrderBy(entry => entry.Key, StringComparer.Ordinal))
            parts.Add($"{source} {place.Name} {place.Country} {book.RegionOf(place.Name)}");
        // What hardware draws, servers are made of, models have and meters err by is not dated: another table is another rule.
        parts.AddRange(book.Hardware.All.Select(hardware => hardware.ToString()));
        parts.AddRange(book.Servers.All.Select(server => server.ToString()));
        parts.AddRange(book.Models.All.Select(model => model.ToString()));
        parts.AddRange(Enum.GetValues<Component>().Select(component => $"{component} {book.Uncertainty.Of(Evidence.Measured, component)}"));
        parts.AddRange(
            settings
                .ToHardware()
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => $"{entry.Key} stands on {entry.Value}")
        );
        foreach (var workload in settings.ToWorkloads())
        {
            parts.Add($"{workload.Name} {workload.Model} {workload.Precision}");
            foreach (var rule in workload.Rules)
            {
                var labels = rule.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}");
                parts.Add($"{rule.Source} {string.Join(' ', labels)}");
            }
        }
        return Identity.Of([.. parts]).ToString("x16", CultureInfo.InvariantCulture);
    }

    /// <summary>The address of our own metrics page, from what the server listens on.</summary>
    private Uri OwnMetrics() =>
        new(
            ListenAddresses.FromHere(
                server
                    .Features.Get<IServerAddressesFeature>()
                    ?.Addresses.FirstOrDefault(address => address.StartsWith("http://", StringComparison.Ordinal))
                    ?? "http://localhost:5080"
            ),
            "/metrics"
        );

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What a stop cuts off is read again by whoever comes next: that is no warning.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (configuration is IConfigurationBuilder builder)
            builder.AddInMemoryCollection([
                new("Logging:LogLevel:Hangfire", nameof(LogLevel.Error)),
                new("Logging:LogLevel:Metrics.Ingestors", nameof(LogLevel.Error)),
            ]);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
