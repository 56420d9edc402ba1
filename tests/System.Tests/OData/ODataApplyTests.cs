using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>$apply, $compute and what follows them: every number is that of plain SQL over the same rows.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataApplyTests(ODataServices services)
{
    private const string H = "HourlyIntensities";

    /// <summary>Query, and the SQL whose rows it must give, in its order; both engines understand it.</summary>
    public static TheoryData<string, string> Answered { get; } =
        new()
        {
            {
                "$apply=filter(FunctionalUnit eq 'request')/aggregate(FacilityJoules with sum as S,FacilityJoules with average as "
                    + "A,FacilityJoules with min as Mi,FacilityJoules with max as Ma,$count as N)",
                """SELECT SUM("FacilityJoules") AS "S", AVG("FacilityJoules") AS "A", MIN("FacilityJoules") AS "Mi", """
                    + """MAX("FacilityJoules") AS "Ma", COUNT(*) AS "N" FROM "HourlyIntensities" WHERE "FunctionalUnit" = 'request'"""
            },
            {
                "$apply=aggregate(DeploymentId with countdistinct as C,Model with countdistinct as M)",
                """SELECT COUNT(DISTINCT "DeploymentId") AS "C", COUNT(DISTINCT "Model") AS "M" FROM "HourlyIntensities" """
            },
            // One row for nothing, and the sum of nothing is null.
            {
                "$apply=filter(DeploymentId eq 999 and FunctionalUnit eq 'request')/aggregate(FacilityJoules with sum as S,$count as N)",
                """SELECT NULL AS "S", 0 AS "N" """
            },
            {
                "$apply=filter(FacilityJoules eq null and FunctionalUnit eq 'image')/groupby((Region),aggregate(FacilityJoules "
                    + "with sum as S,FacilityJoules with average as A,$count as N))",
                """SELECT "Region", SUM("FacilityJoules") AS "S", AVG("FacilityJoules") AS "A", COUNT(*) AS "N" """
                    + """FROM "HourlyIntensities" WHERE "FacilityJoules" IS NULL AND "FunctionalUnit" = 'image' GROUP BY "Region" """
                    + """ORDER BY "Region" """
            },
            {
                "$apply=groupby((Region,FunctionalUnit),aggregate(FacilityJoules with sum as E,Units with sum as F))/compute(E "
                    + "div F as J)&$orderby=Region,FunctionalUnit",
                """SELECT "Region", "FunctionalUnit", SUM("FacilityJoules") AS "E", SUM("Units") AS "F", SUM("FacilityJoules") """
                    + """/ NULLIF(SUM("Units"), 0) AS "J" FROM "HourlyIntensities" GROUP BY "Region", "FunctionalUnit" ORDER BY 1, 2"""
            },
            {
                "$apply=groupby((Region,FunctionalUnit),aggregate(FacilityJoules with sum as E,Units with sum as F))&$compute=E "
                    + "div F as J&$orderby=Region,FunctionalUnit&$select=Region,J",
                """SELECT "Region", SUM("FacilityJoules") / NULLIF(SUM("Units"), 0) AS "J" FROM "HourlyIntensities" GROUP """
                    + """BY "Region", "FunctionalUnit" ORDER BY "Region", "FunctionalUnit" """
            },
            // A ratio is the sum over the sum of the rows that have both, whether it is called a custom aggregate or an average.
            {
                "$apply=groupby((FunctionalUnit),aggregate(JoulesPerUnit,FacilityJoules,JoulesPerUnit with average as A))",
                """SELECT "FunctionalUnit", SUM("FacilityJoules") / NULLIF(SUM(CASE WHEN "FacilityJoules" IS NOT NULL """
                    + """THEN "Units" END), 0) AS "JoulesPerUnit", SUM("FacilityJoules") AS "FacilityJoules", SUM("FacilityJoules") """
                    + """/ NULLIF(SUM(CASE WHEN "FacilityJoules" IS NOT NULL THEN "Units" END), 0) AS "A" FROM "HourlyIntensities" """
                    + """GROUP BY "FunctionalUnit" ORDER BY 1"""
            },
            {
                "$apply=groupby((Deployment/Country,Calendar/WeekdayName),aggregate($count as "
                    + "N))&$orderby=Deployment/Country,Calendar/WeekdayName",
                """SELECT d."Country" AS "Deployment/Country", c."WeekdayName" AS "Calendar/WeekdayName", COUNT(*) AS "N" """
                    + """FROM "HourlyIntensities" h JOIN "Deployments" d ON d."Id" = h."DeploymentId" JOIN "Calendar" c ON c."Date" """
                    + """= h."Date" GROUP BY d."Country", c."WeekdayName" ORDER BY CASE WHEN d."Country" IS NULL THEN 0 ELSE 1 END, """
                    + """1, 2"""
            },
            {
                "$apply=groupby((Date),aggregate(RecomputedAt with max as Last,PeriodStart with min as First,$count as "
                    + "N))&$orderby=Date desc&$top=5",
                """SELECT "Date", MAX("RecomputedAt") AS "Last", MIN("PeriodStart") AS "First", COUNT(*) AS "N" """
                    + """FROM "HourlyIntensities" GROUP BY "Date" ORDER BY "Date" DESC LIMIT 5"""
            },
            { "$apply=groupby((DateKey))", """SELECT DISTINCT "DateKey" FROM "HourlyIntensities" ORDER BY 1""" },
            {
                "$apply=compute(year(PeriodStart) as Y,month(PeriodStart) as M)/groupby((Y,M),aggregate($count as N))",
                """SELECT "DateKey" / 10000 AS "Y", "DateKey" / 100 % 100 AS "M", COUNT(*) AS "N" FROM "HourlyIntensities" """
                    + """GROUP BY "DateKey" / 10000, "DateKey" / 100 % 100 ORDER BY 1, 2"""
            },
            {
                "$apply=compute(date(PeriodStart) as D)/groupby((D),aggregate($count as N))",
                """SELECT "Date" AS "D", COUNT(*) AS "N" FROM "HourlyIntensities" GROUP BY "Date" ORDER BY 1"""
            },
            {
                "$apply=filter(FunctionalUnit eq 'request')/groupby((Region),aggregate(FacilityJoules div Units with average as "
                    + "J))/filter(J ge 0.6)",
                """SELECT * FROM (SELECT "Region", AVG("FacilityJoules" / NULLIF("Units", 0)) AS "J" FROM "HourlyIntensities" """
                    + """WHERE "FunctionalUnit" = 'request' GROUP BY "Region") g WHERE "J" >= 0.6 ORDER BY "Region" """
            },
            {
                "$apply=groupby((DeploymentId,FunctionalUnit),aggregate(Units with sum as U))&$filter=U gt 1000&$orderby=U "
                    + "desc,DeploymentId&$top=3&$skip=1",
                """SELECT * FROM (SELECT "DeploymentId", "FunctionalUnit", SUM("Units") AS "U" FROM "HourlyIntensities" GROUP """
                    + """BY "DeploymentId", "FunctionalUnit") g WHERE "U" > 1000 ORDER BY "U" DESC, "DeploymentId" LIMIT 3 OFFSET 1"""
            },
            {
                "$apply=filter(FunctionalUnit eq 'request')/groupby((DeploymentId,Region),aggregate(FacilityJoules with sum as "
                    + "S))/groupby((Region),aggregate(S with average as X))",
                """SELECT "Region", AVG("S") AS "X" FROM (SELECT "DeploymentId", "Region", SUM("FacilityJoules") AS "S" """
                    + """FROM "HourlyIntensities" WHERE "FunctionalUnit" = 'request' GROUP BY "DeploymentId", "Region") g GROUP """
                    + """BY "Region" ORDER BY 1"""
            },
            {
                "$apply=filter(FunctionalUnit eq 'request')/topcount(3,AcceleratorJoules)/aggregate(AcceleratorJoules with min as "
                    + "Mi,$count as N)",
                """SELECT MIN("AcceleratorJoules") AS "Mi", COUNT(*) AS "N" FROM (SELECT "AcceleratorJoules" """
                    + """FROM "HourlyIntensities" WHERE "FunctionalUnit" = 'request' AND "AcceleratorJoules" IS NOT NULL ORDER BY 1 """
                    + """DESC LIMIT 3) t"""
            },
            {
                "$apply=groupby((Region),topcount(2,DateKey mul 1000000 add DeploymentId mod 1000))/aggregate($count as N)",
                """SELECT 2 * COUNT(DISTINCT "Region") AS "N" FROM "HourlyIntensities" """
            },
            {
                "$apply=orderby(PeriodStart desc,DeploymentId,FunctionalUnit)/skip(2)/top(3)&$select=DeploymentId,FunctionalUnit",
                """SELECT "DeploymentId", "FunctionalUnit" FROM "HourlyIntensities" ORDER BY "PeriodStart" """
                    + """DESC, "DeploymentId", "FunctionalUnit" LIMIT 3 OFFSET 2"""
            },
            {
                "$apply=identity/filter(DeploymentId eq 5)/aggregate($count as N)",
                """SELECT COUNT(*) AS "N" FROM "HourlyIntensities" WHERE "DeploymentId" = 5"""
            },
            // A group of which the filter leaves nothing is still a group.
            {
                "$apply=groupby((Region),filter(DeploymentId eq 5)/aggregate($count as N,Coverage with max as C))&$orderby=Region",
                """SELECT "Region", COUNT(CASE WHEN "DeploymentId" = 5 THEN 1 END) AS "N", MAX(CASE WHEN "DeploymentId" = 5 """
                    + """THEN "Coverage" END) AS "C" FROM "HourlyIntensities" GROUP BY "Region" ORDER BY 1"""
            },
            {
                "$apply=groupby((Region),groupby((FunctionalUnit),aggregate($count as N)))",
                """SELECT "Region", "FunctionalUnit", COUNT(*) AS "N" FROM "HourlyIntensities" GROUP """
                    + """BY "Region", "FunctionalUnit" ORDER BY 1, 2"""
            },
            {
                "$apply=search(eu-west)/groupby((Region),aggregate($count as N))",
                """SELECT "Region", COUNT(*) AS "N" FROM "HourlyIntensities" WHERE "Region" = 'eu-west-1' GROUP BY "Region" """
            },
            {
                "$apply=groupby((Workload),aggregate(Workload with max as W,Evidence with min as Ev))&$orderby=Workload&$top=2",
                """SELECT "Workload", MAX("Workload") AS "W", MIN("Evidence") AS "Ev" FROM "HourlyIntensities" GROUP """
                    + """BY "Workload" ORDER BY "Workload" LIMIT 2"""
            },
            {
                "$compute=FacilityJoules div 3600000 as kWh,Units gt 10 as Busy&$select=DeploymentId,kWh,Busy&$filter=kWh gt "
                    + "0.000001&$orderby=kWh desc,DeploymentId,FunctionalUnit,PeriodStart&$top=4",
                """SELECT "DeploymentId", "FacilityJoules" / 3600000 AS "kWh", CASE WHEN "Units" > 10 THEN 'True' ELSE 'False' """
                    + """END AS "Busy" FROM "HourlyIntensities" WHERE "FacilityJoules" / 3600000 > 0.000001 ORDER """
                    + """BY "FacilityJoules" / 3600000 DESC, "DeploymentId", "FunctionalUnit", "PeriodStart" LIMIT 4"""
            },
            { "$search=\"eu-west\" OR us-central&$select=Region&$top=1&$orderby=Region", """SELECT 'eu-west-1' AS "Region" """ },
            {
                "$filter=Deployment/Country eq 'IE' and Calendar/Weekday eq 5&$select=DeploymentId,Date&$top=2",
                """SELECT h."DeploymentId", h."Date" FROM "HourlyIntensities" h JOIN "Deployments" d ON d."Id" = """
                    + """h."DeploymentId" JOIN "Calendar" c ON c."Date" = h."Date" WHERE d."Country" = 'IE' AND c."Weekday" = 5 """
                    + """ORDER BY h."DeploymentId", h."FunctionalUnit", h."PeriodStart" LIMIT 2"""
            },
            {
                "$expand=Deployment($select=Region,Country)&$select=DeploymentId&$top=2&$orderby=Deployment/Region desc",
                """SELECT h."DeploymentId", d."Region" AS "Deployment/Region", d."Country" AS "Deployment/Country" """
                    + """FROM "HourlyIntensities" h JOIN "Deployments" d ON d."Id" = h."DeploymentId" ORDER BY d."Region" DESC, """
                    + """h."DeploymentId", h."FunctionalUnit", h."PeriodStart" LIMIT 2"""
            },
        };

    [Theory]
    [MemberData(nameof(Answered))]
    public async Task Rows_are_those_of_plain_SQL(string query, string sql)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var service = services[engine];
            var expected = await SqlAsync(service, engine == StorageEngine.Postgres ? sql : sql);
            var told = (await service.GetAsync($"{H}?{Escaped(query)}"))
                .GetProperty("value")
                .EnumerateArray()
                .Select(row => Flat(row, "").ToList())
                .ToList();
            Assert.True(expected.Count > 0, "The SQL finds nothing: it would prove nothing.");
            Assert.True(expected.Count == told.Count, $"{engine}: {expected.Count} rows expected, {told.Count} told");
            foreach (var (want, got) in expected.Zip(told))
            {
                Assert.Equal(want.Select(column => column.Name), got.Select(member => member.Name));
                foreach (var ((name, value), (_, member)) in want.Zip(got))
                    Assert.True(
                        Same(value, member),
                        $"{engine}, {name}: {value ?? "null"} expected, {member} told in {string.Join(", ", got)}"
                    );
            }
        }
    }

    [Theory]
    [InlineData("$apply=groupby((rollup($all,Region,Workload)),aggregate($count as N))", 4, 28)]
    [InlineData("$apply=groupby((rollup(Region,Workload),FunctionalUnit),aggregate(Units))", 12, 96)]
    public async Task A_rollup_adds_the_levels_above(string query, int above, int most)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var (rows, _) = await services[engine].WalkAsync($"{H}?{Escaped(query)}", pageSize: 7);
            // What is rolled up is left out of its row.
            var upper = rows.Where(row => !row.TryGetProperty("Workload", out _)).ToList();
            Assert.Equal(above, upper.Count);
            Assert.InRange(rows.Count, above + 3, most);
            Assert.Equal(rows.Count, rows.Select(row => row.GetRawText()).Distinct().Count());
            if (query.Contains("$all", StringComparison.Ordinal))
            {
                Assert.Equal(SeededRows.Hours, rows.Single(row => !row.TryGetProperty("Region", out _)).GetProperty("N").GetInt64());
                Assert.Equal(
                    SeededRows.Hours,
                    rows.Where(row => row.TryGetProperty("Workload", out _)).Sum(row => row.GetProperty("N").GetInt64())
                );
            }
        }
    }

    [Fact]
    public async Task A_grand_total_stands_before_the_groups_and_their_number()
    {
        const string Query =
            "$apply=filter(FunctionalUnit eq "
            + "'request')/concat(aggregate(Units),groupby((Region),aggregate(Units))/concat(aggregate($count as "
            + "UI5__count),top(2)))";
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var rows = (await services[engine].GetAsync($"{H}?{Escaped(Query)}")).GetProperty("value").EnumerateArray().ToList();
            var sums = await SqlAsync(
                services[engine],
                """SELECT "Region", SUM("Units") AS "Units" FROM "HourlyIntensities" WHERE "FunctionalUnit" = 'request' GROUP """
                    + """BY "Region" ORDER BY 1"""
            );
            Assert.Equal(4, rows.Count);
            Assert.Equal(["Units"], rows[0].EnumerateObject().Select(member => member.Name));
            Assert.Equal(sums.Sum(row => (double)row[1].Value!), rows[0].GetProperty("Units").GetDouble(), 9);
            Assert.Equal(["UI5__count@odata.type", "UI5__count"], rows[1].EnumerateObject().Select(member => member.Name));
            Assert.Equal(3, rows[1].GetProperty("UI5__count").GetInt32());
            foreach (var (want, got) in sums.Zip(rows.Skip(2)))
            {
                Assert.Equal((string)want[0].Value!, got.GetProperty("Region").GetString());
                Assert.Equal((double)want[1].Value!, got.GetProperty("Units").GetDouble(), 9);
            }
        }
    }

    [Theory]
    [InlineData("topsum(1000000,AcceleratorJoules)", true, 1_000_000, false)]
    [InlineData("bottomsum(1000000,AcceleratorJoules)", false, 1_000_000, false)]
    [InlineData("toppercent(10,AcceleratorJoules)", true, 10, true)]
    [InlineData("bottompercent(10,AcceleratorJoules)", false, 10, true)]
    public async Task The_fewest_rows_that_reach_an_amount_are_kept(string step, bool largest, double amount, bool percent)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var all = (
                await SqlAsync(
                    services[engine],
                    """SELECT "AcceleratorJoules" AS "A" FROM "HourlyIntensities" WHERE "AcceleratorJoules" IS NOT NULL """
                        + """AND "FunctionalUnit" = 'request'"""
                )
            )
                .Select(row => (double)row[0].Value!)
                .ToList();
            all.Sort((a, b) => largest ? b.CompareTo(a) : a.CompareTo(b));
            var goal = percent ? all.Sum() * amount / 100 : amount;
            var (wanted, sum) = (0, 0.0);
            while (sum < goal)
                sum += all[wanted++];
            var row = (
                await services[engine]
                    .GetAsync(
                        $"{H}?$apply=filter(FunctionalUnit eq 'request')/{step}/aggregate(AcceleratorJoules with sum as S,$count as N)"
                    )
            ).GetProperty("value")[0];
            Assert.Equal(wanted, row.GetProperty("N").GetInt32());
            Assert.Equal(sum, row.GetProperty("S").GetDouble(), sum * 1e-12);
            Assert.InRange(wanted, 2, all.Count - 1);
        }
    }

    [Fact]
    public async Task All_groups_are_told_once_over_many_pages()
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var (rows, pages) = await services[engine]
                .WalkAsync(
                    $"{H}?$apply=groupby((Model,Precision,DateKey,FunctionalUnit),aggregate(Units with sum as "
                        + "U))&$orderby=Precision desc,U",
                    pageSize: 11
                );
            var expected = await SqlAsync(
                services[engine],
                """SELECT "Model", "Precision", "DateKey", "FunctionalUnit" FROM "HourlyIntensities" GROUP """
                    + """BY "Model", "Precision", "DateKey", "FunctionalUnit" """
            );
            Assert.Equal(expected.Count, rows.Count);
            Assert.Equal(expected.Count, rows.Select(row => row.GetRawText()).Distinct().Count());
            Assert.True(pages > 5);
            var total = await services[engine]
                .Client.GetStringAsync($"{H}/$count?$apply=groupby((Model,Precision,DateKey,FunctionalUnit))");
            Assert.Equal(expected.Count.ToString(CultureInfo.InvariantCulture), total);
        }
    }

    [Theory]
    [InlineData("$apply=aggregate(FacilityJoules with sum as E)", "MixedUnits", "group by FunctionalUnit")]
    [InlineData("$apply=groupby((Region),aggregate(Units))", "MixedUnits", "FunctionalUnit")]
    [InlineData("$apply=filter(FunctionalUnit ne 'request')/aggregate(Units)", "MixedUnits", "FunctionalUnit")]
    [InlineData("$apply=filter(FunctionalUnit eq 'request' or FunctionalUnit eq 'image')/aggregate(Units)", "MixedUnits", "FunctionalUnit")]
    [InlineData("$apply=aggregate(JoulesPerUnit)", "MixedUnits", "FunctionalUnit")]
    [InlineData("$apply=compute(Units mul 2 as U)/aggregate(U with sum as S)", "MixedUnits", "FunctionalUnit")]
    [InlineData(
        "$apply=groupby((FunctionalUnit,Region),aggregate(Units with sum as U))/groupby((Region),aggregate(U with sum as S))",
        "MixedUnits",
        "FunctionalUnit"
    )]
    [InlineData("$apply=aggregate(JoulesPerUnit with sum as S)", "NotAggregatable", "aggregate(JoulesPerUnit)")]
    [InlineData("$apply=aggregate(Coverage with sum as S)", "NotAggregatable", "Coverage is a ratio")]
    [InlineData("$apply=aggregate(Coverage with average as S)", "MixedUnits", "group by FunctionalUnit")]
    [InlineData("$apply=aggregate(MeasuredShare with average as S)", "NotAggregatable", "min or max")]
    [InlineData("$apply=aggregate(Workload with sum as S)", "NotAggregatable", "numbers")]
    [InlineData("$apply=aggregate(DateKey)", "NotAggregatable", "no custom aggregate")]
    [InlineData("$apply=groupby((Region),aggregate($count as Region))", "NameTaken", "Region")]
    [InlineData("$apply=aggregate($count as N,DateKey with max as N)", "NameTaken", "N")]
    [InlineData("$apply=aggregate(DateKey with max as Units)", "NameTaken", "Units")]
    [InlineData("$apply=compute(1 as Region)", "NameTaken", "Region")]
    [InlineData("$apply=groupby((Nope))", "UnknownProperty", "Nope")]
    [InlineData("$apply=aggregate(Nope with max as N)", "UnknownProperty", "Nope")]
    [InlineData("$apply=groupby((Region),aggregate($count as N))&$filter=Units gt 1", "UnknownProperty", "Units")]
    [InlineData("$apply=groupby((Region),aggregate($count as N))&$select=Units", "UnknownProperty", "Units")]
    [InlineData("$apply=groupby((Region))&$expand=Deployment", "InvalidQuery", "$expand")]
    [InlineData("$apply=groupby(Region)", "InvalidQuery", "'('")]
    [InlineData("$apply=frobnicate(Region)", "InvalidQuery", "frobnicate")]
    [InlineData("$apply=aggregate(DateKey with max)", "InvalidQuery", "'as'")]
    [InlineData("$apply=aggregate(DateKey with stdev as S)", "NotSupported", "stdev")]
    [InlineData("$apply=aggregate(DateKey with max as S from Region with sum)", "InvalidQuery", "position")]
    [InlineData("$apply=expand(Deployment,filter(Id eq 1))", "NotSupported", "expand")]
    [InlineData("$apply=groupby((rollup(Region)),aggregate($count as N))", "NotSupported", "rollup")]
    [InlineData("$apply=join(Deployment as D)", "NotSupported", "join")]
    [InlineData("$apply=nest(groupby((Region)) as R)", "NotSupported", "nest")]
    [InlineData("$apply=toppercent(101,DateKey)", "InvalidQuery", "percentage")]
    [InlineData("$apply=topcount(1.5,DateKey)", "InvalidQuery", "whole number")]
    [InlineData("$apply=concat(aggregate($count as N))", "InvalidQuery", "','")]
    [InlineData("$apply=concat(aggregate($count as N),aggregate(Region with max as N))", "TypeMismatch", "N")]
    [InlineData("$apply=groupby((Region)", "InvalidQuery", "')'")]
    [InlineData("$apply=", "InvalidQuery", "empty")]
    public async Task What_means_nothing_is_refused_by_name(string query, string code, string said)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var refused = await services[engine].RefusedAsync($"{H}?{Escaped(query)}");
            Assert.Equal((code == "NotSupported" ? 501 : 400, code), (refused.Status, refused.Code));
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_too_large_is_refused_whatever_the_option()
    {
        string[] queries =
        [
            "$apply=filter(" + string.Join(" or ", Enumerable.Range(0, 900).Select(i => $"DateKey eq {i}")) + ")/aggregate($count as N)",
            "$apply=aggregate(" + string.Join(",", Enumerable.Range(0, 200).Select(i => $"DateKey with max as M{i}")) + ")",
            "$apply=" + string.Join("/", Enumerable.Repeat("groupby((Region,FunctionalUnit))", 70)),
            "$apply=groupby((" + string.Join(",", Enumerable.Repeat("Region", 40)) + "))",
            "$apply=" + string.Concat(Enumerable.Repeat("groupby((Region),", 120)) + "aggregate($count as N)" + new string(')', 120),
            "$compute=" + string.Join(",", Enumerable.Range(0, 70).Select(i => $"{i} as C{i}")),
            // Each doubles what the one before was.
            "$apply=compute(Units add Units as A0)"
                + string.Concat(Enumerable.Range(1, 30).Select(i => $"/compute(A{i - 1} add A{i - 1} as A{i})")),
            "$filter=" + string.Concat(Enumerable.Repeat("round(", 40)) + "Units" + new string(')', 40) + " gt 1",
        ];
        foreach (var query in queries)
        {
            foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
            {
                var refused = await services[engine].RefusedAsync($"{H}?{query}");
                Assert.Equal((400, "QueryTooComplex"), (refused.Status, refused.Code));
            }
        }
    }

    [Fact]
    public async Task Types_that_JSON_does_not_show_are_told()
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var answer = await services[engine]
                .GetAsync(
                    $"{H}?$apply=filter(FunctionalUnit eq 'output-token')/groupby((Date,DeploymentId),aggregate($count as N,"
                        + "RecomputedAt with max as Last,DateKey with sum as K,Coverage with average as C))&$top=1"
                );
            Assert.EndsWith(
                "$metadata#HourlyIntensities(Date,DeploymentId,N,Last,K,C)",
                answer.GetProperty("@odata.context").GetString(),
                StringComparison.Ordinal
            );
            var row = answer.GetProperty("value")[0];
            Assert.Equal(
                ["Date", "DeploymentId", "N@odata.type", "N", "Last@odata.type", "Last", "K@odata.type", "K", "C"],
                row.EnumerateObject().Select(member => member.Name)
            );
            Assert.Equal(
                ["#Decimal", "#DateTimeOffset", "#Int64"],
                new[] { "N", "Last", "K" }.Select(name => row.GetProperty(name + "@odata.type").GetString())
            );
            var bare = await services[engine]
                .GetAsync($"{H}?$apply=aggregate($count as N)&$format=application/json;odata.metadata=none;IEEE754Compatible=true");
            Assert.Equal($$"""{"value":[{"N":"{{SeededRows.Hours}}"}]}""", bare.GetRawText());
        }
    }

    private static string Escaped(string query) => query.Replace("\"", "%22", StringComparison.Ordinal);

    private static async Task<List<List<(string Name, object? Value)>>> SqlAsync(ODataService service, string sql)
    {
        await using var connection = service.Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText =
            service.Engine == StorageEngine.Postgres
                ? sql.Replace("ORDER BY \"Workload\"", "ORDER BY \"Workload\" COLLATE \"C\"", StringComparison.Ordinal)
                    .Replace("MAX(\"Workload\")", "MAX(\"Workload\" COLLATE \"C\")", StringComparison.Ordinal)
                : sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<List<(string, object?)>>();
        while (await reader.ReadAsync())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => (reader.GetName(i), Value(service.Engine, reader, i)))]);
        return rows;
    }

    private static object? Value(StorageEngine engine, DbDataReader reader, int i) =>
        reader.IsDBNull(i)
            ? null
            : reader.GetValue(i) switch
            {
                // SQLite keeps instants as microseconds.
                long micros
                    when engine == StorageEngine.Sqlite && micros > 1_000_000_000_000_000 && reader.GetName(i) is "Last" or "First" =>
                    DateTime.UnixEpoch.AddTicks(micros * 10),
                DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                DateTime { TimeOfDay.Ticks: 0 } day when reader.GetDataTypeName(i) == "date" => day.ToString(
                    "yyyy-MM-dd",
                    CultureInfo.InvariantCulture
                ),
                int or long or decimal => Convert.ToDouble(reader.GetValue(i), CultureInfo.InvariantCulture),
                var value => value,
            };

    // Members without their annotations, objects by path.
    private static IEnumerable<(string Name, JsonElement Value)> Flat(JsonElement row, string prefix) =>
        row.EnumerateObject()
            .Where(member => !member.Name.Contains('@', StringComparison.Ordinal))
            .SelectMany(member =>
                member.Value.ValueKind == JsonValueKind.Object
                    ? Flat(member.Value, $"{prefix}{member.Name}/")
                    : [(prefix + member.Name, member.Value)]
            );

    private static bool Same(object? expected, JsonElement told) =>
        (expected, told.ValueKind) switch
        {
            (null, JsonValueKind.Null) => true,
            (double number, JsonValueKind.Number) => Math.Abs(number - told.GetDouble()) <= Math.Abs(number) * 1e-12,
            (DateTime time, JsonValueKind.String) => time == told.GetDateTimeOffset().UtcDateTime,
            (string text, JsonValueKind.String) => text == told.GetString(),
            (string text, JsonValueKind.True or JsonValueKind.False) => text == told.GetBoolean().ToString(),
            _ => false,
        };
}
