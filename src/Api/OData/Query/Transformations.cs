namespace Metrics.Api.OData.Query;

/// <summary>One step of $apply as it was written.</summary>
/// <param name="At">Where it begins, from zero.</param>
internal abstract record Transformation(int At);

/// <summary>aggregate(...): one row of all rows.</summary>
internal sealed record AggregateStep(int At, IReadOnlyList<Aggregate> Items) : Transformation(At);

/// <summary>groupby((...),...): keys, each a list of levels where rollup says so, and what is done with each group.</summary>
internal sealed record GroupByStep(int At, IReadOnlyList<GroupKey> Keys, IReadOnlyList<Transformation>? Each) : Transformation(At);

/// <summary>filter(...).</summary>
internal sealed record FilterStep(int At, Expression Condition) : Transformation(At);

/// <summary>search(...), its text.</summary>
internal sealed record SearchStep(int At, string Text) : Transformation(At);

/// <summary>compute(... as ...).</summary>
internal sealed record ComputeStep(int At, IReadOnlyList<(Expression Expression, string Name, int At)> Items) : Transformation(At);

/// <summary>orderby(...).</summary>
internal sealed record OrderByStep(int At, IReadOnlyList<(Expression Expression, bool Descending)> Items) : Transformation(At);

/// <summary>top(n) and skip(n).</summary>
internal sealed record SliceStep(int At, long? Top, long? Skip) : Transformation(At);

/// <summary>topcount, bottomcount, topsum, bottomsum, toppercent and bottompercent.</summary>
internal sealed record TopBottomStep(int At, bool Largest, TopBottomMethod By, double Amount, Expression Value) : Transformation(At);

/// <summary>concat(...): the results of several sequences, one after the other.</summary>
internal sealed record ConcatStep(int At, IReadOnlyList<IReadOnlyList<Transformation>> Parts) : Transformation(At);

/// <summary>identity.</summary>
internal sealed record IdentityStep(int At) : Transformation(At);

/// <summary>What the amount of a <see cref="TopBottomStep"/> bounds.</summary>
internal enum TopBottomMethod
{
    Count,
    Sum,
    Percent,
}

/// <summary>One result of an aggregate.</summary>
/// <param name="Value">What is aggregated; null for $count.</param>
/// <param name="Method">sum, average, min, max, countdistinct, $count; null for a custom aggregate.</param>
/// <param name="Name">Its name; null where a custom aggregate keeps its own.</param>
internal sealed record Aggregate(int At, Expression? Value, string? Method, string? Name);

/// <summary>What is grouped by.</summary>
/// <param name="Levels">One path, or those of a rollup, from the widest.</param>
/// <param name="All">Whether the rollup goes up to a group of everything.</param>
/// <param name="Rollup">Whether it is one.</param>
internal sealed record GroupKey(IReadOnlyList<PathExpression> Levels, bool All, bool Rollup);
