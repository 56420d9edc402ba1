using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// The body of an answer on its way out. As long as it is small it is held back: then it gets an ETag, which is a hash of it, and a client
/// that has it already is told so by 304.
/// Once it is larger it flows, and nothing of it is held.
/// </summary>
internal sealed class ResponseBuffer(HttpContext context) : IBufferWriter<byte>
{
    private const int MaxBuffered = 64 * 1024;
    private readonly ArrayBufferWriter<byte> buffer = new(4 * 1024);
    private bool isStreaming;

    /// <inheritdoc/>
    public void Advance(int count)
    {
        if (isStreaming)
            context.Response.BodyWriter.Advance(count);
        else
            buffer.Advance(count);
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0) =>
        isStreaming ? context.Response.BodyWriter.GetMemory(sizeHint) : buffer.GetMemory(sizeHint);

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => isStreaming ? context.Response.BodyWriter.GetSpan(sizeHint) : buffer.GetSpan(sizeHint);

    /// <summary>Sends what was written so far, if it is no small answer any more. Nothing that was written may be in another
    /// buffer.</summary>
    public async ValueTask FlushAsync()
    {
        if (!isStreaming)
        {
            if (buffer.WrittenCount < MaxBuffered)
                return;
            isStreaming = true;
            context.Response.BodyWriter.Write(buffer.WrittenSpan);
            buffer.ResetWrittenCount();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Sends the rest, or that the client has it already.</summary>
    public async ValueTask CompleteAsync()
    {
        var response = context.Response;
        if (!isStreaming)
        {
            if (IsNotModified(buffer.WrittenSpan))
                return;
            response.ContentLength = buffer.WrittenCount;
            response.BodyWriter.Write(buffer.WrittenSpan);
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Puts the ETag of a whole body on the answer, and makes the answer 304 if the client has it.</summary>
    private bool IsNotModified(ReadOnlySpan<byte> body)
    {
        // Weak: the same body may be compressed or not.
        var tag = Tag(body);
        context.Response.GetTypedHeaders().ETag = tag;
        if (
            !context
                .Request.GetTypedHeaders()
                .IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false) || known.Equals(EntityTagHeaderValue.Any))
        )
            return false;
        context.Response.StatusCode = StatusCodes.Status304NotModified;
        context.Response.ContentType = null;
        return true;
    }

    /// <summary>The tag of a body.</summary>
    public static EntityTagHeaderValue Tag(ReadOnlySpan<byte> body) =>
        new($"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"", isWeak: true);
}
