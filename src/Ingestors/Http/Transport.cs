using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Http;

/// <summary>A body on its way in: decompressed, counted, and cut off at the source's limit.</summary>
/// <param name="Content">The bytes after decompression.</param>
/// <param name="Framed">Whether the transfer or the compression itself tells where the body ends. If not, a cut looks like an end.</param>
/// <param name="MediaType">Media type in lower case; empty when the server gave none.</param>
public sealed record Body(Stream Content, bool Framed, string MediaType)
{
    /// <summary>The whole body in a rented array. The source's limit on bytes bounds it.</summary>
    /// <returns>The array, to be given back to <see cref="ArrayPool{T}.Shared"/>, and how much of it is used.</returns>
    public async Task<ArraySegment<byte>> ReadWholeAsync(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        var length = 0;
        try
        {
            while (true)
            {
                var more = await Content.ReadAsync(buffer.AsMemory(length), cancellationToken);
                if (more == 0)
                    return new(buffer, 0, length);
                length += more;
                if (length < buffer.Length)
                    continue;
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }
}

/// <summary>Adds credentials to a request that is otherwise ready to be sent: a token, or a signature over what it holds.</summary>
public interface IRequestSigner
{
    /// <summary>Signs the request in place.</summary>
    /// <exception cref="SourceException">There are no credentials, or they cannot be used; the message says which and what to do, and holds
    /// no secret.</exception>
    ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken);

    /// <summary>Forgets what was refused, so that the next request has new credentials.</summary>
    void Forget() { }
}

/// <summary>HTTP to one source: credentials, certificates, one time limit for a whole exchange, limits on size, and every fault as a
/// <see cref="SourceException"/>.</summary>
public sealed class Transport : IDisposable
{
    /// <summary>Longest that a source may send itself to sleep.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(15);

    /// <summary>Time one exchange may take when the settings say nothing.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    private const int LargestFaultText = 64 * 1024;

    private readonly HttpSourceSettings settings;
    private readonly TimeProvider clock;

    /// <summary>Most tries of one exchange in a row; a longer trouble is the next read's.</summary>
    private const int Tries = 4;

    /// <summary>Longest wait between two tries: a source that asks for more is left alone by everybody, and not by one waiting
    /// worker.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(4);

    private readonly TimeSpan timeout;
    private readonly Lazy<HttpClient> client;
    private readonly IRequestSigner? signer;

    /// <summary>A transport for valid settings. Reads certificates and connects when first used.</summary>
    /// <param name="settings">Settings of the source.</param>
    /// <param name="clock">Time limits run on it.</param>
    /// <param name="signer">Adds credentials; null: there are none.</param>
    public Transport(HttpSourceSettings settings, TimeProvider clock, IRequestSigner? signer)
    {
        this.settings = settings;
        this.clock = clock;
        this.signer = signer;
        timeout = settings.Timeout ?? DefaultTimeout;
        client = new Lazy<HttpClient>(() => new HttpClient(Handler(settings)) { Timeout = Timeout.InfiniteTimeSpan });
    }

    /// <summary>What the far side's clock showed at its last answer; null: it has told no time.</summary>
    public FarClock? FarClock { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (client.IsValueCreated)
            client.Value.Dispose();
    }

    /// <summary>The address without user info, query and fragment, for messages.</summary>
    public static string Show(Uri address) =>
        address.GetComponents(UriComponents.Scheme | UriComponents.Host | UriComponents.Port | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>One exchange: sends the request, checks the status, and lets <paramref name="read"/> take the body, all within the source's
    /// timeout.</summary>
    /// <param name="request">What to send; credentials are added.</param>
    /// <param name="read">Reads the body. It may throw what it likes; transport faults under it are translated.</param>
    /// <param name="explain">What an answer other than 2xx and its text mean; null for the general meaning.</param>
    /// <param name="cancellationToken">Ends the exchange from outside.</param>
    /// <exception cref="SourceException">The exchange failed.</exception>
    public async Task<T> SendAsync<T>(
        HttpRequestMessage request,
        Func<Body, CancellationToken, Task<T>> read,
        Func<HttpResponseMessage, byte[], Exception?>? explain,
        CancellationToken cancellationToken
    )
    {
        var place = $"{request.Method} {Show(request.RequestUri!)}";
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Metrics", "1.0"));
        using var limit = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (signer is not null)
                await signer.SignAsync(request, either.Token);
            using var response = await client.Value.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.Headers.Date is { } date)
                FarClock = new(date.UtcDateTime, Stopwatch.GetTimestamp());
            if (!response.IsSuccessStatusCode)
            {
                var refusal = await RefusalAsync(place, response, explain, either.Token);
                if (refusal is SourceException { Code: SourceErrorCode.Unauthorised })
                    signer?.Forget();
                throw refusal;
            }
            return await read(await OpenAsync(place, response, either.Token), either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(
                SourceErrorCode.Timeout,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{place} did not finish within {timeout.TotalSeconds} s. Look at the server's load, or raise Timeout."
                )
            );
        }
        catch (HttpIOException exception) when (exception.HttpRequestError == HttpRequestError.ResponseEnded)
        {
            throw new SourceException(
                SourceErrorCode.Truncated,
                $"{place} broke off before its end; nothing of it is stored. It is read again.",
                exception
            );
        }
        catch (InvalidDataException exception)
        {
            throw new SourceException(
                SourceErrorCode.Truncated,
                $"{place} sent damaged gzip data; nothing of it is stored. It is read again.",
                exception
            );
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(place, exception);
        }
        catch (IOException exception)
        {
            throw new SourceException(
                SourceErrorCode.Truncated,
                $"{place} broke off before its end; nothing of it is stored. It is read again.",
                exception
            );
        }
        catch (Exception exception) when (exception is CryptographicException or UnauthorizedAccessException)
        {
            throw new SourceException(
                SourceErrorCode.Unreachable,
                $"{place}: a certificate file cannot be used: {exception.Message}",
                exception
            );
        }
    }

