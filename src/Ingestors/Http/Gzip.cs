using System.IO.Compression;

namespace Metrics.Ingestors.Http;

/// <summary>Compressed data whose cut is seen.</summary>
public static class Gzip
{
    /// <summary>The data without its compression.</summary>
    /// <returns>A stream that throws <see cref="InvalidDataException"/> where the data is damaged or ends too early.</returns>
    /// <remarks>The runtime takes a cut for the end unless its setting <c>System.IO.Compression.UseStrictValidation</c> is on: every
    /// program of the repository is built with it.</remarks>
    public static Stream Open(Stream packed) => new GZipStream(packed, CompressionMode.Decompress);
}
