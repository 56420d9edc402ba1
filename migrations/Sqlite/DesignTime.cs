using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Metrics.Migrations.Sqlite;

/// <summary>What <c>dotnet ef migrations add</c> works on. It compares models and opens no connection.</summary>
public sealed class DesignTime : IDesignTimeDbContextFactory<MetricsDbContext>
{
    /// <inheritdoc/>
    public MetricsDbContext CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<MetricsDbContext>();
        options.UseSqliteStorage("Data Source=metrics.db");
        return new MetricsDbContext(options.Options);
    }
}
