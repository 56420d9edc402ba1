using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>Columns of a CSV file.</summary>
/// <param name="Names">What each column holds: a property of a row, or <c>label:NAME</c>.</param>
internal sealed record CsvColumns(IReadOnlyList<string> Names);

/// <summary>A line of a file, as a refusal names it.</summary>
internal readonly record struct RowPlace(string File, long Line)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
}

/// <summary>Makes observations of rows: provider, metric, labels, start, end, value, and optionally statistic.</summary>
/// <remarks>The bytes that name a series are looked up as they stand: of a known series no text is made.</remarks>
internal sealed class RowReader
{
    private const string LabelColumn = "label:";
    private static readonly string[] Properties = ["provider", "metric", "labels", "start", "end", "value", "statistic"];
    private static readonly string[] Required = ["provider", "metric", "start", "end", "value"];
    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly SeriesPool pool;
    private readonly SortedSet<string> providers;
    private readonly Dictionary<byte[], PooledSeries> known = new(ByteKeys.Comparer);
    private readonly Dictionary<byte[], PooledSeries>.AlternateLookup<ReadOnlySpan<byte>> lookup;
    private readonly List<KeyValuePair<string, string>> pairs = [];
    private readonly List<Range> fields = [];
    private byte[] plain = new byte[4096];
    private byte[] key = new byte[4096];

    /// <param name="providers">Providers that a row may name.</param>
    /// <param name="pool">Series of the source.</param>
    public RowReader(IEnumerable<string> providers, SeriesPool pool)
    {
        this.pool = pool;
        this.providers = new SortedSet<string>(providers, StringComparer.Ordinal);
        lookup = known.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    private ref struct Row
    {
        public ReadOnlySpan<byte> Provider,
            Metric,
            Labels,
            Start,
            End,
            Value,
            Statistic;
        public bool HasStart,
            HasEnd,
            HasValue;
    }

    /// <summary>Reads a line of NDJSON. A bad one becomes a refusal.</summary>
    public void ReadJson(ReadOnlySpan<byte> line, in RowPlace place, ObservationBatch batch)
    {
        if (Json(line, place, batch) is { } error)
            Reject(place, error, batch);
    }

    /// <summary>Reads a record of CSV; false when it is bad, and then it is not refused yet.</summary>
    public bool ReadCsv(ReadOnlySpan<byte> record, CsvColumns columns, in RowPlace place, ObservationBatch batch, out string error)
    {
        error = Csv(record, columns, place, batch) ?? "";
        return error.Length == 0;
    }

    /// <summary>Tells the answer of a bad row.</summary>
    public static void Reject(in RowPlace place, string error, ObservationBatch batch) =>
        batch.Reject(
            place.ToString(),
            null,
            RejectionReason.Malformed,
            $"The row cannot be read: {error}. Mend the row; the others are read."
        );

    /// <summary>Whether the bytes are one whole JSON value, so that nothing more can belong to them.</summary>
    public static bool IsWholeJson(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line, Options);
            var any = false;
            while (reader.Read())
                any = reader.TokenType == JsonTokenType.EndObject;
            return any;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The columns that a CSV header names.</summary>
    /// <param name="error">What is wrong with it, when the answer is null.</param>
    public CsvColumns? Header(ReadOnlySpan<byte> record, out string error)
    {
        var text = Split(record, out error);
        if (error.Length > 0)
            return null;
        var names = new List<string>();
        foreach (var range in fields)
            names.Add(Encoding.UTF8.GetString(text[range]).Trim());
        foreach (var name in names)
            if (
                !(
                    Array.IndexOf(Properties, name) >= 0
                    || name.StartsWith(LabelColumn, StringComparison.Ordinal) && name.Length > LabelColumn.Length
                )
            )
            {
                error =
                    $"the column '{Redaction.Excerpt(Encoding.UTF8.GetBytes(name))}' is not known; columns are "
                    + $"{string.Join(", ", Properties)} and label:NAME";
                return null;
            }
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Count)
            error = "a column is there twice";
        else if (Required.FirstOrDefault(name => !names.Contains(name)) is { } missing)
            error = $"the column '{missing}' is missing";
        return error.Length == 0 ? new CsvColumns(names) : null;
    }

    private static JsonReaderOptions Options => new() { MaxDepth = 8 };

