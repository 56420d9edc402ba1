using System.Globalization;
using System.Text.Json;
using Metrics.Api.Http;
using Metrics.Domain.Messages;
using Sylvan.Data.Csv;

namespace Metrics.Api.Reports.Kinds;

/// <summary>What a rule asks of its columns. In the file and in responses it is the word in camel case: <c>oneOf</c>.</summary>
public enum ValidationCheck
{
    /// <summary>Each has a value.</summary>
    Required,

    /// <summary>Each number lies between the least and the most.</summary>
    Range,

    /// <summary>No number is more than one that comes after it; unknown ones are left out.</summary>
    Order,

    /// <summary>The time of the first is before that of the second.</summary>
    Before,

    /// <summary>Each text is one of those that there are.</summary>
    OneOf,

    /// <summary>The scores of the components sum up to the total's.</summary>
    Components,
}

/// <summary>A rule that rows of reports have to follow. The rules are data (<c>columns.json</c>), in the pattern of FOCUS.</summary>
/// <param name="Id">Stable id.</param>
/// <param name="Check"><c>required</c>, <c>range</c>, <c>order</c> (none more than one after it), <c>before</c> (times), <c>oneOf</c>
/// or <c>components</c>.</param>
/// <param name="Columns">The columns that it is about; those that a kind has not are left out.</param>
/// <param name="Says">What it asks for, in words.</param>
/// <param name="Kinds">The kinds that it is about; null: all.</param>
/// <param name="Min">Least value.</param>
/// <param name="Max">Most.</param>
/// <param name="Values">Values that there are.</param>
public sealed record ValidationRule(
    string Id,
    string Check,
    IReadOnlyList<string> Columns,
    string Says,
    IReadOnlyList<string>? Kinds = null,
    double? Min = null,
    double? Max = null,
    IReadOnlyList<string>? Values = null
);

/// <summary>Where rows do not follow a rule.</summary>
/// <param name="Rule">Id of the rule.</param>
/// <param name="Says">What it asks for.</param>
/// <param name="Count">How many rows do not follow it.</param>
/// <param name="Examples">The first of them: row (1 is the first after the names), column and value.</param>
public sealed record ValidationFinding(string Rule, string Says, long Count, IReadOnlyList<ValidationExample> Examples);

/// <summary>A row that does not follow a rule.</summary>
/// <param name="Row">Its number; 1 is the first after the names.</param>
/// <param name="Column">The column.</param>
/// <param name="Value">What stands there.</param>
public sealed record ValidationExample(long Row, string Column, string Value);

/// <summary>Looks at the rows of one report as they pass.</summary>
public sealed class Validator
{
    private const int MostExamples = 20;

    /// <summary>As exact as doubles can be held to after a division.</summary>
    private const double Slack = 1e-9;

    private readonly ReportKind kind;
    private readonly (ValidationRule Rule, ValidationCheck Check, int[] Columns)[] rules;
    private readonly Dictionary<string, (string Says, long Count, List<ValidationExample> Examples)> findings = new(StringComparer.Ordinal);
    private double? operational,
        embodied;

    /// <summary>A validator of a kind.</summary>
    public Validator(ReportKind kind)
    {
        this.kind = kind;
        var names = kind
            .Columns.Select((column, i) => (column.Name, i))
            .ToDictionary(one => one.Name, one => one.i, StringComparer.Ordinal);
        rules =
        [
            .. Rules
                .Where(rule => rule.Kinds is null || rule.Kinds.Contains(kind.Name))
                .Select(rule =>
                    (
                        Rule: rule,
                        Check: Enum.Parse<ValidationCheck>(rule.Check, ignoreCase: true),
                        Columns: rule.Columns.Where(names.ContainsKey).Select(name => names[name]).ToArray()
                    )
                )
                .Where(one =>
                    one.Columns.Length > 0
                    && (
                        one.Check is ValidationCheck.Required or ValidationCheck.Range or ValidationCheck.OneOf
                        || one.Columns.Length == one.Rule.Columns.Count
                    )
                ),
        ];
    }

    /// <summary>All rules.</summary>
    public static IReadOnlyList<ValidationRule> Rules => ColumnData.Read.Rules;

    /// <summary>Rows looked at.</summary>
    public long Rows { get; private set; }

