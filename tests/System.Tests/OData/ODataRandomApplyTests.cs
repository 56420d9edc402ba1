using System.Globalization;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.OData;

/// <summary>Random sequences of transformations, answered by the service and by an evaluator over the same rows that shares nothing with
/// it.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataRandomApplyTests(ODataServices services, ITestOutputHelper output)
{
    private const int Queries = 5_000;

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Random_sequences_give_the_rows_that_the_specification_gives(StorageEngine engine)
    {
        var seed = ODataRandomQueryTests.Seed();
        output.WriteLine($"seed {seed}");
        var service = services.Small(engine);
        var rows = (await service.RowsAsync(ODataRandomQueryTests.Set, ODataRandomQueryTests.Types)).ToList();
        var made = new RandomApply(new Random(seed));
        var (answered, told) = (0, 0L);
        for (var i = 0; i < Queries; i++)
        {
            var (text, expected) = made.Query(rows);
            var page = await service.GetAsync($"{ODataRandomQueryTests.Set}?{text}");
            var got = page.GetProperty("value").EnumerateArray().ToList();
            Assert.True(
                expected.Count == got.Count,
                $"query {i} of seed {seed}: {expected.Count} rows expected, {got.Count} told for {text}"
            );
            for (var r = 0; r < got.Count; r++)
                Compare(expected[r], got[r], $"row {r} of query {i} of seed {seed}: {text}");
            if (got.Count > 1)
                answered++;
            told += got.Count;
        }
        output.WriteLine($"{engine}: {Queries} sequences, {told} rows");
        Assert.True(answered > Queries / 2, $"Only {answered} queries gave rows: they say too little.");
    }

    private static void Compare(IReadOnlyDictionary<string, object?> expected, JsonElement got, string where)
    {
        var members = got.EnumerateObject()
            .Where(member => !member.Name.Contains('@', StringComparison.Ordinal))
            .ToDictionary(member => member.Name, member => member.Value);
        Assert.True(
            expected.Keys.Order().SequenceEqual(members.Keys.Order()),
            $"{where}: {string.Join(",", expected.Keys)} expected, {string.Join(",", members.Keys)} told"
        );
        foreach (var (name, value) in expected)
        {
            var member = members[name];
            var same = value switch
            {
                null => member.ValueKind == JsonValueKind.Null,
                long number => member.ValueKind == JsonValueKind.Number && member.TryGetInt64(out var whole) && whole == number,
                Sum sum => member.ValueKind == JsonValueKind.Number && Math.Abs(member.GetDouble() - sum.Value) <= sum.Size * 1e-9,
                double number => member.ValueKind == JsonValueKind.Number
                    && Math.Abs(member.GetDouble() - number) <= Math.Abs(number) * 1e-12,
                string text => member.ValueKind == JsonValueKind.String && member.GetString() == text,
                DateOnly day => member.GetString() == day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                DateTime time => member.GetDateTimeOffset().UtcDateTime == time,
                bool truth => member.ValueKind == (truth ? JsonValueKind.True : JsonValueKind.False),
                _ => false,
            };
            Assert.True(same, $"{where}: {name} is {value ?? "null"}, told {member}");
        }
    }
}

/// <summary>A sum of doubles, which is exact only to the size of what was added.</summary>
public sealed record Sum(double Value, double Size)
{
    public override string ToString() => Value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>Makes sequences together with the rows that they give.</summary>
public sealed class RandomApply(Random random)
{
    private static readonly string[] Keys =
    [
        "DeploymentId",
        "FunctionalUnit",
        "Date",
        "DateKey",
        "Workload",
        "Model",
        "Precision",
        "Region",
        "Hardware",
        "Evidence",
        "PeriodStart",
        "NullReason",
    ];
    private static readonly string[] Amounts = ["AcceleratorJoules", "ServerJoules", "FacilityJoules", "IdleJoules", "Units"];
    private readonly RandomQueries expressions = new(random, ODataRandomQueryTests.Types);