    private string? Json(ReadOnlySpan<byte> line, in RowPlace place, ObservationBatch batch)
    {
        var row = new Row();
        var used = 0;
        try
        {
            var reader = new Utf8JsonReader(line, Options);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return "it is no JSON object";
            var seen = 0;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var property = Property(ref reader);
                if (property < 0)
                    return $"the property '{Redaction.Excerpt(reader.ValueSpan)}' is not known; properties are "
                        + $"{string.Join(", ", Properties)}";
                if ((seen & 1 << property) != 0)
                    return $"the property '{Properties[property]}' is there twice";
                seen |= 1 << property;
                reader.Read();
                if (property == 2)
                {
                    if (reader.TokenType != JsonTokenType.StartObject)
                        return "labels is no object";
                    var from = (int)reader.TokenStartIndex;
                    reader.Skip();
                    row.Labels = line[from..(int)reader.BytesConsumed];
                    continue;
                }
                if (property == 5)
                {
                    if (reader.TokenType == JsonTokenType.Number)
                        row.Value = reader.ValueSpan;
                    else if (
                        reader.TokenType == JsonTokenType.String
                        && NumberText.TryParse(reader.ValueSpan, out var word)
                        && !double.IsFinite(word)
                    )
                        row.Value = reader.ValueSpan;
                    else
                        return "value is no number";
                    row.HasValue = true;
                    continue;
                }
                if (reader.TokenType != JsonTokenType.String)
                    return $"{Properties[property]} is no text";
                var text = reader.ValueIsEscaped ? Plain(ref reader, ref used) : reader.ValueSpan;
                switch (property)
                {
                    case 0:
                        row.Provider = text;
                        break;
                    case 1:
                        row.Metric = text;
                        break;
                    case 3:
                        row.Start = text;
                        row.HasStart = true;
                        break;
                    case 4:
                        row.End = text;
                        row.HasEnd = true;
                        break;
                    default:
                        row.Statistic = text;
                        break;
                }
            }
            if (reader.Read())
                return "something follows the object";
        }
        catch (JsonException)
        {
            return "it is not valid JSON";
        }
        catch (InvalidOperationException)
        {
            return "a text is not valid UTF-8";
        }
        return Take(row, default, null, place, batch);
    }

    private static int Property(ref Utf8JsonReader reader)
    {
        for (var i = 0; i < Properties.Length; i++)
            if (reader.ValueTextEquals(Properties[i]))
                return i;
        return -1;
    }

    private ReadOnlySpan<byte> Plain(scoped ref Utf8JsonReader reader, scoped ref int used)
    {
        // Earlier texts of this row lie in the same buffer; a new one leaves them theirs.
        if (plain.Length - used < reader.ValueSpan.Length)
        {
            plain = new byte[Math.Max(plain.Length * 2, reader.ValueSpan.Length * 2)];
            used = 0;
        }
        var length = reader.CopyString(plain.AsSpan(used));
        used += length;
        return plain.AsSpan(used - length, length);
    }

    private string? Csv(ReadOnlySpan<byte> record, CsvColumns columns, in RowPlace place, ObservationBatch batch)
    {
        var text = Split(record, out var error);
        if (error.Length > 0)
            return error;
        if (fields.Count != columns.Names.Count)
            return string.Create(CultureInfo.InvariantCulture, $"it has {fields.Count} fields and the header {columns.Names.Count}");
        var row = new Row();
        for (var i = 0; i < fields.Count; i++)
        {
            var field = text[fields[i]];
            switch (columns.Names[i])
            {
                case "provider":
                    row.Provider = field;
                    break;
                case "metric":
                    row.Metric = field;
                    break;
                case "labels":
                    row.Labels = field;
                    break;
                case "start":
                    row.Start = field;
                    row.HasStart = true;
                    break;
                case "end":
                    row.End = field;
                    row.HasEnd = true;
                    break;
                case "value":
                    row.Value = field;
                    row.HasValue = true;
                    break;
                case "statistic":
                    row.Statistic = field;
                    break;
            }
        }
        return Take(row, text, columns, place, batch);
    }

    /// <summary>The fields, as ranges of the text returned: the record itself, or a copy without the quotation marks (RFC 4180).</summary>
    private ReadOnlySpan<byte> Split(ReadOnlySpan<byte> record, out string error)
    {
        error = "";
        fields.Clear();
        if (record.Length > 0 && record[^1] == '\r')
            record = record[..^1];
        if (!record.Contains((byte)'"'))
        {
            var from = 0;
            while (true)
            {
                var comma = record[from..].IndexOf((byte)',');
                if (comma < 0)
                    break;
                fields.Add(from..(from + comma));
                from += comma + 1;
            }
            fields.Add(from..record.Length);
            return record;
        }
        if (plain.Length < record.Length)
            plain = new byte[record.Length * 2];
        int length = 0,
            at = 0;
        while (true)
        {
            var start = length;
            if (at < record.Length && record[at] == '"')
            {
                for (at++; ; at++)
                {
                    if (at == record.Length)
                    {
                        error = "a quotation mark is not closed";
                        return default;
                    }
                    if (record[at] == '"' && (++at == record.Length || record[at] != '"'))
                        break;
                    plain[length++] = record[at];
                }
                if (at < record.Length && record[at] != ',')
                {
                    error = "something follows a closing quotation mark";
                    return default;
                }
            }
            else
                for (; at < record.Length && record[at] != ','; at++)
                {
                    if (record[at] == '"')
                    {
                        error = "a quotation mark stands inside a field that does not begin with one";
                        return default;
                    }
                    plain[length++] = record[at];
                }
            fields.Add(start..length);
            if (at == record.Length)
                return plain.AsSpan(0, length);
            at++;
        }
    }

    private string? Take(in Row row, ReadOnlySpan<byte> text, CsvColumns? columns, in RowPlace place, ObservationBatch batch)
    {
        if (row.Provider.IsEmpty)
            return "provider is missing";
        if (row.Metric.IsEmpty)
            return "metric is missing";
        if (!row.HasStart)
            return "start is missing";
        if (!row.HasEnd)
            return "end is missing";
        if (!row.HasValue)
            return "value is missing";
        if (!Timestamps.TryParse(row.Start, out var start))
            return $"start '{Redaction.Excerpt(row.Start)}' is no time with an offset, such as 2026-01-01T00:00:00Z";
        if (!Timestamps.TryParse(row.End, out var end))
            return $"end '{Redaction.Excerpt(row.End)}' is no time with an offset, such as 2026-01-01T00:00:00Z";
        if (end < start)
            return "end is before start";
        if (!NumberText.TryParse(row.Value, out var value))
            return $"value '{Redaction.Excerpt(row.Value)}' is no number";

        var length = Key(row, text, columns, end - start);
        if (!lookup.TryGetValue(key.AsSpan(0, length), out var series) || series.Released)
        {
            var error = New(row, text, columns, end - start, place, batch, out series);
            if (error is not null)
                return error;
            if (series is null)
                return null;
            if (known.Count > 2 * pool.Capacity)
                known.Clear();
            known[key.AsSpan(0, length).ToArray()] = series;
        }
        series.LastRead = pool.Read;
        if (double.IsFinite(value))
            batch.Observations.Add(new Observation(series.Series, new Sample(start, end, value)));
        else
            batch.Reject(
                place.ToString(),
                end,
                RejectionReason.NotFinite,
                $"The value '{Redaction.Excerpt(row.Value)}' of {series.Series.Metric} is not a finite number; it is left out."
            );
        return null;
    }

    private int Key(in Row row, ReadOnlySpan<byte> text, CsvColumns? columns, TimeSpan period)
    {
        var length = 0;
        Append(row.Provider, ref length);
        Append(row.Metric, ref length);
        Append(row.Statistic, ref length);
        Append(row.Labels, ref length);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, period.Ticks);
        Append(number, ref length);
        if (columns is not null)
            for (var i = 0; i < columns.Names.Count; i++)
                if (columns.Names[i].StartsWith(LabelColumn, StringComparison.Ordinal))
                {
                    Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes(columns.Names[i].AsSpan()), ref length);
                    Append(text[fields[i]], ref length);
                }
        return length;
    }

    private void Append(ReadOnlySpan<byte> part, ref int length)
    {
        if (key.Length < length + part.Length + 4)
            Array.Resize(ref key, (length + part.Length + 4) * 2);
        BinaryPrimitives.WriteInt32LittleEndian(key.AsSpan(length), part.Length);
        part.CopyTo(key.AsSpan(length + 4));
        length += part.Length + 4;
    }

    private string? New(
        in Row row,
        ReadOnlySpan<byte> text,
        CsvColumns? columns,
        TimeSpan period,
        in RowPlace place,
        ObservationBatch batch,
        out PooledSeries? series
    )
    {
        series = null;
        pairs.Clear();
        var statistic = Statistic.Raw;
        string provider,
            metric;
        try
        {
            provider = Strict.GetString(row.Provider);
            metric = Strict.GetString(row.Metric);
            if (!row.Statistic.IsEmpty && !TryParseStatistic(Strict.GetString(row.Statistic), out statistic))
                return $"statistic '{Redaction.Excerpt(row.Statistic)}' is none of {string.Join(", ", Enum.GetNames<Statistic>())}";
            if (Labels(row.Labels) is { } error)
                return error;
            if (columns is not null)
                for (var i = 0; i < columns.Names.Count; i++)
                    if (columns.Names[i].StartsWith(LabelColumn, StringComparison.Ordinal) && text[fields[i]].Length > 0)
                        pairs.Add(new(columns.Names[i][LabelColumn.Length..], Strict.GetString(text[fields[i]])));
        }
        catch (DecoderFallbackException)
        {
            return "a text is not valid UTF-8";
        }
        if (!providers.Contains(provider))
            return $"the provider '{Redaction.Excerpt(row.Provider)}' is not known; known are {string.Join(", ", providers)}";
        series = pool.Intern(provider, metric, pairs, batch, place.ToString(), statistic, period);
        return null;
    }

    private static bool TryParseStatistic(string text, out Statistic statistic) =>
        Enum.TryParse(text, out statistic) && Enum.IsDefined(statistic) && !char.IsAsciiDigit(text[0]);

    private string? Labels(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
            return null;
        try
        {
            var reader = new Utf8JsonReader(json, Options);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return "labels is no JSON object";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                    return $"the label '{Redaction.Excerpt(Encoding.UTF8.GetBytes(name))}' is no text";
                if (pairs.Count <= SeriesPool.MostLabels)
                    pairs.Add(new(name, reader.GetString()!));
            }
            return reader.Read() ? "something follows the labels" : null;
        }
        catch (JsonException)
        {
            return "labels is not valid JSON";
        }
        catch (InvalidOperationException)
        {
            return "a label is not valid UTF-8";
        }
    }
}
