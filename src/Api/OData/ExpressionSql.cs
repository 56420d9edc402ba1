using System.Globalization;
using Microsoft.OData.Edm;
using Microsoft.OData.UriParser;

namespace Metrics.Api.OData;

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

/// <summary>
/// Translates the OData library's syntax tree into SQL with OData's meaning: a comparison is never null, arithmetic and
/// functions over null are, texts compare by code point, and a number is a double as soon as one operand is.
/// </summary>
/// <remarks>The library narrows literals (0.1 to a float, 1000000.5 to seven digits), so literals are read again from their text.</remarks>
internal sealed class ExpressionSql(EntitySet set, SqlDialect dialect, SqlParameters parameters, IDictionary<string, SingleValueNode>? aliases, List<IReadOnlyList<string>> lists, DateTime now, string option)
{
    private const int MaxNodes = 2_000;
    private const int MaxAliasDepth = 16;
    private int nodes;
    private int aliasDepth;

    /// <summary>SQL that holds for the rows that a filter keeps.</summary>
    public string Condition(SingleValueNode node) => Boolean(node, exact: false).Sql!;

    /// <summary>SQL to sort by, with its type. A truth value sorts as 0 and 1.</summary>
    public Term SortKey(SingleValueNode node)
    {
        var term = Value(node);
        return term.Type switch
        {
            SqlType.Boolean => new Term($"(CASE WHEN {term.Sql} THEN 1 WHEN NOT {term.Sql} THEN 0 END)", SqlType.Integer, term.Nullable),
            SqlType.Null => throw ODataRefusal.BadRequest("InvalidQuery", "null is nothing to sort by.", option),
            _ => term with { Sql = Sql(term, term.Type), Literal = null },
        };
    }

    /// <summary>A column of the set.</summary>
    public static Term Column(EntityProperty property) => new(SqlDialect.Quote(property.Name), TypeOf(property), property.Nullable);

    public static SqlType TypeOf(EntityProperty property) => property.Type switch
    {
        PropertyType.Int32 or PropertyType.Int64 => SqlType.Integer,
        PropertyType.Double => SqlType.Double,
        PropertyType.Text => SqlType.Text,
        PropertyType.Date => SqlType.Date,
        _ => SqlType.Instant,
    };

    // exact: null must not stand for false. Under and/or a null row is dropped like a false one, so the plain comparison,
    // which an index serves, is enough; under not, or as an operand, it is not.
    private Term Boolean(SingleValueNode node, bool exact)
    {
        Count();
        switch (node)
        {
            case ConvertNode convert:
                nodes--;
                return Boolean(convert.Source, exact);
            case ParameterAliasNode alias:
                return Through(alias, target => Boolean(target, exact));
            case BinaryOperatorNode { OperatorKind: BinaryOperatorKind.And or BinaryOperatorKind.Or } chain:
                return Chain(chain, exact);
            case BinaryOperatorNode { OperatorKind: BinaryOperatorKind.Equal } membership when List(membership.Right) is { } list:
                return In(Value(membership.Left), list, exact);
            case BinaryOperatorNode { OperatorKind: >= BinaryOperatorKind.Equal and <= BinaryOperatorKind.LessThanOrEqual } comparison:
                return Compare(comparison.OperatorKind, Value(comparison.Left), Value(comparison.Right), exact);
            case UnaryOperatorNode { OperatorKind: UnaryOperatorKind.Not } not:
                var operand = Boolean(not.Operand, exact: true);
                return new Term($"(NOT {operand.Sql})", SqlType.Boolean, operand.Nullable);
            case ConstantNode constant:
                return constant.Value switch
                {
                    true => new Term("TRUE", SqlType.Boolean, false),
                    false => new Term("FALSE", SqlType.Boolean, false),
                    null => new Term("(NULL)", SqlType.Boolean, true),
                    _ => throw ODataRefusal.BadRequest("InvalidQuery", $"'{ExpressionText.Shorten(constant.LiteralText ?? "A literal")}' is no condition.", option),
                };
            case SingleValueFunctionCallNode call:
                var result = Call(call);
                if (result.Type == SqlType.Null) return new Term("(NULL)", SqlType.Boolean, true);
                if (result.Type == SqlType.Boolean) return result;
                throw ODataRefusal.BadRequest("InvalidQuery", $"{call.Name}(...) is no condition.", option);
            case InNode:
                throw ODataRefusal.NotSupported("'in' with anything but a list of literals in parentheses", option);
            default:
                throw ODataRefusal.NotSupported($"A condition of kind {node.Kind}", option);
        }
    }