    /// <summary>Options with the rows that they give, in order.</summary>
    public (string Text, List<Dictionary<string, object?>> Rows) Query(List<Row> all)
    {
        var steps = new List<string>();
        var rows = all;
        if (random.Next(2) == 0)
        {
            var filter = expressions.Condition(2);
            steps.Add($"filter({filter.Text})");
            rows = [.. rows.Where(row => filter.Of(row) is true)];
        }
        if (random.Next(4) == 0)
        {
            // topcount by a key that has no ties.
            var (count, largest) = (random.Next(0, 60), random.Next(2) == 0);
            var by = expressions.Order();
            if (random.Next(2) == 0)
            {
                steps.Add($"orderby({by.Text})/top({count})");
                rows = [.. Sorted(rows, by.Compare).Take(count)];
            }
            else
            {
                var amount = Any(Amounts);
                steps.Add($"{(largest ? "topcount" : "bottomcount")}({count},{amount})");
                // Null is the smallest; ties go by the key.
                rows =
                [
                    .. rows.OrderBy(row => (largest ? -1 : 1) * (row[amount] is double value ? value : double.NegativeInfinity))
                        .ThenBy(row => (long)row["DeploymentId"]!)
                        .ThenBy(row => Encoding.UTF8.GetBytes((string)row["FunctionalUnit"]!), Bytes.Order)
                        .ThenBy(row => (DateTime)row["PeriodStart"]!)
                        .Take(count),
                ];
            }
        }
        List<Dictionary<string, object?>> result;
        List<string> keys;
        switch (random.Next(7))
        {
            case 0:
                var whole = Aggregates([], single: Fix(ref rows, steps));
                steps.Add($"aggregate({whole.Text})");
                result = [whole.Of(rows)];
                return (Escape(steps), result);
            case 1:
                keys = SomeKeys();
                steps.Add($"groupby(({string.Join(",", keys)}))");
                result = [.. Groups(rows, keys).Select(group => Key(group, keys))];
                break;
            case 2:
                // Groups of which a filter leaves nothing are told, with null and zero.
                keys = SomeKeys();
                var condition = expressions.Condition(1);
                var each = Aggregates(keys, keys.Contains("FunctionalUnit"));
                steps.Add($"groupby(({string.Join(",", keys)}),filter({condition.Text})/aggregate({each.Text}))");
                result =
                [
                    .. Groups(rows, keys)
                        .Select(group => Joined(Key(group, keys), each.Of([.. group.Where(row => condition.Of(row) is true)]))),
                ];
                break;
            case 3:
                // Sums of groups within larger groups.
                keys = SomeKeys();
                var amount = Any(Amounts);
                var inner = keys.Append("FunctionalUnit").Append("DeploymentId").Distinct().ToList();
                steps.Add(
                    $"groupby(({string.Join(",", inner)}),aggregate({amount} with max as X,$count as "
                        + $"C))/groupby(({string.Join(",", keys)}),aggregate(X with min as Y,C with sum as N))"
                );
                result =
                [
                    .. Groups(rows, keys)
                        .Select(group =>
                            Joined(
                                Key(group, keys),
                                new Dictionary<string, object?>
                                {
                                    ["Y"] = Groups([.. group], inner).Select(part => part.Max(row => (double?)row[amount])).Min(),
                                    ["N"] = (long)group.Count(),
                                }
                            )
                        ),
                ];
                break;
            default:
                keys = SomeKeys();
                var made = Aggregates(keys, keys.Contains("FunctionalUnit") || Fix(ref rows, steps));
                steps.Add($"groupby(({string.Join(",", keys)}),aggregate({made.Text}))");
                result = [.. Groups(rows, keys).Select(group => Joined(Key(group, keys), made.Of([.. group])))];
                if (random.Next(3) == 0 && made.Counted is { } counted)
                {
                    var least = random.Next(1, 6);
                    steps.Add($"filter({counted} gt {least})");
                    result = [.. result.Where(row => (long)row[counted]! > least)];
                }
                break;
        }
        // By the keys, in an order of the query's own or in theirs.
        var order = keys.OrderBy(_ => random.Next()).Select(key => (Key: key, Descending: random.Next(2) == 0)).ToList();
        var options = new StringBuilder(Escape(steps));
        options.Append("&$orderby=").AppendJoin(',', order.Select(part => part.Key + (part.Descending ? " desc" : "")));
        result.Sort(
            (a, b) =>
            {
                foreach (var (key, descending) in order)
                {
                    var (x, y) = (a[key], b[key]);
                    var compared = x is null
                        ? y is null
                            ? 0
                            : -1
                        : y is null
                            ? 1
                            : x is string s
                                ? Bytes.Order.Compare(Encoding.UTF8.GetBytes(s), Encoding.UTF8.GetBytes((string)y))
                                : ((IComparable)x).CompareTo(y);
                    if (compared != 0)
                        return descending ? -compared : compared;
                }
                return 0;
            }
        );
        if (random.Next(4) == 0)
        {
            var (skip, top) = (random.Next(0, 4), random.Next(0, 20));
            options.Append(CultureInfo.InvariantCulture, $"&$skip={skip}&$top={top}");
            result = [.. result.Skip(skip).Take(top)];
        }
        return (options.ToString(), result);
    }

    private static string Escape(List<string> steps) => "$apply=" + Uri.EscapeDataString(string.Join('/', steps));

    // One functional unit, so that amounts can be added.
    private bool Fix(ref List<Row> rows, List<string> steps)
    {
        if (random.Next(2) == 0)
            return false;
        var unit = Any("request", "image", "none", "output-token", "nothing");
        steps.Add($"filter(FunctionalUnit eq '{unit}')");
        rows = [.. rows.Where(row => (string)row["FunctionalUnit"]! == unit)];
        return true;
    }