    /// <summary>As <see cref="SendAsync"/>, and again a few times where the trouble may pass within seconds: throttling, faults of the
    /// server, broken connections. Anything longer is left to the next read.</summary>
    /// <param name="make">Makes the request; once for each try.</param>
    /// <param name="read">Reads the body.</param>
    /// <param name="explain">What an answer other than 2xx and its text mean; null for the general meaning.</param>
    /// <param name="cancellationToken">Ends the exchange from outside.</param>
    /// <exception cref="SourceException">The exchange failed at every try.</exception>
    public async Task<T> RetryAsync<T>(
        Func<HttpRequestMessage> make,
        Func<Body, CancellationToken, Task<T>> read,
        Func<HttpResponseMessage, byte[], Exception?>? explain,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = make();
            try
            {
                return await SendAsync(request, read, explain, cancellationToken);
            }
            catch (SourceException exception)
                when (attempt < Tries
                    && exception.Code is SourceErrorCode.Throttled or SourceErrorCode.ServerError or SourceErrorCode.Truncated
                    && (exception.RetryAfter ?? TimeSpan.Zero) <= LongestWait
                )
            {
                var wait = TimeSpan.FromMilliseconds(200 * Math.Pow(2, attempt - 1) * (0.75 + 0.5 * Random.Shared.NextDouble()));
                await Task.Delay(exception.RetryAfter is { } requested && requested > wait ? requested : wait, clock, cancellationToken);
            }
        }
    }

    private async Task<Body> OpenAsync(string place, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var content = response.Content;
        var framed =
            content.Headers.ContentLength is not null || response.Headers.TransferEncodingChunked == true || response.Version.Major >= 2;
        var stream = await content.ReadAsStreamAsync(cancellationToken);
        var encodings = content.Headers.ContentEncoding;
        if (encodings.Count == 1 && string.Equals(encodings.First(), "gzip", StringComparison.OrdinalIgnoreCase))
        {
            stream = Gzip.Open(stream);
            framed = true;
        }
        else if (encodings.Any(encoding => !string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase)))
            throw new SourceException(
                SourceErrorCode.NotMetrics,
                $"{place} answered in the encoding '{Redaction.Redact(string.Join(", ", encodings))}', which was not asked for. Let the "
                    + $"server send gzip or plain text."
            );
        return new Body(
            new BoundedStream(stream, settings.MaxBytes, place),
            framed,
            content.Headers.ContentType?.MediaType?.ToLowerInvariant() ?? ""
        );
    }

    private async Task<Exception> RefusalAsync(
        string place,
        HttpResponseMessage response,
        Func<HttpResponseMessage, byte[], Exception?>? explain,
        CancellationToken cancellationToken
    )
    {
        var status = (int)response.StatusCode;
        // The phrase is the sender's free text: only the number is repeated.
        var said = $"{place} answered {status}";
        if (status is >= 300 and < 400)
        {
            var target = response.Headers.Location is { } location
                ? $" to {Show(location.IsAbsoluteUri ? location : new Uri(response.RequestMessage!.RequestUri!, location))}"
                : "";
            return new SourceException(
                SourceErrorCode.Redirected,
                $"{said}: it sends us on{target}, which is not followed because credentials would go along. Set Endpoint to the "
                    + $"final address."
            );
        }
        var text = await FaultTextAsync(place, response, cancellationToken);
        if (explain?.Invoke(response, text) is { } explained)
            return explained is SourceException { RetryAfter: null } known && RetryAfter(response) is { } requested
                ? new SourceException(known.Code, known.Message, known.InnerException) { RetryAfter = requested }
                : explained;
        if (status is 401 or 403)
            return new SourceException(
                SourceErrorCode.Unauthorised,
                $"{said}: the server does not accept the credentials. Check Username and Password, BearerToken or the client "
                    + $"certificate, and the rights behind them."
            );
        // 529 is what metrics backends of Azure say when they are asked too much.
        if (status is 429 or 529)
            return new SourceException(
                SourceErrorCode.Throttled,
                $"{said}: too many requests. It is read again later; a longer Every helps."
            )
            {
                RetryAfter = RetryAfter(response),
            };

        var excerpt = Redaction.Excerpt(text);
        var quote = excerpt.Length == 0 ? "" : $" with \"{excerpt}\"";
        return status >= 500
            ? new SourceException(SourceErrorCode.ServerError, $"{said}{quote}. The fault is on the server's side; it is read again later.")
            {
                RetryAfter = RetryAfter(response),
            }
            : new SourceException(SourceErrorCode.Refused, $"{said}{quote}. Check Endpoint and Selector.");
    }

    private async Task<byte[]> FaultTextAsync(string place, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[LargestFaultText];
        var length = 0;
        try
        {
            var body = await OpenAsync(place, response, cancellationToken);
            while (length < buffer.Length)
            {
                var more = await body.Content.ReadAsync(buffer.AsMemory(length), cancellationToken);
                if (more == 0)
                    break;
                length += more;
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or InvalidDataException or SourceException)
        {
            // The status already says that it failed; its text is a courtesy.
        }
        return buffer[..length];
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues("Retry-After", out var values))
            return null;
        var text = values.ToString().Trim();
        TimeSpan requested;
        if (text.Length > 0 && text.All(char.IsAsciiDigit))
            requested =
                long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                && seconds < LongestRetryAfter.TotalSeconds
                    ? TimeSpan.FromSeconds(seconds)
                    : LongestRetryAfter;
        else if (DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date))
            requested = date - clock.GetUtcNow();
        else
            return null;
        return requested <= TimeSpan.Zero ? null
            : requested > LongestRetryAfter ? LongestRetryAfter
            : requested;
    }

    private static SourceException Unreachable(string place, HttpRequestException exception)
    {
        if (exception.InnerException is AuthenticationException tls)
            return new SourceException(
                SourceErrorCode.Unreachable,
                $"{place}: no trusted TLS connection: {tls.Message} Check CertificateAuthorityFile, ClientCertificateFile and "
                    + $"the host name in the server's certificate.",
                exception
            );
        return exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => new SourceException(
                SourceErrorCode.Unreachable,
                $"{place}: the host name is not known. Check Endpoint.",
                exception
            ),
            HttpRequestError.ResponseEnded => new SourceException(
                SourceErrorCode.Truncated,
                $"{place} closed the connection before it answered. It is read again.",
                exception
            ),
            HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError => new SourceException(
                SourceErrorCode.NotMetrics,
                $"{place} does not answer as an HTTP server should. Check Endpoint.",
                exception
            ),
            HttpRequestError.ConfigurationLimitExceeded => new SourceException(
                SourceErrorCode.TooLarge,
                $"{place} sent larger headers than are accepted. Check Endpoint.",
                exception
            ),
            _ when exception.InnerException is IOException => new SourceException(
                SourceErrorCode.Truncated,
                $"{place} broke the connection off before it answered. It is read again.",
                exception
            ),
            _ => new SourceException(
                SourceErrorCode.Unreachable,
                $"{place}: no connection: {Redaction.Redact(exception.InnerException?.Message ?? exception.Message)}. Check Endpoint "
                    + "and that the server runs.",
                exception
            ),
        };
    }

    /// <summary>Connections as the settings want them: no redirects, no cookies, their certificates, and no proxy of the environment for
    /// this machine itself.</summary>
    internal static SocketsHttpHandler Handler(HttpSourceSettings settings)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            // A proxy of the environment leads out of this machine; seen from there, loopback is another one.
            UseProxy = settings.Endpoint?.IsLoopback != true,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseDrainSize = 0,
            ResponseDrainTimeout = TimeSpan.Zero,
            ConnectTimeout = settings.Timeout ?? DefaultTimeout,
        };
        if (settings.Authorities() is { } authorities)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }
        if (settings.ClientCertificate() is { } own)
        {
            handler.SslOptions.ClientCertificates = [own];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => own;
        }
        return handler;
    }

    /// <summary>Passes on what it reads until more than the limit has come.</summary>
    private sealed class BoundedStream(Stream inner, long most, string place) : Stream
    {
        private long read;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => read;
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Count(await inner.ReadAsync(buffer, cancellationToken));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => Count(inner.Read(buffer, offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }

        private int Count(int more)
        {
            read += more;
            if (read > most)
                throw new SourceException(
                    SourceErrorCode.TooLarge,
                    $"{place} sent more than {most} bytes after decompression; reading stopped and nothing of it is stored. "
                        + $"Select less, or raise MaxBytes."
                );
            return more;
        }
    }
}
