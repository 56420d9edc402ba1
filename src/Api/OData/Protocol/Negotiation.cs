using System.Globalization;
using Metrics.Domain.Messages;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Metrics.Api.OData.Protocol;

/// <summary>How much a response says about itself.</summary>
internal enum ControlInformation
{
    None,
    Minimal,
    Full,
}

/// <summary>What the client understands and prefers, from its headers and $format.</summary>
/// <param name="Control">Amount of control information.</param>
/// <param name="LongsAsText">IEEE754Compatible: whole numbers of 64 bits as texts.</param>
/// <param name="Streaming">Whether the client asked for JSON whose parts come in the order in which they are read, which ours always is,
/// and wants to be told so.</param>
internal sealed record Negotiation(ControlInformation Control, bool LongsAsText, bool Streaming = false)
{
    /// <summary>The media type of the answer.</summary>
    public string ContentType =>
        $"application/json;odata.metadata={Control.ToString().ToLowerInvariant()}{(Streaming ? ";odata.streaming=true" : "")}"
        + $"{(LongsAsText ? ";IEEE754Compatible=true" : "")};charset=utf-8";

    /// <summary>The JSON that $format or Accept ask for.</summary>
    /// <exception cref="ODataError">415 for a $format and 406 for an Accept that ask for something else only.</exception>
    public static Negotiation Json(IHeaderDictionary headers, string? format)
    {
        if (format is not null)
        {
            return (
                format.Trim().Equals("json", StringComparison.OrdinalIgnoreCase) ? new Negotiation(ControlInformation.Minimal, false)
                : MediaTypeHeaderValue.TryParse(format, out var given) ? Understood(given)
                : null
            )
                ?? throw new ODataError(
                    StatusCodes.Status415UnsupportedMediaType,
                    "UnsupportedFormat",
                    $"$format={Spelling.Shorten(format)} is not offered: there is json.",
                    "$format"
                );
        }
        return Accepted(headers, Understood) ?? new Negotiation(ControlInformation.Minimal, false);
    }

