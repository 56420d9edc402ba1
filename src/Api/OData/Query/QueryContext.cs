using System.Globalization;

namespace Metrics.Api.OData.Query;

/// <summary>What the options of one request have in common: engine, parameters, aliases, the time, and the limit on how much is
/// asked.</summary>
internal sealed class QueryContext(SqlDialect dialect, IReadOnlyDictionary<string, string> aliases, DateTime now)
{
    private const int MaxNodes = 4_000;
    private readonly Dictionary<string, Expression> read = new(StringComparer.Ordinal);
    private int nodes,
        names;

    public SqlDialect Dialect => dialect;

    public SqlParameters Parameters { get; } = new();

    /// <summary>The time that now() is throughout the request, UTC.</summary>
    public DateTime Now => now;

    /// <summary>Counts a part of any option against the limit of the request.</summary>
    public void Count(string option)
    {
        if (++nodes > MaxNodes)
            throw ExpressionText.TooComplex(option, $"makes the query larger than {MaxNodes} nodes");
    }

    /// <summary>A name for a derived table, not used before.</summary>
    public string NextName() => string.Create(CultureInfo.InvariantCulture, $"r{++names}");

    /// <summary>What a parameter alias stands for; null when it has no value, which the specification calls null.</summary>
    public Expression? Alias(string name)
    {
        if (read.TryGetValue(name, out var known))
            return known;
        return aliases.TryGetValue(name, out var text) ? read[name] = ExpressionReader.Parse(text, name) : null;
    }
}
