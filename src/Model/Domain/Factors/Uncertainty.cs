using System.Collections.Frozen;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>How far readings may be from the truth, as multiples of what was read.</summary>
public sealed class Uncertainty
{
    private static readonly string[] Columns = ["component", "low", "high", "method", "source", "licence", "vintage"];
    private static readonly NumberRule Least = new(
        0,
        1,
        "",
        "write the least that the truth can be, as a multiple of the reading",
        "component",
        Above: true
    );
    private static readonly NumberRule Most = new(
        1,
        10,
        "",
        "write the most that the truth can be, as a multiple of the reading",
        "component"
    );
    private static readonly IReadOnlyDictionary<string, Component> Components = SnakeCase.Values(Component.None);

    private readonly FrozenDictionary<Component, Bounds> meters;

    /// <summary>Bounds of the meters of each component; of a component that is not among them nothing is known.</summary>
    public Uncertainty(IReadOnlyDictionary<Component, Bounds> meters) => this.meters = meters.ToFrozenDictionary();

    /// <summary>The same bounds for the meters of every component.</summary>
    public Uncertainty(Bounds meter)
        : this(Components.Values.ToDictionary(component => component, _ => meter)) { }

    /// <summary>The bounds that come with the product, <c>uncertainty.csv</c>.</summary>
    public static Uncertainty Published { get; } = Read("uncertainty.csv", TableText.Published("uncertainty.csv"));

    /// <summary>Reads a table, or lists everything wrong with it.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The table has any fault; the exception lists all of them.</exception>
    public static Uncertainty Read(string file, string text)
    {
        var errors = new List<string>();
        var meters = new Dictionary<Component, Bounds>();
        foreach (var row in TableText.Own(file, text, Columns, errors).Rows())
        {
            var before = row.ErrorCount;
            var (component, low, high) = (row.Word("component", Components), row.Number("low", Least), row.Number("high", Most));
            _ = (row.Text("method"), row.Text("source"), row.Text("licence"), row.Year("vintage"));
            if (row.ErrorCount == before && !meters.TryAdd(component!.Value, new Bounds(low!.Value, high!.Value)))
                row.AddError($"component: '{row.Cell("component")}' is given twice; keep one");
        }
        return errors.Count == 0 ? new Uncertainty(meters) : throw new FactorException(errors);
    }

    /// <summary>What a reading is multiplied by for its least and its most; null where a power model has bounds of its own, or nothing is
    /// known of the meter.</summary>
    /// <param name="evidence">How the number is known.</param>
    /// <param name="component">What is read.</param>
    public Bounds? Of(Evidence evidence, Component component) =>
        evidence <= Evidence.Derived && meters.TryGetValue(component, out var meter) ? meter : null;
}
