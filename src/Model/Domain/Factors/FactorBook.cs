using System.Collections.Frozen;
using Metrics.Domain.Observations;

namespace Metrics.Domain.Factors;

/// <summary>Where a region stands.</summary>
/// <param name="Name"><c>provider/region</c>.</param>
/// <param name="Country">ISO 3166-1 alpha-2; null when unknown.</param>
/// <param name="Zone">Zone of the electricity grid as its publisher names it (<c>US-MIDA-PJM</c>); null when unknown.</param>
public sealed record Region(string Name, string? Country, string? Zone)
{
    /// <summary>Whether a text has the form of a country's code: two capital letters.</summary>
    public static bool IsCountry(string code) => code.Length == 2 && code.All(char.IsAsciiLetterUpper);

    /// <summary>The region that this one tells of, with what only the other one knows.</summary>
    internal Region Over(Region? other) => this with { Country = Country ?? other?.Country, Zone = Zone ?? other?.Zone };
}

/// <summary>Everything that is known beside the telemetry: factors of places, hardware, servers and models. What is not in it is unknown;
/// there are no averages to fall back to.</summary>
public sealed class FactorBook
{
    // The first layer that knows anything answers: an operator's factors lie over the published ones.
    private readonly IReadOnlyList<FrozenDictionary<(FactorKind, FactorMethod, string), Factor[]>> layers;
    private readonly FrozenDictionary<string, Region> regions;

    private FactorBook(
        IReadOnlyList<FrozenDictionary<(FactorKind, FactorMethod, string), Factor[]>> layers,
        FrozenDictionary<string, Region> regions,
        HardwareTable hardware,
        ServerTable servers,
        ModelTable models,
        Uncertainty uncertainty
    )
    {
        this.layers = layers;
        this.regions = regions;
        (Hardware, Servers, Models, Uncertainty) = (hardware, servers, models, uncertainty);
    }

    /// <summary>The factors that come with the product.</summary>
    public static FactorBook Published { get; } =
        new FactorBook(
            [],
            FrozenDictionary<string, Region>.Empty,
            HardwareTable.Published,
            ServerTable.Published,
            ModelTable.Published,
            Uncertainty.Published
        ).With([.. FactorTable.Published("grid.csv"), .. FactorTable.Published("sites.csv")], RegionTable.Published("regions.csv"));

    /// <summary>Power of accelerators and virtual CPUs.</summary>
    public HardwareTable Hardware { get; }

    /// <summary>What servers and instances are made of.</summary>
    public ServerTable Servers { get; }

    /// <summary>Sizes of language models.</summary>
    public ModelTable Models { get; }

    /// <summary>How far a reading may be from the truth.</summary>
    public Uncertainty Uncertainty { get; }

    /// <summary>Every factor, the operator's included, by name and first day, each with the first day on which it no longer holds: its own
    /// last, or the next one's first; null when there is none.</summary>
    public IReadOnlyList<(Factor Factor, DateOnly? Until)> Spans =>
        [
            .. layers
                .SelectMany(layer => layer.Values)
                .SelectMany(factors =>
                    factors.Select(
                        (factor, at) => (Factor: factor, Until: factor.To ?? (at + 1 < factors.Length ? factors[at + 1].From : null))
                    )
                )
                .OrderBy(span => span.Factor.Name, StringComparer.Ordinal)
                .ThenBy(span => span.Factor.From),
        ];

    /// <summary>Every region known, by name.</summary>
    public IEnumerable<Region> Regions => regions.Values.OrderBy(region => region.Name, StringComparer.Ordinal);

    /// <summary>The region of a name, or null when nothing is known of it.</summary>
    public Region? RegionOf(string place) => regions.GetValueOrDefault(place);

    /// <summary>This book under other factors: where those know a place, method and day, theirs is taken.</summary>
    /// <param name="factors">Factors of places.</param>
    /// <param name="regions">Regions; what one of them leaves out is taken from this book.</param>
    /// <param name="hardware">Power of hardware.</param>
    /// <param name="servers">Servers.</param>
    /// <param name="models">Models; their patterns are tried before those of this book.</param>
    /// <exception cref="ArgumentException">Two of them hold for one kind, place, method and day.</exception>
    public FactorBook With(
        IEnumerable<Factor> factors,
        IEnumerable<Region>? regions = null,
        HardwareTable? hardware = null,
        ServerTable? servers = null,
        ModelTable? models = null
    )
    {
        var given = factors.ToList();
        var overlaps = PlacedFactor.Overlaps(given.Select(factor => new PlacedFactor(factor.Source, factor))).ToList();
        if (overlaps.Count > 0)
            throw new ArgumentException(string.Join(Environment.NewLine, overlaps), nameof(factors));
        var layer = given
            .GroupBy(factor => (factor.Kind, factor.Method, factor.Place))
            .ToFrozenDictionary(group => group.Key, group => group.OrderBy(factor => factor.From).ToArray());
        var known = this.regions.ToDictionary(StringComparer.Ordinal);
        foreach (var region in regions ?? [])
            known[region.Name] = region.Over(known.GetValueOrDefault(region.Name));
        return new FactorBook(
            [layer, .. layers],
            known.ToFrozenDictionary(StringComparer.Ordinal),
            hardware?.Over(Hardware) ?? Hardware,
            servers?.Over(Servers) ?? Servers,
            models?.Over(Models) ?? Models,
            Uncertainty
        );
    }

    /// <summary>The factor of a place on a day: the region's own, else its grid zone's, else its country's; null when none is
    /// known.</summary>
    /// <remarks>A PUE and a WUE are a building's: they have no zone's or country's value to fall back to.</remarks>
    public Factor? Find(FactorKind kind, FactorMethod method, Place place, DateOnly day)
    {
        var region = RegionOf(place.Name);
        foreach (var layer in layers)
        {
            if (In(layer, place.Name) is { } own)
                return own;
            if (kind != FactorKind.GridIntensity)
                continue;
            if (region?.Zone is { } zone && In(layer, $"zone/{zone}") is { } ofZone)
                return ofZone;
            if ((place.Country ?? region?.Country) is { } country && In(layer, $"country/{country}") is { } ofCountry)
                return ofCountry;
        }
        return null;

        Factor? In(FrozenDictionary<(FactorKind, FactorMethod, string), Factor[]> layer, string name)
        {
            if (!layer.TryGetValue((kind, method, name), out var factors))
                return null;
            for (var i = factors.Length - 1; i >= 0; i--)
                if (factors[i].From <= day)
                    return factors[i].To is { } to && to <= day ? null : factors[i];
            return null;
        }
    }
}