    private Term Value(SingleValueNode node)
    {
        Count();
        switch (node)
        {
            case ConvertNode convert:
                nodes--;
                return Value(convert.Source);
            case ParameterAliasNode alias:
                return Through(alias, Value);
            case ConstantNode { Value: bool }:
                nodes--;
                return Boolean(node, exact: true);
            case ConstantNode constant:
                return Literal(constant);
            case SingleValuePropertyAccessNode { Source: ResourceRangeVariableReferenceNode } access when set.Find(access.Property.Name) is { } property:
                return Column(property);
            case BinaryOperatorNode { OperatorKind: >= BinaryOperatorKind.Add and <= BinaryOperatorKind.Modulo } arithmetic:
                return Arithmetic(arithmetic.OperatorKind, Value(arithmetic.Left), Value(arithmetic.Right));
            case UnaryOperatorNode { OperatorKind: UnaryOperatorKind.Negate } negation:
                return Negate(Value(negation.Operand));
            case SingleValueFunctionCallNode call:
                return Call(call);
            case BinaryOperatorNode or UnaryOperatorNode:
                nodes--;
                return Boolean(node, exact: true);
            default:
                throw ODataRefusal.NotSupported($"An expression of kind {node.Kind}", option);
        }
    }

    private void Count()
    {
        if (++nodes > MaxNodes) throw ExpressionText.TooComplex(option, $"has more than {MaxNodes} nodes");
    }

    private Term Through(ParameterAliasNode alias, Func<SingleValueNode, Term> translate)
    {
        // An alias without a value is null, says the specification.
        if (aliases is null || !aliases.TryGetValue(alias.Alias, out var target) || target is null) return translate(new ConstantNode(null, "null"));
        if (++aliasDepth > MaxAliasDepth) throw ODataRefusal.BadRequest("InvalidQuery", $"The parameter alias {ExpressionText.Shorten(alias.Alias)} goes through too many others.", option);
        var term = translate(target);
        aliasDepth--;
        return term;
    }

    // A long chain leans to the left in the tree. It is taken apart and put together as a balanced tree, because SQLite
    // limits the depth of an expression and recursion has its own limit here.
    private Term Chain(BinaryOperatorNode chain, bool exact)
    {
        var operands = new List<string>();
        var nullable = false;
        SingleValueNode rest = chain;
        while (rest is BinaryOperatorNode link && link.OperatorKind == chain.OperatorKind)
        {
            if (!ReferenceEquals(link, chain)) Count();
            Take(link.Right);
            rest = link.Left is ConvertNode convert ? convert.Source : link.Left;
        }
        Take(rest);
        operands.Reverse();
        return new Term(Joined(operands, chain.OperatorKind == BinaryOperatorKind.And ? " AND " : " OR "), SqlType.Boolean, nullable);

        void Take(SingleValueNode node)
        {
            var term = Boolean(node, exact);
            nullable |= term.Nullable;
            operands.Add(term.Sql!);
        }
    }

    private static string Joined(List<string> operands, string by)
    {
        return Part(0, operands.Count);
        string Part(int from, int count) => count == 1 ? operands[from] : $"({Part(from, count / 2)}{by}{Part(from + count / 2, count - count / 2)})";
    }

    private Term Compare(BinaryOperatorKind kind, Term left, Term right, bool exact)
    {
        if (left.IsLiteral && !right.IsLiteral) (left, right, kind) = (right, left, Mirrored(kind));
        if (left.Type == SqlType.Null || right.Type == SqlType.Null)
        {
            var other = left.Type == SqlType.Null ? right : left;
            return kind switch
            {
                BinaryOperatorKind.Equal => IsNull(other, yes: true),
                BinaryOperatorKind.NotEqual => IsNull(other, yes: false),
                _ => False,
            };
        }
        var type = Common(left, right);
        if (Adjusted(ref kind, ref right, type) is { } settled) return settled(left);
        var nullable = left.Nullable || right.Nullable;
        var (l, r) = (Sql(left, type), Sql(right, type));
        if (kind == BinaryOperatorKind.Equal)
        {
            if (left.Nullable && right.Nullable) return new Term($"({l} IS NOT DISTINCT FROM {r})", SqlType.Boolean, false);
        }
        else if (kind == BinaryOperatorKind.NotEqual)
        {
            return new Term(nullable ? $"({l} IS DISTINCT FROM {r})" : $"({l} <> {r})", SqlType.Boolean, false);
        }
        else if (type == SqlType.Text)
        {
            l = dialect.Ordered(l);
        }
        var sql = $"({l} {Operator(kind)} {r})";
        return new Term(exact && nullable ? $"COALESCE({sql}, FALSE)" : sql, SqlType.Boolean, false);
    }

