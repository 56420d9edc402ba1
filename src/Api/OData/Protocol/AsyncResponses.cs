using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// Answers that a client fetches later, for questions that take longer than it can wait (<c>Prefer: respond-async</c>; OData 4.01 part 1,
/// 11.6). The database gets more time for them, few are worked on at once,
/// and each is kept in a temporary file for a while after it is ready. They belong to this process: another one on the same database does
/// not know them.
/// </summary>
internal sealed class AsyncResponses : IAsyncDisposable
{
    /// <summary>Where they are asked about, below the service's root.</summary>
    public const string Path = "$async/";

    private const int MaxResponses = 32;
    private static readonly TimeSpan Retention = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<string, PendingResponse> responses = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim slots = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly TimeProvider time;
    private readonly ITimer sweep;

    public AsyncResponses(TimeProvider time)
    {
        this.time = time;
        sweep = time.CreateTimer(_ => Sweep(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Whether the client prefers to fetch the answer later, and for how long it would wait all the same (RFC 7240, 4.1 and
    /// 4.3).</summary>
    public static (bool IsAsync, TimeSpan Wait) PreferAsync(IHeaderDictionary headers)
    {
        var (isAsync, wait) = (false, TimeSpan.Zero);
        foreach (var preference in headers["Prefer"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)))
        {
            var parts = preference.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts[0].Equals("respond-async", StringComparison.OrdinalIgnoreCase))
                isAsync = true;
            // Longer than this no connection should stay silent.
            if (
                parts[0].Equals("wait", StringComparison.OrdinalIgnoreCase)
                && parts.Length == 2
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            )
                wait = TimeSpan.FromSeconds(Math.Min(seconds, 60));
        }
        return (isAsync, wait);
    }

    /// <summary>Begins to answer a request, and tells the client where the answer will be; a client that waits long enough gets the answer
    /// itself.</summary>
    /// <param name="context">The request that came.</param>
    /// <param name="root">Address of the service, with a slash at its end.</param>
    /// <param name="target">Path and query of the question, as they would be sent by GET.</param>
    /// <param name="wait">How long the client waits.</param>
    /// <param name="respond">Responds to a request.</param>
    /// <exception cref="ODataError">429: as many are kept as there may be.</exception>
    public async Task AcceptAsync(HttpContext context, string root, string target, TimeSpan wait, Func<HttpContext, Task> respond)
    {
        Sweep();
        if (responses.Count >= MaxResponses)
        {
            context.Response.Headers.RetryAfter = "30";
            throw new ODataError(
                StatusCodes.Status429TooManyRequests,
                "TooManyLaterAnswers",
                $"{MaxResponses} answers are being made or wait to be fetched: fetch or DELETE those that are yours, or ask again later.",
                "Prefer"
            );
        }
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var pending = new PendingResponse(NameOf(context.User));
        responses[id] = pending;
        var request = new InnerRequest(
            context,
            HttpMethods.Get,
            target,
            InnerHeaders(context.Request.Headers),
            [],
            pending.Body,
            pending.Cancelled
        );
        pending.Work = WorkAsync(pending, request, respond);
        if (wait > TimeSpan.Zero)
        {
            await Task.WhenAny(pending.Work, Task.Delay(wait, time, context.RequestAborted));
            if (pending.IsReady && responses.TryRemove(id, out _))
            {
                await WriteAsync(context, pending, pending.Status);
                await pending.DisposeAsync();
                return;
            }
            if (context.RequestAborted.IsCancellationRequested)
            {
                // Whoever went away does not know where it would be.
                if (responses.TryRemove(id, out _))
                    await pending.DisposeAsync();
                return;
            }
        }
        context.Response.Headers["Preference-Applied"] =
            wait > TimeSpan.Zero
                ? string.Create(CultureInfo.InvariantCulture, $"respond-async, wait={wait.TotalSeconds:0}")
                : "respond-async";
        WriteAccepted(context, root, id);
    }

    /// <summary>Answers a question after an answer: 202 while it is made, then the answer; DELETE stops and forgets it.</summary>
    /// <exception cref="ODataError">404: unknown, deleted, too old, or somebody else's. 405: neither GET nor DELETE.</exception>
    public async Task GetAsync(HttpContext context, string root, string id)
    {
        if (!responses.TryGetValue(id, out var pending) || pending.Owner != NameOf(context.User))
            throw new ODataError(
                StatusCodes.Status404NotFound,
                "NotFound",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"There is no such answer: it was deleted, made more than {Retention.TotalMinutes:0} minutes ago, or the "
                        + "service was started anew. Ask the question again."
                ),
                "path"
            );
        if (HttpMethods.IsDelete(context.Request.Method))
        {
            if (responses.TryRemove(id, out _))
                await pending.DisposeAsync();
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, DELETE";
            throw new ODataError(
                StatusCodes.Status405MethodNotAllowed,
                "MethodNotAllowed",
                "An answer is asked about by GET, and stopped and forgotten by DELETE."
            );
        }
        if (!pending.IsReady)
        {
            WriteAccepted(context, root, id);
            return;
        }
        // Clients of 4.0 know the answer only as a message within the message; those of 4.01 by its status in a header.
        var enclosed =
            context.Request.Headers.Accept.ToString().Contains("application/http", StringComparison.OrdinalIgnoreCase)
            || context.Request.Headers["OData-MaxVersion"].ToString().Trim() == "4.0";
        if (!enclosed)
        {
            context.Response.Headers["AsyncResult"] = pending.Status.ToString(CultureInfo.InvariantCulture);
            await WriteAsync(context, pending, StatusCodes.Status200OK);
            return;
        }
        var response = context.Response;
        response.ContentType = "application/http";
        response.Headers["Content-Transfer-Encoding"] = "binary";
        var head = new StringBuilder().Append(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {pending.Status} {Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(pending.Status)}\r\n"
        );
        foreach (var (name, value) in pending.Headers)
            head.Append(name).Append(": ").Append(value.ToString()).Append("\r\n");
        await response.WriteAsync(head.Append("\r\n").ToString(), context.RequestAborted);
        await pending.CopyToAsync(response.Body, context.RequestAborted);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await sweep.DisposeAsync();
        foreach (var pending in responses.Values)
            await pending.DisposeAsync();
        responses.Clear();
        slots.Dispose();
    }

    // A name only where somebody was let in by it.
    private static string? NameOf(ClaimsPrincipal user) => user.Identity is { IsAuthenticated: true } identity ? identity.Name : null;

    private async Task WorkAsync(PendingResponse pending, InnerRequest request, Func<HttpContext, Task> respond)
    {
        // Whoever asked goes on at once.
        await Task.Yield();
        try
        {
            await slots.WaitAsync(pending.Cancelled);
            try
            {
                await respond(request.Context);
                if (request.IsBroken)
                {
                    request.Retract();
                    await ODataErrorResponse.WriteAsync(
                        request.Context,
                        new ODataError(
                            StatusCodes.Status500InternalServerError,
                            "InternalError",
                            "The answer broke off; the service's log says why."
                        )
                    );
                }
                await request.Context.Response.CompleteAsync();
                pending.Finish(request.Context.Response, time.GetUtcNow());
            }
            finally
            {
                slots.Release();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // Nobody wants it any more.
        }
        catch (IOException)
        {
            // No room for it.
            request.Retract();
            request.Context.Response.StatusCode = StatusCodes.Status507InsufficientStorage;
            pending.Finish(request.Context.Response, time.GetUtcNow());
        }
    }

    // What the client has already is of no use to one that fetches; all else is asked as it came.
    private static IEnumerable<KeyValuePair<string, string>> InnerHeaders(IHeaderDictionary headers)
    {
        var preferences = headers["Prefer"]
            .SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            .Where(preference =>
                !preference.StartsWith("respond-async", StringComparison.OrdinalIgnoreCase)
                && !preference.StartsWith("wait", StringComparison.OrdinalIgnoreCase)
            );
        return headers
            .Where(header => header.Key is not ("If-None-Match" or "Content-Length" or "Content-Type" or "Host" or "Prefer"))
            .Select(header => KeyValuePair.Create(header.Key, header.Value.ToString()))
            .Append(KeyValuePair.Create("Prefer", string.Join(",", preferences)));
    }

    private static void WriteAccepted(HttpContext context, string root, string id)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.Headers.Location = $"{root}{Path}{id}";
        context.Response.Headers.RetryAfter = "1";
    }

    private static async Task WriteAsync(HttpContext context, PendingResponse pending, int status)
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in pending.Headers)
            context.Response.Headers[name] = value;
        await pending.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private void Sweep()
    {
        var now = time.GetUtcNow();
        foreach (var (id, pending) in responses)
            if (pending.IsReady && now - pending.Finished > Retention && responses.TryRemove(id, out _))
                _ = pending.DisposeAsync().AsTask();
    }

