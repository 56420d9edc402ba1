using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Metrics.Api.Http;
using Metrics.Api.Reports.Formats;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Reports.Jobs;

/// <summary>A report as a file, and the manifest beside it.</summary>
/// <param name="Path">The file.</param>
/// <param name="ManifestPath">Its manifest.</param>
/// <param name="Name">Name for whoever saves it.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Sha256">SHA-256 of the file.</param>
/// <param name="Findings">How many rules it does not follow.</param>
public sealed record ReportFile(string Path, string ManifestPath, string Name, long Rows, long Bytes, byte[] Sha256, int Findings);

/// <summary>Writes reports to files. A file has its name only when it is whole, and its manifest tells rows, length and SHA-256.</summary>
internal sealed class ReportFiles(ReportReader reader)
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Name for a file of what was asked.</summary>
    public static string NameOf(ReportRequest request) =>
        $"{request.Kind.Name}_{Day(request.From)}_{Day(request.To)}.{request.Format.Name}";

    /// <summary>Writes a report.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="path">The file to be.</param>
    /// <param name="progress">Told rows done and rows of the store; null: nobody.</param>
    /// <param name="cancellationToken">Stops it; then there is no file.</param>
    /// <exception cref="ReportError">There is nothing to report.</exception>
    public async Task<ReportFile> WriteAsync(
        ReportRequest request,
        string path,
        Action<long, long>? progress,
        CancellationToken cancellationToken
    )
    {
        await using var open = await reader.OpenAsync(request, cancellationToken);
        if (open.StoredRows > request.Format.MostRows)
            throw new ReportError(
                ProblemCode.TooManyRows,
                $"The report is made of {open.StoredRows:#,0} rows, and {request.Format.Name} holds at most "
                    + $"{request.Format.MostRows:#,0}. Choose csv or parquet, a coarser 'grain' or a shorter period."
            );
        var validator = new Validator(request.Kind);
        var report = open.Report with
        {
            Rows = Watched(open.Report.Rows, validator, rows => progress?.Invoke(rows, open.StoredRows), cancellationToken),
        };
        var unfinished = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            byte[] hash;
            long length;
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                BufferSize = 128 * 1024,
                Options = FileOptions.Asynchronous,
            };
            // Whoever may read the data is decided by keys, not by who else has a name on the machine.
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using (var file = new FileStream(unfinished, options))
            await using (var hashed = new HashedStream(file))
            {
                await request.Format.WriteAsync(report, hashed, cancellationToken);
                await hashed.FlushAsync(cancellationToken);
                (hash, length) = (hashed.Hash(), hashed.Length);
            }
            var manifest = JsonReport.About(report);
            manifest["format"] = request.Format.Name;
            manifest["file"] = Path.GetFileName(path);
            manifest["rows"] = validator.Rows;
            manifest["bytes"] = length;
            manifest["sha256"] = Convert.ToHexStringLower(hash);
            manifest["findings"] = JsonSerializer.SerializeToNode(validator.Findings, JsonSerializerOptions.Web);
            var manifestPath = $"{path}.manifest.json";
            await File.WriteAllTextAsync(unfinished + ".json", manifest.ToJsonString(Indented), cancellationToken);
            File.Move(unfinished + ".json", manifestPath, overwrite: true);
            File.Move(unfinished, path, overwrite: true);
            return new ReportFile(path, manifestPath, NameOf(request), validator.Rows, length, hash, validator.Findings.Count);
        }
        finally
        {
            File.Delete(unfinished);
            File.Delete(unfinished + ".json");
        }
    }

    private static async IAsyncEnumerable<ReportValue[]> Watched(
        IAsyncEnumerable<ReportValue[]> rows,
        Validator validator,
        Action<long> progress,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            validator.Look(row);
            if (validator.Rows % 1024 == 0)
                progress(validator.Rows);
            yield return row;
        }
    }

    private static string Day(DateTime time) =>
        time.TimeOfDay == TimeSpan.Zero
            ? time.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)
            : time.ToString("yyyy-MM-ddTHH", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Hands on what is written, and takes its SHA-256 on the way.</summary>
    private sealed class HashedStream(Stream inner) : Stream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private long length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => length;

        public override long Position
        {
            get => length;
            set => throw new NotSupportedException();
        }

        public byte[] Hash() => hash.GetCurrentHash();

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Note(buffer);
            inner.Write(buffer);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Note(buffer.Span);
            return inner.WriteAsync(buffer, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                hash.Dispose();
            base.Dispose(disposing);
        }

        private void Note(ReadOnlySpan<byte> buffer)
        {
            hash.AppendData(buffer);
            length += buffer.Length;
        }
    }
}
