using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Metrics.Storage.Schema;

/// <summary>The tables of <c>docs/data-model.md</c>, one model for both engines. Times in C# are UTC.</summary>
/// <remarks>It owns the schema. Bulk writes and OData's reads speak SQL to the same tables and views.</remarks>
public sealed class MetricsDbContext(DbContextOptions<MetricsDbContext> options) : DbContext(options)
{
    /// <inheritdoc/>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<Evidence>().HaveConversion<short>();
        configurationBuilder.Properties<EnergyCover>().HaveConversion<short>();
        configurationBuilder.Properties<MissingReasons>().HaveConversion<int>();
        configurationBuilder.Properties<Statistic>().HaveConversion<short>();
        // Bytes, not a language, order text: the same on both engines and on every server's locale, so that pages of OData go on where they
        // ended.
        if (Database.IsNpgsql())
            configurationBuilder.Properties<string>().UseCollation("C");
        // SQLite has no time type; whole microseconds compare and sort as PostgreSQL's timestamptz does.
        if (Database.IsSqlite())
            configurationBuilder.Properties<DateTime>().HaveConversion<UnixMicroseconds>();
    }

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(MetricsDbContext).Assembly);
        foreach (var entity in modelBuilder.Model.GetEntityTypes())
            Name(entity);
    }

    private static void Name(IMutableEntityType entity)
    {
        var table = entity.GetTableName()!;
        foreach (var property in entity.GetProperties())
            property.SetColumnName(SnakeCase.Of(property.Name));
        foreach (var key in entity.GetKeys())
            key.SetName($"pk_{table}");
        foreach (var index in entity.GetIndexes())
            index.SetDatabaseName($"ix_{table}_{string.Join('_', index.Properties.Select(property => SnakeCase.Of(property.Name)))}");
        foreach (var foreign in entity.GetForeignKeys())
            foreign.SetConstraintName($"fk_{table}_{string.Join('_', foreign.Properties.Select(property => SnakeCase.Of(property.Name)))}");
    }
}

/// <summary>UTC times as whole microseconds since 1970, as SQLite keeps them.</summary>
public sealed class UnixMicroseconds() : ValueConverter<DateTime, long>(time => From(time), micros => To(micros))
{
    /// <summary>Microseconds of a UTC time; what is finer is cut off, as PostgreSQL does.</summary>
    public static long From(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The UTC time of microseconds.</summary>
    public static DateTime To(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + microseconds * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
}
