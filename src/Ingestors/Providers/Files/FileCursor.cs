using System.Text.Json;
using System.Text.Json.Serialization;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>How far one file was read.</summary>
/// <param name="Read">Bytes read; for a compressed file its length when it was read whole.</param>
/// <param name="Lines">Lines read.</param>
/// <param name="Mark">Hash of the first bytes and of the last bytes read; for a compressed file the instant it was last written.</param>
/// <param name="Reported">Length of the file when its unfinished last line was reported; 0 for never.</param>
internal sealed record FilePosition(long Read, long Lines, string Mark, long Reported = 0);

/// <summary>The position of a file source: every file by name. Text for the reader's cursor.</summary>
internal sealed class FileCursor
{
    private readonly SortedDictionary<string, FilePosition> files;

    private FileCursor(SortedDictionary<string, FilePosition> files) => this.files = files;

    /// <summary>How far the file was read; null when never.</summary>
    public FilePosition? this[string name]
    {
        get => files.GetValueOrDefault(name);
        set
        {
            if (value is null)
                files.Remove(name);
            else
                files[name] = value;
        }
    }

    /// <summary>The cursor of a text; of none, or of one that is no cursor, the beginning: reading again is harmless.</summary>
    public static FileCursor Parse(string? text)
    {
        try
        {
            if (
                text is not null
                && JsonSerializer.Deserialize(text, FileCursorText.Default.SortedDictionaryStringFilePosition) is { } files
            )
                return new FileCursor(new(files.Where(file => file.Value is { Mark: not null }).ToDictionary(), StringComparer.Ordinal));
        }
        catch (JsonException)
        {
            // A cursor of another version, or of another kind of source: the files are read from their beginning, and what is stored
            // already is the same again.
        }
        return new FileCursor(new(StringComparer.Ordinal));
    }

    /// <summary>Forgets files that are gone.</summary>
    public void Keep(IEnumerable<string> names)
    {
        var kept = names.ToHashSet(StringComparer.Ordinal);
        foreach (var name in files.Keys.Where(name => !kept.Contains(name)).ToList())
            files.Remove(name);
    }

    /// <inheritdoc/>
    public override string ToString() => JsonSerializer.Serialize(files, FileCursorText.Default.SortedDictionaryStringFilePosition);
}

[JsonSerializable(typeof(SortedDictionary<string, FilePosition>))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class FileCursorText : JsonSerializerContext;
