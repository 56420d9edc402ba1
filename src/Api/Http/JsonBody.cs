using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Metrics.Domain.Messages;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Http;

/// <summary>Reads bodies of JSON strictly: a member that is misspelt must not be taken for one that is left out.</summary>
internal static class JsonBody
{
    /// <summary>Length of the longest body, in bytes: many times that of the longest one that says anything.</summary>
    public const int MostBytes = 64 * 1024;

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        NumberHandling = JsonNumberHandling.Strict,
        MaxDepth = 16,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>The body of a request, or everything that is wrong with its form.</summary>
    /// <typeparam name="T">An object whose members are texts, numbers, flags and lists of them.</typeparam>
    /// <param name="request">Its body is read to the end.</param>
    /// <param name="example">A body that could be sent, for the messages.</param>
    /// <returns>What was read, or why it cannot be; one of both.</returns>
    public static async Task<(T? Body, ProblemHttpResult? Problem)> ReadAsync<T>(HttpRequest request, string example)
        where T : class
    {
        if (!request.HasJsonContentType())
            return (
                null,
                Problems.Of(
                    ProblemCode.UnsupportedMediaType,
                    $"The body has to be application/json such as {example}.",
                    StatusCodes.Status415UnsupportedMediaType
                )
            );
        var buffer = new byte[MostBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(
            buffer,
            buffer.Length,
            throwOnEndOfStream: false,
            request.HttpContext.RequestAborted
        );
        if (length > MostBytes)
            return (
                null,
                Problems.Of(
                    ProblemCode.TooLarge,
                    $"The body is longer than {MostBytes / 1024} KiB; give one such as {example}.",
                    StatusCodes.Status413PayloadTooLarge
                )
            );
        var errors = new RequestErrors();
        var body = Read<T>(buffer.AsMemory(0, length), example, errors);
        return errors.Count == 0 ? (body, null) : (null, Problems.Of(errors));
    }

    /// <summary>Reads a body; everything that is wrong with it is added.</summary>
    private static T? Read<T>(ReadOnlyMemory<byte> text, string example, RequestErrors errors)
        where T : class
    {
        // Some programs begin a file with a byte order mark.
        if (text.Span.StartsWith("\uFEFF"u8))
            text = text[3..];
        if (!Utf8.IsValid(text.Span))
        {
            errors.Body("", ProblemCode.InvalidBody, $"The body is no UTF-8: give application/json such as {example}.");
            return null;
        }
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = Strict.MaxDepth });
        }
        catch (JsonException exception)
        {
            errors.Body("", ProblemCode.InvalidBody, $"The body is no JSON{At(exception)}: give application/json such as {example}.");
            return null;
        }
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                errors.Body("", ProblemCode.InvalidBody, $"The body is no object: give application/json such as {example}.");
                return null;
            }
            var members = Strict.GetTypeInfo(typeof(T)).Properties;
            var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var given in document.RootElement.EnumerateObject())
            {
                var written = NameOf(given);
                var member = members.FirstOrDefault(known => known.Name.Equals(written, StringComparison.OrdinalIgnoreCase));
                var name = Spelling.Shorten(written);
                if (member is null)
                    errors.Body(
                        Pointer(name),
                        ProblemCode.InvalidBody,
                        $"'{name}' is not a member{Spelling.Near(written, members.Select(known => known.Name))}. "
                            + $"Members are {string.Join(", ", members.Select(known => known.Name))}."
                    );
                else if (!seen.Add(member.Name))
                    errors.Body(Pointer(name), ProblemCode.InvalidBody, $"'{name}' is given more than once; give it once.");
                else if (Mismatch(given.Value, member.PropertyType) is var (below, expected))
                    errors.Body(
                        Pointer(member.Name) + below,
                        ProblemCode.InvalidBody,
                        $"'{(member.Name + below).Replace('/', '.')}' has to be {expected}"
                            + $"{(below.Length == 0 ? $", and is {Describe(given.Value)}" : "")}."
                    );
            }
            return errors.Count == 0 ? document.Deserialize<T>(Strict) : null;
        }
    }

    // The name of a member can be half of a pair of surrogates, which no text can hold.
    private static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return "\uFFFD";
        }
    }

    /// <summary>Where a value is not of the type of its member, below it, and what it has to be; null when it is.</summary>
    private static (string Below, string Expected)? Mismatch(JsonElement value, Type type)
    {
        try
        {
            value.Deserialize(type, Strict);
            return null;
        }
        catch (JsonException exception)
        {
            // Of the path "$[1].name" what follows the member itself.
            var path = exception.Path is ['$', .. var rest]
                ? rest.Replace("[", "/", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
                : "";
            return (path.Replace('.', '/'), path.Length == 0 ? Describe(type) : "a text");
        }
    }

    private static string Describe(Type type)
    {
        var value = Nullable.GetUnderlyingType(type) ?? type;
        return value == typeof(string) ? "a text"
            : value == typeof(bool) ? "true or false"
            : value == typeof(int) || value == typeof(long) ? "a whole number"
            : value == typeof(double) ? "a number"
            : "a list of texts";
    }

    private static string Describe(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => "a text",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "true or false",
            JsonValueKind.Array => "a list",
            JsonValueKind.Object => "an object",
            _ => "null",
        };

    private static string Pointer(string name) =>
        "/" + name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static string At(JsonException exception) =>
        exception is { LineNumber: { } line, BytePositionInLine: { } position }
            ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, byte {position + 1})")
            : "";
}
