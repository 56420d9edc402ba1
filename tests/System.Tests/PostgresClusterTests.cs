using Npgsql;
using Xunit;

namespace Metrics.SystemTests;

[Collection(PostgresTests.Name)]
public sealed class PostgresClusterTests(PostgresCluster cluster)
{
    [Fact]
    public async Task A_new_database_answers()
    {
        await using var connection = new NpgsqlConnection(await cluster.CreateDatabaseAsync());
        await connection.OpenAsync();
        Assert.True(connection.PostgreSqlVersion.Major >= 15);
    }
}
