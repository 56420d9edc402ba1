using System.Text;
using Metrics.Domain.Factors;
using Metrics.Domain.Messages;

namespace Metrics.Api.Settings;

/// <summary>The operator's files of factors, <c>Metrics:Factors</c>. A later file lies over an earlier one, but two factors of one place,
/// kind, method and day are a fault.</summary>
public sealed class FactorFiles
{
    // A file of factors is some hundred kilobytes; the wrong file is not worth reading to its end.
    private const long LargestFile = 64 * 1024 * 1024;

    // Bytes that are not UTF-8 are an error and not a question mark in a name.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<FactorFile> files = [];
    private readonly List<string> errors = [];

    private FactorFiles() { }

    /// <summary>Everything that is wrong with the files, one line a fault; empty when they can be used.</summary>
    public IReadOnlyList<string> Errors => errors;

    /// <summary>What a person should know of the files although they can be used.</summary>
    public IReadOnlyList<string> Remarks => [.. files.SelectMany(file => file.Remarks)];

    /// <summary>Reads the files.</summary>
    /// <param name="paths">Their paths.</param>
    public static FactorFiles Read(IEnumerable<string> paths)
    {
        var read = new FactorFiles();
        foreach (var path in paths)
        {
            try
            {
                if (string.IsNullOrWhiteSpace(path))
                    read.errors.Add("Metrics:Factors: names a file without a name; write its path, or remove the entry");
                else if (new FileInfo(path) is { Exists: true, Length: > LargestFile })
                    read.errors.Add($"{path}: is larger than {LargestFile / 1024 / 1024} MiB, so it is not a file of factors");
                else
                    read.files.Add(FactorFile.Read(path, File.ReadAllText(path, Utf8)));
            }
            catch (FactorException exception)
            {
                read.errors.AddRange(exception.Errors);
            }
            catch (DecoderFallbackException)
            {
                read.errors.Add($"{path}: is not text in UTF-8; save it so");
            }
            catch (Exception exception)
                when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                var isMissing = exception is FileNotFoundException or DirectoryNotFoundException;
                read.errors.Add($"{path}: cannot be read: {(isMissing ? "there is no such file" : exception.Message)}");
            }
        }
        read.errors.AddRange(PlacedFactor.Overlaps(read.files.SelectMany(file => file.Factors)));
        read.errors.AddRange(read.UnknownRegions());
        return read;
    }

    /// <summary>A book under these files.</summary>
    public FactorBook Over(FactorBook book)
    {
        // Factors are one layer, since a day of a place has at most one of them; of the rest a later file is tried first.
        foreach (var file in files)
            book = book.With([], file.Regions, file.Hardware, file.Servers, file.Models);
        return files.Count == 0 || errors.Count > 0
            ? book
            : book.With(files.SelectMany(file => file.Factors).Select(placed => placed.Factor));
    }

    private IEnumerable<string> UnknownRegions()
    {
        var regions = FactorBook
            .Published.Regions.Concat(files.SelectMany(file => file.Regions))
            .Select(region => region.Name)
            .ToHashSet(StringComparer.Ordinal);
        var clouds = regions.Select(region => region.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        return files
            .SelectMany(file => file.Factors)
            .Where(placed => clouds.Contains(placed.Factor.Place.Split('/')[0]) && !regions.Contains(placed.Factor.Place))
            .Select(placed =>
                $"{placed.At}: place: '{placed.Factor.Place}' is not a region that is "
                + $"known{Spelling.Near(placed.Factor.Place, regions)}; mend it, or add the region by a file with the columns "
                + "name,country,zone"
            );
    }
}
