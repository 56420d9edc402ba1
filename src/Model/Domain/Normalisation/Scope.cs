using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>What makes a name unique at a place, as labels tell it: account, resource group, cluster, site. Two scopes contradict each
/// other where they tell one thing differently; what one of them does not tell is no contradiction.</summary>
internal sealed class Scope
{
    public static readonly Scope None = new([]);

    private readonly (string Dimension, string Value)[] parts;

    private Scope((string Dimension, string Value)[] parts)
    {
        this.parts = parts;
        Text = string.Join('/', parts.Select(part => part.Value));
    }

    /// <summary>The values in the order of what they tell, separated by slashes; empty when nothing is told.</summary>
    public string Text { get; }

    /// <summary>How much is told.</summary>
    public int Count => parts.Length;

    /// <summary>The scope that labels tell.</summary>
    public static Scope Of(Labels labels, IReadOnlyList<string> references)
    {
        List<(string, string)>? told = null;
        for (var i = 0; i < references.Count; i++)
            if (Read(labels, references[i]) is { } value)
                (told ??= []).Add((Dimension(references[i]), value));
        return told is null ? None : Of(told);
    }

    /// <summary>The value of a label, or of <c>label/segment</c> what follows the segment in the path that the label holds, in lower case
    /// as paths of resources are compared.</summary>
    public static string? Read(Labels labels, string reference)
    {
        if (labels[reference] is { } value)
            return value;
        var slash = reference.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || labels[reference[..slash]] is not { } path)
            return null;
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i + 1 < segments.Length; i++)
            if (segments[i].AsSpan().Equals(reference.AsSpan(slash + 1), StringComparison.OrdinalIgnoreCase))
                return Hosts.Lower(segments[i + 1]);
        return null;
    }

    /// <summary>Whether both tell one thing differently.</summary>
    public bool Contradicts(Scope other)
    {
        foreach (var (dimension, value) in parts)
        foreach (var (same, otherwise) in other.parts)
            if (dimension == same && value != otherwise)
                return true;
        return false;
    }

    /// <summary>What both tell together.</summary>
    public Scope With(Scope other) =>
        other.parts.Length == 0 ? this
        : parts.Length == 0 ? other
        : Of([.. parts, .. other.parts]);

    /// <summary>With one more label.</summary>
    public Scope With(string label, string value) => With(Of([(Dimension(label), value)]));

    private static Scope Of(List<(string Dimension, string Value)> told) =>
        new([
            .. told.GroupBy(part => part.Dimension, StringComparer.Ordinal)
                .OrderBy(part => part.Key, StringComparer.Ordinal)
                .Select(part => (part.Key, part.First().Value)),
        ]);

    // AccountId and account_id tell one thing.
    private static string Dimension(string reference) =>
        Hosts.Lower(string.Concat(reference[(reference.IndexOf('/', StringComparison.Ordinal) + 1)..].Where(char.IsAsciiLetterOrDigit)));
}
