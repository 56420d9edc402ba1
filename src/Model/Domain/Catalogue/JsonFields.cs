using System.Text.Json;
using Metrics.Domain.Messages;

namespace Metrics.Domain.Catalogue;

/// <summary>The properties of one JSON object, read strictly: what is unknown, given twice, missing or of another type becomes a fault, and
/// reading goes on.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
    private readonly string place;
    private readonly List<string> errors;

    /// <summary>The properties of an object.</summary>
    /// <param name="element">The object; anything else is a fault.</param>
    /// <param name="place">Where it stands, for messages.</param>
    /// <param name="errors">Where faults are added.</param>
    /// <param name="known">Names it may have; null when they are free.</param>
    public JsonFields(JsonElement element, string place, List<string> errors, IReadOnlyList<string>? known)
    {
        this.place = place;
        this.errors = errors;
        if (element.ValueKind != JsonValueKind.Object)
        {
            errors.Add($"{place}: is {Describe(element)}; write an object in braces");
            return;
        }
        foreach (var property in element.EnumerateObject())
        {
            if (known is not null && !known.Contains(property.Name, StringComparer.Ordinal))
                AddError(property.Name, $"is not a known property; known are: {string.Join(", ", known)}");
            else if (!values.TryAdd(property.Name, property.Value))
                AddError(property.Name, "is given twice; keep one");
        }
    }

    /// <summary>Names present, in the order of the file.</summary>
    public IEnumerable<string> Names => values.Keys;

    /// <summary>Adds a fault of a property: what was wrong; what to do.</summary>
    public void AddError(string name, string text) => errors.Add($"{place}: {name}: {text}");

    /// <summary>Whether the property is there, with whatever value.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>The raw value, or null when it is missing.</summary>
    public JsonElement? Raw(string name) => values.TryGetValue(name, out var value) ? value : null;

    /// <summary>Adds the fault that a required property is missing, when it is.</summary>
    public void Require(string name, string meaning)
    {
        if (!Has(name))
            AddError(name, $"is missing; add {meaning}");
    }

    /// <summary>A text that is not empty; null, with a fault unless it is missing, when there is none.</summary>
    public string? Text(string name)
    {
        if (Raw(name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
        {
            AddError(name, $"is {Describe(value)}; write a text in quotes");
            return null;
        }
        if (value.GetString() is { } text && !string.IsNullOrWhiteSpace(text))
            return text;
        AddError(name, "is empty; write a text or leave the property out");
        return null;
    }

    /// <summary>A finite number, or null.</summary>
    public double? Number(string name)
    {
        if (Raw(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number))
            return number;
        AddError(
            name,
            value.ValueKind == JsonValueKind.Number
                ? $"{MessageText.Show(value.GetRawText())} is beyond a double; write a smaller number"
                : $"is {Describe(value)}; write a number without quotes"
        );
        return null;
    }

    /// <summary>A whole number, or null.</summary>
    public int? WholeNumber(string name)
    {
        if (Raw(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
            return number;
        AddError(
            name,
            $"is {(value.ValueKind == JsonValueKind.Number ? MessageText.Show(value.GetRawText()) : Describe(value))}; write a "
                + "whole number without quotes"
        );
        return null;
    }

    /// <summary>True or false; false when it is missing.</summary>
    public bool Flag(string name)
    {
        if (Raw(name) is not { } value)
            return false;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        AddError(name, $"is {Describe(value)}; write true or false without quotes");
        return false;
    }

    /// <summary>One of the words, or null.</summary>
    public T? Word<T>(string name, IReadOnlyDictionary<string, T> words)
        where T : struct
    {
        if (Text(name) is not { } text)
            return null;
        if (words.TryGetValue(text, out var word))
            return word;
        AddError(name, $"'{MessageText.Show(text)}' is not one of: {string.Join(", ", words.Keys)}; use one of them");
        return null;
    }

    /// <summary>A list of different texts, or one text for a list of one; null when it is missing or wrong.</summary>
    /// <param name="name">Name of the property.</param>
    /// <param name="emptyText">Whether an empty text may stand in the list.</param>
    /// <param name="emptyList">Whether the list may be empty.</param>
    public IReadOnlyList<string>? Texts(string name, bool emptyText = false, bool emptyList = false)
    {
        if (Raw(name) is not { } value)
            return null;
        var elements = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        var texts = new List<string>(elements.Length);
        foreach (var element in elements)
        {
            var text = element.ValueKind == JsonValueKind.String ? element.GetString()! : null;
            if (text is null)
            {
                AddError(name, $"holds {Describe(element)}; write texts in quotes");
                return null;
            }
            if (text.Length == 0 && !emptyText)
            {
                AddError(name, "holds an empty text; write a name or remove it");
                return null;
            }
            if (texts.Contains(text, StringComparer.Ordinal))
                AddError(name, $"'{MessageText.Show(text)}' stands in the list twice; keep one");
            else
                texts.Add(text);
        }
        if (texts.Count > 0 || emptyList)
            return texts;
        AddError(name, "is an empty list; name at least one or leave the property out");
        return null;
    }

    private static string Describe(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => $"the text '{MessageText.Show(element.GetString()!)}'",
            JsonValueKind.Number => $"the number {MessageText.Show(element.GetRawText())}",
            JsonValueKind.Null => "null",
            _ => element.GetRawText(),
        };
}
