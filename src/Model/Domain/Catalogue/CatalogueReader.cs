namespace Metrics.Domain.Catalogue;

/// <summary>Reads mapping files (JSON with comments, see <c>mapping.schema.json</c>) into a catalogue, or lists everything wrong with all of them.</summary>
public static class CatalogueReader
{
    /// <summary>The catalogue of all files together.</summary>
    /// <param name="files">Name, for messages, and text of each file.</param>
    /// <exception cref="CatalogueException">Any file has any fault; the exception lists all faults of all files.</exception>
    public static MetricCatalogue Read(IEnumerable<(string Name, string Text)> files) => throw new NotImplementedException($"{files}");
}

/// <summary>The catalogue cannot be used. <see cref="Errors"/> has one line a fault: file, entry, property, what was wrong, what to do.</summary>
public sealed class CatalogueException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
