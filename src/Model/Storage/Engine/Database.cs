using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using Metrics.Domain.Observations;
using Metrics.Storage.Events;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>One database: how to open it, how its SQL differs, and how a unit of work runs on it.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>A unit of work that met a deadlock or a serialization failure is run again this often.</summary>
    private const int Attempts = 4;

    private readonly NpgsqlDataSource? postgres;
    private readonly string? sqlite;

    // SQLite lets one connection write. Writers of this process queue here, first come first served, and not in the engine's polling.
    private readonly SemaphoreSlim writer = new(1, 1);

    public Database(NpgsqlDataSource source)
    {
        postgres = source;
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        Name = $"the PostgreSQL database '{settings.Database ?? settings.Username}' at {settings.Host}:{settings.Port}";
        Partitions = new Partitions(source);
    }

    public Database(string connectionString)
    {
        sqlite = connectionString;
        Name = $"the SQLite database '{new SqliteConnectionStringBuilder(connectionString).DataSource}'";
    }

    /// <summary>What people know it by. No secret.</summary>
    public string Name { get; }

    public bool IsPostgres => postgres is not null;

    /// <summary>Month partitions; null on SQLite.</summary>
    public Partitions? Partitions { get; }

    /// <summary>Series that are known to be stored.</summary>
    public SeriesCache Series { get; } = new();

    /// <summary>SQL that stands for the clock of the database where time is simulated.</summary>
    public string? Clock { get; init; }

    /// <summary>Where people find what events are about; null where nobody serves that.</summary>
    public IEventLinks? Links { get; init; }

    /// <summary>SQL for the clock of the database.</summary>
    public string Now =>
        Clock is not null ? Clock
        : IsPostgres ? "clock_timestamp()"
        : "CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000";

    /// <summary>SQL for the length of an hour, to add to a time.</summary>
    public string Hour => IsPostgres ? "interval '1 hour'" : "3600000000";

    /// <summary>SQL for a number never used as a mark before.</summary>
    public string NextMark =>
        IsPostgres ? "nextval('dirty_mark')" : "(SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'dirty_mark')";

    /// <summary>SQL that locks the rows read.</summary>
    public string ForUpdate => IsPostgres ? " FOR UPDATE" : "";

    /// <summary>A connection string with what correctness asks of every connection.</summary>
    public static string Complete(string connectionString)
    {
        var settings = new SqliteConnectionStringBuilder(connectionString) { ForeignKeys = true };
        return settings.ToString();
    }

    /// <summary>An open connection for reading.</summary>
    public async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (postgres is not null)
            return await postgres.OpenConnectionAsync(cancellationToken);
        var connection = new SqliteConnection(sqlite);
        await connection.OpenAsync(cancellationToken);
        SqlitePragmas.Apply(connection);
        return connection;
    }

    /// <summary>Runs reads; the world's faults come out as <see cref="StorageException"/>.</summary>
    public async Task<T> ReadAsync<T>(Func<Session, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            return await work(new Session(this, connection, null), cancellationToken);
        }
        catch (Exception exception) when (Described(exception, cancellationToken) is { } described)
        {
            throw described;
        }
    }

    /// <summary>Runs what opens its own connections; the world's faults come out as <see cref="StorageException"/>.</summary>
    public async Task GuardAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (Described(exception, cancellationToken) is { } described)
        {
            throw described;
        }
    }

    /// <summary>Runs one transaction: all of it or nothing. The work may be run again, so it keeps nothing outside the database.</summary>
    public async Task<T> TransactAsync<T>(Func<Session, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (!IsPostgres)
            await writer.WaitAsync(cancellationToken);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await using var connection = await OpenAsync(cancellationToken);
                    // On SQLite this is BEGIN IMMEDIATE: a transaction that will write must not begin as a reader.
                    await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                    var result = await work(new Session(this, connection, transaction), cancellationToken);
                    await transaction.CommitAsync(cancellationToken);
                    return result;
                }
                catch (PostgresException exception) when (attempt < Attempts && exception.SqlState is "40001" or "40P01")
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20 * attempt * attempt), cancellationToken);
                }
            }
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.CheckViolation)
        {
            // A row without a partition is reported as a failed check: another process may have dropped the month. The next try asks again.
            Partitions?.Forget();
            throw;
        }
        catch (Exception exception) when (Described(exception, cancellationToken) is { } described)
        {
            throw described;
        }
        finally
        {
            if (!IsPostgres)
                writer.Release();
        }
    }

    /// <summary>Runs one transaction without a result.</summary>
    public Task TransactAsync(Func<Session, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        TransactAsync(
            async (session, token) =>
            {
                await work(session, token);
                return true;
            },
            cancellationToken
        );

    public void Dispose() => writer.Dispose();

    private StorageException? Described(Exception exception, CancellationToken cancellationToken) =>
        exception is StorageException || cancellationToken.IsCancellationRequested ? null : StorageFault.Describe(exception, Name);
}

/// <summary>What transactions of several processes wait for each other for: the first half of a two-part advisory lock of
/// PostgreSQL.</summary>
internal enum AdvisoryLock
{
    /// <summary>The facts of an hour.</summary>
    Hour = 0x4D484F55,

    /// <summary>The sums of a day.</summary>
    Day = 0x4D444159,

    /// <summary>Hardware of deployments.</summary>
    Hardware = 0x4D484152,

    /// <summary>Factors in use.</summary>
    Factor = 0x4D464143,
}

/// <summary>An open connection, in a transaction or not, with the engine's ways of binding and reading times.</summary>
internal sealed class Session(Database database, DbConnection connection, DbTransaction? transaction)
{
    public Database Database { get; } = database;

    public NpgsqlConnection Postgres => (NpgsqlConnection)connection;

