using Metrics.Api.OData.Model;

namespace Metrics.Api.OData.Query;

/// <summary>A column of a relation, which a query names by its path.</summary>
/// <param name="Path">Its name; behind navigation properties with slashes: <c>Deployment/Region</c>.</param>
/// <param name="Term">Its SQL over the relation's source.</param>
/// <param name="Type">What it is written as.</param>
internal sealed record QueryColumn(string Path, Term Term, PropertyType Type)
{
    /// <summary>The property of the model, when it is one as it is.</summary>
    public EntityProperty? Property { get; init; }

    /// <summary>How much its SQL is once every computed column in it is written out.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Column that must hold one value where values of this one are added: nobody adds tokens and requests. Null: none.</summary>
    public string? Context { get; init; }

    /// <summary>Of rows put together from several parts: the parts that have the column. All, as a rule.</summary>
    public ulong Parts { get; init; } = ulong.MaxValue;

    /// <summary>What the column holds when it is written alone.</summary>
    public SqlType SqlType => Term.Type;
}

/// <summary>One result of a group of rows.</summary>
/// <param name="Column">Its name, and its SQL over the rows.</param>
/// <param name="Parts">SQL over the rows of what <paramref name="Combine"/> is made of.</param>
/// <param name="Combine">SQL of the same result over the parts of several groups; null where none can be made of them.</param>
internal sealed record AggregateColumn(QueryColumn Column, IReadOnlyList<string> Parts, Func<IReadOnlyList<string>, string>? Combine);

/// <summary>One column of an order of rows.</summary>
/// <param name="Term">What is sorted by.</param>
/// <param name="OrderedSql">The same, comparing texts as the order does.</param>
/// <param name="Descending">Largest first; nulls, which are smaller than everything, last.</param>
internal sealed record SortKey(Term Term, string OrderedSql, bool Descending)
{
    /// <summary>As it stands after ORDER BY.</summary>
    public string Sql => $"{OrderedSql}{(Descending ? " DESC" : "")}{(Term.Nullable ? Descending ? " NULLS LAST" : " NULLS FIRST" : "")}";
}