    /// <summary>One answer: its status and headers, and its body in a file that has no name any more and goes with its handle.</summary>
    private sealed class PendingResponse : IAsyncDisposable
    {
        private readonly CancellationTokenSource cancel = new();
        private readonly SafeFileHandle file;
        private volatile bool ready;

        public PendingResponse(string? owner)
        {
            Owner = owner;
            Cancelled = cancel.Token;
            var name = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"metrics-{Guid.NewGuid():N}.answer");
            file = File.OpenHandle(name, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.Asynchronous);
            File.Delete(name);
            Body = new FileStream(file, FileAccess.ReadWrite);
        }

        public string? Owner { get; }

        public CancellationToken Cancelled { get; }

        public FileStream Body { get; }

        public Task Work { get; set; } = Task.CompletedTask;

        public bool IsReady => ready;

        public DateTimeOffset Finished { get; private set; }

        public int Status { get; private set; }

        public IReadOnlyList<KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues>> Headers { get; private set; } = [];

        public void Finish(HttpResponse response, DateTimeOffset at)
        {
            Body.Flush();
            (Status, Finished) = (response.StatusCode, at);
            Headers = [.. response.Headers.Where(header => header.Key is not "Content-Length")];
            ready = true;
        }

        // By place: several may fetch it at a time.
        public async Task CopyToAsync(Stream to, CancellationToken cancellationToken)
        {
            var buffer = new byte[64 * 1024];
            for (long at = 0; ; )
            {
                var read = await RandomAccess.ReadAsync(file, buffer, at, cancellationToken);
                if (read == 0)
                    return;
                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                at += read;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await cancel.CancelAsync();
            await Work;
            await Body.DisposeAsync();
            cancel.Dispose();
        }
    }
}