    /// <summary>What was found, by rule.</summary>
    public IReadOnlyList<ValidationFinding> Findings =>
        [
            .. findings
                .OrderBy(one => one.Key, StringComparer.Ordinal)
                .Select(one => new ValidationFinding(one.Key, one.Value.Says, one.Value.Count, one.Value.Examples)),
        ];

    /// <summary>Looks at a row.</summary>
    public void Look(ReportValue[] row)
    {
        Rows++;
        foreach (var (rule, check, columns) in rules)
        {
            switch (check)
            {
                case ValidationCheck.Required:
                    foreach (var column in columns)
                        if (!row[column].IsKnown)
                            Find(rule.Id, rule.Says, column, "");
                    break;
                case ValidationCheck.Range:
                    foreach (var column in columns)
                        if (row[column].IsKnown && (row[column].Number < rule.Min || row[column].Number > rule.Max))
                            Find(rule.Id, rule.Says, column, ReportText.Of(row[column].Number));
                    break;
                case ValidationCheck.Order:
                    int? before = null;
                    foreach (var column in columns.Where(column => row[column].IsKnown))
                    {
                        if (before is { } lesser && row[lesser].Number > row[column].Number * (1 + Slack))
                            Find(
                                rule.Id,
                                rule.Says,
                                lesser,
                                $"{ReportText.Of(row[lesser].Number)} against {ReportText.Of(row[column].Number)}"
                            );
                        before = column;
                    }
                    break;
                case ValidationCheck.Before:
                    if (row[columns[0]].IsKnown && row[columns[1]].IsKnown && row[columns[0]].Time >= row[columns[1]].Time)
                        Find(
                            rule.Id,
                            rule.Says,
                            columns[0],
                            $"{ReportText.Of(row[columns[0]].Time)} against {ReportText.Of(row[columns[1]].Time)}"
                        );
                    break;
                case ValidationCheck.OneOf:
                    foreach (var column in columns)
                        if (row[column].IsKnown && !rule.Values!.Contains(row[column].Text!))
                            Find(rule.Id, rule.Says, column, row[column].Text!);
                    break;
                case ValidationCheck.Components:
                    Components(rule, row[columns[0]].IsKnown ? row[columns[0]].Number : null, row[columns[1]].Text, columns[0]);
                    break;
            }
        }
    }

    /// <summary>Rows of somebody's file.</summary>
    /// <param name="kind">The kind that it is said to be.</param>
    /// <param name="contentType"><c>text/csv</c>, or <c>application/json</c>: a whole report, or its rows.</param>
    /// <param name="body">The file.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ReportError">It is no such file.</exception>
    internal static async Task<Validator> ReadAsync(ReportKind kind, string contentType, Stream body, CancellationToken cancellationToken)
    {
        var validator = new Validator(kind);
        if (contentType.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase))
            await validator.ReadCsvAsync(body, cancellationToken);
        else if (contentType.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
            await validator.ReadJsonAsync(body, cancellationToken);
        else
            throw new ReportError(
                ProblemCode.UnknownFormat,
                "A file to validate is text/csv or application/json, by its Content-Type.",
                StatusCodes.Status415UnsupportedMediaType
            );
        return validator;
    }

