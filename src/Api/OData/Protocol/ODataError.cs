namespace Metrics.Api.OData.Protocol;

/// <summary>A request that cannot be fulfilled, with everything the client is told about it.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">Stable code, one of those in docs/odata.md.</param>
/// <param name="message">What was wrong and what to do, without types or SQL.</param>
/// <param name="target">The query option, header or path that is meant.</param>
/// <param name="details">Every error by itself, where the message names several.</param>
internal sealed class ODataError(int status, string code, string message, string? target = null, IReadOnlyList<string>? details = null)
    : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string? Target { get; } = target;

    /// <summary>Every error by itself; empty where the message is the only one.</summary>
    public IReadOnlyList<string> Details { get; } = details is { Count: > 1 } ? details : [];

    public static ODataError BadRequest(string code, string message, string? target) =>
        new(StatusCodes.Status400BadRequest, code, message, target);

    /// <summary>Several errors of one request, each told by itself as well.</summary>
    public static ODataError BadRequest(string code, IReadOnlyList<string> errors, string? target) =>
        new(StatusCodes.Status400BadRequest, code, string.Join(' ', errors), target, errors);

    /// <summary>Something that OData knows and this service does not do: 501, and its name.</summary>
    public static ODataError NotSupported(string construct, string? target) =>
        new(StatusCodes.Status501NotImplemented, "NotSupported", $"{construct} is not supported by this service.", target);
}