    private static readonly Term False = new("FALSE", SqlType.Boolean, false);
    private static readonly Term True = new("TRUE", SqlType.Boolean, false);

    private Term IsNull(Term term, bool yes)
    {
        if (term.Type == SqlType.Null) return yes ? True : False;
        if (!term.Nullable) return yes ? False : True;
        return new Term($"({Sql(term, term.Type)} IS {(yes ? "" : "NOT ")}NULL)", SqlType.Boolean, false);
    }

    // NaN equals nothing, itself included, and neither engine agrees. A time finer than a microsecond lies between two
    // instants of the store.
    private static Func<Term, Term>? Adjusted(ref BinaryOperatorKind kind, ref Term right, SqlType type)
    {
        if (right.Literal is double.NaN)
        {
            var outcome = kind == BinaryOperatorKind.NotEqual ? True : False;
            return _ => outcome;
        }
        if (type == SqlType.Instant && right.Literal is DateTime time && time.Ticks % TimeSpan.TicksPerMicrosecond is var finer and not 0)
        {
            if (kind == BinaryOperatorKind.Equal) return _ => False;
            if (kind == BinaryOperatorKind.NotEqual) return _ => True;
            if (kind == BinaryOperatorKind.GreaterThanOrEqual) kind = BinaryOperatorKind.GreaterThan;
            if (kind == BinaryOperatorKind.LessThan) kind = BinaryOperatorKind.LessThanOrEqual;
            right = right with { Literal = time.AddTicks(-finer) };
        }
        return null;
    }

    private SqlType Common(Term left, Term right)
    {
        if (left.Type == right.Type) return left.Type;
        if (left.IsNumber && right.IsNumber)
        {
            // A whole literal, however it is spelled, is compared with whole numbers as such: exactly, and through an index.
            var (literal, other) = left.IsLiteral ? (left, right) : (right, left);
            return literal.Literal is double number && other.Type == SqlType.Integer && IsWhole(number) ? SqlType.Integer : SqlType.Double;
        }
        throw (left.Type, right.Type) switch
        {
            (SqlType.Instant, SqlType.Date) => ODataRefusal.BadRequest("TypeMismatch", "A point in time is compared with a day: write it as 2026-01-01T00:00:00Z, or use a Date property.", option),
            (SqlType.Date, SqlType.Instant) => ODataRefusal.BadRequest("TypeMismatch", "A day is compared with a point in time: write it as 2026-01-01, or use a time property.", option),
            _ => ODataRefusal.BadRequest("TypeMismatch", $"{Name(left.Type)} cannot be compared with {Name(right.Type)}.", option),
        };
    }

    private static bool IsWhole(double number) => double.IsInteger(number) && Math.Abs(number) < 9.2e18;

    private static string Name(SqlType type) => type switch
    {
        SqlType.Boolean => "a truth value",
        SqlType.Integer or SqlType.Double => "a number",
        SqlType.Text => "a text",
        SqlType.Date => "a day",
        SqlType.Instant => "a point in time",
        _ => "null",
    };

    private IReadOnlyList<string>? List(SingleValueNode node) => (node is ConvertNode convert ? convert.Source : node) is ParameterAliasNode alias
        && alias.Alias.StartsWith(ExpressionText.ListAlias, StringComparison.Ordinal) ? lists[int.Parse(alias.Alias.AsSpan(ExpressionText.ListAlias.Length), CultureInfo.InvariantCulture)] : null;

