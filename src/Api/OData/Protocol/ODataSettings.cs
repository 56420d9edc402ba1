namespace Metrics.Api.OData.Protocol;

/// <summary>Limits of /odata.</summary>
public sealed class ODataSettings
{
    /// <summary>Name under which the database keeps <see cref="SkipTokenKey"/>.</summary>
    public const string SkipTokenKeyName = "skip_token";

    /// <summary>Rows of a page when the client names no size. 1 to <see cref="MaxPageSize"/>; 1,000 by default.</summary>
    public int PageSize { get; set; } = 1_000;

    /// <summary>Most rows of a page that a client gets by <c>Prefer: odata.maxpagesize</c>; 10,000 by default.</summary>
    public int MaxPageSize { get; set; } = 10_000;

    /// <summary>How long the database may work on a page before it is stopped; 15 seconds by default.</summary>
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The same for an answer that the client fetches later; 5 minutes by default.</summary>
    public TimeSpan LaterTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Key that signs nextLinks, at least 32 bytes. The service gives every process on one database the same. Null makes one at the start
    /// of the process: nextLinks then end with it and are not understood by another process that serves the same address.
    /// </summary>
    public byte[]? SkipTokenKey { get; set; }
}
