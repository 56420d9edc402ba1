using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Settings;

/// <summary>One entry of section <c>Metrics:Conversions</c>: one <see cref="From"/> is <see cref="Factor"/> of <see cref="To"/>.</summary>
public sealed class ConversionSettings
{
    /// <summary>A functional unit.</summary>
    public string From { get; set; } = "";

    /// <summary>Another one.</summary>
    public string To { get; set; } = "";

    /// <summary>How many of the other are one of the first.</summary>
    public double Factor { get; set; }

    /// <summary>Everything wrong with the section, one sentence each.</summary>
    internal static IReadOnlyList<string> Errors(IReadOnlyList<ConversionSettings> conversions)
    {
        var errors = new List<string>();
        var accepted = new List<(string At, UnitConversion Conversion)>();
        for (var i = 0; i < conversions.Count; i++)
        {
            var (at, before) = ($"Metrics:Conversions:{i}", errors.Count);
            foreach (
                var (key, unit) in new[]
                {
                    (nameof(ConversionSettings.From), conversions[i].From),
                    (nameof(ConversionSettings.To), conversions[i].To),
                }
            )
                if (!FunctionalUnit.Known.ContainsKey(unit))
                    errors.Add(
                        $"{at}:{key}: '{unit}' is not a functional unit; there are "
                            + $"{string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}."
                    );
            if (!(conversions[i].Factor is > 0 and < double.PositiveInfinity))
                errors.Add(
                    $"{at}:Factor: {conversions[i].Factor.ToString(CultureInfo.InvariantCulture)} is not a finite ratio above "
                        + $"zero; write how many of {nameof(ConversionSettings.To)} are one of {nameof(ConversionSettings.From)}."
                );
            if (errors.Count > before)
                continue;

            var declared = new UnitConversion(conversions[i].From, conversions[i].To, conversions[i].Factor);
            if (Follow(accepted.Select(other => other.Conversion)) is { } ratio)
            {
                // Those without which there would be no circle.
                var circle = accepted
                    .Where(other => Follow(accepted.Where(rest => rest != other).Select(rest => rest.Conversion)) is null)
                    .Select(other => other.At)
                    .ToList();
                var says = circle.Count == 1 ? "says" : "say";
                errors.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{at}: one {declared.From} is {declared.Factor} {declared.To}, but "
                            + $"{(circle.Count == 0 ? "both are one unit" : $"{string.Join(", ", circle)} {says} that it is {ratio}")}; "
                            + $"a circle says the same twice or contradicts itself, so remove one."
                    )
                );
            }
            else
                accepted.Add((at, declared));

            double? Follow(IEnumerable<UnitConversion> others) => new UnitConversions([.. others]).Factor(declared.From, declared.To);
        }
        return errors;
    }
}
