using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>
/// Translates expressions into SQL with OData's meaning: a comparison is never null, arithmetic and
/// functions over null are, texts compare by code point, and a number is a double as soon as one operand is.
/// </summary>
/// <param name="query">What belongs to the request.</param>
/// <param name="relation">Rows whose columns the expressions name.</param>
/// <param name="option">Option that the expressions stand in.</param>
internal sealed class ExpressionSql(QueryContext query, Relation relation, string option)
{
    private const int MaxAliasDepth = 16;
    private const int MaxWeight = 50_000,
        MaxSql = 200_000;
    private readonly SqlDialect dialect = query.Dialect;
    private readonly SqlParameters parameters = query.Parameters;
    private readonly HashSet<QueryColumn> used = [];
    private int aliasDepth;

    /// <summary>Columns that what was translated so far reads.</summary>
    public IReadOnlyCollection<QueryColumn> Used => used;

    /// <summary>How much what was translated so far is once every computed column in it is written out.</summary>
    public int Weight { get; private set; }

    /// <summary>SQL that holds for the rows that a filter keeps.</summary>
    public string Condition(Expression expression) => Boolean(expression, exact: false).Sql!;

    /// <summary>A value with its SQL. A literal has become a parameter.</summary>
    /// <exception cref="ODataError">It is null and nothing else.</exception>
    public Term Computed(Expression expression)
    {
        var term = Value(expression);
        if (term.Type == SqlType.Null)
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: null has no type, so nothing can be made of it (position {ExpressionReader.Position(expression.At)}).",
                option
            );
        return term with { Sql = Typed(Sql(term, term.Type), term), Literal = null };
    }

    /// <summary>SQL to sort by, with its type. A truth value sorts as 0 and 1.</summary>
    public Term SortKey(Expression expression)
    {
        var term = Value(expression);
        return term.Type switch
        {
            SqlType.Boolean => new Term($"(CASE WHEN {term.Sql} THEN 1 WHEN NOT {term.Sql} THEN 0 END)", SqlType.Integer, term.Nullable),
            SqlType.Null => throw ODataError.BadRequest("InvalidQuery", $"{option}: null is nothing to sort by.", option),
            _ => term with { Sql = Sql(term, term.Type), Literal = null },
        };
    }

    // A parameter that stands alone in a list of columns has no type of its own on PostgreSQL.
    private string Typed(string sql, Term term) => term.IsLiteral ? dialect.Typed(sql, term.Type) : sql;

    // exact: null must not stand for false. Under and/or a null row is dropped like a false one, so the plain comparison,
    // which an index serves, is enough; under not, or as an operand, it is not.
    private Term Boolean(Expression expression, bool exact)
    {
        Count();
        switch (expression)
        {
            case AliasExpression alias:
                return Through(alias, target => Boolean(target, exact));
            case ChainExpression chain:
                return Chain(chain, exact);
            case InExpression membership:
                return In(Value(membership.Operand), membership.Values, exact);
            case BinaryExpression { Operator: >= Operator.Eq and <= Operator.Le } comparison:
                return Compare(comparison.Operator, Value(comparison.Left), Value(comparison.Right), exact);
            case UnaryExpression { Operator: Operator.Not } not:
                var operand = Boolean(not.Operand, exact: true);
                return new Term($"(NOT {operand.Sql})", SqlType.Boolean, operand.Nullable);
            case LiteralExpression literal:
                return literal.Value switch
                {
                    true => True,
                    false => False,
                    null => new Term("(NULL)", SqlType.Boolean, true),
                    _ => throw NoCondition(expression),
                };
            case PathExpression path:
                var column = Find(path);
                return column.Type == SqlType.Boolean ? column : throw NoCondition(expression);
            case CallExpression call:
                var result = Within(Call(call));
                if (result.Type == SqlType.Null)
                    return new Term("(NULL)", SqlType.Boolean, true);
                return result.Type == SqlType.Boolean ? result : throw NoCondition(expression);
            default:
                throw NoCondition(expression);
        }
    }

    private ODataError NoCondition(Expression expression) =>
        ODataError.BadRequest(
            "TypeMismatch",
            $"{option}: what stands at position {ExpressionReader.Position(expression.At)} is no condition: it is not true or false.",
            option
        );

    // Some functions name their argument several times, so what is nested in them grows with every level.
    private Term Value(Expression expression) => Within(Translated(expression));

    private Term Within(Term term) =>
        term.Sql is { Length: > MaxSql } ? throw ExpressionText.TooComplex(option, "nests functions too deeply") : term;

    private Term Translated(Expression expression)
    {
        switch (expression)
        {
            case AliasExpression alias:
                Count();
                return Through(alias, Value);
            case LiteralExpression { Value: bool boolean }:
                Count();
                return boolean ? True : False;
            case LiteralExpression literal:
                Count();
                return Literal(literal);
            case PathExpression path:
                Count();
                return Find(path);
            case BinaryExpression { Operator: >= Operator.Add } arithmetic:
                Count();
                return Arithmetic(arithmetic.Operator, Value(arithmetic.Left), Value(arithmetic.Right));
            case UnaryExpression { Operator: Operator.Minus } negation:
                Count();
                return Negate(Value(negation.Operand));
            case CallExpression call:
                Count();
                return Call(call);
            default:
                return Boolean(expression, exact: true);
        }
    }

    private void Count()
    {
        query.Count(option);
        Weigh(1);
    }

    private void Weigh(int more)
    {
        if ((Weight += more) > MaxWeight)
            throw ExpressionText.TooComplex(option, "computes too much from what is computed");
    }

    private Term Find(PathExpression path)
    {
        var column = relation.Find(path, option);
        used.Add(column);
        Weigh(column.Weight);
        return column.Term;
    }

    private Term Through(AliasExpression alias, Func<Expression, Term> translate)
    {
        // An alias without a value is null, says the specification.
        if (query.Alias(alias.Name) is not { } target)
            return translate(new LiteralExpression(alias.At, null));
        if (++aliasDepth > MaxAliasDepth)
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"The parameter alias {Spelling.Shorten(alias.Name)} goes through too many others.",
                option
            );
        var term = translate(target);
        aliasDepth--;
        return term;
    }

    // A chain is put together as a balanced tree, because SQLite limits the depth of an expression.
    private Term Chain(ChainExpression chain, bool exact)
    {
        var operands = chain.Operands.Select(operand => Boolean(operand, exact)).ToList();
        return new Term(
            Joined([.. operands.Select(operand => operand.Sql!)], chain.Operator == Operator.And ? " AND " : " OR "),
            SqlType.Boolean,
            operands.Exists(operand => operand.Nullable)
        );
    }

    private static string Joined(List<string> operands, string by)
    {
        return Part(0, operands.Count);
        string Part(int from, int count) =>
            count == 1 ? operands[from] : $"({Part(from, count / 2)}{by}{Part(from + count / 2, count - count / 2)})";
    }

    private Term Compare(Operator kind, Term left, Term right, bool exact)
    {
        if (left.IsLiteral && !right.IsLiteral)
            (left, right, kind) = (right, left, Mirrored(kind));
        if (left.Type == SqlType.Null || right.Type == SqlType.Null)
        {
            var other = left.Type == SqlType.Null ? right : left;
            return kind switch
            {
                Operator.Eq => IsNull(other, yes: true),
                Operator.Ne => IsNull(other, yes: false),
                _ => False,
            };
        }
        var type = Common(left, right);
        if (Adjusted(ref kind, ref right, type) is { } settled)
            return settled(left);
        var nullable = left.Nullable || right.Nullable;
        var (l, r) = (Sql(left, type), Sql(right, type));
        if (kind == Operator.Eq)
        {
            if (left.Nullable && right.Nullable)
                return new Term($"({l} IS NOT DISTINCT FROM {r})", SqlType.Boolean, false);
        }
        else if (kind == Operator.Ne)
        {
            return new Term(nullable ? $"({l} IS DISTINCT FROM {r})" : $"({l} <> {r})", SqlType.Boolean, false);
        }
        else if (type == SqlType.Text)
        {
            l = dialect.Ordered(l);
        }
        var sql = $"({l} {Spelled(kind)} {r})";
        return new Term(exact && nullable ? $"COALESCE({sql}, FALSE)" : sql, SqlType.Boolean, false);
    }

    private static readonly Term False = new("FALSE", SqlType.Boolean, false);
    private static readonly Term True = new("TRUE", SqlType.Boolean, false);

    private Term IsNull(Term term, bool yes)
    {
        if (term.Type == SqlType.Null)
            return yes ? True : False;
        if (!term.Nullable)
            return yes ? False : True;
        return new Term($"({Sql(term, term.Type)} IS {(yes ? "" : "NOT ")}NULL)", SqlType.Boolean, false);
    }

    // NaN equals nothing, itself included, and neither engine agrees. A time finer than a microsecond lies between two
    // instants of the store.
    private static Func<Term, Term>? Adjusted(ref Operator kind, ref Term right, SqlType type)
    {
        if (right.Literal is double.NaN)
        {
            var outcome = kind == Operator.Ne ? True : False;
            return _ => outcome;
        }
        if (type == SqlType.Instant && right.Literal is DateTime time && time.Ticks % TimeSpan.TicksPerMicrosecond is var finer and not 0)
        {
            if (kind == Operator.Eq)
                return _ => False;
            if (kind == Operator.Ne)
                return _ => True;
            if (kind == Operator.Ge)
                kind = Operator.Gt;
            if (kind == Operator.Lt)
                kind = Operator.Le;
            right = right with { Literal = time.AddTicks(-finer) };
        }
        return null;
    }

    private SqlType Common(Term left, Term right)
    {
        if (left.Type == right.Type)
            return left.Type;
        if (left.IsNumber && right.IsNumber)
        {
            // A whole literal, however it is spelled, is compared with whole numbers as such: exactly, and through an index.
            var (literal, other) = left.IsLiteral ? (left, right) : (right, left);
            return literal.Literal is double number && other.Type == SqlType.Integer && IsWhole(number) ? SqlType.Integer : SqlType.Double;
        }
        throw (left.Type, right.Type) switch
        {
            (SqlType.Instant, SqlType.Date) => ODataError.BadRequest(
                "TypeMismatch",
                "A point in time is compared with a day: write it as 2026-01-01T00:00:00Z, or use a Date property.",
                option
            ),
            (SqlType.Date, SqlType.Instant) => ODataError.BadRequest(
                "TypeMismatch",
                "A day is compared with a point in time: write it as 2026-01-01, or use a time property.",
                option
            ),
            _ => ODataError.BadRequest("TypeMismatch", $"{Name(left.Type)} cannot be compared with {Name(right.Type)}.", option),
        };
    }

    private static bool IsWhole(double number) => double.IsInteger(number) && Math.Abs(number) < 9.2e18;

    private static string Name(SqlType type) =>
        type switch
        {
            SqlType.Boolean => "a truth value",
            SqlType.Integer or SqlType.Double => "a number",
            SqlType.Text => "a text",
            SqlType.Date => "a day",
            SqlType.Instant => "a point in time",
            _ => "null",
        };

    private Term In(Term left, IReadOnlyList<LiteralExpression> list, bool exact)
    {
        var literals = list.Select(Literal).ToList();
        if (left.Type == SqlType.Null)
            return literals.Exists(literal => literal.Type == SqlType.Null) ? True : False;
        var values = literals.Where(literal => literal.Type != SqlType.Null && literal.Literal is not double.NaN).ToList();
        var wanted =
            left.Type == SqlType.Integer && values.Exists(value => Common(left, value) == SqlType.Double) ? SqlType.Double : left.Type;
        foreach (var value in values)
            _ = Common(left, value);
        // A time finer than the store's is equal to none of its times.
        values.RemoveAll(value => value.Literal is DateTime time && time.Ticks % TimeSpan.TicksPerMicrosecond != 0);
        var alternatives = new List<string>();
        if (values.Count > 0)
        {
            var sql = $"({Sql(left, wanted)} IN ({string.Join(", ", values.Select(value => Sql(value, wanted)))}))";
            alternatives.Add(exact && left.Nullable ? $"COALESCE({sql}, FALSE)" : sql);
        }
        if (literals.Exists(literal => literal.Type == SqlType.Null) && left.Nullable)
            alternatives.Add(IsNull(left, yes: true).Sql!);
        return alternatives.Count == 0 ? False : new Term(Joined(alternatives, " OR "), SqlType.Boolean, false);
    }

    private Term Arithmetic(Operator kind, Term left, Term right)
    {
        if (left.Type == SqlType.Null || right.Type == SqlType.Null)
            return new Term(null, SqlType.Null, true);
        if (!left.IsNumber || !right.IsNumber)
            throw ODataError.NotSupported($"'{Spelled(kind)}' over {Name(left.IsNumber ? right.Type : left.Type)}", option);
        if (left.Literal is double.NaN || right.Literal is double.NaN)
            throw ODataError.NotSupported("Arithmetic with NaN", option);
        var type =
            kind != Operator.DivBy && left.Type == SqlType.Integer && right.Type == SqlType.Integer ? SqlType.Integer : SqlType.Double;
        var (l, r) = (Wide(left, type), Wide(right, type));
        var nullable = left.Nullable || right.Nullable;
        // Nothing divided by zero is a number that a report may show: it is unknown.
        if (kind is Operator.Div or Operator.DivBy or Operator.Mod)
        {
            nullable |= right.Literal switch
            {
                long number => number == 0,
                double number => number == 0,
                _ => true,
            };
            r = $"NULLIF({r}, {(type == SqlType.Integer ? "0" : "0.0")})";
        }
        var sql = kind switch
        {
            Operator.Add => $"({l} + {r})",
            Operator.Sub => $"({l} - {r})",
            Operator.Mul => $"({l} * {r})",
            Operator.Div or Operator.DivBy => $"({l} / {r})",
            _ when type == SqlType.Integer => $"({l} % {r})",
            // PostgreSQL has no remainder of doubles and SQLite's operator drops the fractions: one formula for both.
            _ => $"({l} - {r} * trunc({l} / {r}))",
        };
        return new Term(sql, type, nullable);
    }

    private Term Negate(Term operand) =>
        operand switch
        {
            { Type: SqlType.Null } => operand,
            { Literal: long number } => operand with { Literal = -number },
            { Literal: double number } => operand with { Literal = -number },
            { IsNumber: true } => operand with { Sql = $"(-{Wide(operand, operand.Type)})" },
            _ => throw ODataError.NotSupported($"A minus before {Name(operand.Type)}", option),
        };

    // Both engines keep a view's whole double as it came out of an expression, which on SQLite may be an integer.
    private string Wide(Term term, SqlType type) =>
        type == SqlType.Integer
            ? term.IsLiteral
                ? Sql(term, type)
                : dialect.Wide(term.Sql!)
            : term.IsLiteral
                ? Sql(term, type)
                : dialect.AsDouble(term.Sql!);

    private Term Call(CallExpression call)
    {
        var name = call.Name;
        if (name == "now")
            return new Term(null, SqlType.Instant, false, query.Now);
        var arguments = call.Arguments.Select(Value).ToArray();
        if (Array.Exists(arguments, argument => argument.Type == SqlType.Null))
            return new Term(null, SqlType.Null, true);
        var nullable = Array.Exists(arguments, argument => argument.Nullable);
        return name switch
        {
            "contains" => Truth($"({dialect.PositionOf(Text(0), Text(1))} > 0)"),
            "startswith" => Truth($"(substr({Text(0)}, 1, length({Text(1)})) = {Text(1)})"),
            "endswith" => Truth(dialect.EndsWith(Text(0), Text(1))),
            "tolower" => Of(SqlType.Text, dialect.Lower(Text(0))),
            "toupper" => Of(SqlType.Text, dialect.Upper(Text(0))),
            "trim" => Of(SqlType.Text, dialect.Trim(Text(0), parameters.Add(" \t\n\r\v\f"))),
            "length" => Of(SqlType.Integer, dialect.Wide($"length({Text(0)})")),
            "indexof" => Of(SqlType.Integer, $"({dialect.PositionOf(Text(0), Text(1))} - 1)"),
            "substring" => Of(SqlType.Text, Substring()),
            "concat" => Of(SqlType.Text, $"({Text(0)} || {Text(1)})"),
            "year" or "month" or "day" or "hour" or "minute" or "second" => Part(),
            "date" => arguments[0].Type == SqlType.Date ? arguments[0] : Of(SqlType.Date, dialect.DateOf(Argument(0, SqlType.Instant))),
            "round" or "floor" or "ceiling" => Rounded(),
            _ => throw ODataError.NotSupported($"The function '{call.Name}'", option),
        };

        Term Of(SqlType type, string sql) => new(sql, type, nullable);

        Term Truth(string sql) => new(sql, SqlType.Boolean, nullable);

        string Argument(int index, SqlType type) =>
            arguments[index].Type == type
                ? Materialised(index, type)
                : throw ODataError.BadRequest(
                    "TypeMismatch",
                    $"{call.Name} takes {Name(type)}, not {Name(arguments[index].Type)}.",
                    option
                );

        // A literal that the SQL names twice is one parameter.
        string Materialised(int index, SqlType type)
        {
            if (arguments[index].IsLiteral)
                arguments[index] = new Term(Sql(arguments[index], type), type, false);
            return arguments[index].Sql!;
        }

        string Text(int index) => Argument(index, SqlType.Text);

        Term Part()
        {
            var isInstant = arguments[0].Type == SqlType.Instant;
            if (!isInstant && name is "hour" or "minute" or "second" && arguments[0].Type == SqlType.Date)
                throw ODataError.BadRequest("TypeMismatch", $"A day has no {name}.", option);
            return Of(SqlType.Integer, dialect.Part(name, Argument(0, isInstant ? SqlType.Instant : SqlType.Date), isInstant));
        }

        Term Rounded()
        {
            if (!arguments[0].IsNumber)
                throw ODataError.BadRequest("TypeMismatch", $"{call.Name} takes a number.", option);
            var x = arguments[0].IsLiteral ? Materialised(0, SqlType.Double) : dialect.AsDouble(arguments[0].Sql!);
            return Of(
                SqlType.Double,
                name switch
                {
                    "floor" => $"floor({x})",
                    "ceiling" => $"ceil({x})",
                    // Halves go away from zero. PostgreSQL's round sends them to the even neighbour and SQLite's adds 0.5 first.
                    _ => $"(trunc({x}) + CASE WHEN abs({x} - trunc({x})) >= 0.5 THEN sign({x}) ELSE 0 END)",
                }
            );
        }

        // Zero-based; a negative start counts from the end (4.01), and what lies outside the text is empty.
        string Substring()
        {
            var text = Text(0);
            string start;
            if (arguments[1].Literal is long and >= 0 and < int.MaxValue and var index)
                start = parameters.Add(index + 1);
            else
            {
                var from = Argument(1, SqlType.Integer);
                start = $"(CASE WHEN {from} < 0 THEN {dialect.Larger($"length({text}) + {from}", "0")} ELSE {from} END + 1)";
            }
            if (arguments.Length == 2)
                return $"substr({text}, {Int(start)})";
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
            return parameters.Add(
                (term.Literal, type) switch
                {
                    (long number, SqlType.Double) => (double)number,
                    (double number, SqlType.Integer) => (long)number,
                    (null, _) => throw new InvalidOperationException("null has no parameter."),
                    (double.NaN, _) => throw ODataError.NotSupported("NaN in anything but a comparison", option),
                    // The store's times are whole microseconds; what a comparison makes of a finer one is settled before.
                    (DateTime time, _) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond)),
                    var (value, _) => value,
                }
            );
        }
        return term.Type == SqlType.Integer && type == SqlType.Double ? dialect.AsDouble(term.Sql!) : term.Sql!;
    }

    private static Term Literal(LiteralExpression literal) =>
        literal.Value switch
        {
            null => new Term(null, SqlType.Null, true),
            bool boolean => boolean ? True : False,
            long => new Term(null, SqlType.Integer, false, literal.Value),
            double => new Term(null, SqlType.Double, false, literal.Value),
            string => new Term(null, SqlType.Text, false, literal.Value),
            DateOnly => new Term(null, SqlType.Date, false, literal.Value),
            DateTime => new Term(null, SqlType.Instant, false, literal.Value),
            _ => throw new InvalidOperationException($"A literal of {literal.Value.GetType()}."),
        };

    private static Operator Mirrored(Operator kind) =>
        kind switch
        {
            Operator.Gt => Operator.Lt,
            Operator.Ge => Operator.Le,
            Operator.Lt => Operator.Gt,
            Operator.Le => Operator.Ge,
            _ => kind,
        };

    private static string Spelled(Operator kind) =>
        kind switch
        {
            Operator.Eq => "=",
            Operator.Gt => ">",
            Operator.Ge => ">=",
            Operator.Lt => "<",
            Operator.Le => "<=",
            Operator.Add => "add",
            Operator.Sub => "sub",
            Operator.Mul => "mul",
            Operator.Div => "div",
            Operator.DivBy => "divby",
            _ => "mod",
        };
}
