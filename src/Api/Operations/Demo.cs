namespace Metrics.Api.Operations;

/// <summary>What is read when nothing is configured: the service itself, and the recording of a small fleet, so that a newcomer sees true
/// numbers in a minute.</summary>
public static class Demo
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "samples");

    /// <summary>Adds <c>samples/demo.json</c> beneath every other source of configuration.</summary>
    public static void AddTo(ConfigurationManager configuration)
    {
        var demo = new ConfigurationBuilder().AddJsonFile(Path.Combine(Folder, "demo.json"), optional: false).Build();
        var values = demo.AsEnumerable()
            .Where(entry => entry.Value is not null)
            .ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in values)
            if (key.EndsWith(":Path", StringComparison.Ordinal) && !Path.IsPathRooted(value))
                values[key] = Path.Combine(Folder, value!);
        configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = values });
    }
}
