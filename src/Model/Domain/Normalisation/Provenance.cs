using System.Globalization;
using Metrics.Domain.Catalogue;

namespace Metrics.Domain.Normalisation;

/// <summary>Mappings that something was read through, as a number of <see cref="Provenance"/>.</summary>
/// <remarks><c>default</c> is the empty set.</remarks>
internal readonly record struct MappingSet(int Number);

/// <summary>Factors that something was made with, as a number of <see cref="Provenance"/>.</summary>
/// <remarks><c>default</c> is the empty set.</remarks>
internal readonly record struct FactorSet(int Number);

/// <summary>Sets of mappings and of factors, each kept once and known by a number, so that a fact can name them without building the text
/// anew.</summary>
internal sealed class Provenance
{
    private readonly WordSets mappings = new();
    private readonly WordSets factors = new();

    /// <summary>The set of one mapping, as <c>id@version</c>.</summary>
    public MappingSet Of(MetricMapping mapping) =>
        new(mappings.Number(string.Create(CultureInfo.InvariantCulture, $"{mapping.Id}@{mapping.Version}")));

    /// <summary>The set of one factor.</summary>
    /// <param name="factor">Its name, which holds no blank.</param>
    public FactorSet Of(string factor) => new(factors.Number(factor));

    /// <summary>The set of both.</summary>
    public MappingSet Union(MappingSet a, MappingSet b) => new(mappings.Union(a.Number, b.Number));

    /// <inheritdoc cref="Union(MappingSet, MappingSet)"/>
    public FactorSet Union(FactorSet a, FactorSet b) => new(factors.Union(a.Number, b.Number));

    /// <summary>The words, ordered, separated by a space.</summary>
    public string Text(MappingSet set) => mappings.Text(set.Number);

    /// <inheritdoc cref="Text(MappingSet)"/>
    public string Text(FactorSet set) => factors.Text(set.Number);

    /// <summary>The words of both texts, each once, ordered.</summary>
    public static string Join(string a, string b) =>
        a == b || b.Length == 0 ? a
        : a.Length == 0 ? b
        : string.Join(' ', a.Split(' ').Union(b.Split(' '), StringComparer.Ordinal).Order(StringComparer.Ordinal));

    /// <summary>Sets of words by number; the empty one is zero.</summary>
    private sealed class WordSets
    {
        private readonly List<string> texts = [""];
        private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal) { [""] = 0 };
        private readonly Dictionary<(int, int), int> unions = [];

        public string Text(int set) => texts[set];

        public int Union(int a, int b)
        {
            if (a == b || b == 0)
                return a;
            if (a == 0)
                return b;
            var pair = a < b ? (a, b) : (b, a);
            if (!unions.TryGetValue(pair, out var union))
            {
                union = Number(Join(texts[a], texts[b]));
                unions.Add(pair, union);
            }
            return union;
        }

        public int Number(string text)
        {
            if (!numbers.TryGetValue(text, out var number))
            {
                number = texts.Count;
                texts.Add(text);
                numbers.Add(text, number);
            }
            return number;
        }
    }
}
