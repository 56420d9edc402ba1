using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Metrics.Storage;
using Prometheus;

namespace Metrics.Api.Webhooks;

/// <summary>
/// Sends what is due to each webhook, signed, at least once: claims some deliveries, sends them outside of any transaction, and keeps how that ended. One that dies in between leaves a claim that ends after a
/// minute, and what it claimed is sent again with the same id.
/// </summary>
/// <remarks>Each webhook is sent to by a task of its own: one that hangs delays no other.</remarks>
public sealed class Dispatcher : BackgroundService
{
    private const int MostRead = 16 * 1024;
    private const int Batch = 128;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Once claimed, nothing is begun after this: what was not begun is given back well before the claim ends.</summary>
    private static readonly TimeSpan Begin = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>Time before the second, third ... attempt, as in the specification's example: three days in all.</summary>
    private static readonly TimeSpan[] Schedule =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    private static readonly Counter Attempts = Prometheus.Metrics.CreateCounter("metrics_webhook_attempts_total", "Attempts to deliver to webhooks, by how they ended.", "outcome");
    private static readonly Counter Evaluations = Prometheus.Metrics.CreateCounter("metrics_alerts_raised_total", "Events that rules about intensities raised.");

    private readonly Outbox outbox;
    private readonly AlertRules rules;
    private readonly WebhookSettings settings;
    private readonly TimeProvider clock;
    private readonly ILogger<Dispatcher> log;
    private readonly HttpClient http;
    private readonly Dictionary<long, Task> sending = [];

    /// <summary>A dispatcher that connects through the guard.</summary>
    public Dispatcher(Outbox outbox, AlertRules rules, AddressGuard guard, WebhookSettings settings, TimeProvider clock, ILogger<Dispatcher> log)
    {
        (this.outbox, this.rules, this.settings, this.clock, this.log) = (outbox, rules, settings, clock, log);
        http = new HttpClient(guard.Handler()) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        http.Dispose();
        base.Dispose();
    }

