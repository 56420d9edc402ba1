using Microsoft.AspNetCore.Http.Features;

namespace Metrics.Api.OData.Protocol;

/// <summary>A request that the service answers as if it had come alone, from the same client, and whose answer it keeps: a part of a batch,
/// or one that is answered later.</summary>
internal sealed class InnerRequest : IHttpRequestLifetimeFeature
{
    private readonly Stream body;

    /// <summary>A request beside another one.</summary>
    /// <param name="outer">The one that it came with; nothing of it is used after this.</param>
    /// <param name="method">GET, or whatever came.</param>
    /// <param name="target">Path and query as they are sent.</param>
    /// <param name="headers">Its headers.</param>
    /// <param name="content">Its body; may be empty.</param>
    /// <param name="body">Where the body of the answer goes.</param>
    /// <param name="aborted">Cancelled when nobody wants the answer any more.</param>
    public InnerRequest(
        HttpContext outer,
        string method,
        string target,
        IEnumerable<KeyValuePair<string, string>> headers,
        byte[] content,
        Stream body,
        CancellationToken aborted
    )
    {
        this.body = body;
        RequestAborted = aborted;
        Context = new DefaultHttpContext { User = outer.User };
        Context.Features.Set<IHttpRequestLifetimeFeature>(this);
        Context.Features.Set<IHttpResponseFeature>(new InnerResponse(body));
        Context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        (Context.Connection.RemoteIpAddress, Context.Connection.RemotePort) = (
            outer.Connection.RemoteIpAddress,
            outer.Connection.RemotePort
        );
        (Context.Connection.LocalIpAddress, Context.Connection.LocalPort) = (outer.Connection.LocalIpAddress, outer.Connection.LocalPort);
        var request = Context.Request;
        request.Method = method;
        (request.Scheme, request.Host, request.PathBase) = (outer.Request.Scheme, outer.Request.Host, outer.Request.PathBase);
        var end = target.IndexOf('?', StringComparison.Ordinal);
        request.Path = PathString.FromUriComponent(end < 0 ? target : target[..end]);
        request.QueryString = end < 0 ? QueryString.Empty : new QueryString(target[end..]);
        // As it was sent: the path decoded would take a slash in a key for one between segments.
        Context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;
        foreach (var (name, value) in headers)
            request.Headers[name] = value;
        if (content.Length > 0)
            request.Body = new MemoryStream(content, writable: false);
    }

    public HttpContext Context { get; }

    /// <summary>Whether the answer broke off: what is there of it must not be taken for a whole one.</summary>
    public bool IsBroken { get; private set; }

    /// <inheritdoc/>
    public CancellationToken RequestAborted { get; set; }

    /// <inheritdoc/>
    public void Abort() => IsBroken = true;

    /// <summary>Forgets the broken answer, so that it can be a fault.</summary>
    public void Retract()
    {
        body.SetLength(0);
        Context.Response.Headers.Clear();
        IsBroken = false;
    }

    /// <summary>An answer has started once something of its body is there.</summary>
    private sealed class InnerResponse(Stream body) : HttpResponseFeature
    {
        public override bool HasStarted => body.Length > 0;
    }
}
