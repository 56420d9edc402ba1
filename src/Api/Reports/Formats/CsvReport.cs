using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Metrics.Api.Http;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Reports.Formats;

/// <summary>CSV by RFC 4180: UTF-8, commas, CR LF, a row of names first; unknown is empty, yes and no are true and false.</summary>
/// <remarks>Texts that a spreadsheet would take for a formula begin with an apostrophe. Numbers never do: a negative one stays a
/// number.</remarks>
public sealed class CsvReport : IReportFormat
{
    private const int FlushAt = 64 * 1024;
    private static readonly SearchValues<char> Special = SearchValues.Create(",\"\r\n");

    /// <inheritdoc/>
    public string Name => "csv";

    /// <inheritdoc/>
    public string ContentType => "text/csv; charset=utf-8; header=present";

    /// <summary>A text that no spreadsheet takes for a formula (OWASP, CSV injection).</summary>
    public static string Guarded(string text) =>
        text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '\uFF1D' or '\uFF0B' or '\uFF0D' or '\uFF20'
            ? "'" + text
            : text;

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        var writer = PipeWriter.Create(output, new StreamPipeWriterOptions(leaveOpen: true, minimumBufferSize: FlushAt));
        for (var i = 0; i < report.Columns.Count; i++)
        {
            if (i > 0)
                writer.Write(","u8);
            Encoding.UTF8.GetBytes(Quoted(report.Columns[i].Name), writer);
        }
        writer.Write("\r\n"u8);
        var types = report.Columns.Select(column => column.Type).ToArray();
        // Rows that follow each other share most of their texts and times.
        var same = new (string? Text, long Ticks, byte[] Bytes)[types.Length];
        await foreach (var row in report.Rows.WithCancellation(cancellationToken))
        {
            WriteRow(writer, row, types, same);
            if (writer.UnflushedBytes >= FlushAt)
                await writer.FlushAsync(cancellationToken);
        }
        await writer.CompleteAsync();
    }

    private static void WriteRow(PipeWriter writer, ReportValue[] row, ReportType[] types, (string? Text, long Ticks, byte[] Bytes)[] same)
    {
        for (var i = 0; i < types.Length; i++)
        {
            if (i > 0)
                writer.Write(","u8);
            if (!row[i].IsKnown)
                continue;
            switch (types[i])
            {
                case ReportType.Number:
                    writer.Advance(DoubleText.Write(row[i].Number, writer.GetSpan(DoubleText.MaxLength)));
                    break;
                case ReportType.Flag:
                    writer.Write(row[i].Flag ? "true"u8 : "false"u8);
                    break;
                case ReportType.Time:
                    var time = row[i].Time;
                    if (same[i].Bytes is null || same[i].Ticks != time.Ticks)
                        same[i] = (null, time.Ticks, Encoding.UTF8.GetBytes(ReportText.Of(time)));
                    writer.Write(same[i].Bytes);
                    break;
                default:
                    if (!ReferenceEquals(same[i].Text, row[i].Text))
                        same[i] = (row[i].Text, 0, Encoding.UTF8.GetBytes(Quoted(Guarded(row[i].Text!))));
                    writer.Write(same[i].Bytes);
                    break;
            }
        }
        writer.Write("\r\n"u8);
    }

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(Special) >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
