using System.Collections.Concurrent;
using System.Threading.Channels;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Prometheus;

namespace Metrics.Api.Webhooks;

/// <summary>Sends what is due. Each webhook has a pump of its own, so that one that hangs delays no other.</summary>
/// <remarks>
/// A pump claims deliveries, sends them outside of any transaction and keeps how that ended. Who dies in between leaves the claim to end by
/// itself: the same message, under the same id,
/// is sent again. So every message arrives at least once, and a receiver tells a second copy by its id.
/// </remarks>
public sealed class Dispatcher(
    WebhookDeliveries deliveries,
    WebhookSender sender,
    WebhookSettings settings,
    TimeProvider clock,
    ILogger<Dispatcher> logger
) : BackgroundService
{
    /// <summary>How long a claim holds. Longer than any attempt.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private const int Batch = 256;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private static readonly Counter Attempts = Prometheus.Metrics.CreateCounter(
        "metrics_webhook_attempts_total",
        "Attempts to deliver a message to a webhook, by how they ended: delivered, or the code of the fault.",
        "outcome"
    );
    private static readonly Gauge Lag = Prometheus.Metrics.CreateGauge(
        "metrics_webhook_lag_seconds",
        "Age of the oldest delivery that is due and that nobody works on."
    );

    private readonly ConcurrentDictionary<string, Task> pumps = new(StringComparer.Ordinal);

    /// <summary>Waiting times of Standard Webhooks before each attempt; the last failure is final after some 75 hours.</summary>
    public static IReadOnlyList<TimeSpan> Waits { get; } =
    [
        TimeSpan.Zero,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(5),
        TimeSpan.FromHours(10),
        TimeSpan.FromHours(14),
        TimeSpan.FromHours(20),
        TimeSpan.FromHours(24),
    ];

    /// <summary>The wait after a failed attempt, a fifth shorter or longer by chance so that what failed together does not come back
    /// together.</summary>
    /// <param name="failed">Failed attempts so far, from 1 on.</param>
    /// <param name="chance">From 0 to 1.</param>
    /// <returns>Null when there is no further attempt.</returns>
    public static TimeSpan? WaitAfter(int failed, double chance) => failed < Waits.Count ? Waits[failed] * (0.8 + (0.4 * chance)) : null;

    /// <summary>Sends everything that is due now, until nothing is.</summary>
    public async Task DispatchAsync(CancellationToken cancellationToken)
    {
        while (await deliveries.DueAsync(cancellationToken) is { Count: > 0 } due)
            await Task.WhenAll(due.Select(one => PumpAsync(one.Webhook, cancellationToken)));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        var swept = DateTimeOffset.MinValue;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    var due = await deliveries.DueAsync(stoppingToken);
                    Lag.Set(due.Count == 0 ? 0 : due.Max(one => one.Age.TotalSeconds));
                    foreach (var (webhook, _) in due)
                        if (!pumps.TryGetValue(webhook, out var before) || before.IsCompleted)
                            pumps[webhook] = Task.Run(() => RunAsync(webhook, stoppingToken), CancellationToken.None);
                    if (clock.GetUtcNow() - swept < TimeSpan.FromHours(1))
                        continue;
                    swept = clock.GetUtcNow();
                    await deliveries.SweepAsync(stoppingToken);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    logger.LogWarning("Webhooks wait: {Message}", exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
        finally
        {
            await Task.WhenAll(pumps.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RunAsync(string webhook, CancellationToken stoppingToken)
    {
        try
        {
            await PumpAsync(webhook, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was claimed and not sent is anybody's after a minute.
        }
        catch (Exception exception)
        {
            // What was claimed comes again; the next look begins another pump.
            if (StorageFault.IsOutside(exception))
                logger.LogWarning("Deliveries to webhook {Webhook} wait: {Message}", webhook, exception.Message);
            else
                logger.LogError(exception, "Deliveries to webhook {Webhook} failed.", webhook);
        }
    }

    private async Task PumpAsync(string webhook, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested && await deliveries.ClaimAsync(webhook, Batch, Lease, stoppingToken) is { } claim)
            if (!await SendAsync(claim, stoppingToken))
                return;
    }

    /// <summary>Sends what was claimed and keeps how it ended, as it ends.</summary>
    /// <returns>Whether the webhook is told on.</returns>
    private async Task<bool> SendAsync(WebhookClaim claim, CancellationToken stoppingToken)
    {
        var claimed = clock.GetTimestamp();
        var ended = Channel.CreateUnbounded<(WebhookOutcome Outcome, TimeSpan? Quiet)>(new UnboundedChannelOptions { SingleReader = true });
        var goesOn = true;
        // An attempt that is under way when the service stops gets a moment to end: cut off, nobody would know whether it arrived.
        using var hurry = new CancellationTokenSource();
        await using var stopping = stoppingToken.Register(() => hurry.CancelAfter(Grace));
        var renewing = RenewAsync();
        try
        {
            await Parallel.ForEachAsync(
                claim.Items,
                new ParallelOptions { MaxDegreeOfParallelism = settings.Concurrency, CancellationToken = CancellationToken.None },
                async (item, _) =>
                {
                    // One that could outlive the claim is not begun: somebody else might send it at the same time.
                    var sent =
                        Volatile.Read(ref goesOn)
                        && !stoppingToken.IsCancellationRequested
                        && clock.GetElapsedTime(claimed) < Lease - settings.Timeout - Grace;
                    await ended.Writer.WriteAsync(
                        sent ? await SendAsync(claim, item, hurry.Token) : (new(item.Delivery, false, 0, null, null, null, null), null),
                        CancellationToken.None
                    );
                }
            );
        }
        finally
        {
            ended.Writer.Complete();
            await renewing;
        }
        return goesOn;

        async Task RenewAsync()
        {
            while (await ended.Reader.WaitToReadAsync(CancellationToken.None))
            {
                var (outcomes, quiet) = (new List<WebhookOutcome>(), (TimeSpan?)null);
                while (ended.Reader.TryRead(out var one))
                {
                    outcomes.Add(one.Outcome);
                    if (quiet is null || one.Quiet > quiet)
                        quiet = one.Quiet ?? quiet;
                }
                try
                {
                    var disabled = await deliveries.FinishAsync(claim, outcomes, quiet, CancellationToken.None);
                    if (quiet is not null || disabled is not null)
                        Volatile.Write(ref goesOn, false);
                    if (disabled is not null)
                        logger.LogWarning(
                            "Webhook {Webhook} is disabled: {Reason}.",
                            claim.Webhook.Id,
                            disabled == DisabledReason.Gone
                                ? "its receiver answered 410"
                                : $"it has failed for {WebhookDeliveries.Patience.TotalDays:0} days"
                        );
                }
                catch (Exception)
                {
                    // Not one more is sent whose end could not be kept.
                    Volatile.Write(ref goesOn, false);
                    throw;
                }
            }
        }
    }

    private async Task<(WebhookOutcome Outcome, TimeSpan? Quiet)> SendAsync(
        WebhookClaim claim,
        WebhookItem item,
        CancellationToken cancellationToken
    )
    {
        SendResult sending;
        try
        {
            sending = await sender.SendAsync(claim.Webhook, claim.Secrets, item, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The service stops and the receiver has not answered yet: it may come twice.
            return (new(item.Delivery, false, 0, null, null, null, null), null);
        }
        Attempts.WithLabels(sending.ErrorCode is { } code ? SnakeCase.Of(code) : DeliveryState.Delivered.ToWord()).Inc();
        TimeSpan? again = null;
        if (sending.ErrorCode is not null && WaitAfter(item.Step + 1, Random.Shared.NextDouble()) is { } wait)
            again = sending.RetryAfter > wait ? sending.RetryAfter : wait;
        return (
            new(item.Delivery, true, sending.Milliseconds, sending.StatusCode, sending.ErrorCode, sending.Error, again),
            sending.ErrorCode == WebhookErrorCode.Throttled ? sending.RetryAfter : null
        );
    }
}
