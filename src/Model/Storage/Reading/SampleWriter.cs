using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Metrics.Domain.Observations;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Npgsql;
using NpgsqlTypes;

namespace Metrics.Storage.Reading;

/// <summary>Writes a batch of samples and marks the hours that changed, in the transaction given.</summary>
internal static class SampleWriter
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>Rows inserted or changed.</returns>
    public static async Task<long> WriteAsync(Session session, SampleBatch batch, DateTime now, CancellationToken cancellationToken)
    {
        if (batch.Series.Count == 0)
            return 0;
        await UpsertSeriesAsync(session, batch.Series, now, cancellationToken);
        var written = session.Database.IsPostgres ? await CopyAsync(session, batch, cancellationToken) : Insert(session, batch);
        if (written > 0)
            await MarkAsync(session, cancellationToken);
        await session.ExecuteAsync("DROP TABLE touched", cancellationToken);
        return written;
    }

    /// <summary>The labels as a JSON object, its names in ordinal order.</summary>
    public static string Json(Labels labels)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, Plain);
        writer.WriteStartObject();
        foreach (var (name, value) in labels.Pairs)
            writer.WriteString(name, value);
        writer.WriteEndObject();
        writer.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static async Task UpsertSeriesAsync(
        Session session,
        IReadOnlyList<Series> all,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var unknown = new List<Series>();
        foreach (var series in all)
        {
            if (session.Database.Series.Find(series.Id) is not { } known)
                unknown.Add(series);
            else if (!ReferenceEquals(known, series) && !SampleBatch.Same(known, series))
                throw SampleBatch.Collision(known.ToString(), series);
        }
        var table = SeriesTable(now);
        foreach (var chunk in unknown.Chunk(10_000))
        {
            await table.UpsertAsync(session, chunk, null, cancellationToken);
            // The text behind the key is compared, so that a collision is an error and not a mixture of two meters.
            var stored = (await FindSeriesAsync(session, chunk.Select(series => series.Id), cancellationToken)).ToDictionary(series =>
                series.Id
            );
            foreach (var series in chunk)
                if (!SampleBatch.Same(stored[series.Id], series))
                    throw SampleBatch.Collision(stored[series.Id].ToString(), series);
        }
    }

    /// <summary>The stored series with these keys, as they are written.</summary>
    public static async Task<List<Series>> FindSeriesAsync(Session session, IEnumerable<long> ids, CancellationToken cancellationToken)
    {
        var (among, keys) = session.Among(ids);
        return await FindAsync(session, $"id {among}", [keys], cancellationToken);
    }

    /// <summary>The stored series of a source.</summary>
    public static Task<List<Series>> SeriesOfAsync(Session session, string source, CancellationToken cancellationToken) =>
        FindAsync(session, "source = @source", [("source", source)], cancellationToken);

    private static async Task<List<Series>> FindAsync(
        Session session,
        string which,
        (string, object?)[] parameters,
        CancellationToken cancellationToken
    )
    {
        var found = await session.QueryAsync(
            $"SELECT id, source, provider, metric, labels, statistic, period_ms FROM series WHERE {which}",
            parameters,
            row =>
                (
                    Id: row.Number(0),
                    Series: new Series(
                        row.Text(1),
                        row.Text(2),
                        row.Text(3),
                        Labels.Of(JsonSerializer.Deserialize<Dictionary<string, string>>(row.Text(4))!),
                        (Statistic)row.Small(5),
                        TimeSpan.FromMilliseconds(row.Number(6))
                    )
                ),
            cancellationToken
        );
        foreach (var (id, series) in found)
            if (series.Id != id)
                throw new StorageException(
                    StorageErrorCode.Corrupt,
                    $"The stored series {series} has the key {id}, but its text gives {series.Id}. Restore the database from a copy."
                );
        return found.ConvertAll(stored => stored.Series);
    }

    private static RowSet<Series> SeriesTable(DateTime now) =>
        new(
            "series",
            ["id"],
            [
                Column.Of("id", NpgsqlDbType.Bigint, (Series series) => series.Id),
                Column.Of("source", NpgsqlDbType.Text, (Series series) => series.Source),
                Column.Of("provider", NpgsqlDbType.Text, (Series series) => series.Provider),
                Column.Of("metric", NpgsqlDbType.Text, (Series series) => series.Metric),
                Column.Of("labels", NpgsqlDbType.Text, (Series series) => Json(series.Labels)),
                Column.Of("statistic", NpgsqlDbType.Smallint, (Series series) => (short)series.Statistic),
                Column.Of("period_ms", NpgsqlDbType.Bigint, (Series series) => (long)series.Period.TotalMilliseconds),
                Column.Of("first_seen", NpgsqlDbType.TimestampTz, (Series _) => now),
            ]
        );

    /// <summary>Binary COPY into a table of this transaction, then one upsert that leaves equal rows alone and says which it
    /// touched.</summary>
    private static async Task<long> CopyAsync(Session session, SampleBatch batch, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            """
            CREATE TEMP TABLE incoming (series_id bigint, start timestamptz, end_at timestamptz, value double precision) ON COMMIT DROP;
            CREATE TEMP TABLE touched (hour timestamptz, last_end timestamptz, samples bigint) ON COMMIT DROP;
            """,
            cancellationToken
        );
        await using (
            var copy = await session.Postgres.BeginBinaryImportAsync("COPY incoming FROM STDIN (FORMAT BINARY)", cancellationToken)
        )
        {
            for (var i = 0; i < batch.Series.Count; i++)
                Send(copy, batch.Series[i].Id, batch[i], cancellationToken);
            await copy.CompleteAsync(cancellationToken);
        }
        await session.ExecuteAsync(
            """
            WITH changed AS (
                INSERT INTO samples AS stored (series_id, start, end_at, value) SELECT series_id, start, end_at, value FROM incoming
                ON CONFLICT (series_id, start) DO UPDATE SET value = excluded.value, end_at = excluded.end_at
                WHERE (stored.value, stored.end_at) IS DISTINCT FROM (excluded.value, excluded.end_at)
                RETURNING start, end_at
            )
            INSERT INTO touched
            SELECT date_bin('1 hour', start, timestamptz '2000-01-01 00:00:00+00'), max(end_at), count(*) FROM changed GROUP BY 1
            """,
            cancellationToken
        );
        return (
            await session.QueryAsync("SELECT COALESCE(sum(samples), 0)::bigint FROM touched", [], row => row.Number(0), cancellationToken)
        )[0];
    }

    // Not asynchronous by row: the importer buffers, and a task for each of a million numbers costs more than the numbers.
    private static void Send(NpgsqlBinaryImporter copy, long series, ReadOnlySpan<Sample> samples, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var sample in samples)
        {
            copy.StartRow();
            copy.Write(series, NpgsqlDbType.Bigint);
            copy.Write(sample.Start, NpgsqlDbType.TimestampTz);
            copy.Write(sample.End, NpgsqlDbType.TimestampTz);
            copy.Write(sample.Value, NpgsqlDbType.Double);
        }
    }

    /// <summary>One prepared upsert, run for each sample; it counts what it changed.</summary>
    private static long Insert(Session session, SampleBatch batch)
    {
        const long hour = 3_600_000_000;
        using (var create = session.Command("CREATE TEMP TABLE touched (hour INTEGER, last_end INTEGER)"))
            create.ExecuteNonQuery();
        using var upsert = session.Command(
            """
            INSERT INTO samples (series_id, start, end_at, value) VALUES (@series, @start, @end, @value)
            ON CONFLICT (series_id, start) DO UPDATE SET value = excluded.value, end_at = excluded.end_at
            WHERE value IS NOT excluded.value OR end_at IS NOT excluded.end_at
            """,
            ("series", 0L),
            ("start", 0L),
            ("end", 0L),
            ("value", 0d)
        );
        upsert.Prepare();

        long written = 0;
        var touched = new Dictionary<long, long>();
        for (var i = 0; i < batch.Series.Count; i++)
        {
            upsert.Parameters[0].Value = batch.Series[i].Id;
            foreach (var sample in batch[i])
            {
                var (start, end) = (UnixMicroseconds.From(sample.Start), UnixMicroseconds.From(sample.End));
                upsert.Parameters[1].Value = start;
                upsert.Parameters[2].Value = end;
                upsert.Parameters[3].Value = sample.Value;
                if (upsert.ExecuteNonQuery() == 0)
                    continue;
                written++;
                var of = start - (start % hour + hour) % hour;
                touched[of] = touched.TryGetValue(of, out var last) ? Math.Max(last, end) : end;
            }
        }

        using var touch = session.Command("INSERT INTO touched VALUES (@hour, @end)", ("hour", 0L), ("end", 0L));
        foreach (var (of, end) in touched)
        {
            touch.Parameters[0].Value = of;
            touch.Parameters[1].Value = end;
            touch.ExecuteNonQuery();
        }
        return written;
    }

    /// <summary>Marks the hours whose facts the touched samples decide.</summary>
    /// <remarks>An hour's facts are made of the samples within <see cref="Limits.Reach"/> around it too, so that its neighbours are made
    /// again with it: else they would be what was known when their own last sample came.</remarks>
    private static async Task MarkAsync(Session session, CancellationToken cancellationToken)
    {
        var hour = session.Database.Hour;
        var reached = $"WITH reached AS (SELECT hour FROM touched UNION SELECT hour + {hour} FROM touched WHERE last_end > hour + {hour})";
        await session.ExecuteAsync(
            $"""
            {reached}
            INSERT INTO sample_hours (hour) SELECT hour FROM reached WHERE true ORDER BY hour ON CONFLICT (hour) DO NOTHING
            """,
            cancellationToken
        );
        await session.BeginMarkingAsync(cancellationToken);
        await session.ExecuteAsync(
            $"""
            {reached}
            INSERT INTO dirty_hours (hour, mark, reason)
            SELECT hour, {session.Database.NextMark}, '{DirtyReason.LateData.Text()}' FROM (
                SELECT hour FROM reached UNION SELECT hour - {hour} FROM reached UNION SELECT hour + {hour} FROM reached
            ) around WHERE hour IN (SELECT hour FROM sample_hours) ORDER BY hour
            ON CONFLICT (hour) DO UPDATE SET mark = {session.Database.NextMark}, reason = excluded.reason
            """,
            cancellationToken
        );
    }
}
