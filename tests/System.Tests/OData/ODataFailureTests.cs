using System.Globalization;
using System.Net;
using Metrics.Storage.Engine;
using Npgsql;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>What a client sees when the store is gone, slow or fails in the middle.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataFailureTests(ODataServices services)
{
    [Theory]
    [InlineData(StorageEngine.Sqlite, "Data Source=/nowhere/at/all.db;Mode=ReadWrite")]
    [InlineData(StorageEngine.Postgres, "Host=127.0.0.1;Port=1;Username=nobody;Timeout=2")]
    public async Task A_store_that_is_gone_is_503_with_a_time_to_come_back(StorageEngine engine, string connectionString)
    {
        await using var service = await ODataService.StartAsync(engine, connectionString, migrate: false);
        using var response = await service.Client.GetAsync("HourlyIntensities?$top=1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(10), response.Headers.RetryAfter!.Delta);
        Assert.Equal("StorageUnavailable", (await service.RefusedAsync("Deployments(5)")).Code);
        Assert.Equal("StorageUnavailable", (await service.RefusedAsync("Deployments/$count")).Code);
        // What does not need the store is answered without it.
        Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("$metadata")).StatusCode);
        Assert.Equal(400, (await service.RefusedAsync("HourlyIntensities?$filter=Nope eq 1")).Status);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_store_without_its_views_is_503(StorageEngine engine)
    {
        await using var service = await services.StartEmptyAsync(engine);
        await service.ExecuteAsync("DROP VIEW \"Runs\"");
        Assert.Equal(
            (503, "StorageUnavailable", "The store is not prepared for this version of the service."),
            await service.RefusedAsync("Runs")
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_query_that_takes_too_long_is_stopped(StorageEngine engine)
    {
        await using var service = await services.StartEmptyAsync(engine, settings =>
            settings.StatementTimeout = TimeSpan.FromMilliseconds(300)
        );
        await service.ExecuteAsync("DROP VIEW \"Workloads\"");
        await service.ExecuteAsync(
            engine == StorageEngine.Sqlite
                ? "CREATE VIEW \"Workloads\" AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'a' AS "
                    + "\"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" FROM c WHERE n < 0"
                : "CREATE VIEW \"Workloads\" AS SELECT 'a' AS \"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" FROM (SELECT pg_sleep(60)) s"
        );
        var refused = await service.RefusedAsync("Workloads");
        Assert.Equal((503, "QueryTimeout"), (refused.Status, refused.Code));
        // The connection is usable afterwards.
        Assert.Equal(0, await service.CountAsync("Runs", "true"));
    }

    [Fact]
    public async Task A_client_that_goes_away_stops_its_query()
    {
        await using var service = await services.StartEmptyAsync(StorageEngine.Postgres);
        await service.ExecuteAsync(
            "DROP VIEW \"Workloads\"; CREATE VIEW \"Workloads\" AS SELECT 'a' AS \"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" "
                + "FROM (SELECT pg_sleep(60)) s"
        );
        await using var connection = (NpgsqlConnection)service.Connect();
        await connection.OpenAsync();
        using var gone = new CancellationTokenSource();
        var request = service.Client.GetAsync("Workloads", gone.Token);
        await UntilAsync(connection, 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await UntilAsync(connection, 0);
    }

    [Fact]
    public async Task A_page_that_breaks_off_does_not_look_whole()
    {
        await using var service = await services.StartEmptyAsync(StorageEngine.Sqlite);
        var names = string.Join(',', Enumerable.Range(0, 900).Select(i => $"('w{i:0000}{new string('x', 200)}')"));
        // Row 601 cannot be computed; the rows before it come from an index, one by one.
        await service.ExecuteAsync(
            $"""
            CREATE TABLE w (name TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES {names}; DROP VIEW "Workloads";
            CREATE VIEW "Workloads" AS SELECT name AS "Name", CASE WHEN name LIKE 'w0600%' THEN json('broken') END AS "Model",
                NULL AS "Precision" FROM w;
            """
        );
        var broken = await Assert.ThrowsAnyAsync<HttpRequestException>(() => service.Client.GetStringAsync("Workloads"));
        Assert.Null(broken.StatusCode);
        // While nothing has been sent, it is an answer that says what happened.
        Assert.Equal(
            (500, "InternalError"),
            ((await service.RefusedAsync("Workloads?$select=Model")).Status, (await service.RefusedAsync("Workloads?$select=Model")).Code)
        );
        Assert.Equal(100, (await service.GetAsync("Workloads?$top=100")).GetProperty("value").GetArrayLength());
    }

    [Fact]
    public async Task Arithmetic_out_of_range_is_the_clients_error_and_not_a_fault()
    {
        var refused = await services[StorageEngine.Postgres]
            .RefusedAsync("HourlyIntensities?$filter=" + Uri.EscapeDataString("Units mul 1e308 mul 1e308 gt 1"));
        Assert.Equal((400, "NumberOutOfRange"), (refused.Status, refused.Code));
    }

    // There is nothing to wait on but the server's own list of what runs.
    private static async Task UntilAsync(NpgsqlConnection connection, long running)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (true)
        {
            await using var command = new NpgsqlCommand(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE "
                    + "'%Workloads%' AND pid <> pg_backend_pid()",
                connection
            );
            if (Convert.ToInt64(await command.ExecuteScalarAsync(patience.Token), CultureInfo.InvariantCulture) == running)
                return;
        }
    }
}
