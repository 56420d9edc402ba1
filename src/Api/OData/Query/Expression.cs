namespace Metrics.Api.OData.Query;

/// <summary>Operators of expressions, in the order of how loosely they bind.</summary>
internal enum Operator
{
    Or,
    And,
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Add,
    Sub,
    Mul,
    Div,
    DivBy,
    Mod,
    Not,
    Minus,
}

/// <summary>An expression as it was written.</summary>
/// <param name="At">Where it begins in its option, from zero.</param>
internal abstract record Expression(int At);

/// <summary>A literal: null, bool, long, double, string, DateOnly or UTC DateTime.</summary>
internal sealed record LiteralExpression(int At, object? Value) : Expression(At);

/// <summary>A property, a computed name, or one behind navigation properties: <c>Deployment/Region</c>.</summary>
internal sealed record PathExpression(int At, string Path) : Expression(At);

/// <summary>A parameter alias, with its @.</summary>
internal sealed record AliasExpression(int At, string Name) : Expression(At);

/// <summary>not, or a minus.</summary>
internal sealed record UnaryExpression(int At, Operator Operator, Expression Operand) : Expression(At);

/// <summary>Two operands.</summary>
internal sealed record BinaryExpression(int At, Operator Operator, Expression Left, Expression Right) : Expression(At);

/// <summary>Any number of operands between and, or between or.</summary>
internal sealed record ChainExpression(int At, Operator Operator, IReadOnlyList<Expression> Operands) : Expression(At);

/// <summary>Membership in a list of literals.</summary>
internal sealed record InExpression(int At, Expression Operand, IReadOnlyList<LiteralExpression> Values) : Expression(At);

/// <summary>A function by its name in lower case.</summary>
internal sealed record CallExpression(int At, string Name, IReadOnlyList<Expression> Arguments) : Expression(At);