    private Term In(Term left, IReadOnlyList<string> list, bool exact)
    {
        var literals = list.Select(Literal).ToList();
        if (left.Type == SqlType.Null) return literals.Exists(literal => literal.Type == SqlType.Null) ? True : False;
        var values = literals.Where(literal => literal.Type != SqlType.Null && literal.Literal is not double.NaN).ToList();
        var wanted = left.Type == SqlType.Integer && values.Exists(value => Common(left, value) == SqlType.Double) ? SqlType.Double : left.Type;
        foreach (var value in values) _ = Common(left, value);
        // A time finer than the store's is equal to none of its times.
        values.RemoveAll(value => value.Literal is DateTime time && time.Ticks % TimeSpan.TicksPerMicrosecond != 0);
        var alternatives = new List<string>();
        if (values.Count > 0)
        {
            var sql = $"({Sql(left, wanted)} IN ({string.Join(", ", values.Select(value => Sql(value, wanted)))}))";
            alternatives.Add(exact && left.Nullable ? $"COALESCE({sql}, FALSE)" : sql);
        }
        if (literals.Exists(literal => literal.Type == SqlType.Null) && left.Nullable) alternatives.Add(IsNull(left, yes: true).Sql!);
        return alternatives.Count == 0 ? False : new Term(Joined(alternatives, " OR "), SqlType.Boolean, false);
    }

    private Term Arithmetic(BinaryOperatorKind kind, Term left, Term right)
    {
        if (left.Type == SqlType.Null || right.Type == SqlType.Null) return new Term(null, SqlType.Null, true);
        if (!left.IsNumber || !right.IsNumber) throw ODataRefusal.NotSupported($"'{Operator(kind)}' over {Name(left.IsNumber ? right.Type : left.Type)}", option);
        if (left.Literal is double.NaN || right.Literal is double.NaN) throw ODataRefusal.NotSupported("Arithmetic with NaN", option);
        var type = left.Type == SqlType.Integer && right.Type == SqlType.Integer ? SqlType.Integer : SqlType.Double;
        var (l, r) = (Wide(left, type), Wide(right, type));
        var nullable = left.Nullable || right.Nullable;
        // Nothing divided by zero is a number that a report may show: it is unknown.
        if (kind is BinaryOperatorKind.Divide or BinaryOperatorKind.Modulo)
        {
            nullable |= right.Literal switch { long number => number == 0, double number => number == 0, _ => true };
            r = $"NULLIF({r}, {(type == SqlType.Integer ? "0" : "0.0")})";
        }
        var sql = kind switch
        {
            BinaryOperatorKind.Add => $"({l} + {r})",
            BinaryOperatorKind.Subtract => $"({l} - {r})",
            BinaryOperatorKind.Multiply => $"({l} * {r})",
            BinaryOperatorKind.Divide => $"({l} / {r})",
            _ when type == SqlType.Integer => $"({l} % {r})",
            // PostgreSQL has no remainder of doubles and SQLite's operator drops the fractions: one formula for both.
            _ => $"({l} - {r} * trunc({l} / {r}))",
        };
        return new Term(sql, type, nullable);
    }

    private Term Negate(Term operand) => operand switch
    {
        { Type: SqlType.Null } => operand,
        { Literal: long number } => operand with { Literal = -number },
        { Literal: double number } => operand with { Literal = -number },
        { IsNumber: true } => operand with { Sql = $"(-{Wide(operand, operand.Type)})" },
        _ => throw ODataRefusal.NotSupported($"A minus before {Name(operand.Type)}", option),
    };

    // Both engines keep a view's whole double as it came out of an expression, which on SQLite may be an integer.
    private string Wide(Term term, SqlType type) => type == SqlType.Integer
        ? term.IsLiteral ? Sql(term, type) : dialect.Wide(term.Sql!)
        : term.IsLiteral ? Sql(term, type) : dialect.AsDouble(term.Sql!);