    public SqliteConnection Sqlite => (SqliteConnection)connection;

    public SqliteTransaction? SqliteTransaction => (SqliteTransaction?)transaction;

    /// <summary>A command with parameters by name, without their <c>@</c>.</summary>
    public DbCommand Command(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = Bound(value);
            if (value is null && parameter is NpgsqlParameter untyped)
                untyped.NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Unknown;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    public async Task<int> ExecuteAsync(string sql, (string Name, object? Value)[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken) => ExecuteAsync(sql, [], cancellationToken);

    /// <summary>The rows of a query, each made by <paramref name="row"/>.</summary>
    public async Task<List<T>> QueryAsync<T>(
        string sql,
        (string Name, object? Value)[] parameters,
        Func<Row, T> row,
        CancellationToken cancellationToken
    )
    {
        await using var command = Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        var current = new Row(reader, Database.IsPostgres);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(row(current));
        return rows;
    }

    /// <summary>SQL that a column holds one of some keys, to stand behind the column, and the parameter <c>ids</c> that it reads.</summary>
    public (string Among, (string Name, object? Value) Ids) Among(IEnumerable<long> keys) =>
        Database.IsPostgres
            ? ("= ANY(@ids)", ("ids", keys.ToArray()))
            : ("IN (SELECT value FROM json_each(@ids))", ("ids", JsonSerializer.Serialize(keys)));

    /// <summary>Waits until nobody else holds a lock, and holds it until the transaction ends. SQLite has one writer and needs
    /// none.</summary>
    /// <param name="kind">What is locked.</param>
    /// <param name="number">Which of them.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task LockAsync(AdvisoryLock kind, int number, CancellationToken cancellationToken) =>
        Database.IsPostgres
            ? ExecuteAsync("SELECT pg_advisory_xact_lock(@kind, @number)", [("kind", (int)kind), ("number", number)], cancellationToken)
            : Task.CompletedTask;

    /// <summary>The database's clock.</summary>
    public async Task<DateTime> NowAsync(CancellationToken cancellationToken) =>
        (await QueryAsync($"SELECT {Database.Now}", [], row => row.Time(0), cancellationToken))[0];

    /// <summary>Raises the counter behind <see cref="Database.NextMark"/> where the engine has no sequence.</summary>
    public async Task BeginMarkingAsync(CancellationToken cancellationToken)
    {
        if (Database.IsPostgres)
            return;
        await ExecuteAsync(
            "INSERT INTO settings (name, value) VALUES ('dirty_mark', '1') ON CONFLICT (name) DO UPDATE SET value = "
                + "CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
            cancellationToken
        );
    }

    /// <summary>A value as the engine takes it.</summary>
    public object Bound(object? value) =>
        value switch
        {
            null => DBNull.Value,
            DateTime time when !Database.IsPostgres => UnixMicroseconds.From(time),
            DateOnly date when !Database.IsPostgres => date.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
            Enum number => Convert.ToInt16(number, System.Globalization.CultureInfo.InvariantCulture),
            _ => value,
        };
}

/// <summary>The current row of a reader.</summary>
internal readonly struct Row(DbDataReader reader, bool postgres)
{
    public bool IsNull(int column) => reader.IsDBNull(column);

    public long Number(int column) => reader.GetInt64(column);

    public int Small(int column) => reader.GetInt32(column);

    public double Double(int column) => reader.GetDouble(column);

    public double? DoubleOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);

    public bool Flag(int column) => reader.GetBoolean(column);

    public string Text(int column) => reader.GetString(column);

    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public byte[] Bytes(int column) => reader.GetFieldValue<byte[]>(column);

    public int? SmallOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt32(column);

    public DateTime Time(int column) => postgres ? reader.GetDateTime(column) : UnixMicroseconds.To(reader.GetInt64(column));

    public DateOnly? DateOrNull(int column) =>
        reader.IsDBNull(column) ? null
        : postgres ? reader.GetFieldValue<DateOnly>(column)
        : DateOnly.ParseExact(reader.GetString(column), "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    public DateTime? TimeOrNull(int column) => reader.IsDBNull(column) ? null : Time(column);
}

/// <summary>Series known to be in the database, by key. Bounded: forgotten when too many, which costs a lookup.</summary>
internal sealed class SeriesCache
{
    private const int Most = 500_000;
    private readonly ConcurrentDictionary<long, Series> known = [];
    private int count;

    public Series? Find(long id) => known.GetValueOrDefault(id);

    public void Add(Series series)
    {
        if (!known.TryAdd(series.Id, series))
            return;
        if (Interlocked.Increment(ref count) < Most)
            return;
        known.Clear();
        Interlocked.Exchange(ref count, 0);
    }
}

/// <summary>What every SQLite connection is told, whoever opened it.</summary>
internal sealed class SqlitePragmas : DbConnectionInterceptor
{
    public static readonly SqlitePragmas Instance = new();

    public static void Apply(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        // The engine waits in small steps before the driver's coarse ones begin. In WAL mode NORMAL loses no consistency, and after a power
        // cut the last reads come again, because the watermark is in the same transaction.
        command.CommandText =
            $"PRAGMA busy_timeout = {Math.Max(1, connection.DefaultTimeout) * 1000}; PRAGMA synchronous = NORMAL; PRAGMA "
            + $"temp_store = MEMORY; PRAGMA cache_size = -32000;";
        command.ExecuteNonQuery();
    }

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => Apply((SqliteConnection)connection);

    public override Task ConnectionOpenedAsync(
        DbConnection connection,
        ConnectionEndEventData eventData,
        CancellationToken cancellationToken = default
    )
    {
        Apply((SqliteConnection)connection);
        return Task.CompletedTask;
    }
}
