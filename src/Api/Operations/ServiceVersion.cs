using System.Reflection;
using Metrics.Api.Access;

namespace Metrics.Api.Operations;

/// <summary>The one version that everything tells: the command, <c>/version</c>, the own metrics and the description of the API.</summary>
public static class ServiceVersion
{
    private static readonly string[] Parts = typeof(ServiceVersion)
        .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
        .InformationalVersion.Split('+', 2);

    /// <summary>The version by semantic versioning, such as <c>0.1.0</c>.</summary>
    public static string Current => Parts[0];

    /// <summary>The commit that it was built from; null where the build did not know it.</summary>
    public static string? Revision => Parts.Length == 2 ? Parts[1] : null;

    /// <summary>Maps <c>/version</c>.</summary>
    public static void MapVersion(this WebApplication app) =>
        app.MapGet("/version", () => TypedResults.Ok(new VersionResponse(Current, Revision)))
            .RequireScope(Scope.None)
            .WithTags("Operations")
            .WithSummary("Version")
            .WithDescription("The version of the service and the commit that it was built from.");
}

/// <summary>The version of the service.</summary>
/// <param name="Version">The version by semantic versioning.</param>
/// <param name="Revision">The commit that it was built from; null where the build did not know it.</param>
public sealed record VersionResponse(string Version, string? Revision);