    private Term Call(SingleValueFunctionCallNode call)
    {
        var name = call.Name.ToUpperInvariant();
        if (name == "NOW") return new Term(null, SqlType.Instant, false, now);
        var arguments = call.Parameters.Select(parameter => parameter is SingleValueNode value
            ? Value(value)
            : throw ODataRefusal.NotSupported($"{call.Name} over a collection", option)).ToArray();
        if (Array.Exists(arguments, argument => argument.Type == SqlType.Null)) return new Term(null, SqlType.Null, true);
        var nullable = Array.Exists(arguments, argument => argument.Nullable);
        return name switch
        {
            "CONTAINS" => Truth($"({dialect.PositionOf(Text(0), Text(1))} > 0)"),
            "STARTSWITH" => Truth($"(substr({Text(0)}, 1, length({Text(1)})) = {Text(1)})"),
            "ENDSWITH" => Truth(dialect.EndsWith(Text(0), Text(1))),
            "TOLOWER" => Of(SqlType.Text, dialect.Lower(Text(0))),
            "TOUPPER" => Of(SqlType.Text, dialect.Upper(Text(0))),
            "TRIM" => Of(SqlType.Text, dialect.Trim(Text(0), parameters.Add(" \t\n\r\v\f"))),
            "LENGTH" => Of(SqlType.Integer, dialect.Wide($"length({Text(0)})")),
            "INDEXOF" => Of(SqlType.Integer, $"({dialect.PositionOf(Text(0), Text(1))} - 1)"),
            "SUBSTRING" => Of(SqlType.Text, Substring()),
            "CONCAT" => Of(SqlType.Text, $"({Text(0)} || {Text(1)})"),
            "YEAR" or "MONTH" or "DAY" or "HOUR" or "MINUTE" or "SECOND" => Part(),
            "DATE" => arguments[0].Type == SqlType.Date ? arguments[0] : Of(SqlType.Date, dialect.DateOf(Argument(0, SqlType.Instant))),
            "ROUND" or "FLOOR" or "CEILING" => Rounded(),
            _ => throw ODataRefusal.NotSupported($"The function '{call.Name}'", option),
        };

        Term Of(SqlType type, string sql) => new(sql, type, nullable);

        Term Truth(string sql) => new(sql, SqlType.Boolean, nullable);

        string Argument(int index, SqlType type) => arguments[index].Type == type
            ? Materialised(index, type)
            : throw ODataRefusal.BadRequest("TypeMismatch", $"{call.Name} takes {Name(type)}, not {Name(arguments[index].Type)}.", option);

        // A literal that the SQL names twice is one parameter.
        string Materialised(int index, SqlType type)
        {
            if (arguments[index].IsLiteral) arguments[index] = new Term(Sql(arguments[index], type), type, false);
            return arguments[index].Sql!;
        }

        string Text(int index) => Argument(index, SqlType.Text);

        Term Part()
        {
            var part = name.ToLowerInvariant();
            var isInstant = arguments[0].Type == SqlType.Instant;
            if (!isInstant && part is "hour" or "minute" or "second" && arguments[0].Type == SqlType.Date) throw ODataRefusal.BadRequest("TypeMismatch", $"A day has no {part}.", option);
            return Of(SqlType.Integer, dialect.Part(part, Argument(0, isInstant ? SqlType.Instant : SqlType.Date), isInstant));
        }

        Term Rounded()
        {
            if (!arguments[0].IsNumber) throw ODataRefusal.BadRequest("TypeMismatch", $"{call.Name} takes a number.", option);
            var x = arguments[0].IsLiteral ? Materialised(0, SqlType.Double) : dialect.AsDouble(arguments[0].Sql!);
            return Of(SqlType.Double, name switch
            {
                "FLOOR" => $"floor({x})",
                "CEILING" => $"ceil({x})",
                // Halves go away from zero. PostgreSQL's round sends them to the even neighbour and SQLite's adds 0.5 first.
                _ => $"(trunc({x}) + CASE WHEN abs({x} - trunc({x})) >= 0.5 THEN sign({x}) ELSE 0 END)",
            });
        }

        // Zero-based; a negative start counts from the end (4.01), and what lies outside the text is empty.
        string Substring()
        {
            var text = Text(0);
            string start;
            if (arguments[1].Literal is long and >= 0 and < int.MaxValue and var index) start = parameters.Add(index + 1);
            else
            {
                var from = Argument(1, SqlType.Integer);
                start = $"(CASE WHEN {from} < 0 THEN {dialect.Larger($"length({text}) + {from}", "0")} ELSE {from} END + 1)";
            }
            if (arguments.Length == 2) return $"substr({text}, {Int(start)})";
            var length = Argument(2, SqlType.Integer);
            return $"substr({text}, {Int(start)}, {Int(dialect.Larger(length, "0"))})";
        }

        // PostgreSQL's substr takes 32 bits.
        string Int(string number) => ReferenceEquals(dialect, SqlDialect.Postgres) ? $"least({number}, 2000000000)::int" : number;
    }

    /// <summary>The term as SQL of a type; a literal becomes a parameter.</summary>
    private string Sql(Term term, SqlType type)
    {
        if (term.IsLiteral)
        {
            return parameters.Add((term.Literal, type) switch
            {
                (long number, SqlType.Double) => (double)number,
                (double number, SqlType.Integer) => (long)number,
                (null, _) => throw new InvalidOperationException("null has no parameter."),
                var (value, _) => value,
            });
        }
        return term.Type == SqlType.Integer && type == SqlType.Double ? dialect.AsDouble(term.Sql!) : term.Sql!;
    }

