using System.Globalization;
using System.Text;
using Metrics.Domain.Messages;

namespace Metrics.Domain.Factors;

/// <summary>A table as text, read strictly: what is wrong becomes a fault with its file, line and column, and reading goes on.</summary>
/// <remarks>Lines that begin with <c>#</c> are remarks, the first other line names the columns, and each line after it is a row. Values are
/// separated by commas. A blank is never zero.</remarks>
internal sealed class TableText
{
    private readonly string file,
        text;
    private readonly IReadOnlyList<string> columns;
    private readonly List<string> errors;
    private readonly bool foreign;
    private readonly IReadOnlyList<string> optional;

    private TableText(
        string file,
        string text,
        IReadOnlyList<string> columns,
        IReadOnlyList<string> optional,
        List<string> errors,
        bool foreign
    ) => (this.file, this.text, this.columns, this.optional, this.errors, this.foreign) = (file, text, columns, optional, errors, foreign);

    /// <summary>A table of ours: exactly these columns, in any order, and values without quotes and commas.</summary>
    public static TableText Own(string file, string text, IReadOnlyList<string> columns, List<string> errors) =>
        new(file, text, columns, [], errors, foreign: false);

    /// <summary>A table of ours that may lack some columns: their values are blank then.</summary>
    public static TableText Own(
        string file,
        string text,
        IReadOnlyList<string> columns,
        IReadOnlyList<string> optional,
        List<string> errors
    ) => new(file, text, columns, optional, errors, foreign: false);

    /// <summary>A table of somebody else: at least these columns, and values that hold commas stand in quotes.</summary>
    public static TableText Foreign(string file, string text, IReadOnlyList<string> columns, List<string> errors) =>
        new(file, text, columns, [], errors, foreign: true);

    /// <summary>The names of the columns; empty when the text has none.</summary>
    public static string[] Header(string text) => Lines(text).Select(line => Cells(line.Text) ?? []).FirstOrDefault() ?? [];

    /// <summary>The text of a table that comes with the product.</summary>
    public static string Published(string name)
    {
        using var resource = typeof(TableText).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not embedded in the domain assembly.");
#pragma warning disable RS0030 // A part of this assembly is no file.
        using var reader = new System.IO.StreamReader(resource);
        return reader.ReadToEnd();
#pragma warning restore RS0030
    }

    /// <summary>The rows that have a value for each column, from top to bottom.</summary>
    public IEnumerable<TableRow> Rows()
    {
        string[]? header = null;
        foreach (var (number, line) in Lines(text))
        {
            if (!foreign && header is not null && line.Contains('"', StringComparison.Ordinal))
                errors.Add($"{file}: line {number}: holds a quote; write values without quotes and commas");
            else if (Cells(line) is not { } cells)
                errors.Add($"{file}: line {number}: a quote is not closed; close it");
            else if (header is null)
            {
                if (!IsUsable(number, cells))
                    yield break;
                header = cells;
            }
            else if (cells.Length != header.Length)
                errors.Add(
                    $"{file}: line {number}: has {cells.Length} values for {header.Length} columns; write one for each, and "
                        + "none with a comma"
                );
            else
                yield return new TableRow(file, number, header, cells, errors);
        }
        if (header is null)
            errors.Add($"{file}: has no columns; begin with the line {string.Join(',', columns)}");
    }

    private bool IsUsable(int number, string[] header)
    {
        var before = errors.Count;
        foreach (var missing in columns.Except(optional, StringComparer.Ordinal).Except(header, StringComparer.Ordinal))
            errors.Add($"{file}: line {number}: column '{missing}' is missing; add it");
        if (!foreign)
            foreach (var unknown in header.Except(columns, StringComparer.Ordinal))
                errors.Add(
                    $"{file}: line {number}: column '{MessageText.Show(unknown)}' is not known; known are: {string.Join(", ", columns)}"
                );
        foreach (var twice in header.CountBy(cell => cell, StringComparer.Ordinal).Where(cell => cell.Value > 1))
            errors.Add($"{file}: line {number}: column '{MessageText.Show(twice.Key)}' is given twice; keep one");
        return errors.Count == before;
    }

    private static IEnumerable<(int Number, string Text)> Lines(string text)
    {
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.TrimEnd('\r', ' ', '\t').TrimStart('\uFEFF');
            if (line.Length > 0 && line[0] != '#')
                yield return (number, line);
        }
    }

    // A quoted value holds commas, and a quote as two. Null when the last quote is not closed.
    private static string[]? Cells(string line)
    {
        if (!line.Contains('"', StringComparison.Ordinal))
            return [.. line.Split(',').Select(cell => cell.Trim())];
        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
                cell.Append(line[++i]);
            else if (line[i] == '"')
                quoted = !quoted;
            else if (line[i] == ',' && !quoted)
            {
                cells.Add(cell.ToString().Trim());
                cell.Clear();
            }
            else
                cell.Append(line[i]);
        }
        cells.Add(cell.ToString().Trim());
        return quoted ? null : [.. cells];
    }
}