    /// <summary>Whether $metadata is wanted as JSON; XML is what it is without a wish.</summary>
    /// <exception cref="ODataError">415 or 406, as for <see cref="Json"/>.</exception>
    public static bool MetadataAsJson(IHeaderDictionary headers, string? format)
    {
        if (format is not null)
        {
            return format.Split(';')[0].Trim().ToLowerInvariant() switch
            {
                "json" or "application/json" => true,
                "xml" or "application/xml" => false,
                _ => throw new ODataError(
                    StatusCodes.Status415UnsupportedMediaType,
                    "UnsupportedFormat",
                    $"$format={Spelling.Shorten(format)} is not offered: there are xml and json.",
                    "$format"
                ),
            };
        }
        // Readers of XML that also name JSON get XML, which all of them know.
        var asJson = Accepted(
            headers,
            type =>
                type.MatchesAllTypes
                || type.MediaType == "application/*"
                || type.MediaType.Equals("application/xml", StringComparison.OrdinalIgnoreCase)
                    ? "xml"
                : type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase) ? "json"
                : null,
            preferred: "xml"
        );
        return asJson == "json";
    }

    /// <summary>Refuses a client that understands nothing newer than OData 3.</summary>
    public static void CheckVersion(IHeaderDictionary headers)
    {
        if (headers["OData-MaxVersion"] is not [{ } text, ..])
            return;
        if (!decimal.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var version))
            throw ODataError.BadRequest(
                "UnsupportedVersion",
                $"OData-MaxVersion '{Spelling.Shorten(text)}' is no version.",
                "OData-MaxVersion"
            );
        if (version < 4)
            throw ODataError.BadRequest(
                "UnsupportedVersion",
                "This service speaks OData 4.0: OData-MaxVersion must be 4.0 or higher.",
                "OData-MaxVersion"
            );
    }

    /// <summary>The preferences that are honoured: page size, nulls left out, and the most rows in all pages that the client can use, with
    /// the text that says so.</summary>
    public static (int? PageSize, bool OmitNulls, long? MaxSize, string? Applied) Preferences(IHeaderDictionary headers, int maxPageSize)
    {
        int? pageSize = null;
        long? maxSize = null;
        var omitNulls = false;
        var applied = new List<string>();
        foreach (var preference in headers["Prefer"].SelectMany(value => (value ?? "").Split(',')))
        {
            var parts = preference.Split(';')[0].Split('=', 2, StringSplitOptions.TrimEntries);
            var name = parts[0].ToLowerInvariant();
            var value = parts.Length == 2 ? parts[1].Trim('"') : "";
            if (
                name is "odata.maxpagesize" or "maxpagesize"
                && pageSize is null
                && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                && size > 0
            )
            {
                pageSize = (int)Math.Min(size, maxPageSize);
                applied.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={pageSize}"));
            }
            if (name is "odata.omit-values" or "omit-values" && value == "nulls" && !omitNulls)
            {
                omitNulls = true;
                applied.Add($"{name}=nulls");
            }
            if (
                name is "metrics.maxsize"
                && maxSize is null
                && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var most)
            )
            {
                maxSize = most;
                applied.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={most}"));
            }
        }
        return (pageSize, omitNulls, maxSize, applied.Count == 0 ? null : string.Join(", ", applied));
    }

    private static T? Accepted<T>(IHeaderDictionary headers, Func<MediaTypeHeaderValue, T?> understand, string? preferred = null)
        where T : class
    {
        StringValues accept = headers.Accept;
        if (StringValues.IsNullOrEmpty(accept))
            return null;
        if (!MediaTypeHeaderValue.TryParseList(accept, out var types))
            throw ODataError.BadRequest("InvalidHeader", "The Accept header cannot be read.", "Accept");
        var found = types
            .Where(type => type.Quality is not 0)
            .Select(type => (Type: type, Meaning: understand(type)))
            .Where(candidate => candidate.Meaning is not null)
            .OrderByDescending(candidate => candidate.Type.Quality ?? 1)
            .ThenByDescending(candidate => Equals(candidate.Meaning, preferred))
            .ThenBy(candidate => candidate.Type.MatchesAllTypes)
            .ThenBy(candidate => candidate.Type.MatchesAllSubTypes)
            .ToList();
        return found.Count > 0
            ? found[0].Meaning
            : throw new ODataError(
                StatusCodes.Status406NotAcceptable,
                "NotAcceptable",
                "Nothing that the Accept header names is offered: there is application/json, and application/xml for $metadata.",
                "Accept"
            );
    }

    private static Negotiation? Understood(MediaTypeHeaderValue type)
    {
        var generic =
            type.MatchesAllTypes || type.MatchesAllSubTypes && type.Type.Equals("application", StringComparison.OrdinalIgnoreCase);
        if (!generic && !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return null;
        var control = ControlInformation.Minimal;
        var (longsAsText, streaming) = (false, false);
        foreach (var parameter in type.Parameters)
        {
            var value = parameter.Value.ToString().Trim('"').ToLowerInvariant();
            switch (parameter.Name.ToString().ToLowerInvariant())
            {
                case "odata.metadata" or "metadata" when value is "none" or "minimal" or "full":
                    control =
                        value == "none" ? ControlInformation.None
                        : value == "full" ? ControlInformation.Full
                        : ControlInformation.Minimal;
                    break;
                // OData 2 and 3 asked for their JSON by odata=verbose and the like.
                case "odata.metadata" or "metadata" or "odata":
                    return null;
                case "ieee754compatible":
                    longsAsText = value == "true";
                    break;
                case "odata.streaming" or "streaming":
                    streaming = value == "true";
                    break;
            }
        }
        return new Negotiation(control, longsAsText, streaming);
    }
}