    private async Task ReadCsvAsync(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            using var text = new StreamReader(body);
            await using var csv = await CsvDataReader.CreateAsync(
                text,
                new CsvDataReaderOptions { HasHeaders = true, MaxBufferSize = 4 * 1024 * 1024 },
                cancellationToken
            );
            var columns = Columns([.. Enumerable.Range(0, csv.FieldCount).Select(csv.GetName)]);
            var row = new ReportValue[kind.Columns.Count];
            while (await csv.ReadAsync(cancellationToken))
            {
                Array.Clear(row);
                for (var i = 0; i < columns.Length && i < csv.RowFieldCount; i++)
                    if (columns[i] >= 0)
                        row[columns[i]] = Value(columns[i], csv.GetString(i));
                Look(row);
            }
        }
        catch (Exception exception)
            when (exception
                    is CsvFormatException
                        or CsvRecordTooLargeException
                        or InvalidDataException
                        or System.Text.DecoderFallbackException
            )
        {
            throw new ReportError(ProblemCode.UnreadableFile, $"The file is no CSV that can be read: {exception.Message.Split('\n')[0]}");
        }
    }

    private async Task ReadJsonAsync(Stream body, CancellationToken cancellationToken)
    {
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
        }
        catch (JsonException exception)
        {
            throw new ReportError(
                ProblemCode.UnreadableFile,
                $"The file is no JSON: line {(exception.LineNumber + 1)?.ToString(CultureInfo.InvariantCulture)}, position "
                    + $"{exception.BytePositionInLine?.ToString(CultureInfo.InvariantCulture)}."
            );
        }
        using (document)
        {
            var rows = document.RootElement;
            if (rows.ValueKind == JsonValueKind.Object && !rows.TryGetProperty("rows", out rows) || rows.ValueKind != JsonValueKind.Array)
                throw new ReportError(ProblemCode.UnreadableFile, "The file has to be an array of rows, or a report with 'rows'.");
            var row = new ReportValue[kind.Columns.Count];
            int[]? all = null;
            string[] names = [];
            foreach (var item in rows.EnumerateArray())
            {
                if (item.ValueKind != JsonValueKind.Object)
                    throw new ReportError(ProblemCode.UnreadableFile, $"Row {Rows + 1} is no object.");
                string[] own = [.. item.EnumerateObject().Select(property => property.Name)];
                // A file whose rows have one shape is told of its columns once.
                if (all is null || !names.SequenceEqual(own))
                    (all, names) = (Columns(own), own);
                Array.Clear(row);
                var i = 0;
                foreach (var property in item.EnumerateObject())
                {
                    if (all[i] >= 0 && property.Value.ValueKind != JsonValueKind.Null)
                        row[all[i]] = Value(
                            all[i],
                            property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText()
                        );
                    i++;
                }
                Look(row);
            }
        }
    }

    /// <summary>Where each column of a file stands in the kind; -1 for one that the kind has not.</summary>
    private int[] Columns(string[] names)
    {
        foreach (var missing in kind.Columns.Where(column => !names.Contains(column.Name)))
            Find("MR-900", "The file has every column of its kind.", missing.Name, "", count: true);
        foreach (var unknown in names.Where(name => kind.Columns.All(column => column.Name != name)))
            Find("MR-901", "The file has no column that its kind has not.", Spelling.Shorten(unknown), "", count: true);
        return [.. names.Select(name => Array.FindIndex([.. kind.Columns], column => column.Name == name))];
    }

    private ReportValue Value(int column, string text)
    {
        if (text.Length == 0)
            return default;
        switch (kind.Columns[column].Type)
        {
            case ReportType.Number
                when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number):
                return ReportValue.Of(number);
            case ReportType.Time
                when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time):
                return ReportValue.Of(time.UtcDateTime);
            case ReportType.Flag when bool.TryParse(text, out var flag):
                return ReportValue.Of(flag);
            case ReportType.Text:
                return ReportValue.Of(text);
            default:
                Find("MR-902", "A value has the type of its column.", column, Spelling.Shorten(text), Rows + 1);
                return default;
        }
    }

    private void Components(ValidationRule rule, double? score, string? component, int column)
    {
        switch (component is null ? null : Words.Find<SciComponent>(component))
        {
            case SciComponent.Operational:
                operational = score;
                break;
            case SciComponent.Embodied:
                embodied = score;
                break;
            case SciComponent.Total:
                var sum = operational + embodied;
                if (score is null != sum is null || Math.Abs((score ?? 0) - (sum ?? 0)) > Slack * Math.Abs(sum ?? 0))
                    Find(rule.Id, rule.Says, column, $"{Text(score)} against {Text(operational)} + {Text(embodied)}");
                operational = embodied = null;
                break;
        }

        static string Text(double? value) => value is { } known ? ReportText.Of(known) : "unknown";
    }

    private void Find(string rule, string says, int column, string value, long? row = null) =>
        Find(rule, says, kind.Columns[column].Name, value, row: row);

    private void Find(string rule, string says, string column, string value, bool count = false, long? row = null)
    {
        var (_, known, examples) = findings.GetValueOrDefault(rule, (says, 0, []));
        if (examples.Count < MostExamples)
            examples.Add(new ValidationExample(count ? 0 : row ?? Rows, column, value));
        findings[rule] = (says, known + 1, examples);
    }
}
