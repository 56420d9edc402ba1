using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Metrics.Domain.Observations;

/// <summary>The labels of a series: names with values, unique and ordered by name, so that equal sets are equal whatever order they came
/// in.</summary>
public sealed class Labels : IEquatable<Labels>
{
    private readonly ImmutableArray<KeyValuePair<string, string>> pairs;
    private readonly int hash;

    private Labels(ImmutableArray<KeyValuePair<string, string>> pairs)
    {
        this.pairs = pairs;
        var code = new HashCode();
        foreach (var (name, value) in pairs)
        {
            code.Add(name, StringComparer.Ordinal);
            code.Add(value, StringComparer.Ordinal);
        }
        hash = code.ToHashCode();
    }

    /// <summary>No labels.</summary>
    public static Labels None { get; } = new([]);

    /// <summary>The pairs, ordered by name.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Pairs => pairs;

    /// <summary>The value of the label, or null.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var pair in pairs)
                if (string.Equals(pair.Key, name, StringComparison.Ordinal))
                    return pair.Value;
            return null;
        }
    }

    /// <summary>The value of the label as the exporter said it: Prometheus keeps what an exporter says of a pod as <c>exported_pod</c>
    /// where the target carries a label of that name itself, which is then that of the exporter's own pod.</summary>
    public string? Told(string name) =>
        name switch
        {
            "pod" => this["exported_pod"] ?? (SpeaksOfAnother ? null : this["pod"]),
            "namespace" => this["exported_namespace"] ?? (SpeaksOfAnother ? null : this["namespace"]),
            "container" => this["exported_container"] ?? (SpeaksOfAnother ? null : this["container"]),
            "node" => this["exported_node"] ?? this["node"],
            _ => this[name],
        };

    /// <summary>Whether an exporter said of a pod what its own labels say of the exporter's.</summary>
    private bool SpeaksOfAnother => (this["exported_pod"] ?? this["exported_namespace"] ?? this["exported_container"]) is not null;

    /// <summary>Labels from pairs in any order. An empty value is the same as no label, as in Prometheus.</summary>
    /// <exception cref="FormatException">A name is given twice.</exception>
    public static Labels Of(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var sorted = pairs.Where(pair => pair.Value.Length > 0).ToArray();
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        for (var i = 1; i < sorted.Length; i++)
            if (string.Equals(sorted[i].Key, sorted[i - 1].Key, StringComparison.Ordinal))
                throw new FormatException($"The label '{sorted[i].Key}' is given twice.");
        return sorted.Length == 0 ? None : new Labels([.. sorted]);
    }

    /// <summary>Labels from name and value in turn; for tests and literals.</summary>
    public static Labels Of(params (string Name, string Value)[] pairs) =>
        Of(pairs.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] Labels? other)
    {
        if (other is null || other.hash != hash || other.pairs.Length != pairs.Length)
            return false;
        for (var i = 0; i < pairs.Length; i++)
            if (
                !string.Equals(pairs[i].Key, other.pairs[i].Key, StringComparison.Ordinal)
                || !string.Equals(pairs[i].Value, other.pairs[i].Value, StringComparison.Ordinal)
            )
                return false;
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Labels);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    /// <summary>As an exposition line writes them: <c>{a="1",b="2"}</c>; empty when there are none.</summary>
    public override string ToString()
    {
        if (pairs.IsEmpty)
            return "";
        var text = new StringBuilder("{");
        foreach (var (name, value) in pairs)
        {
            if (text.Length > 1)
                text.Append(',');
            text.Append(name)
                .Append("=\"")
                .Append(
                    value
                        .Replace("\\", "\\\\", StringComparison.Ordinal)
                        .Replace("\"", "\\\"", StringComparison.Ordinal)
                        .Replace("\n", "\\n", StringComparison.Ordinal)
                )
                .Append('"');
        }
        return text.Append('}').ToString();
    }
}
