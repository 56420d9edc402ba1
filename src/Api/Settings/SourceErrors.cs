using Metrics.Domain.Factors;
using Metrics.Domain.Messages;
using Metrics.Ingestors.Providers;

namespace Metrics.Api.Settings;

/// <summary>What is wrong with a section <c>Metrics:Sources:{id}</c>, whose type belongs to the providers.</summary>
internal static class SourceErrors
{
    /// <summary>Everything wrong with the source, one sentence each.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="source">What is configured.</param>
    /// <param name="places">Configured places, by name.</param>
    /// <param name="factors">Regions and servers that are known.</param>
    /// <param name="regions">Names of regions that are known without the configuration.</param>
    public static IEnumerable<string> Of(
        string id,
        SourceSettings source,
        IReadOnlyDictionary<string, PlaceSettings> places,
        FactorBook factors,
        IEnumerable<string> regions
    )
    {
        var at = $"Metrics:Sources:{id}";
        if (!KnownProviders.All.ContainsKey(source.Provider))
            yield return $"{at}:Provider: '{source.Provider}' is not a provider; there are "
                + $"{string.Join(", ", KnownProviders.All.Keys.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}.";
        else if (!MetricsSettings.IsOwnMetrics(source))
            foreach (var error in source.Validate())
                yield return $"{at}: {error}";
        if (source.Place is { } place && !places.ContainsKey(place) && factors.RegionOf(place) is null)
            yield return $"{at}:Place: '{place}' is not in Metrics:Places{Spelling.Near(place, places.Keys.Concat(regions))}; "
                + "add it there, with its Country and Pue when they are known.";
        if (source.Hardware is { } hardware)
        {
            var stands = (source.Place ?? "").Split('/')[0];
            if (factors.Servers.Find(stands, hardware) is null)
            {
                var known = factors
                    .Servers.All.Where(server =>
                        server.Provider.Equals(stands, StringComparison.OrdinalIgnoreCase) || server.Provider == "any"
                    )
                    .Select(server => server.Name);
                yield return $"{at}:Hardware: '{hardware}' is not a server that is known "
                    + $"{(source.Place is null ? "without a Place" : $"at '{stands}'")}{Spelling.Near(hardware, known)}; mend it, or "
                    + "add the server by a file of Metrics:Factors.";
            }
        }
        if (source.Every is { } every && every < TimeSpan.FromSeconds(1))
            yield return $"{at}:Every: {every} is shorter than a second.";
        foreach (
            var (name, span) in new[]
            {
                (nameof(source.Settle), source.Settle),
                (nameof(source.Overlap), source.Overlap),
                (nameof(source.Lookback), source.Lookback),
            }
        )
            if (span < TimeSpan.Zero)
                yield return $"{at}:{name}: {span} is negative; give a length of time such as 00:05:00.";
    }
}
