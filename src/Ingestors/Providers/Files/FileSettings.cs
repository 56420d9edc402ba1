namespace Metrics.Ingestors.Providers.Files;

/// <summary>Settings of a source of <c>file</c>.</summary>
public sealed class FileSettings : SourceSettings
{
    /// <summary>A file, or a folder that is watched.</summary>
    public string? Path { get; set; }

    /// <summary><c>true</c> plays the recording so that it ends at the hour of registration and then goes on from its start, without
    /// end.</summary>
    public bool Play { get; set; }

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Path))
            yield return "Path is missing: give a file or a folder.";
        else if (!Directory.Exists(Path) && !FileSource.IsRows(Path))
            yield return $"Path '{Path}' is neither a folder nor named .ndjson, .jsonl, .csv or one of these with .gz.";
        foreach (var error in base.Validate())
            yield return error;
    }
}
