using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace Metrics.Ingestors;

/// <summary>Compressed data whose cut is seen.</summary>
public static class Gzip
{
    /// <summary>The data without its compression.</summary>
    /// <returns>A stream that throws <see cref="InvalidDataException"/> where the data is damaged or ends too early.</returns>
    public static Stream Open(Stream packed) => new GZipStream(packed, CompressionMode.Decompress);

    // The runtime takes a cut for the end unless it is told otherwise, and it asks only once in a process: before anything else is unpacked.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "A static constructor may run too late: others unpack too.")]
    internal static void SeeCuts() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);
}