    private Term Literal(ConstantNode constant)
    {
        if (constant.Value is null) return new Term(null, SqlType.Null, true);
        var text = constant.LiteralText;
        switch (constant.Value)
        {
            case string value:
                return value.Contains('\0', StringComparison.Ordinal)
                    ? throw ODataRefusal.BadRequest("InvalidQuery", "A text holds a NUL character.", option)
                    : new Term(null, SqlType.Text, false, value);
            case byte or short or int or long or float or double or decimal or sbyte:
                return Number(text ?? Convert.ToString(constant.Value, CultureInfo.InvariantCulture)!);
            case DateTimeOffset when text is not null && !text.Contains('T', StringComparison.OrdinalIgnoreCase)
                && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day):
                // The library lets a day stand for its midnight.
                return new Term(null, SqlType.Date, false, day);
            case DateTimeOffset time:
                return new Term(null, SqlType.Instant, false, time.UtcDateTime);
            case var value when Day(value) is { } date:
                return new Term(null, SqlType.Date, false, date);
            default:
                throw ODataRefusal.NotSupported($"The literal '{ExpressionText.Shorten(text ?? constant.Value.ToString() ?? "")}'", option);
        }
    }

    private Term Literal(string text)
    {
        if (text[0] == '\'' && text[^1] == '\'') return new Term(null, SqlType.Text, false, text[1..^1].Replace("''", "'", StringComparison.Ordinal));
        if (text.Equals("null", StringComparison.OrdinalIgnoreCase)) return new Term(null, SqlType.Null, true);
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) return new Term(null, SqlType.Date, false, day);
        if (ExpressionText.IsTimeWithoutOffset(text)) throw ExpressionText.OffsetRequired(text, option);
        if (text.Contains('T', StringComparison.OrdinalIgnoreCase) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return new Term(null, SqlType.Instant, false, time.UtcDateTime);
        return Number(text);
    }

    /// <summary>The day that the library read; null when it read something else.</summary>
    // Its own type of a day is marked obsolete and will be DateOnly; both print the same.
    public static DateOnly? Day(object value) =>
        DateOnly.TryParseExact(Convert.ToString(value, CultureInfo.InvariantCulture), ["yyyy-MM-dd", "MM/dd/yyyy"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private Term Number(string text)
    {
        var digits = text.TrimEnd('m', 'M', 'd', 'D', 'f', 'F', 'l', 'L');
        var number = digits switch
        {
            // TrimEnd also takes the F of INF.
            "IN" => double.PositiveInfinity,
            "-IN" => double.NegativeInfinity,
            "NaN" => double.NaN,
            _ => double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)
                ? parsed
                : throw ODataRefusal.BadRequest("InvalidQuery", $"'{ExpressionText.Shorten(text)}' is no number.", option),
        };
        var whole = digits.Length == text.Length || text[^1] is 'l' or 'L';
        return whole && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
            ? new Term(null, SqlType.Integer, false, integer)
            : new Term(null, SqlType.Double, false, number);
    }

    private static BinaryOperatorKind Mirrored(BinaryOperatorKind kind) => kind switch
    {
        BinaryOperatorKind.GreaterThan => BinaryOperatorKind.LessThan,
        BinaryOperatorKind.GreaterThanOrEqual => BinaryOperatorKind.LessThanOrEqual,
        BinaryOperatorKind.LessThan => BinaryOperatorKind.GreaterThan,
        BinaryOperatorKind.LessThanOrEqual => BinaryOperatorKind.GreaterThanOrEqual,
        _ => kind,
    };

    private static string Operator(BinaryOperatorKind kind) => kind switch
    {
        BinaryOperatorKind.Equal => "=",
        BinaryOperatorKind.GreaterThan => ">",
        BinaryOperatorKind.GreaterThanOrEqual => ">=",
        BinaryOperatorKind.LessThan => "<",
        BinaryOperatorKind.LessThanOrEqual => "<=",
        BinaryOperatorKind.Add => "add",
        BinaryOperatorKind.Subtract => "sub",
        BinaryOperatorKind.Multiply => "mul",
        BinaryOperatorKind.Divide => "div",
        _ => "mod",
    };
}
