using System.Globalization;
using Metrics.Api.OData.Model;
using Metrics.Domain.Messages;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.OData.Abstracts;
using Microsoft.AspNetCore.OData.Extensions;
using Microsoft.AspNetCore.OData.Routing;
using Microsoft.AspNetCore.OData.Routing.Template;
using Microsoft.OData;
using Microsoft.OData.Edm;
using Microsoft.OData.UriParser;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// Has the library's router read the whole path below the service root by <see cref="ODataUriParser"/>. Paths of read-only data need no
/// template for each set, key and property, and a template matches the decoded path, where a slash in a key is one between segments.
/// </summary>
internal sealed class ResourcePathTemplate : ODataSegmentTemplate
{
    /// <inheritdoc/>
    public override IEnumerable<string> GetTemplates(ODataRouteOptions options) => ["/{**odataPath}"];

    /// <inheritdoc/>
    public override bool TryTranslate(ODataTemplateTranslateContext context)
    {
        var request = context.HttpContext.Request;
        if (
            ResourcePath.TryParse(context.Model, ResourcePath.WithoutQuerySegment(request, ResourcePath.BelowRoot(request))) is not { } path
        )
            return false;
        foreach (var segment in path)
            context.Segments.Add(segment);
        context.HttpContext.ODataFeature().BaseAddress = ODataRequest.RootOf(request);
        return true;
    }
}