/// <summary>What a number in a table may be, and the words in which a fault says so.</summary>
/// <param name="Least">The least that can be; itself too small when <paramref name="Above"/>.</param>
/// <param name="Most">The most that can be.</param>
/// <param name="Unit">Unit with the blank before it, or empty.</param>
/// <param name="Hint">What to write.</param>
/// <param name="Row">What is left out when the number is unknown.</param>
/// <param name="Above">Whether the least is too small.</param>
internal sealed record NumberRule(double Least, double Most, string Unit, string Hint, string Row, bool Above = false)
{
    public bool Allows(double value) => (Above ? value > Least : value >= Least) && value <= Most;

    public string Range => $"{(Above ? $"above {Text(Least)} and at most" : $"from {Text(Least)} to")} {Text(Most)}{Unit}";

    private static string Text(double value) => value == 0 ? "zero" : value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One row of a table. Each reader of a value adds a fault and answers null when the value cannot be used.</summary>
internal sealed class TableRow(string file, int line, string[] columns, string[] cells, List<string> errors)
{
    /// <summary>Where the row stands: <c>grid.csv: line 7</c>.</summary>
    public string At => $"{file}: line {line}";

    /// <summary>How many faults there are; a row is good when reading it added none.</summary>
    public int ErrorCount => errors.Count;

    public string Cell(string column) => cells[Array.IndexOf(columns, column)];

    public string? Text(string column)
    {
        if (Cell(column) is { Length: > 0 } text)
            return text;
        AddError($"{column}: is blank; write it");
        return null;
    }

    public string? OptionalText(string column) => Cell(column) is { Length: > 0 } text ? text : null;

    public T? Word<T>(string column, IReadOnlyDictionary<string, T> words)
        where T : struct
    {
        if (Text(column) is not { } word)
            return null;
        if (words.TryGetValue(word, out var value))
            return value;
        AddError($"{column}: '{MessageText.Show(word)}' is not one of: {string.Join(", ", words.Keys)}; use one of them");
        return null;
    }

    public double? Number(string column, NumberRule rule)
    {
        if (Cell(column).Length > 0)
            return OptionalNumber(column, rule);
        AddError($"{column}: is blank, which is not zero; {rule.Hint}, or leave the {rule.Row} out");
        return null;
    }

    public double? OptionalNumber(string column, NumberRule rule)
    {
        var text = Array.IndexOf(columns, column) < 0 ? "" : Cell(column);
        if (text.Length == 0)
            return null;
        if (!TryNumber(text, out var value))
            AddError($"{column}: '{MessageText.Show(text)}' is not a number; write it as 12.5");
        else if (!rule.Allows(value))
            AddError($"{column}: {MessageText.Show(text)}{rule.Unit} is not {rule.Range}; {rule.Hint}");
        else
            return value;
        return null;
    }

    /// <summary>A number, or two with <c>/</c> between for their ratio.</summary>
    public double? Share(string column, NumberRule rule)
    {
        var text = Cell(column);
        if (text.Length == 0)
        {
            AddError($"{column}: is blank, which is not zero; {rule.Hint}");
            return null;
        }
        var parts = text.Split('/');
        var whole = 1.0;
        if (parts.Length > 2 || !TryNumber(parts[0], out var part) || (parts.Length == 2 && !(TryNumber(parts[1], out whole) && whole > 0)))
            AddError($"{column}: '{MessageText.Show(text)}' is not a number; write it as 0.125 or 1/8");
        else if (!rule.Allows(part / whole))
            AddError($"{column}: {MessageText.Show(text)}{rule.Unit} is not {rule.Range}; {rule.Hint}");
        else
            return part / whole;
        return null;
    }

    public int? Year(string column)
    {
        var text = Cell(column);
        if (text.Length == 0)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var year) && year is >= 1990 and <= 2100)
            return year;
        AddError(
            $"{column}: '{MessageText.Show(text)}' is not a year from 1990 to 2100; write it with four digits, or leave it "
                + "blank when it is unknown"
        );
        return null;
    }

    public DateOnly? Day(string column)
    {
        var text = Cell(column);
        if (text.Length == 0)
            return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            return day;
        AddError($"{column}: '{MessageText.Show(text)}' is not a day; write it as 2025-01-31");
        return null;
    }

    /// <summary>The edition of a row: lower-case letters, digits, dots and hyphens.</summary>
    public string? Version(string column)
    {
        if (Text(column) is not { } text)
            return null;
        if (text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '-'))
            return text;
        AddError(
            $"{column}: '{MessageText.Show(text)}' is not made of lower-case letters, digits, dots and hyphens; write it as ember-2025"
        );
        return null;
    }

    public void AddError(string text) => errors.Add($"{At}: {text}");

    private static bool TryNumber(string text, out double value) =>
        double.TryParse(
            text,
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out value
        ) && !double.IsNaN(value);
}

/// <summary>A table of factors cannot be used. <see cref="Errors"/> has one line a fault: file, line, column, what was wrong, what to
/// do.</summary>
public sealed class FactorException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