    /// <summary>How long until the next attempt; null when there is none.</summary>
    /// <param name="attempt">The attempt that failed: 1, 2 ...</param>
    /// <param name="retryAfter">What the receiver asked for.</param>
    public static TimeSpan? WaitAfter(int attempt, TimeSpan? retryAfter = null)
    {
        if (attempt > Schedule.Length) return null;
        if (retryAfter is { } asked) return asked > LongestRetryAfter ? LongestRetryAfter : asked < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : asked;
        // Receivers that failed together are not called again together.
        return Schedule[attempt - 1] * (0.8 + 0.4 * Random.Shared.NextDouble());
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, clock);
        var (forgotAt, evaluatedAt, failed) = (0L, 0L, false);
        try
        {
            do
            {
                try
                {
                    await LookAsync(stoppingToken);
                    if (evaluatedAt == 0 || clock.GetElapsedTime(evaluatedAt) > TimeSpan.FromSeconds(15))
                    {
                        evaluatedAt = clock.GetTimestamp();
                        Evaluations.Inc(await rules.EvaluateAsync(stoppingToken));
                    }
                    if (forgotAt == 0 || clock.GetElapsedTime(forgotAt) > TimeSpan.FromHours(1))
                    {
                        forgotAt = clock.GetTimestamp();
                        await outbox.ForgetAsync(stoppingToken);
                    }
                    failed = false;
                }
                catch (StorageException fault)
                {
                    if (!failed) log.LogWarning("What is to be sent to webhooks cannot be read; it is sent once it can: {Message}", fault.Message);
                    failed = true;
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
        finally
        {
            await Task.WhenAll(sending.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Begins to send to every webhook that something is due for and that is not being sent to.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var webhook in await outbox.DueAsync(cancellationToken))
            if (!sending.TryGetValue(webhook.Id, out var before) || before.IsCompleted) sending[webhook.Id] = Task.Run(() => SendAllAsync(webhook, cancellationToken), cancellationToken);
    }

    /// <summary>Waits for what is on its way.</summary>
    internal Task SentAsync() => Task.WhenAll(sending.Values);

    private async Task SendAllAsync(Webhook webhook, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var claim = Guid.NewGuid().ToString("N");
                var (deliveries, now) = await outbox.ClaimAsync(webhook.Id, claim, Batch, cancellationToken);
                if (deliveries.Count == 0) return;
                var (outcomes, gone) = await SendAsync(webhook, deliveries, now, cancellationToken);
                // What was sent was sent, whether or not the service is asked to stop.
                if (await outbox.FinishAsync(webhook.Id, claim, outcomes, gone, CancellationToken.None) is { } because)
                {
                    log.LogWarning("Webhook {Webhook} is disabled: {Because}. What is due for it is kept; enable it by PUT /api/webhooks/{Id}.", webhook.Id, because, webhook.Id);
                    return;
                }
                if (gone is not null || outcomes.Any(one => !one.Spent) || deliveries.Count < Batch && outcomes.All(one => one.State != "delivered")) return;
            }
        }
        catch (StorageException fault)
        {
            log.LogWarning("Webhook {Webhook}: {Message} What was claimed is sent again when the claim has ended.", webhook.Id, fault.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The service is stopping; nothing was claimed.
        }
    }

    private async Task<(IReadOnlyList<AttemptOutcome> Outcomes, string? Gone)> SendAsync(Webhook webhook, IReadOnlyList<ClaimedDelivery> deliveries, DateTime now, CancellationToken cancellationToken)
    {
        var outcomes = new AttemptOutcome[deliveries.Count];
        var begun = clock.GetTimestamp();
        string? gone = null;
        var (next, stop) = (-1, false);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(settings.Concurrency, deliveries.Count)).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < deliveries.Count;)
            {
                var passed = clock.GetElapsedTime(begun);
                if (Volatile.Read(ref stop) || passed > Begin || cancellationToken.IsCancellationRequested)
                {
                    outcomes[i] = new AttemptOutcome(deliveries[i].Id, "due", TimeSpan.Zero, null, null, 0, Spent: false);
                    continue;
                }
                var (outcome, isGone) = await SendAsync(webhook, deliveries[i], now + passed, cancellationToken);
                outcomes[i] = outcome;
                if (isGone) gone = "the receiver answered 410 Gone";
                // A receiver that asks for time, or is gone, gets it from all that waits.
                if (isGone || outcome.Status is 429 or 503) Volatile.Write(ref stop, true);
            }
        }));
        return (outcomes, gone);
    }

    private async Task<(AttemptOutcome Outcome, bool Gone)> SendAsync(Webhook webhook, ClaimedDelivery delivery, DateTime now, CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes(delivery.Body);
        var timestamp = new DateTimeOffset(now, TimeSpan.Zero).ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(webhook.Format == "cloudevents" ? "application/cloudevents+json; charset=utf-8" : "application/json");
        request.Headers.Add("webhook-id", delivery.MessageId);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSecret.Sign(webhook, delivery.MessageId, timestamp, body, now));
        request.Headers.UserAgent.ParseAdd("Metrics-Webhooks/1.0");

        var took = Stopwatch.StartNew();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(settings.Timeout);
        int? status = null;
        string error;
        TimeSpan? retryAfter = null;
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            status = (int)response.StatusCode;
            await DrainAsync(response, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                Attempts.WithLabels("delivered").Inc();
                return (new AttemptOutcome(delivery.Id, "delivered", TimeSpan.Zero, status, null, (int)took.ElapsedMilliseconds), false);
            }
            error = status is >= 300 and < 400 ? $"answered {status}; redirections are not followed, give the address that answers" : $"answered {status}";
            if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
                retryAfter = response.Headers.RetryAfter?.Delta ?? (response.Headers.RetryAfter?.Date is { } date ? date.UtcDateTime - now : null);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It may have arrived. It is sent again with the same id, which is what the id is for.
            return (new AttemptOutcome(delivery.Id, "due", TimeSpan.Zero, null, null, 0, Spent: false), false);
        }
        catch (OperationCanceledException)
        {
            error = status is null ? $"did not answer within {settings.Timeout.TotalSeconds:0} s" : $"answered {status} and did not end within {settings.Timeout.TotalSeconds:0} s";
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or SocketException)
        {
            error = Describe(fault);
        }
        Attempts.WithLabels("failed").Inc();
        var wait = WaitAfter(delivery.Attempt, retryAfter);
        return (new AttemptOutcome(delivery.Id, wait is null ? "failed" : "due", wait ?? TimeSpan.Zero, status, error, (int)took.ElapsedMilliseconds), status == StatusCodes.Status410Gone);
    }

    // A little is read so that the connection can be used again; a receiver that says more than that is cut off.
    private static async Task DrainAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        for (int read, all = 0; all < MostRead && (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;) all += read;
    }

    private static string Describe(Exception fault)
    {
        for (var cause = fault; cause is not null; cause = cause.InnerException)
        {
            if (cause is BlockedAddressException) return cause.Message;
            if (cause is SocketException socket) return $"could not be reached: {socket.SocketErrorCode}";
            if (cause is System.Security.Authentication.AuthenticationException) return "TLS could not be agreed on, or the certificate is not trusted";
        }
        return fault is HttpRequestException { HttpRequestError: var kind } && kind != HttpRequestError.Unknown ? $"failed: {kind}" : "broke off";
    }
}
