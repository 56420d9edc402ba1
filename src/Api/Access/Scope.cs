namespace Metrics.Api.Access;

/// <summary>What a caller may do. Each is granted by itself, except that <see cref="Admin"/> holds all.</summary>
[Flags]
public enum Scope
{
    /// <summary>Nothing but to be let in.</summary>
    None = 0,

    /// <summary>Data: <c>/odata</c>, placements, explanations, the service's own metrics.</summary>
    Read = 1,

    /// <summary>Reports and what they are made of.</summary>
    Reports = 2,

    /// <summary>Operations: sources, spans of the past, jobs, webhooks.</summary>
    Operate = 4,

    /// <summary>All of it, the keys and the audit log.</summary>
    Admin = 8 | Read | Reports | Operate,
}

/// <summary>What each address asks for, and scopes as words.</summary>
public static class Scopes
{
    private static readonly (string Word, Scope Scope)[] Words =
    [
        ("read", Scope.Read),
        ("reports", Scope.Reports),
        ("operate", Scope.Operate),
        ("admin", Scope.Admin),
    ];

    /// <summary>The words that there are, for people.</summary>
    public const string All = "read, reports, operate, admin";

    /// <summary>Lets only those in whose key or token has the scope. An address that says nothing is for
    /// <see cref="Scope.Admin"/>.</summary>
    /// <param name="endpoint">The address or group of addresses.</param>
    /// <param name="scope">What it asks for.</param>
    public static T RequireScope<T>(this T endpoint, Scope scope)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new RequiredScope(scope));

    /// <summary>The scopes of these words; null when one of them is none, or when there are none.</summary>
    public static Scope? Parse(IEnumerable<string> words)
    {
        var scope = Scope.None;
        foreach (var word in words.Select(word => word.Trim()))
        {
            var found = Array.FindIndex(Words, known => known.Word.Equals(word, StringComparison.OrdinalIgnoreCase));
            if (found < 0)
                return null;
            scope |= Words[found].Scope;
        }
        return scope == Scope.None ? null : scope;
    }

    /// <summary>The words of these scopes: <c>admin</c> alone stands for all.</summary>
    public static IReadOnlyList<string> ToWords(this Scope scope) =>
        scope == Scope.Admin
            ? ["admin"]
            : [.. Words.Where(known => known.Scope != Scope.Admin && scope.HasFlag(known.Scope)).Select(known => known.Word)];
}

/// <summary>What an address asks for. Null: it is open to everybody.</summary>
internal sealed record RequiredScope(Scope? Scope);
