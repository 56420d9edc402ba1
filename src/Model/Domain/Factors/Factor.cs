using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>A published number that is not measured here: its value, and all that must be known to believe it.</summary>
public sealed record Factor
{
    /// <summary>What it tells.</summary>
    public required FactorKind Kind { get; init; }

    /// <summary>Of which place: <c>aws/eu-central-1</c>, <c>zone/DE</c> (a zone of the grid) or <c>country/DE</c>.</summary>
    public required string Place { get; init; }

    /// <summary>How it was found.</summary>
    public required FactorMethod Method { get; init; }

    /// <summary>The value, in <see cref="Unit"/>.</summary>
    public required double Value { get; init; }

    /// <summary>Between what the value lies; null when its source does not say.</summary>
    public Bounds? Range { get; init; }

    /// <summary>Who published it, where.</summary>
    public required string Source { get; init; }

    /// <summary>SPDX identifier, or another short name.</summary>
    public required string Licence { get; init; }

    /// <summary>The day it was taken from the source; null when unknown.</summary>
    public DateOnly? Retrieved { get; init; }

    /// <summary>The year that the number is of; null when its source does not say. Not the year that it is used for.</summary>
    public int? Vintage { get; init; }

    /// <summary>First day that it is used for.</summary>
    public required DateOnly From { get; init; }

    /// <summary>First day that it is no longer used for; null: until a later one of the same kind, place and method begins.</summary>
    public DateOnly? To { get; init; }

    /// <summary>The edition that it came with, in lower-case letters, digits, dots and hyphens: <c>ember-2025</c>, <c>config</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The PUE that a place is configured with, as a factor; null when it has none of its own.</summary>
    public static Factor? OfPue(Place place) =>
        place.Pue is { } pue
            ? new Factor
            {
                Kind = FactorKind.Pue,
                Place = place.Name,
                Method = FactorMethod.Annual,
                Value = pue,
                Source = "configuration",
                Licence = "",
                From = DateOnly.MinValue,
                Version = "config",
            }
            : null;

    /// <summary>Unit of <see cref="Value"/>.</summary>
    public string Unit => FactorKinds.UnitOf(Kind);

    /// <summary>How a result names it, without blanks: <c>grid_intensity:country/DE:location_average@ember-2025</c>.</summary>
    public string Name => $"{SnakeCase.Of(Kind)}:{Place}{(Method == FactorMethod.Annual ? "" : $":{SnakeCase.Of(Method)}")}@{Version}";

    /// <summary>Key derived from everything that a result depends on: another value is another factor.</summary>
    public long Id => Identity.Of("factor", Name, Text($"{Value:R} {Range?.Low:R} {Range?.High:R} {From:yyyy-MM-dd} {To:yyyy-MM-dd}"));

    private static string Text(FormattableString text) => text.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
