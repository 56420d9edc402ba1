using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Metrics.Api.Http;
using Metrics.Domain.Messages;
using Metrics.Storage.Events;

namespace Metrics.Api.Webhooks;

/// <summary>How one attempt ended, and how long the receiver asked for quiet.</summary>
/// <param name="StatusCode">What it answered; null: nothing.</param>
/// <param name="ErrorCode">Why it was not taken; null: it was.</param>
/// <param name="Error">A sentence for people.</param>
/// <param name="RetryAfter">What the receiver asked for, an hour at most.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record SendResult(int? StatusCode, WebhookErrorCode? ErrorCode, string? Error, TimeSpan? RetryAfter, int Milliseconds);

/// <summary>Signs and sends one message. Nothing that a receiver does takes longer than the time limit or more than a few
/// kilobytes.</summary>
public sealed class WebhookSender : IDisposable
{
    /// <summary>A receiver can ask for so much quiet and no more.</summary>
    public static readonly TimeSpan LongestQuiet = TimeSpan.FromHours(1);

    private const int MostAnswerBytes = 16 * 1024;

    private readonly HttpClient client;
    private readonly TimeSpan timeout;
    private readonly TimeProvider clock;

    /// <summary>A sender whose connections pass the guard.</summary>
    public WebhookSender(AddressGuard guard, WebhookSettings settings, TimeProvider clock)
    {
        this.clock = clock;
        timeout = settings.Timeout;
        client = new HttpClient(
            new SocketsHttpHandler
            {
                // The address that was checked is the one that is dialled. A redirect, or a proxy of the environment, would go round that.
                ConnectCallback = (context, token) => guard.ConnectAsync(context.InitialRequestMessage.RequestUri!, token),
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                PooledConnectionLifetime = TimeSpan.FromMinutes(2),
                MaxResponseHeadersLength = 16,
                MaxResponseDrainSize = 0,
                ActivityHeadersPropagator = null,
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        client.DefaultRequestHeaders.UserAgent.Add(
            new ProductInfoHeaderValue("Metrics-Webhooks", typeof(WebhookSender).Assembly.GetName().Version!.ToString(2))
        );
    }

    /// <summary>Sends one message once.</summary>
    /// <param name="webhook">Where to.</param>
    /// <param name="secrets">What to sign with, the newest first.</param>
    /// <param name="item">What to send.</param>
    /// <param name="cancellationToken">Stops it; whether it arrived is not known then.</param>
    /// <exception cref="OperationCanceledException">It was stopped from outside.</exception>
    public async Task<SendResult> SendAsync(
        Webhook webhook,
        IEnumerable<WebhookSecret> secrets,
        WebhookItem item,
        CancellationToken cancellationToken
    )
    {
        var begun = clock.GetTimestamp();
        using var limit = new CancellationTokenSource(timeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var timestamp = clock.GetUtcNow().ToUnixTimeSeconds();
            using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(item.Body) };
            request.Content.Headers.ContentType = new(
                webhook.Format == WebhookFormat.Cloudevents ? "application/cloudevents+json" : "application/json"
            )
            {
                CharSet = "utf-8",
            };
            request.Headers.Add("webhook-id", item.Message);
            request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("webhook-signature", WebhookSigner.Sign(webhook.Signing, secrets, item.Message, timestamp, item.Body));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            return await ReadResponseAsync(response, begun, both.Token, cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed(
                begun,
                WebhookErrorCode.Timeout,
                limit.IsCancellationRequested
                    ? $"There was no answer within {timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s."
                    : "No connection came about within 5 s."
            );
        }
        catch (HttpRequestException exception)
        {
            for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
            {
                if (cause is AddressRefusedException refused)
                    return Failed(begun, CodeOf(refused), refused.Message);
                if (cause is AuthenticationException)
                    return Failed(
                        begun,
                        WebhookErrorCode.Tls,
                        $"The secure connection did not come about: {Redaction.Redact(cause.Message)}"
                    );
                if (cause is SocketException socket)
                    return Failed(begun, WebhookErrorCode.Unreachable, $"The connection failed: {socket.Message.TrimEnd('.')}.");
            }
            return exception.HttpRequestError is HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse
                ? Failed(begun, WebhookErrorCode.BadAnswer, "The answer is not HTTP, or its headers are longer than 16 KB.")
                : Failed(
                    begun,
                    WebhookErrorCode.Unreachable,
                    $"The connection ended before there was an answer: {Redaction.Redact(exception.Message)}"
                );
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private async Task<SendResult> ReadResponseAsync(
        HttpResponseMessage response,
        long begun,
        CancellationToken limit,
        CancellationToken cancellationToken
    )
    {
        var status = (int)response.StatusCode;
        // What the status says holds, whatever becomes of the body; that is read so that the connection can be used again and for what it
        // says of a fault.
        var buffer = ArrayPool<byte>.Shared.Rent(MostAnswerBytes);
        try
        {
            var length = await ReadAsync(response, buffer.AsMemory(0, MostAnswerBytes), limit, cancellationToken);
            return ToResult(response, status, buffer.AsSpan(0, length), (int)clock.GetElapsedTime(begun).TotalMilliseconds);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<int> ReadAsync(
        HttpResponseMessage response,
        Memory<byte> buffer,
        CancellationToken limit,
        CancellationToken cancellationToken
    )
    {
        var length = 0;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(limit);
            while (length < buffer.Length && await body.ReadAsync(buffer[length..], limit) is > 0 and var read)
                length += read;
        }
        catch (Exception exception)
            when (exception is IOException or HttpRequestException or OperationCanceledException
                && !cancellationToken.IsCancellationRequested
            )
        {
            // Cut by the time limit or by the receiver.
        }
        return length;
    }

    private SendResult ToResult(HttpResponseMessage response, int status, ReadOnlySpan<byte> text, int took)
    {
        if (response.IsSuccessStatusCode)
            return new(status, null, null, null, took);
        if (status is >= 300 and < 400)
            return new(
                status,
                WebhookErrorCode.Redirect,
                $"The receiver answered {status}: a redirect is a failure and not followed. Give the final address.",
                null,
                took
            );
        var quote = Redaction.Excerpt(text) is { Length: > 0 } excerpt ? $" with \"{excerpt}\"" : "";
        return status == 410
            ? new(status, WebhookErrorCode.Gone, $"The receiver answered 410{quote}: it wants to be told no more.", null, took)
            : new(
                status,
                status is 429 or 502 or 503 or 504 ? WebhookErrorCode.Throttled : WebhookErrorCode.Refused,
                $"The receiver answered {status}{quote}.",
                Quiet(response),
                took
            );
    }

    private TimeSpan? Quiet(HttpResponseMessage response)
    {
        var wait = response.Headers.RetryAfter is { } after ? after.Delta ?? after.Date - clock.GetUtcNow() : null;
        return wait is { } quiet && quiet > TimeSpan.Zero
            ? quiet < LongestQuiet
                ? quiet
                : LongestQuiet
            : null;
    }

    private SendResult Failed(long begun, WebhookErrorCode code, string message) =>
        new(null, code, message, null, (int)clock.GetElapsedTime(begun).TotalMilliseconds);

    private static WebhookErrorCode CodeOf(AddressRefusedException refused) =>
        refused.Code switch
        {
            ProblemCode.BlockedAddress => WebhookErrorCode.BlockedAddress,
            ProblemCode.UnresolvableHost => WebhookErrorCode.UnresolvableHost,
            ProblemCode.HttpsRequired => WebhookErrorCode.HttpsRequired,
            var other => throw new InvalidOperationException($"No address is refused with {other}."),
        };
}