    private (string Text, Func<List<Row>, Dictionary<string, object?>> Of, string? Counted) Aggregates(
        IReadOnlyList<string> keys,
        bool single
    )
    {
        var items = new List<(string Text, string Name, Func<List<Row>, object?> Of)>();
        string? counted = null;
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var name = $"R{i}";
            switch (random.Next(single ? 9 : 5))
            {
                case 0:
                    counted = name;
                    items.Add(($"$count as {name}", name, rows => (long)rows.Count));
                    break;
                case 1:
                    var distinct = Any(Keys);
                    items.Add(
                        ($"{distinct} with countdistinct as {name}", name, rows =>
                            (long)rows.Select(row => row[distinct]).Where(value => value is not null).Distinct().Count()
                        )
                    );
                    break;
                case 2:
                    var (extreme, smallest) = (
                        Any("AcceleratorJoules", "JoulesPerUnit", "Coverage", "Units", "DateKey"),
                        random.Next(2) == 0
                    );
                    items.Add(($"{extreme} with {(smallest ? "min" : "max")} as {name}", name, rows => rows.Select(row => row[extreme])
                                .Where(value => value is not null)
                                .OrderBy(value => value)
                                .ToList()
                                is { Count: > 0 } known
                                ? smallest
                                    ? known[0]
                                    : known[^1]
                                : null));
                    break;
                case 3:
                    items.Add(
                        ($"PeriodStart with max as {name}", name, rows =>
                            rows.Count == 0 ? null : rows.Max(row => (DateTime)row["PeriodStart"]!)
                        )
                    );
                    break;
                case 4:
                    items.Add(
                        ($"DateKey with sum as {name}", name, rows => rows.Count == 0 ? null : rows.Sum(row => (long)row["DateKey"]!))
                    );
                    break;
                case 5:
                    var sum = Any(Amounts);
                    if (keys.Contains(sum) || items.Exists(item => item.Name == sum))
                        goto case 6;
                    items.Add((sum, sum, rows => Added(rows.Select(row => (double?)row[sum]))));
                    break;
                case 6:
                    var expression = expressions.Number(1);
                    // Of a share or a ratio alone there is no sum.
                    items.Add(
                        ($"({expression.Text}) add 0.0 with sum as {name}", name, rows =>
                            Added(
                                rows.Select(row =>
                                    expression.Of(row) is { } value ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : (double?)null
                                )
                            )
                        )
                    );
                    break;
                case 7:
                    var mean = Any(Amounts);
                    items.Add(
                        ($"{mean} with average as {name}", name, rows =>
                            rows.Select(row => (double?)row[mean]).OfType<double>().ToList() is { Count: > 0 } known
                                ? new Sum(known.Average(), known.Max(Math.Abs))
                                : null
                        )
                    );
                    break;
                default:
                    // The only mean of a ratio: sum over sum, of the rows whose joules are known.
                    items.Add(($"JoulesPerUnit as {name}", name, rows =>
                        {
                            var known = rows.Where(row => row["FacilityJoules"] is not null).ToList();
                            var (over, under) = (
                                known.Sum(row => (double)row["FacilityJoules"]!),
                                known.Sum(row => (double?)row["Units"] ?? 0)
                            );
                            return known.Exists(row => row["Units"] is not null) && under != 0 ? new Sum(over / under, over / under) : null;
                        }));
                    break;
            }
        }
        return (
            string.Join(",", items.Select(item => item.Text)),
            rows => items.ToDictionary(item => item.Name, item => item.Of(rows)),
            counted
        );
    }

    private static Sum? Added(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        return known.Count == 0 ? null : new Sum(known.Sum(), Math.Max(known.Sum(Math.Abs), double.Epsilon));
    }

    private List<string> SomeKeys() => [.. Keys.OrderBy(_ => random.Next()).Take(random.Next(1, 4))];

    private static IEnumerable<IGrouping<string, Row>> Groups(List<Row> rows, IReadOnlyList<string> keys) =>
        rows.GroupBy(row =>
            string.Join(
                '\u0001',
                keys.Select(key =>
                    row[key] is { } value
                        ? $"{value.GetType().Name}{Convert.ToString(value, CultureInfo.InvariantCulture)}"
                            + $"{(value is DateTime time ? time.Ticks : 0)}"
                        : "null"
                )
            )
        );

    private static Dictionary<string, object?> Key(IEnumerable<Row> group, IReadOnlyList<string> keys) =>
        keys.ToDictionary(key => key, key => group.First()[key]);

    private static Dictionary<string, object?> Joined(Dictionary<string, object?> key, Dictionary<string, object?> more)
    {
        foreach (var (name, value) in more)
            key.Add(name, value);
        return key;
    }

    private static List<Row> Sorted(List<Row> rows, Comparison<Row> compare)
    {
        var sorted = rows.ToList();
        sorted.Sort(compare);
        return sorted;
    }

    private string Any(params string[] choices) => choices[random.Next(choices.Length)];

    private sealed class Bytes : IComparer<byte[]>
    {
        public static Bytes Order { get; } = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