/// <summary>What a path leads to.</summary>
/// <param name="Set">Set that it begins at.</param>
/// <param name="Key">Literals of a key; null for the whole set.</param>
/// <param name="Navigation">Navigation properties from there, with slashes between.</param>
/// <param name="Target">Set of the entity at their end.</param>
/// <param name="Property">A property of that; null for all.</param>
/// <param name="IsRawValue">Whether its bare value is wanted: <c>$value</c>.</param>
/// <param name="IsReference">Whether the address of the entity is wanted: <c>$ref</c>.</param>
/// <param name="IsCount">Whether the number of rows is wanted: <c>$count</c>.</param>
internal sealed record ResourcePath(
    EntitySet Set,
    IReadOnlyList<object>? Key,
    string Navigation,
    EntitySet Target,
    EntityProperty? Property,
    bool IsRawValue,
    bool IsReference,
    bool IsCount
)
{
    private const string QuerySegment = "/$query";

    /// <summary>Whether the path asks for a query in the body: <c>/$query</c>.</summary>
    public static bool EndsWithQuery(string path) => path.EndsWith(QuerySegment, StringComparison.Ordinal);

    /// <summary>The path without <c>/$query</c> where the request is a POST, whose body then holds the query options.</summary>
    public static string WithoutQuerySegment(HttpRequest request, string path) =>
        HttpMethods.IsPost(request.Method) && EndsWithQuery(path) ? path[..^QuerySegment.Length] : path;

    /// <summary>The path below the service root as it was sent: decoded, a slash in a key would look like one between segments.</summary>
    public static string BelowRoot(HttpRequest request)
    {
        var target = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (!target.StartsWith('/'))
            target = request.PathBase.ToUriComponent() + request.Path.ToUriComponent();
        var end = target.IndexOf('?', StringComparison.Ordinal);
        if (end >= 0)
            target = target[..end];
        // The slashes before the prefix, and the one after it.
        var above = (request.PathBase.Value ?? "").Count(c => c == '/') + 1;
        var at = 0;
        for (; above >= 0 && at < target.Length; at++)
        {
            if (target[at] == '/' && --above < 0)
                break;
        }
        var rest = at < target.Length ? target[(at + 1)..] : "";
        // Clients put a slash between the root, which ends with one, and what they ask for.
        return rest.Trim('/') is "%24metadata" ? "$metadata" : rest.Trim('/');
    }

    /// <summary>Puts the path on a request that did not come through the router: a part of a batch, or one that is responded to
    /// later.</summary>
    public static void Bind(HttpContext context, IEdmModel model, string path)
    {
        var feature = context.ODataFeature();
        (feature.RoutePrefix, feature.Model) = (ODataRegistration.Prefix, model);
        feature.Path = TryParse(model, path);
    }

    /// <summary>Reads a path; null where the model has none like it.</summary>
    public static ODataPath? TryParse(IEdmModel model, string path)
    {
        try
        {
            return ParseSegments(model, path);
        }
        catch (Exception exception) when (exception is ODataException or UriFormatException or FormatException)
        {
            return null;
        }
    }

    /// <summary>What the path of a request leads to.</summary>
    /// <param name="feature">Holds the path, if the library could read it.</param>
    /// <param name="model">The model, for what is wrong with the path where it could not.</param>
    /// <param name="path">The path as it was sent.</param>
    /// <exception cref="ODataError">404: there is nothing. 400: it cannot be read. 501: it is known to OData and not to this
    /// service.</exception>
    public static ResourcePath Of(IODataFeature feature, IEdmModel model, string path)
    {
        ResourcePath? found = null;
        foreach (var segment in feature.Path ?? Parse(model, path))
        {
            found = (segment, found) switch
            {
                (EntitySetSegment next, null) when EntitySets.Find(next.EntitySet.Name) is { } set => new ResourcePath(
                    set,
                    null,
                    "",
                    set,
                    null,
                    false,
                    false,
                    false
                ),
                (KeySegment next, { Key: null, IsCount: false }) => found with { Key = KeyOf(found.Set, next) },
                (CountSegment, { Key: null, IsCount: false }) => found with { IsCount = true },
                (NavigationPropertySegment next, { Key: not null, Property: null }) => found.Follow(next.NavigationProperty.Name),
                (NavigationPropertyLinkSegment next, { Key: not null, Property: null }) => found.Follow(next.NavigationProperty.Name) with
                {
                    IsReference = true,
                },
                (PropertySegment next, { Key: not null, Property: null, IsReference: false }) => found with
                {
                    Property = found.Target.Find(next.Property.Name),
                },
                (ValueSegment, { Property: not null, IsRawValue: false }) => found with { IsRawValue = true },
                (ReferenceSegment, { Key: not null, Property: null, IsReference: false }) => found with { IsReference = true },
                _ => throw ODataError.NotSupported($"The path segment '{Spelling.Shorten(segment.Identifier ?? path)}'", "path"),
            };
        }
        return found ?? throw ODataError.NotSupported($"The path '{Spelling.Shorten(path)}'", "path");
    }

    private static ODataPath Parse(IEdmModel model, string path)
    {
        try
        {
            return ParseSegments(model, path);
        }
        catch (ODataUnrecognizedPathException exception)
        {
            throw new ODataError(
                StatusCodes.Status404NotFound,
                "NotFound",
                $"There is nothing here: {exception.Message} The service document at the root lists what there is.",
                "path"
            );
        }
        catch (Exception exception) when (exception is ODataException or UriFormatException or FormatException)
        {
            throw ODataError.BadRequest(
                "InvalidPath",
                exception is ODataException ? exception.Message : "it holds a literal that cannot be read.",
                "path"
            );
        }
    }

    private static ODataPath ParseSegments(IEdmModel model, string path) =>
        path.Length == 0
            ? new ODataPath()
            : new ODataUriParser(model, new Uri(path, UriKind.Relative)) { Resolver = new ODataUriResolver() }.ParsePath();

    private ResourcePath Follow(string navigation) =>
        this with
        {
            Navigation = Navigation.Length == 0 ? navigation : $"{Navigation}/{navigation}",
            Target = EntitySets.Find(Target.Navigation(navigation)!.Target)!,
        };

    private static List<object> KeyOf(EntitySet set, KeySegment segment)
    {
        var values = segment.Keys.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        return
        [
            .. set.Key.Select(property =>
                values[property.Name] switch
                {
                    int number => (object)(long)number,
                    long number => number,
                    string text => text,
                    DateTimeOffset instant => instant.UtcDateTime,
                    var value when Day(value) is { } day => day,
                    _ => throw ODataError.BadRequest("InvalidPath", $"The key's {property.Name} is not of its type.", "path"),
                }
            ),
        ];
    }

    // The library's own type of a day is marked obsolete and will be DateOnly; both print the same.
    private static DateOnly? Day(object value) =>
        DateOnly.TryParseExact(
            Convert.ToString(value, CultureInfo.InvariantCulture),
            ["yyyy-MM-dd", "MM/dd/yyyy"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out var day
        )
            ? day
            : null;
}
