using Metrics.Api.OData.Query;
using Microsoft.AspNetCore.OData.Extensions;
using Microsoft.AspNetCore.OData.Query;
using Microsoft.AspNetCore.OData.Query.Validator;
using Microsoft.OData;
using Microsoft.OData.Edm;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// The first gate of a query: the library parses $filter, $orderby, $select and $expand, and its validators refuse what is beyond the
/// limits
/// before anything is translated. What its parser cannot read goes on to ours, which reads more and says at which position it stumbles;
/// so do $apply, $compute and what stands beside them, whose names the library does not know or does not bound.
/// </summary>
internal static class QueryLimits
{
    /// <summary>Most nodes of $filter as the library counts them: literals and conversions too, hence twice those of our reader.</summary>
    public const int MaxNodeCount = 2 * ExpressionReader.MaxNodes;

    /// <summary>Most parts of $orderby.</summary>
    public const int MaxOrderByNodeCount = 8;

    /// <summary>Deepest $expand within $expand.</summary>
    public const int MaxExpansionDepth = EntityQuery.MaxExpandDepth;

    /// <summary>Deepest call of a function within a function.</summary>
    public const int MaxFunctionCallDepth = 100;

    // Too short for a hundred calls within each other, as of day(, and for four thousand nodes.
    private const int ShortText = 4 * MaxFunctionCallDepth;

    private static readonly ODataValidationSettings Settings = new()
    {
        MaxNodeCount = MaxNodeCount,
        MaxOrderByNodeCount = MaxOrderByNodeCount,
        MaxExpansionDepth = MaxExpansionDepth,
        MaxFunctionCallDepth = MaxFunctionCallDepth,
        // No set has a property that holds several values.
        MaxAnyAllExpressionDepth = 1,
    };

    /// <summary>Refuses a query that is beyond the limits.</summary>
    /// <param name="request">The request, with its path on it.</param>
    /// <param name="options">Its query options.</param>
    /// <param name="set">Set that they are of.</param>
    /// <exception cref="ODataError">400: QueryTooComplex.</exception>
    public static void Validate(HttpRequest request, QueryOptions options, IEdmEntitySet set)
    {
        if (options.Apply is not null || options.Compute is not null || !MayExceed(options))
            return;
        var feature = request.ODataFeature();
        try
        {
            if (
                Read(() => new ODataQueryOptions(new ODataQueryContext(feature.Model, set.EntityType, feature.Path), request))
                is not { } query
            )
                return;
            Validate(
                query.Filter,
                filter => filter.FilterClause,
                filter => filter.Validate(Settings),
                "$filter",
                $"has more than {MaxNodeCount} nodes, or functions nested deeper than {MaxFunctionCallDepth}"
            );
            Validate(
                query.OrderBy,
                orderBy => orderBy.OrderByClause,
                orderBy => orderBy.Validate(Settings),
                "$orderby",
                $"has more than {MaxOrderByNodeCount} parts"
            );
            Validate(
                query.SelectExpand,
                selectExpand => selectExpand.SelectExpandClause,
                selectExpand => selectExpand.Validate(Settings),
                "$expand",
                $"is nested deeper than {MaxExpansionDepth}"
            );
        }
        finally
        {
            request.ClearRouteServices(dispose: true);
        }
    }

    // Most queries cannot be beyond any limit, which their length tells: they need not be parsed twice.
    private static bool MayExceed(QueryOptions options) =>
        options.Filter?.Length > ShortText
        || options.OrderBy is { } orderBy && (orderBy.Length > ShortText || orderBy.Count(c => c == ',') >= MaxOrderByNodeCount)
        || options.Expand?.Count(c => c == '(') >= MaxExpansionDepth;

    private static void Validate<T>(T? option, Func<T, object?> parse, Action<T> validate, string name, string limit)
        where T : class
    {
        if (option is null || Read(() => parse(option)) is null)
            return;
        try
        {
            validate(option);
        }
        catch (ODataException)
        {
            throw ExpressionText.TooComplex(name, limit);
        }
    }

    // Text from outside may make any exception of the library's parser; whether it is an error of the client's our reader says.
    private static T? Read<T>(Func<T?> parse)
        where T : class
    {
        try
        {
            return parse();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }
}
