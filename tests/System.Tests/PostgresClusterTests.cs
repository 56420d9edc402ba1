using Npgsql;
using Xunit;

namespace Metrics.SystemTests;

public sealed class PostgresClusterTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task A_new_database_answers()
    {
        await using var connection = new NpgsqlConnection(await cluster.CreateDatabaseAsync());
        await connection.OpenAsync();
        Assert.True(connection.PostgreSqlVersion.Major >= 15);
    }
}
