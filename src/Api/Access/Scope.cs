namespace Metrics.Api.Access;

/// <summary>What a caller may do. Each is granted by itself, except that <see cref="Admin"/> holds all.</summary>
[Flags]
public enum Scope
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Data: <c>/odata</c>, placements, explanations.</summary>
    Read = 1,

    /// <summary>Reports and what they are made of.</summary>
    Reports = 2,

    /// <summary>Operations: sources, spans of the past, jobs, webhooks, the service's own metrics.</summary>
    Operate = 4,

    /// <summary>All of it, and the keys.</summary>
    Admin = 8 | Read | Reports | Operate,
}

/// <summary>What each address asks for.</summary>
public static class Scopes
{
    /// <summary>Lets only those in whose key or token has the scope. An address without one is for <see cref="Scope.Admin"/>.</summary>
    /// <param name="endpoint">The address or group of addresses.</param>
    /// <param name="scope">What it asks for.</param>
    public static T RequireScope<T>(this T endpoint, Scope scope) where T : IEndpointConventionBuilder => endpoint.WithMetadata(scope);
}
