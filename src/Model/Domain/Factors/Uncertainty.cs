using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>How far readings may be from the truth, as multiples of what was read.</summary>
public sealed class Uncertainty(Bounds meter)
{
    /// <summary>The bounds that come with the product.</summary>
    public static Uncertainty Published { get; } = new(new Bounds(0.95, 1.05));

    /// <summary>What a reading is multiplied by for its least and its most; null where a power model has bounds of its own.</summary>
    /// <param name="evidence">How the number is known.</param>
    /// <param name="component">What is read.</param>
    public Bounds? Of(Evidence evidence, Component component) => evidence <= Evidence.Derived && component != Component.None ? meter : null;
}
