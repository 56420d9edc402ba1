using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Pipeline;

/// <summary>The configured sources, opened, by id.</summary>
public sealed class SourceList
{
    private readonly ConcurrentDictionary<string, (SourceSettings Settings, ITelemetrySource Source)> open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> reading = new(StringComparer.Ordinal);

    /// <summary>Settings of every source, by id.</summary>
    public IEnumerable<SourceSettings> All =>
        open.Values.Select(entry => entry.Settings).OrderBy(settings => settings.Id, StringComparer.Ordinal);

    /// <summary>Adds an opened source.</summary>
    public void Add(SourceSettings settings, ITelemetrySource source) => open[settings.Id] = (settings, source);

    /// <summary>The source with this id, if there is one.</summary>
    public bool TryGet(string id, [NotNullWhen(true)] out SourceSettings? settings, [NotNullWhen(true)] out ITelemetrySource? source)
    {
        var found = open.TryGetValue(id, out var entry);
        (settings, source) = entry;
        return found;
    }

    /// <summary>Marks the source as being read here; false when it already is, so that a slow source holds one worker and not all of
    /// them.</summary>
    public bool TryEnter(string id) => reading.TryAdd(id, true);

    /// <summary>Ends what <see cref="TryEnter"/> began.</summary>
    public void Leave(string id) => reading.TryRemove(id, out _);
}
