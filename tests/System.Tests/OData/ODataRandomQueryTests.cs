using System.Globalization;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.OData;

/// <summary>Random filters and orders, answered by the service and by an evaluator over the same rows that shares nothing with
/// it.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataRandomQueryTests(ODataServices services, ITestOutputHelper output)
{
    private const int Queries = 5_000;

    public const string Set = "HourlyIntensities";

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Random_queries_give_the_rows_that_the_specification_gives(StorageEngine engine)
    {
        var seed = Seed();
        output.WriteLine($"seed {seed}");
        var service = services.Small(engine);
        var rows = await service.RowsAsync(Set, Types);
        var queries = new RandomQueries(new Random(seed), Types);
        var answered = 0;
        for (var i = 0; i < Queries; i++)
        {
            var filter = queries.Condition(3);
            var (orderText, compare) = queries.Order();
            var expected = rows.Where(row => filter.Of(row) is true).ToList();
            expected.Sort(compare);
            var url =
                $"{Set}?$select=DeploymentId,FunctionalUnit,PeriodStart&$count=true&$top=40&"
                + $"$filter={Uri.EscapeDataString(filter.Text)}&$orderby={Uri.EscapeDataString(orderText)}";
            var page = await service.GetAsync(url);
            Assert.True(
                expected.Count == page.GetProperty("@odata.count").GetInt64(),
                $"query {i} of seed {seed}: {expected.Count} expected, {page.GetProperty("@odata.count")} told for {filter.Text}"
            );
            var told = page.GetProperty("value").EnumerateArray().Select(Key).ToList();
            Assert.True(
                expected.Take(40).Select(Key).SequenceEqual(told),
                $"query {i} of seed {seed}: other order for {orderText} over {filter.Text}"
            );
            if (expected.Count > 0)
                answered++;
        }
        Assert.True(answered > Queries / 3, $"Only {answered} queries kept any row: they say too little.");
    }

    /// <summary>The seed of this run: METRICS_TEST_SEED, or always the same.</summary>
    public static int Seed() =>
        int.TryParse(
            Environment.GetEnvironmentVariable("METRICS_TEST_SEED"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var given
        )
            ? given
            : 4711;

    /// <summary>Columns that the queries use, with their Edm types.</summary>
    public static IReadOnlyDictionary<string, string> Types { get; } =
        new Dictionary<string, string>
        {
            ["DeploymentId"] = "Edm.Int64",
            ["FunctionalUnit"] = "Edm.String",
            ["PeriodStart"] = "Edm.DateTimeOffset",
            ["Date"] = "Edm.Date",
            ["DateKey"] = "Edm.Int32",
            ["Workload"] = "Edm.String",
            ["Model"] = "Edm.String",
            ["Precision"] = "Edm.String",
            ["Region"] = "Edm.String",
            ["Hardware"] = "Edm.String",
            ["Units"] = "Edm.Double",
            ["AcceleratorJoules"] = "Edm.Double",
            ["ServerJoules"] = "Edm.Double",
            ["FacilityJoules"] = "Edm.Double",
            ["IdleJoules"] = "Edm.Double",
            ["JoulesPerUnit"] = "Edm.Double",
            ["AcceleratorJoulesPerUnit"] = "Edm.Double",
            ["Coverage"] = "Edm.Double",
            ["SciGramsPerUnit"] = "Edm.Double",
            ["Evidence"] = "Edm.String",
            ["NullReason"] = "Edm.String",
            ["RecomputedAt"] = "Edm.DateTimeOffset",
        };

    private static string Key(Row row) =>
        $"{row["DeploymentId"]}/{row["FunctionalUnit"]}/{(DateTime)row["PeriodStart"]!:yyyy-MM-ddTHH:mm:ss}Z";

    private static string Key(JsonElement row) =>
        $"{row.GetProperty("DeploymentId").GetInt64()}/{row.GetProperty("FunctionalUnit").GetString()}"
        + $"/{row.GetProperty("PeriodStart").GetString()}";
}

/// <summary>An expression as OData writes it, and what the specification says that it is for a row.</summary>
public sealed record Expected(string Text, Func<Row, object?> Of);

/// <summary>Makes expressions together with their meaning.</summary>
public sealed class RandomQueries(Random random, IReadOnlyDictionary<string, string> types)
{
    private static readonly string[] Texts =
    [
        "",
        "a",
        "o",
        "-70",
        "chat-70b",
        "Chat-70B",
        "O'Neil",
        "é",
        "日",
        "🔥",
        "%",
        "_",
        "\\",
        " ",
        "token",
        "TOKEN",
        "org/",
        "fp8",
        "request",
        "dc-1",
    ];
    private static readonly double[] Numbers = [0, 0.1, 0.5, 1, 2.5, 17.348259334006055, 1e6, 123456.789, -3.5, 1e-7, 20, 1e300];

    public Expected Condition(int depth)
    {
        switch (depth == 0 ? random.Next(3, 12) : random.Next(0, 12))
        {
            case 0:
                return Both("and", Condition(depth - 1), Condition(depth - 1));
            case 1:
                return Both("or", Condition(depth - 1), Condition(depth - 1));
            case 2:
                var inner = Condition(depth - 1);
                return new($"not ({inner.Text})", row => inner.Of(row) is bool truth ? !truth : null);
            case 3:
                return NullTest();
            case 4:
                return Membership();
            case 5:
                return TextTest();
            case 6:
                return Comparison(TextOf(1), random.Next(3) == 0 ? TextOf(1) : TextLiteral());
            case 7:
                return Comparison(Property("Edm.DateTimeOffset"), random.Next(4) == 0 ? Property("Edm.DateTimeOffset") : Time());
            case 8:
                return Comparison(DateOf(), Day());
            case 9:
                return Comparison(Whole(1), random.Next(3) == 0 ? Number(1) : WholeLiteral());
            default:
                return Comparison(Number(2), random.Next(3) == 0 ? Number(1) : NumberLiteral());
        }
    }

    /// <summary>An $orderby of one to three parts, and the order of rows that it means, the key last.</summary>
    public (string Text, Comparison<Row> Compare) Order()
    {
        var parts = new List<(string Text, Func<Row, object?> Of, bool Descending)>();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var expression =
                random.Next(5) == 0
                    ? random.Next(2) == 0
                        ? Number(1)
                        : TextOf(1)
                    : Property(null);
            parts.Add((expression.Text, expression.Of, random.Next(2) == 0));
        }
        var text = string.Join(
            ",",
            parts.Select(part =>
                part.Text
                + (
                    part.Descending ? " desc"
                    : random.Next(2) == 0 ? " asc"
                    : ""
                )
            )
        );
        parts.AddRange(
            new[] { "DeploymentId", "FunctionalUnit", "PeriodStart" }.Select(name => (name, (Func<Row, object?>)(row => row[name]), false))
        );
        return (text, (left, right) =>
        {
            foreach (var (_, of, descending) in parts)
            {
                var (a, b) = (of(left), of(right));
                var order = a is null
                    ? b is null
                        ? 0
                        : -1
                    : b is null
                        ? 1
                        : CompareValues(a, b);
                if (order != 0)
                    return descending ? -order : order;
            }
            return 0;
        });
    }

    private T Any<T>(params IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    private static Expected Both(string by, Expected left, Expected right) => new($"({left.Text} {by} {right.Text})", row =>
        {
            var (a, b) = ((bool?)left.Of(row), (bool?)right.Of(row));
            var settles = by == "or";
            if (a == settles || b == settles)
                return settles;
            return a is null || b is null ? null : !settles;
        });

    private Expected NullTest()
    {
        var property = Property(null);
        var equal = random.Next(2) == 0;
        return new($"{property.Text} {(equal ? "eq" : "ne")} null", row => property.Of(row) is null == equal);
    }

    private Expected Comparison(Expected left, Expected right)
    {
        var by = Any("eq", "ne", "gt", "ge", "lt", "le");
        if (random.Next(6) == 0)
            (left, right) = (right, left);
        return new($"{left.Text} {by} {right.Text}", row =>
        {
            var (a, b) = (left.Of(row), right.Of(row));
            if (a is null || b is null)
                return by switch
                {
                    "eq" => a is null && b is null,
                    "ne" => a is null != b is null,
                    _ => false,
                };
            var order = CompareValues(a, b);
            return by switch
            {
                "eq" => order == 0,
                "ne" => order != 0,
                "gt" => order > 0,
                "ge" => order >= 0,
                "lt" => order < 0,
                _ => order <= 0,
            };
        });
    }

    private Expected Membership()
    {
        var withNull = random.Next(4) == 0;
        var (left, items) = random.Next(3) switch
        {
            0 => (Property("Edm.String"), Enumerable.Range(0, random.Next(1, 6)).Select(_ => TextLiteral()).ToList()),
            1 => (Property("Edm.Double"), Enumerable.Range(0, random.Next(1, 6)).Select(_ => NumberLiteral()).ToList()),
            _ => (Property("Edm.Int32"), Enumerable.Range(0, random.Next(1, 6)).Select(_ => WholeLiteral()).ToList()),
        };
        if (withNull)
            items.Add(new Expected("null", _ => null));
        return new($"{left.Text} in ({string.Join(",", items.Select(item => item.Text))})", row =>
        {
            var value = left.Of(row);
            return items.Exists(item =>
                item.Of(row) is { } listed ? value is not null && CompareValues(value, listed) == 0 : value is null
            );
        });
    }

    private Expected TextTest()
    {
        var (text, sought) = (TextOf(1), random.Next(5) == 0 ? TextOf(0) : TextLiteral());
        var name = Any("contains", "startswith", "endswith");
        return new($"{name}({text.Text},{sought.Text})", row => (text.Of(row), sought.Of(row)) is (string a, string b)
                ? name switch
                {
                    "contains" => a.Contains(b, StringComparison.Ordinal),
                    "startswith" => a.StartsWith(b, StringComparison.Ordinal),
                    _ => a.EndsWith(b, StringComparison.Ordinal),
                }
                : null);
    }

    private Expected Property(string? type)
    {
        var name = Any([.. types.Where(pair => type is null || pair.Value == type).Select(pair => pair.Key)]);
        return new(name, row => row[name]);
    }

    private Expected TextLiteral()
    {
        var text = Any(Texts);
        return new($"'{text.Replace("'", "''", StringComparison.Ordinal)}'", _ => text);
    }

    private Expected TextOf(int depth)
    {
        if (depth == 0 || random.Next(2) == 0)
            return Property("Edm.String");
        var text = TextOf(depth - 1);
        Expected On(string call, Func<string, string> of) => new(call, row => text.Of(row) is string value ? of(value) : null);
        switch (random.Next(5))
        {
            case 0:
                return On($"tolower({text.Text})", value => Mapped(value, 'A', 'Z', 32));
            case 1:
                return On($"toupper({text.Text})", value => Mapped(value, 'a', 'z', -32));
            case 2:
                return On($"trim({text.Text})", value => value.Trim(' ', '\t', '\n', '\r', '\v', '\f'));
            case 3:
                var end = TextLiteral();
                return On($"concat({text.Text},{end.Text})", value => value + end.Of([]));
            default:
                var (start, length) = (random.Next(-4, 8), random.Next(0, 6));
                return random.Next(2) == 0
                    ? On($"substring({text.Text},{start})", value => Part(value, start, int.MaxValue))
                    : On($"substring({text.Text},{start},{length})", value => Part(value, start, length));
        }
    }

    private static string Mapped(string text, char from, char to, int by) =>
        string.Concat(text.Select(c => c >= from && c <= to ? (char)(c + by) : c));

    private static string Part(string text, int start, int length)
    {
        var runes = text.EnumerateRunes().ToList();
        var from = start < 0 ? Math.Max(0, runes.Count + start) : start;
        return string.Concat(runes.Skip(from).Take(length).Select(rune => rune.ToString()));
    }

    private Expected WholeLiteral()
    {
        var number = Any(20260130L, 20260201L, 20260203L, 5L, 0L, 3L, 9_007_199_254_740_993L, 1_000_000_000_005L, -7L);
        return new(number.ToString(CultureInfo.InvariantCulture) + (random.Next(8) == 0 ? "L" : ""), _ => number);
    }

    private Expected Whole(int depth)
    {
        switch (depth == 0 ? 0 : random.Next(6))
        {
            case 1:
                var (left, by, right) = (Whole(0), Any("add", "sub", "div", "mod"), Any(1L, 2L, 7L, 100L, 0L));
                if (left.Text == "DeploymentId" && by == "add")
                    by = "sub";
                return new($"({left.Text} {by} {right})", row => left.Of(row) is long value
                        ? by switch
                        {
                            "add" => value + right,
                            "sub" => value - right,
                            "div" => right == 0 ? null : value / right,
                            _ => right == 0 ? null : value % right,
                        }
                        : null);
            case 2:
                var text = Property("Edm.String");
                return new($"length({text.Text})", row => text.Of(row) is string value ? (long)value.EnumerateRunes().Count() : null);
            case 3:
                var (within, sought) = (Property("Edm.String"), TextLiteral());
                return new($"indexof({within.Text},{sought.Text})", row =>
                    within.Of(row) is string value ? IndexOf(value, (string)sought.Of(row)!) : null
                );
            case 4:
                var (time, part) = (Property("Edm.DateTimeOffset"), Any("year", "month", "day", "hour", "minute", "second"));
                return new($"{part}({time.Text})", row => time.Of(row) is DateTime value
                        ? part switch
                        {
                            "year" => value.Year,
                            "month" => value.Month,
                            "day" => value.Day,
                            "hour" => value.Hour,
                            "minute" => value.Minute,
                            _ => (long)value.Second,
                        }
                        : null);
            case 5:
                var (date, piece) = (Property("Edm.Date"), Any("year", "month", "day"));
                return new($"{piece}({date.Text})", row => date.Of(row) is DateOnly value
                        ? piece switch
                        {
                            "year" => value.Year,
                            "month" => value.Month,
                            _ => (long)value.Day,
                        }
                        : null);
            default:
                return Property(random.Next(2) == 0 ? "Edm.Int32" : "Edm.Int64");
        }
    }

    private static long IndexOf(string text, string sought)
    {
        var at = text.IndexOf(sought, StringComparison.Ordinal);
        return at < 0 ? -1 : text[..at].EnumerateRunes().Count();
    }

    private Expected NumberLiteral()
    {
        var number = Any(Numbers);
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return new(text, _ =>
            text.Contains('.', StringComparison.Ordinal) || text.Contains('E', StringComparison.Ordinal) ? number : (object)(long)number
        );
    }

    public Expected Number(int depth)
    {
        if (depth == 0)
            return Property("Edm.Double");
        switch (random.Next(5))
        {
            case 0:
                var (left, by, right) = (
                    Number(depth - 1),
                    Any("add", "sub", "mul", "div", "mod", "divby"),
                    random.Next(2) == 0 ? Property("Edm.Double") : Small()
                );
                return new($"({left.Text} {by} {right.Text})", row =>
                {
                    if (left.Of(row) is not { } a || right.Of(row) is not { } b)
                        return null;
                    var (x, y) = (Convert.ToDouble(a, CultureInfo.InvariantCulture), Convert.ToDouble(b, CultureInfo.InvariantCulture));
                    return by switch
                    {
                        "add" => x + y,
                        "sub" => x - y,
                        "mul" => x * y,
                        _ when y == 0 => null,
                        "mod" => x - y * Math.Truncate(x / y),
                        _ => x / y,
                    };
                });
            case 1:
                var (argument, name) = (Number(depth - 1), Any("round", "floor", "ceiling"));
                return new($"{name}({argument.Text})", row => argument.Of(row) is double value
                        ? name switch
                        {
                            "round" => Math.Round(value, MidpointRounding.AwayFromZero),
                            "floor" => Math.Floor(value),
                            _ => Math.Ceiling(value),
                        }
                        : null);
            case 2:
                var negated = Number(depth - 1);
                return new($"-({negated.Text})", row => negated.Of(row) is double value ? -value : null);
            default:
                return Property("Edm.Double");
        }
    }

    // Large ones would leave the range of doubles, where the engines differ and the service refuses.
    private Expected Small()
    {
        var (text, number) = Any(("0.1", 0.1), ("2.5", 2.5), ("0.0", 0.0), ("1e3", 1000.0), ("3d", 3.0), ("1.5m", 1.5), ("-0.25", -0.25));
        return new(text, _ => number);
    }

    private Expected Time()
    {
        var time = new DateTime(2026, 1, 29, 12, 0, 0, DateTimeKind.Utc).AddMinutes(random.Next(0, 9 * 24 * 2) * 30);
        var offset = Any(0, 0, 120, -330);
        if (random.Next(6) == 0)
            time = time.AddTicks(5);
        var local = time.AddMinutes(offset)
            .ToString(time.Ticks % 10_000_000 == 0 ? "yyyy-MM-ddTHH:mm:ss" : "yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture);
        return new(local + (offset == 0 ? "Z" : $"{(offset < 0 ? '-' : '+')}{Math.Abs(offset) / 60:00}:{Math.Abs(offset) % 60:00}"), _ =>
            time
        );
    }

    private Expected DateOf()
    {
        if (random.Next(3) > 0)
            return Property("Edm.Date");
        var time = Property("Edm.DateTimeOffset");
        return new($"date({time.Text})", row => time.Of(row) is DateTime value ? DateOnly.FromDateTime(value) : null);
    }

    private Expected Day()
    {
        var day = new DateOnly(2026, 1, 29).AddDays(random.Next(0, 9));
        return new(day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), _ => day);
    }

    private static int CompareValues(object a, object b) =>
        (a, b) switch
        {
            (string x, string y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
            (long x, long y) => x.CompareTo(y),
            (long x, double y) when double.IsInteger(y) && Math.Abs(y) < 9e18 => x.CompareTo((long)y),
            (double x, long y) => x.CompareTo((double)y),
            (long x, double y) => ((double)x).CompareTo(y),
            _ => ((IComparable)a).CompareTo(b),
        };
}
