using System.Collections.Immutable;

namespace Metrics.Domain.Factors;

/// <summary>A declared ratio of functional units: one <paramref name="From"/> is <paramref name="Factor"/> of <paramref name="To"/>, for
/// instance one request is 800 output tokens.</summary>
/// <param name="From">A functional unit.</param>
/// <param name="To">Another one.</param>
/// <param name="Factor">Finite, above zero.</param>
public sealed record UnitConversion(string From, string To, double Factor);

/// <summary>Conversions of functional units, each declared by somebody: none is ever assumed.</summary>
public sealed class UnitConversions
{
    private readonly ImmutableArray<UnitConversion> steps;

    /// <summary>Conversions that can be followed in both directions and one after another.</summary>
    /// <exception cref="ArgumentException">
    /// A unit is empty, a ratio is not finite or not above zero, or a conversion closes a circle, since what it says follows
    /// from the others already or contradicts them. All faults are listed.
    /// </exception>
    public UnitConversions(params ReadOnlySpan<UnitConversion> conversions)
    {
        var errors = new List<string>();
        steps = [];
        for (var i = 0; i < conversions.Length; i++)
        {
            var (from, to, factor) = conversions[i];
            if (string.IsNullOrWhiteSpace(from) || string.IsNullOrWhiteSpace(to))
                errors.Add($"conversion {i + 1}: a unit is empty; name both");
            else if (factor is not (> 0 and < double.PositiveInfinity))
                errors.Add($"conversion {i + 1}: one {from} is {factor} {to}; write a finite ratio above zero");
            else if (Factor(from, to) is not null)
                errors.Add($"conversion {i + 1}: {from} to {to} closes a circle with those before it; remove one");
            else
                steps = steps.Add(conversions[i]);
        }
        if (errors.Count > 0)
            throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(conversions));
    }

    /// <summary>No conversion.</summary>
    public static UnitConversions None { get; } = new();

    /// <summary>How many of one unit are one of another; 1 for the same unit, null when nothing is declared that leads from one to the
    /// other.</summary>
    public double? Factor(string from, string to)
    {
        // Without circles there is one way at most, so the first one found is the answer.
        var reached = new Dictionary<string, double>(StringComparer.Ordinal) { [from] = 1 };
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var unit))
        {
            if (string.Equals(unit, to, StringComparison.Ordinal))
                return reached[unit];
            foreach (var step in steps)
            {
                if (step.From == unit && reached.TryAdd(step.To, reached[unit] * step.Factor))
                    open.Enqueue(step.To);
                else if (step.To == unit && reached.TryAdd(step.From, reached[unit] / step.Factor))
                    open.Enqueue(step.From);
            }
        }
        return null;
    }
}
