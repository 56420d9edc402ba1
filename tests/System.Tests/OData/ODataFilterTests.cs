using System.Globalization;
using Metrics.Storage.Engine;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>What filters mean, compared with plain C# over the same rows on both engines.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataFilterTests(ODataServices services)
{
    private const string Hours = "HourlyIntensities";

    private static readonly (string Filter, Func<Row, bool> Keeps)[] Filters =
    [
        ("Evidence eq 'measured' and Region eq 'dc-1'", row => row["Evidence"] is "measured" && row["Region"] is "dc-1"),
        ("Evidence in ('measured','estimated')", row => row["Evidence"] is "measured" or "estimated"),
        ("PeriodStart ge 2026-02-01T00:00:00Z and PeriodStart lt 2026-02-02T00:00:00Z", row => Day(row) == new DateOnly(2026, 2, 1)),
        ("PeriodStart ge 2026-02-01T02:00:00+02:00 and PeriodStart lt 2026-02-02T02:00:00+02:00", row =>
            Day(row) == new DateOnly(2026, 2, 1)
        ),
        ("PeriodStart eq 2026-02-01t00:00:00z", row => row["PeriodStart"] is DateTime { Day: 1, Hour: 0, Month: 2 }),
        ("PeriodStart in (2026-02-01T00:00:00Z,2026-02-01T03:00:00+02:00)", row =>
            row["PeriodStart"] is DateTime { Day: 1, Hour: 0 or 1, Month: 2 }
        ),
        ("Date ge 2026-01-31 and Date lt 2026-02-02", row => Day(row) == new DateOnly(2026, 1, 31) || Day(row) == new DateOnly(2026, 2, 1)),
        ("2026-02-01 eq Date", row => Day(row) == new DateOnly(2026, 2, 1)),
        ("AcceleratorJoules gt 0.1", row => row["AcceleratorJoules"] is > 0.1),
        ("AcceleratorJoules eq 17.348259334006055", row => row["AcceleratorJoules"] is 17.348259334006055),
        ("AcceleratorJoules gt 1e5", row => row["AcceleratorJoules"] is > 1e5),
        ("AcceleratorJoules lt 500000.5m", row => row["AcceleratorJoules"] is < 500000.5),
        ("AcceleratorJoules lt 123456.789123456", row => row["AcceleratorJoules"] is < 123456.789123456),
        ("Units eq 2d", row => row["Units"] is 2.0),
        ("Units ge 2.5f", row => row["Units"] is >= 2.5),
        ("Units lt INF", row => row["Units"] is double),
        ("Units gt -INF", row => row["Units"] is double),
        ("Units ne NaN", _ => true),
        ("Units eq NaN", _ => false),
        ("DeploymentId eq 5L", row => row["DeploymentId"] is 5L),
        ("DeploymentId eq 5.0", row => row["DeploymentId"] is 5L),
        ("DeploymentId eq 9007199254740993", row => row["DeploymentId"] is 9_007_199_254_740_993L),
        ("DeploymentId eq 9007199254740992", _ => false),
        ("DeploymentId gt 9223372036854775806", row => row["DeploymentId"] is long.MaxValue),
        ("DeploymentId lt 99999999999999999999", _ => true),
        ("ServerJoules eq null", row => row["ServerJoules"] is null),
        ("ServerJoules ne null", row => row["ServerJoules"] is not null),
        ("null eq ServerJoules", row => row["ServerJoules"] is null),
        ("not (ServerJoules gt 1000)", row => row["ServerJoules"] is not > 1000.0),
        ("not (ServerJoules eq 1000) and ServerJoules eq null", row => row["ServerJoules"] is null),
        ("ServerJoules ne 1000", row => row["ServerJoules"] is not 1000.0),
        ("ServerJoules gt null", _ => false),
        ("SciGramsPerUnit eq FacilityJoules", row => row["FacilityJoules"] is null),
        ("SciGramsPerUnit ne FacilityJoules", row => row["FacilityJoules"] is not null),
        ("not contains(Model,'70b')", row => row["Model"] is string model && !model.Contains("70b", StringComparison.Ordinal)),
        ("contains(Model,'70b') eq null", row => row["Model"] is null),
        ("(Units gt 5) eq (IdleJoules gt 0)", row => row["Units"] is > 5.0 == row["IdleJoules"] is > 0.0),
        ("contains(Workload,'70')", row => Text(row, "Workload").Contains("70", StringComparison.Ordinal)),
        ("contains(Workload,'CHAT')", _ => false),
        ("contains(Workload,'%')", row => Text(row, "Workload") == "a%b_c\\d"),
        ("contains(Workload,'_')", row => Text(row, "Workload") == "a%b_c\\d"),
        ("startswith(Workload,'chat')", row => Text(row, "Workload") == "chat-70b"),
        ("endswith(Workload,'B')", row => Text(row, "Workload") == "Chat-70B"),
        ("endswith(Workload,'')", _ => true),
        ("startswith(Model,'')", row => row["Model"] is not null),
        ("tolower(Workload) eq 'chat-70b'", row => Text(row, "Workload") is "chat-70b" or "Chat-70B"),
        ("toupper(Workload) eq 'CHAT-70B'", row => Text(row, "Workload") is "chat-70b" or "Chat-70B"),
        ("trim(Workload) eq 'padded'", row => Text(row, "Workload") == " padded\t"),
        ("length(Workload) eq 15", row => Text(row, "Workload") == "übersetzer 日本 🔥"),
        ("indexof(Workload,'日') eq 11", row => Text(row, "Workload") == "übersetzer 日本 🔥"),
        ("indexof(Workload,'🔥') eq 14", row => Text(row, "Workload") == "übersetzer 日本 🔥"),
        ("indexof(Workload,'nothing') eq -1", _ => true),
        ("substring(Workload,5) eq '70b'", row => Text(row, "Workload") == "chat-70b"),
        ("substring(Workload,0,4) eq 'chat'", row => Text(row, "Workload") == "chat-70b"),
        ("substring(Workload,-3) eq '70B'", row => Text(row, "Workload") == "Chat-70B"),
        ("concat(concat(Provider,'/'),Region) eq 'onprem/dc-1'", row => row["Region"] is "dc-1"),
        ("Workload eq 'O''Neil''s \"batch\"'", row => Text(row, "Workload").StartsWith("O'Neil", StringComparison.Ordinal)),
        ("Workload gt 'Z'", row => Text(row, "Workload")[0] is >= 'Z' and not 'Z'),
        ("Workload lt 'a'", row => string.CompareOrdinal(Text(row, "Workload"), "a") < 0),
        ("year(PeriodStart) eq 2026 and month(PeriodStart) eq 2 and day(PeriodStart) eq 3 and hour(PeriodStart) lt 6", row =>
            row["PeriodStart"] is DateTime { Month: 2, Day: 3, Hour: < 6 }
        ),
        ("minute(RecomputedAt) eq 0 and second(RecomputedAt) eq 0", _ => true),
        ("month(Date) eq 1", row => Day(row).Month == 1),
        ("date(PeriodStart) eq 2026-02-01", row => Day(row) == new DateOnly(2026, 2, 1)),
        ("PeriodStart lt now()", _ => true),
        ("Units add 1 eq 3", row => row["Units"] is 2.0),
        ("Units sub 0.5 lt 0", row => row["Units"] is < 0.5),
        ("Units mul 8 eq 20", row => row["Units"] is 2.5),
        ("AcceleratorJoules div Units gt 1000", row =>
            row["AcceleratorJoules"] is double joules && row["Units"] is double and > 0 and var units && joules / units > 1000
        ),
        ("AcceleratorJoules div Units eq null", row => row["AcceleratorJoules"] is null || row["Units"] is null or 0.0),
        ("DateKey div 0 eq null", _ => true),
        ("DateKey mod 0 eq null", _ => true),
        ("DateKey div 100 eq 202602", row => Day(row).Month == 2),
        ("DateKey mod 100 eq 3", row => Day(row).Day == 3),
        ("DateKey divby 100 gt 202602.02", row => Day(row) > new DateOnly(2026, 2, 2)),
        ("5 div 2 eq 2", _ => true),
        ("5 divby 2 eq 2.5", _ => true),
        ("-5 mod 3 eq -2", _ => true),
        ("Units mod 2 eq 0.5", row => row["Units"] is double units && units - 2 * Math.Truncate(units / 2) == 0.5),
        ("round(Units) eq 3", row => row["Units"] is >= 2.5 and < 3.5),
        ("floor(Units) eq 2", row => row["Units"] is >= 2.0 and < 3.0),
        ("ceiling(Units) eq 3", row => row["Units"] is > 2.0 and <= 3.0),
        ("round(-2.5) eq -3", _ => true),
        ("round(0.49999999999999994) eq 0", _ => true),
        ("1 eq 1 and true", _ => true),
        ("false or not false", _ => true),
        ("REGION EQ 'dc-1' AND STARTSWITH(Workload,'chat')", row => row["Region"] is "dc-1" && Text(row, "Workload") == "chat-70b"),
        ("DateKey in ()", _ => false),
        ("Units in (0.5,2.5m,1e0,INF,null)", row => row["Units"] is null or 0.5 or 2.5 or 1.0),
        ("not (Units in (0.5,null))", row => row["Units"] is not (null or 0.5)),
        ("Workload in ('a%b_c\\d','O''Neil''s \"batch\"','),(')", row => Text(row, "Workload") is "a%b_c\\d" or "O'Neil's \"batch\""),
    ];

    public static TheoryData<StorageEngine, string> Cases
    {
        get
        {
            var cases = new TheoryData<StorageEngine, string>();
            foreach (var (filter, _) in Filters)
            {
                cases.Add(StorageEngine.Sqlite, filter);
                cases.Add(StorageEngine.Postgres, filter);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_filter_keeps_the_rows_that_it_says(StorageEngine engine, string filter)
    {
        var rows = await services[engine].RowsAsync(Hours, ODataRandomQueryTests.Types);
        Assert.Equal(SeededRows.Hours, rows.Count);
        var keeps = Filters.First(candidate => candidate.Filter == filter).Keeps;
        Assert.Equal(rows.Count(keeps), await services[engine].CountAsync(Hours, filter));
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_parameter_alias_stands_for_its_value(StorageEngine engine)
    {
        var service = services[engine];
        Assert.Equal(
            504,
            (await service.GetAsync($"{Hours}?$filter=DeploymentId eq @p&@p=5&$top=0&$count=true")).GetProperty("@odata.count").GetInt64()
        );
        Assert.Equal(
            504,
            (await service.GetAsync($"{Hours}?$filter=@c&@c=DeploymentId eq @p&@p=5&$top=0&$count=true"))
                .GetProperty("@odata.count")
                .GetInt64()
        );
        Assert.Equal(
            0,
            (await service.GetAsync($"{Hours}?$filter=DeploymentId eq @missing&$top=0&$count=true")).GetProperty("@odata.count").GetInt64()
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Long_lists_and_chains_of_a_BI_tool_are_answered(StorageEngine engine)
    {
        var service = services[engine];
        var list = string.Join(',', Enumerable.Range(20260101, 1000));
        // 24 hours of 12 deployments in 3 units on the only day of the list that has rows.
        Assert.Equal(864, await service.CountAsync(Hours, $"DateKey in ({list}) and Date lt 2026-01-31 and FunctionalUnit ne 'none'"));
        var chain = string.Join(" or ", Enumerable.Range(0, 400).Select(i => $"DateKey eq {20260000 + i}"));
        Assert.Equal(SeededRows.Hours, await service.CountAsync(Hours, chain));
        var long16K = string.Join(" or ", Enumerable.Range(0, 300).Select(i => $"Workload eq 'a workload with quite a long name {i}'"));
        Assert.True(Uri.EscapeDataString(long16K).Length > 16_000);
        Assert.Equal(0, await service.CountAsync(Hours, long16K));
    }

    [Theory]
    [InlineData("PeriodStart ge 2026-01-01T00:00:00", 400, "OffsetRequired", "%2B")]
    [InlineData("PeriodStart ge 2026-01-01T00:00:00 02:00", 400, "OffsetRequired", "%2B")]
    [InlineData("PeriodStart in (2026-01-01T00:00:00)", 400, "OffsetRequired", "offset")]
    [InlineData("PeriodStart ge datetime'2026-01-01T00:00:00'", 400, "InvalidQuery", "OData 3")]
    [InlineData("PeriodStart ge 2026-01-01", 400, "TypeMismatch", "2026-01-01T00:00:00Z")]
    [InlineData("Date ge 2026-01-01T00:00:00Z", 400, "TypeMismatch", "day")]
    [InlineData("DateKey eq '3'", 400, "TypeMismatch", "a text")]
    [InlineData("DateKey in ('3')", 400, "TypeMismatch", "a text")]
    [InlineData("Nope eq 1", 400, "UnknownProperty", "Nope")]
    [InlineData("Units gt", 400, "InvalidQuery", "position")]
    [InlineData("Units", 400, "TypeMismatch", "no condition")]
    [InlineData("Deployment/Nope eq 1", 400, "UnknownProperty", "Deployment/Nope")]
    [InlineData("Units gt 1 extra", 400, "InvalidQuery", "position 12")]
    [InlineData("Workload eq 'open", 400, "InvalidQuery", "closing quote")]
    [InlineData("Workload in ('a',)", 400, "InvalidQuery", "empty place")]
    [InlineData("Workload in ('a'", 400, "InvalidQuery", "not closed")]
    [InlineData("Workload eq 'a\0b'", 400, "InvalidQuery", "NUL")]
    [InlineData("frobnicate(Workload)", 400, "InvalidQuery", "frobnicate")]
    [InlineData("substringof('a',Workload)", 501, "NotSupported", "substringof")]
    [InlineData("matchesPattern(Workload,'^(a+)+$')", 501, "NotSupported", "matchesPattern")]
    [InlineData("cast(DateKey,Edm.String) eq '1'", 501, "NotSupported", "cast")]
    [InlineData("Sources/any(s:s/Id eq 'a')", 501, "NotSupported", "any")]
    [InlineData("$root/Sources/Id eq 1", 501, "NotSupported", "$root")]
    [InlineData("Evidence has 'measured'", 501, "NotSupported", "has")]
    [InlineData("PeriodEnd sub PeriodStart gt duration'PT1M'", 501, "NotSupported", "duration")]
    [InlineData("fractionalseconds(PeriodStart) gt 0", 501, "NotSupported", "fractionalseconds")]
    [InlineData("Workload in @p", 501, "NotSupported", "alias")]
    public async Task What_cannot_be_answered_is_refused_by_name(string filter, int status, string code, string said)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var refused = await services[engine].RefusedAsync($"{Hours}?$top=1&$filter={Uri.EscapeDataString(filter)}");
            Assert.Equal((status, code), (refused.Status, refused.Code));
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Bombs_are_refused_at_once()
    {
        var service = services[StorageEngine.Sqlite];
        string[] bombs =
        [
            string.Concat(Enumerable.Repeat("(", 5000)) + "true" + string.Concat(Enumerable.Repeat(")", 5000)),
            string.Concat(Enumerable.Repeat("not ", 3000)) + "true",
            string.Concat(Enumerable.Repeat("tolower(", 1000)) + "Workload" + string.Concat(Enumerable.Repeat(")", 1000)) + " eq 'a'",
            string.Join(" or ", Enumerable.Repeat("Units gt 1", 2500)),
            string.Join(" add ", Enumerable.Repeat("Units", 3000)) + " gt 1",
            $"Units in ({string.Join(',', Enumerable.Range(0, 1001))})",
            string.Concat(Enumerable.Repeat("-", 5000)) + "1 eq 1",
        ];
        foreach (var bomb in bombs)
        {
            var refused = await service.RefusedAsync($"{Hours}?$filter={Uri.EscapeDataString(bomb)}");
            Assert.Equal(400, refused.Status);
        }
        Assert.Equal(400, (await service.RefusedAsync($"{Hours}?$filter=@p&@p=@p")).Status);
        Assert.Equal(400, (await service.RefusedAsync($"{Hours}?$filter=@p&@p=@q and @q&@q=@p or @p")).Status);
        Assert.Equal(SeededRows.Hours, await service.CountAsync(Hours, "true"));
    }

    [Fact]
    public async Task A_filter_by_day_finds_its_index_on_PostgreSQL()
    {
        // The plan of the statement that a filter by Date becomes: a bare comparison of the column with a parameter.
        var service = services[StorageEngine.Postgres];
        await using var connection = service.Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SET enable_seqscan = off; EXPLAIN SELECT * FROM \"HourlyIntensities\" WHERE (\"Date\" >= DATE '2026-02-01')";
        await using var reader = await command.ExecuteReaderAsync();
        var plan = "";
        while (await reader.ReadAsync())
            plan += reader.GetString(0) + "\n";
        Assert.Contains("Index Cond: (date >= ", plan, StringComparison.Ordinal);
    }

    private static DateOnly Day(Row row) => (DateOnly)row["Date"]!;

    private static string Text(Row row, string name) => Convert.ToString(row[name], CultureInfo.InvariantCulture)!;
}
