using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Metrics.Domain.Messages;

namespace Metrics.Api.Http;

/// <summary>Where in a request something is wrong, by the words of OpenAPI.</summary>
[JsonConverter(typeof(RequestPartConverter))]
public enum RequestPart
{
    /// <summary>A parameter of the query.</summary>
    Query,

    /// <summary>A member of the body.</summary>
    Body,

    /// <summary>A part of the path.</summary>
    Path,

    /// <summary>A header.</summary>
    Header,
}

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Code">Stable code.</param>
/// <param name="In">Part of the request.</param>
/// <param name="Name">Name of the parameter or header; of a body the JSON pointer of the member, <c>/scopes/0</c>.</param>
/// <param name="Detail">What is wrong, and what would be right.</param>
public sealed record RequestError(ProblemCode Code, RequestPart In, string Name, string Detail)
{
    /// <inheritdoc/>
    public override string ToString() => Detail;
}

/// <summary>Everything that is wrong with a request, in the order in which it was found.</summary>
internal sealed class RequestErrors : List<RequestError>
{
    /// <summary>Adds what is wrong with a parameter of the query.</summary>
    public void Query(string name, ProblemCode code, string detail) => Add(new(code, RequestPart.Query, name, detail));

    /// <summary>Adds what is wrong with the key of a row, or with the arguments of a call.</summary>
    public void Key(string detail) => Query("key", ProblemCode.InvalidParameter, detail);

    /// <summary>Adds what is wrong with a member of the body.</summary>
    /// <param name="name">The member, or a JSON pointer.</param>
    /// <param name="code">Stable code.</param>
    /// <param name="detail">What is wrong, and what would be right.</param>
    public void Body(string name, ProblemCode code, string detail) =>
        Add(new(code, RequestPart.Body, name.Length == 0 || name[0] == '/' ? name : $"/{name}", detail));

    /// <summary>Reads a parameter that is given once at most; one without a value is left out, as forms send it.</summary>
    public string? One(IQueryCollection query, string name)
    {
        var values = query[name];
        if (values.Count > 1)
            Query(name, ProblemCode.RepeatedParameter, $"'{name}' is given {values.Count} times; give it once.");
        return string.IsNullOrWhiteSpace(values.FirstOrDefault()) ? null : values[0]!.Trim();
    }

    /// <summary>Adds the parameters of a query that the address does not have.</summary>
    public void RejectUnknown(IQueryCollection query, params IReadOnlyList<string> known)
    {
        foreach (var name in query.Keys.Where(key => !known.Contains(key, StringComparer.OrdinalIgnoreCase)))
            Query(Spelling.Shorten(name), ProblemCode.UnknownParameter, Unknown(name, known));
    }

    /// <summary>A whole number of the query, or what it is when left out; one that cannot be used is added.</summary>
    public long Number(IQueryCollection query, string name, long usual, long least, long most)
    {
        if (One(query, name) is not { } text)
            return usual;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        var range = most == long.MaxValue ? $"from {least} on" : string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}");
        Query(name, ProblemCode.InvalidNumber, $"'{name}' has to be a whole number {range}, and is '{Spelling.Shorten(text)}'.");
        return usual;
    }

    /// <summary>The sentence about a parameter that the address does not have.</summary>
    public static string Unknown(string name, IReadOnlyList<string> known) =>
        $"'{Spelling.Shorten(name)}' is not a parameter. Parameters are: {string.Join(", ", known)}.";
}

/// <summary>Writes parts of requests as OpenAPI does.</summary>
internal sealed class RequestPartConverter() : JsonStringEnumConverter<RequestPart>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
