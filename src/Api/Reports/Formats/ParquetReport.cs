using Metrics.Api.Reports.Kinds;
using Parquet;
using Parquet.Schema;

namespace Metrics.Api.Reports.Formats;

/// <summary>Parquet with typed columns; unit, UN/ECE code, description and datapoint stand in each column's metadata, everything else about
/// the report in the file's (<c>metrics.report</c>, JSON).</summary>
/// <remarks>Holds one group of rows at a time.</remarks>
public sealed class ParquetReport : IReportFormat
{
    private const int GroupRows = 16_384;

    /// <inheritdoc/>
    public string Name => "parquet";

    /// <inheritdoc/>
    public string ContentType => "application/vnd.apache.parquet";

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        var columns = report.Columns.Select(column => new Column(column)).ToArray();
        await using var writer = await ParquetWriter.CreateAsync(
            new ParquetSchema([.. columns.Select(column => (Field)column.Field)]),
            output,
            cancellationToken: cancellationToken
        );
        writer.CustomMetadata = new Dictionary<string, string> { ["metrics.report"] = JsonReport.About(report).ToJsonString() };
        var rows = 0;
        await foreach (var row in report.Rows.WithCancellation(cancellationToken))
        {
            for (var i = 0; i < columns.Length; i++)
                columns[i].Add(row[i], rows);
            if (++rows < GroupRows)
                continue;
            await WriteAsync(writer, columns, rows, cancellationToken);
            rows = 0;
        }
        if (rows > 0)
            await WriteAsync(writer, columns, rows, cancellationToken);
    }

    private static async Task WriteAsync(ParquetWriter writer, Column[] columns, int rows, CancellationToken cancellationToken)
    {
        using var group = writer.CreateRowGroup();
        foreach (var column in columns)
            await column.WriteAsync(group, rows, cancellationToken);
    }

    /// <summary>The values of a column of one group.</summary>
    private sealed class Column
    {
        private readonly ReadOnlyMemory<char>?[]? texts;
        private readonly double?[]? numbers;
        private readonly DateTime?[]? times;
        private readonly bool?[]? flags;
        private readonly Dictionary<string, string> metadata;

        public Column(ReportColumn column)
        {
            (Field, texts, numbers, times, flags) = column.Type switch
            {
                ReportType.Number => (
                    (DataField)new DataField<double?>(column.Name),
                    (ReadOnlyMemory<char>?[]?)null,
                    new double?[GroupRows],
                    (DateTime?[]?)null,
                    (bool?[]?)null
                ),
                ReportType.Time => (
                    new DateTimeDataField(
                        column.Name,
                        DateTimeFormat.Timestamp,
                        isAdjustedToUTC: true,
                        DateTimeTimeUnit.Micros,
                        isNullable: true
                    ),
                    null,
                    null,
                    new DateTime?[GroupRows],
                    null
                ),
                ReportType.Flag => (new DataField<bool?>(column.Name), null, null, null, new bool?[GroupRows]),
                _ => (new DataField<string>(column.Name), new ReadOnlyMemory<char>?[GroupRows], null, null, null),
            };
            metadata = new Dictionary<string, string> { ["description"] = column.Description };
            if (column.Unit is { } unit)
                metadata["unit"] = unit;
            if (column.UnitCode is { } code)
                metadata["unit_code"] = code;
            if (column.Datapoint is { } datapoint)
                metadata["datapoint"] = datapoint;
        }

        public DataField Field { get; }

        public void Add(ReportValue value, int row)
        {
            if (numbers is not null)
                numbers[row] = value.IsKnown ? value.Number : null;
            else if (times is not null)
                times[row] = value.IsKnown ? value.Time : null;
            else if (flags is not null)
                flags[row] = value.IsKnown ? value.Flag : null;
            // A bare null would become an empty text by way of an array.
            else
                texts![row] = value.Text is { } text ? text.AsMemory() : (ReadOnlyMemory<char>?)null;
        }

        public async ValueTask WriteAsync(ParquetRowGroupWriter group, int rows, CancellationToken cancellationToken)
        {
            if (numbers is not null)
                await group.WriteAsync<double>(Field, numbers.AsMemory(0, rows), null, metadata, cancellationToken);
            else if (times is not null)
                await group.WriteAsync<DateTime>(Field, times.AsMemory(0, rows), null, metadata, cancellationToken);
            else if (flags is not null)
                await group.WriteAsync<bool>(Field, flags.AsMemory(0, rows), null, metadata, cancellationToken);
            else
                await group.WriteAsync<ReadOnlyMemory<char>>(Field, texts.AsMemory(0, rows), null, metadata, cancellationToken);
        }
    }
}
