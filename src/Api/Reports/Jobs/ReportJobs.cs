using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Metrics.Api.Http;
using Metrics.Api.Reports.Kinds;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;

namespace Metrics.Api.Reports.Jobs;

/// <summary>Where a report is. In responses and messages it is the word in lower case.</summary>
internal enum ReportJobState
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>Its rows are written.</summary>
    Writing,

    /// <summary>Its file is there.</summary>
    Done,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>It could not be made.</summary>
    Failed,
}

/// <summary>A report that is being made, or was.</summary>
internal sealed class ReportJob(string id, ReportRequest request, DateTime askedAt) : IDisposable
{
    private readonly CancellationTokenSource cancelled = new();
    private long done,
        all;

    public string Id { get; } = id;

    public ReportRequest Request { get; } = request;

    public DateTime AskedAt { get; } = askedAt;

    /// <summary>Ends when the report is made, or cannot be.</summary>
    public Task<ReportFile> Made { get; set; } = null!;

    public CancellationToken Token => cancelled.Token;

    public ReportJobState State =>
        !Made.IsCompleted ? (Volatile.Read(ref all) == 0 ? ReportJobState.Waiting : ReportJobState.Writing)
        : Made.IsCompletedSuccessfully ? ReportJobState.Done
        : Made.IsCanceled ? ReportJobState.Cancelled
        : ReportJobState.Failed;

    public (long Done, long All) Rows => (Volatile.Read(ref done), Volatile.Read(ref all));

    public void Progress(long rows, long of)
    {
        Volatile.Write(ref all, Math.Max(1, of));
        Volatile.Write(ref done, rows);
    }

    public void Cancel() => cancelled.Cancel();

    public void Dispose() => cancelled.Dispose();
}

/// <summary>Makes reports beside the requests that ask for them, some at once, and keeps the files for a while.</summary>
/// <remarks>A process knows its own jobs; they end with it.</remarks>
internal sealed class ReportJobs : IDisposable
{
    private const int MostWaiting = 50;

    private readonly ReportFiles files;
    private readonly ReportSettings settings;
    private readonly WebhookStore webhooks;
    private readonly TimeProvider clock;
    private readonly ILogger<ReportJobs> log;
    private readonly ConcurrentDictionary<string, ReportJob> jobs = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim turns;
    private readonly Lazy<string> folder;

    public ReportJobs(ReportFiles files, ReportSettings settings, WebhookStore webhooks, TimeProvider clock, ILogger<ReportJobs> log)
    {
        (this.files, this.settings, this.webhooks, this.clock, this.log) = (files, settings, webhooks, clock, log);
        turns = new SemaphoreSlim(settings.Concurrency);
        // A temporary folder of others is no place for a name that they can know before: this one is random, and nobody else may look into
        // it.
        folder = new(() =>
            settings.Folder is { } given
                ? Directory.CreateDirectory(Path.Combine(given, $"metrics-reports-{Guid.NewGuid():N}")).FullName
                : Directory.CreateTempSubdirectory("metrics-reports-").FullName
        );
    }

    /// <summary>Begins to make a report.</summary>
    /// <exception cref="ReportError">Too many wait already.</exception>
    public ReportJob Begin(ReportRequest request)
    {
        Forget();
        if (jobs.Values.Count(job => !job.Made.IsCompleted) >= MostWaiting)
            throw new ReportError(
                ProblemCode.Busy,
                $"{MostWaiting} reports wait already. Ask again in a minute.",
                StatusCodes.Status429TooManyRequests
            );
        var job = new ReportJob(Guid.NewGuid().ToString("N"), request, clock.GetUtcNow().UtcDateTime);
        job.Made = Task.Run(() => MakeAsync(job));
        jobs[job.Id] = job;
        return job;
    }

    /// <summary>A job; null when there is none, or no longer.</summary>
    public ReportJob? Find(string id) => jobs.GetValueOrDefault(id);

    /// <summary>Tells that a report that somebody was told to come back for is there.</summary>
    public void TellWhenReady(ReportJob job)
    {
        _ = job.Made.ContinueWith(
            async made =>
            {
                if (!made.IsCompletedSuccessfully)
                    return;
                try
                {
                    var file = await made;
                    await webhooks.RaiseAsync(
                        EventTypes.ReportReady,
                        null,
                        new JsonObject
                        {
                            ["kind"] = job.Request.Kind.Name,
                            ["format"] = job.Request.Format.Name,
                            ["from"] = ReportText.Of(job.Request.From),
                            ["to"] = ReportText.Of(job.Request.To),
                            ["rows"] = file.Rows,
                            ["bytes"] = file.Bytes,
                            ["sha256"] = Convert.ToHexStringLower(file.Sha256),
                            ["link"] = $"/api/reports/jobs/{job.Id}/file",
                            ["manifest"] = $"/api/reports/jobs/{job.Id}/manifest",
                        },
                        CancellationToken.None
                    );
                }
                catch (StorageException exception)
                {
                    log.LogWarning("Report {Id} is ready, and nobody could be told: {Message}", job.Id, exception.Message);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default
        );
    }

    public void Dispose()
    {
        foreach (var job in jobs.Values)
            job.Cancel();
        turns.Dispose();
        if (folder.IsValueCreated && Directory.Exists(folder.Value))
            Directory.Delete(folder.Value, recursive: true);
    }

    private async Task<ReportFile> MakeAsync(ReportJob job)
    {
        await turns.WaitAsync(job.Token);
        try
        {
            return await files.WriteAsync(
                job.Request,
                Path.Combine(folder.Value, $"{job.Id}.{job.Request.Format.Name}"),
                job.Progress,
                job.Token
            );
        }
        finally
        {
            turns.Release();
        }
    }

    private void Forget()
    {
        foreach (var job in jobs.Values.Where(job => job.Made.IsCompleted && clock.GetUtcNow().UtcDateTime - job.AskedAt > settings.Keep))
        {
            if (!jobs.TryRemove(job.Id, out _))
                continue;
            job.Dispose();
            if (!job.Made.IsCompletedSuccessfully)
                continue;
            File.Delete(job.Made.Result.Path);
            File.Delete(job.Made.Result.ManifestPath);
        }
    }
}
