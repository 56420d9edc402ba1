using Metrics.Domain.Catalogue;

namespace Metrics.Domain.Normalisation;

/// <summary>Sets of words (mappings, factors, reasons), each kept once and known by a number, so that a fact can name its mappings without
/// building the text anew.</summary>
internal sealed class Provenance
{
    /// <summary>The empty set.</summary>
    public const int Nothing = 0;

    private readonly List<string> texts = [""];
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal) { [""] = Nothing };
    private readonly Dictionary<(int, int), int> unions = [];

    /// <summary>The set of one mapping, as <c>id@version</c>.</summary>
    public int Of(MetricMapping mapping) =>
        Of(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{mapping.Id}@{mapping.Version}"));

    /// <summary>The set of one word, which holds no blank.</summary>
    public int Of(string word) => Number(word);

    /// <summary>The set of both.</summary>
    public int Union(int a, int b)
    {
        if (a == b || b == Nothing)
            return a;
        if (a == Nothing)
            return b;
        var pair = a < b ? (a, b) : (b, a);
        if (!unions.TryGetValue(pair, out var union))
        {
            union = Number(Join(texts[a], texts[b]));
            unions.Add(pair, union);
        }
        return union;
    }

    /// <summary>The words, ordered, separated by a space.</summary>
    public string Text(int set) => texts[set];

    /// <summary>The words of both texts, each once, ordered.</summary>
    public static string Join(string a, string b) =>
        a == b || b.Length == 0 ? a
        : a.Length == 0 ? b
        : string.Join(' ', a.Split(' ').Union(b.Split(' '), StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private int Number(string text)
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
