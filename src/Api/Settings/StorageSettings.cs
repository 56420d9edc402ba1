using Metrics.Storage.Engine;

namespace Metrics.Api.Settings;

/// <summary>Section <c>Metrics:Storage</c>.</summary>
public sealed class StorageSettings
{
    /// <summary>Engine; SQLite needs nothing else.</summary>
    public StorageEngine Engine { get; set; } = StorageEngine.Sqlite;

    /// <summary>How to reach it.</summary>
    public string ConnectionString { get; set; } = "Data Source=metrics.db";

    /// <summary>Everything wrong with the section, one sentence each.</summary>
    internal IEnumerable<string> Errors()
    {
        if (StorageRegistration.Validate(Engine, ConnectionString) is { } error)
            yield return $"Metrics:Storage:ConnectionString: {error}";
    }
}
