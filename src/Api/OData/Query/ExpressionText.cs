using System.Text.RegularExpressions;
using Metrics.Api.OData.Protocol;

namespace Metrics.Api.OData.Query;

/// <summary>What texts of queries have in common, and how they are told in messages.</summary>
internal static partial class ExpressionText
{
    public static ODataError OffsetRequired(string literal, string option) =>
        ODataError.BadRequest(
            "OffsetRequired",
            $"'{literal}' has no offset: write {literal}Z for UTC, or an offset with its plus sign encoded, {literal}%2B02:00.",
            option
        );

    /// <summary>Whether it is a point in time that leaves open where.</summary>
    public static bool IsTimeWithoutOffset(string literal) => TimeWithoutOffset().IsMatch(literal);

    public static ODataError TooComplex(string option, string how) =>
        ODataError.BadRequest("QueryTooComplex", $"{option} {how}: ask for less in one request.", option);

    [GeneratedRegex(@"^\d{4,}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex TimeWithoutOffset();
}
