using System.Text;
using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Providers;

/// <summary>The catalogue of this installation: the mapping files that come with the providers, and the operator's own.</summary>
public static class Catalogues
{
    private const string Suffix = ".metrics.json";

    // A file of mappings is some kilobytes; the wrong file, such as a recording, is not worth reading to its end.
    private const long LargestFile = 16 * 1024 * 1024;

    // Bytes that are not UTF-8 are an error and not a question mark in a metric's name.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The shipped mapping files and the extra ones, together.</summary>
    /// <param name="extraFiles">Paths of the operator's mapping files. An entry of theirs with a later effective day takes the place of a
    /// shipped one.</param>
    /// <exception cref="CatalogueException">A file cannot be read, or any file has any fault. All faults of all files are listed,
    /// unreadable files first.</exception>
    public static MetricCatalogue Load(IEnumerable<string> extraFiles)
    {
        var files = new List<(string Name, string Text)>(Shipped());
        var unreadable = new List<string>();
        foreach (var path in extraFiles)
        {
            try
            {
                files.Add((path, ReadWhole(path)));
            }
            catch (Exception exception)
                when (exception
                        is IOException
                            or UnauthorizedAccessException
                            or DecoderFallbackException
                            or ArgumentException
                            or NotSupportedException
                )
            {
                unreadable.Add(
                    $"{(string.IsNullOrWhiteSpace(path) ? "a file without a name" : path)}: cannot be read: "
                        + $"{WhyUnreadable(path, exception)}"
                );
            }
        }
        MetricCatalogue? catalogue = null;
        IReadOnlyList<string> errors = [];
        try
        {
            catalogue = CatalogueReader.Read(files);
        }
        catch (CatalogueException exception)
        {
            errors = exception.Errors;
        }
        return catalogue is not null && unreadable.Count == 0 ? catalogue : throw new CatalogueException([.. unreadable, .. errors]);
    }

    private static IEnumerable<(string Name, string Text)> Shipped()
    {
        var assembly = typeof(Catalogues).Assembly;
        foreach (
            var name in assembly
                .GetManifestResourceNames()
                .Where(name => name.EndsWith(Suffix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
        {
            using var text = new StreamReader(assembly.GetManifestResourceStream(name)!, Utf8);
            yield return (name, text.ReadToEnd());
        }
    }

    private static string ReadWhole(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new ArgumentException("empty", nameof(path));
        if (Directory.Exists(path))
            throw new IOException("it is a folder; name the files in it");
        var length = new FileInfo(path).Length;
        if (length > LargestFile)
            throw new IOException($"it has {length} bytes, more than {LargestFile}; name a file of mappings");
        return File.ReadAllText(path, Utf8);
    }

    private static string WhyUnreadable(string path, Exception exception) =>
        exception switch
        {
            FileNotFoundException or DirectoryNotFoundException => "there is no such file; correct the path or create the file",
            UnauthorizedAccessException => "access is denied; let the service's user read it",
            DecoderFallbackException => "it is not UTF-8; save it as UTF-8",
            ArgumentException when string.IsNullOrWhiteSpace(path) => "its path is empty; name a file or remove the entry",
            _ => exception.Message,
        };
}
