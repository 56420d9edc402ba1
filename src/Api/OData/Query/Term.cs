using Metrics.Api.OData.Model;

namespace Metrics.Api.OData.Query;

/// <summary>What a piece of SQL yields.</summary>
internal enum SqlType
{
    Null,
    Boolean,
    Integer,
    Double,
    Text,
    Date,
    Instant,
}

/// <summary>A piece of SQL, or a literal that becomes a parameter once it is known what it is compared with.</summary>
/// <param name="Sql">The SQL; null for a literal.</param>
/// <param name="Type">What it yields.</param>
/// <param name="Nullable">Whether it may yield null.</param>
/// <param name="Literal">The literal: long, double, string, DateOnly, UTC DateTime; null for SQL and for the null literal.</param>
internal readonly record struct Term(string? Sql, SqlType Type, bool Nullable, object? Literal = null)
{
    public bool IsLiteral => Sql is null;

    public bool IsNumber => Type is SqlType.Integer or SqlType.Double;
}

/// <summary>What the model's types are in SQL, and back.</summary>
internal static class SqlTypes
{
    /// <summary>What SQL yields for a property of the type.</summary>
    public static SqlType Of(PropertyType type) =>
        type switch
        {
            PropertyType.Boolean => SqlType.Boolean,
            PropertyType.Int32 or PropertyType.Int64 or PropertyType.Decimal => SqlType.Integer,
            PropertyType.Double => SqlType.Double,
            PropertyType.Text => SqlType.Text,
            PropertyType.Date => SqlType.Date,
            PropertyType.Instant => SqlType.Instant,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such type."),
        };

    /// <summary>As what something computed by SQL is written.</summary>
    public static PropertyType Of(SqlType type) =>
        type switch
        {
            SqlType.Boolean => PropertyType.Boolean,
            SqlType.Integer => PropertyType.Int64,
            SqlType.Double => PropertyType.Double,
            SqlType.Text => PropertyType.Text,
            SqlType.Date => PropertyType.Date,
            _ => PropertyType.Instant,
        };
}
