using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.OData;

/// <summary>A hundred thousand queries that nobody means well: none is a fault of the service, none takes long, and it goes on.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataHostileQueryTests(ODataServices services, ITestOutputHelper output)
{
    private const int Queries = 50_000,
        Abreast = 4;

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Hostile_queries_are_answered_or_refused(StorageEngine engine)
    {
        var seed = ODataRandomQueryTests.Seed();
        output.WriteLine($"seed {seed}");
        var service = services.Small(engine);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (answered, refused, unseen, next) = (0, 0, 0, -1);
        var guard = new Lock();
        await Task.WhenAll(
            Enumerable
                .Range(0, Abreast)
                .Select(lane =>
                    Task.Run(async () =>
                    {
                        int i;
                        while ((i = Interlocked.Increment(ref next)) < Queries)
                        {
                            // Each query from a seed of its own, whichever lane takes it.
                            var url = new HostileQueries(new Random(HashCode.Combine(seed, 7919) ^ (i * 2654435761L).GetHashCode())).Url();
                            using var request = new HttpRequestMessage(
                                HttpMethod.Get,
                                new Uri(
                                    service.Client.BaseAddress!.AbsoluteUri + url,
                                    new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
                                )
                            );
                            using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                            var body = await response.Content.ReadAsStringAsync();
                            var status = (int)response.StatusCode;
                            Assert.True(
                                status < 500 || status == 501,
                                $"query {i} of seed {seed}: {status} for {url}: {body} {service.LastFailure}"
                            );
                            // What is no HTTP at all the server refuses by itself, before anybody here sees it.
                            if (status >= 400 && response.Headers.Contains("OData-Version"))
                            {
                                Assert.True(body.Length < 8192, $"query {i} of seed {seed}: an error of {body.Length} bytes for {url}");
                                Assert.NotEqual(
                                    "",
                                    JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("code").GetString()
                                );
                                Assert.DoesNotContain("   at ", body, StringComparison.Ordinal);
                            }
                            else if (status == 200)
                                JsonDocument.Parse(body).Dispose();
                            lock (guard)
                            {
                                if (!response.Headers.Contains("OData-Version"))
                                    unseen++;
                                else if (status < 400)
                                    answered++;
                                else
                                    refused++;
                            }
                        }
                    })
                )
        );
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{engine}: {answered} answered, {refused} refused, {unseen} no HTTP, {grown / 1024 / 1024} MiB more held");
        Assert.True(
            answered > Queries / 20 && refused > Queries / 4,
            $"{answered} answered and {refused} refused: one kind is hardly tried."
        );
        Assert.True(grown < 64 * 1024 * 1024, $"{grown} bytes more are held than before.");
        Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("")).StatusCode);
    }
}

/// <summary>Makes queries that are nearly right, or not at all.</summary>
internal sealed class HostileQueries(Random random)
{
    private static readonly string[] Sets =
    [
        "HourlyIntensities",
        "HourlyIntensities",
        "HourlyIntensities",
        "DailyIntensities",
        "EnergyFacts",
        "Deployments",
        "Sources",
        "Runs",
        "Calendar",
        "Factors",
    ];
    private static readonly string[] Names =
    [
        "Units",
        "FacilityJoules",
        "JoulesPerUnit",
        "Workload",
        "Model",
        "Region",
        "FunctionalUnit",
        "Date",
        "DateKey",
        "PeriodStart",
        "DeploymentId",
        "Deployment/Region",
        "Calendar/Year",
        "Coverage",
        "Evidence",
        "Id",
        "Nope",
        "Deployment",
        "$count",
        "@a",
        "$it/Units",
        "X",
    ];
    private static readonly string[] Literals =
    [
        "0",
        "1",
        "-1",
        "1e308",
        "-1e308",
        "1e309",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "99999999999999999999999999",
        "0.1",
        "1.5m",
        "3d",
        "INF",
        "-INF",
        "NaN",
        "null",
        "true",
        "false",
        "''",
        "'a'",
        "'O''Neil'",
        "'%'",
        "'\\'",
        "'🔥'",
        "'%00'",
        "2026-01-30",
        "9999-12-31",
        "0001-01-01",
        "2026-02-30",
        "2026-01-30T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00%2B14:00",
        "2026-01-30T00:00:00",
        "duration'P1D'",
        "12:00:00",
        "Ns.E'x'",
        "0x10",
        "1_000",
    ];
    private static readonly string[] Operators =
    [
        "eq",
        "ne",
        "gt",
        "ge",
        "lt",
        "le",
        "add",
        "sub",
        "mul",
        "div",
        "divby",
        "mod",
        "and",
        "or",
        "in",
        "has",
        "EQ",
        "==",
    ];
    private static readonly string[] Functions =
    [
        "contains",
        "startswith",
        "endswith",
        "tolower",
        "toupper",
        "trim",
        "length",
        "indexof",
        "substring",
        "concat",
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "date",
        "now",
        "round",
        "floor",
        "ceiling",
        "matchesPattern",
        "cast",
        "geo.distance",
        "frobnicate",
    ];
    private static readonly string[] Noise =
    [
        "(",
        ")",
        "'",
        "\"",
        ",",
        ";",
        "/",
        "//",
        " ",
        "%20",
        "%00",
        "%",
        "%zz",
        "$",
        "@",
        "&",
        "=",
        "#",
        "\u202e",
        "é",
        "🔥",
        "..",
        "/*",
        "--",
        ";DROP TABLE deployment",
        "\\",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "%2B",
        "+",
        "$it",
        "$all",
        " as ",
        " with ",
        "not ",
        "-",
    ];

    public string Url()
    {
        var set = Any(Sets);
        var options = new List<string>();
        if (random.Next(2) == 0)
            options.Add("$filter=" + Condition(random.Next(1, 5)));
        if (random.Next(3) == 0)
            options.Add("$apply=" + Apply(random.Next(1, 4)));
        if (random.Next(4) == 0)
            options.Add("$compute=" + Expression(2) + " as X");
        if (random.Next(4) == 0)
            options.Add("$orderby=" + Expression(1) + Any("", " desc", " asc", " sideways"));
        if (random.Next(5) == 0)
            options.Add("$select=" + string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(Names))));
        if (random.Next(6) == 0)
            options.Add(
                "$expand="
                    + Any(
                        "Deployment",
                        "Calendar",
                        "*",
                        "Deployment($select=Region)",
                        "Deployment($expand=Nope)",
                        "Nope",
                        "Deployment/$ref",
                        "Deployment(",
                        "Resource"
                    )
            );
        if (random.Next(6) == 0)
            options.Add("$search=" + Any("chat", "\"eu west\"", "a OR b", "NOT", "((a", "a AND NOT b", "🔥", "\\", "\""));
        if (random.Next(5) == 0)
            options.Add("$top=" + Any("0", "1", "5", "-1", "999999999999999999999", "abc", ""));
        if (random.Next(6) == 0)
            options.Add("$skip=" + Any("0", "3", "9223372036854775807", "-1"));
        if (random.Next(6) == 0)
            options.Add(
                Any(
                    "$count=true",
                    "$count=maybe",
                    "@a=1",
                    "@a=@a",
                    "@a='x'",
                    "@a=@b&@b=@a",
                    "$skiptoken=AAAA",
                    "$format=json",
                    "$format=xml",
                    "$deltatoken=1",
                    "custom=1",
                    "$top=1",
                    "filter=true"
                )
            );
        options.Add(Any("$top=3", "$top=3", "$top=3&$skip=1"));
        var text = new StringBuilder(string.Join('&', options));
        for (var i = random.Next(3) == 0 ? random.Next(1, 4) : 0; i > 0; i--)
            Damage(text);
        var path = random.Next(12) switch
        {
            0 => set + "/$count",
            1 => $"{set}({Any(Literals)})",
            2 => set
                + "(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-01-31T22:00:00Z)"
                + Any("", "/Units", "/Units/$value", "/Deployment", "/Deployment/Region", "/Nope", "/Deployment/$ref"),
            3 => Any(Names) + Any("", "/" + Any(Names), "()"),
            _ => set,
        };
        return Addressable(path) + "?" + Addressable(text.ToString());
    }

    // What no client could send at all is not tried: blanks, controls and letters beyond ASCII are encoded, everything else goes as it is.
    private static string Addressable(string text) =>
        string.Concat(
            text.EnumerateRunes()
                .Select(rune =>
                    rune.Value is > 32 and < 127 && rune.Value != '#' ? rune.ToString()
                    : rune.Value == 0xFFFD ? ""
                    : Uri.EscapeDataString(rune.ToString())
                )
        );

    private void Damage(StringBuilder text)
    {
        if (text.Length < 2)
            return;
        var at = random.Next(text.Length);
        switch (random.Next(7))
        {
            case 0:
                text.Remove(at, Math.Min(random.Next(1, 6), text.Length - at));
                break;
            case 1:
                text.Insert(at, Any(Noise));
                break;
            case 2:
                text.Insert(at, Any(Literals));
                break;
            case 3:
                text.Insert(
                    at,
                    string.Concat(
                        Enumerable.Repeat(
                            Any(
                                "(",
                                "not ",
                                "round(",
                                "-",
                                "tolower(",
                                "/",
                                "groupby((Region),",
                                "concat(identity,",
                                "1 add ",
                                "Units eq 1 or "
                            ),
                            random.Next(2, 400)
                        )
                    )
                );
                break;
            case 4:
                text[at] = (char)random.Next(32, 127);
                break;
            case 5:
                text.Length = at;
                break;
            default:
                var (from, length) = (random.Next(text.Length), random.Next(1, 40));
                text.Insert(at, text.ToString(from, Math.Min(length, text.Length - from)));
                break;
        }
    }

    private string Condition(int depth) =>
        random.Next(depth == 0 ? 2 : 6) switch
        {
            0 => $"{Expression(1)} {Any(Operators)} {Expression(1)}",
            1 => $"{Any(Names)} in ({string.Join(',', Enumerable.Range(0, random.Next(0, 5)).Select(_ => Any(Literals)))})",
            2 => $"({Condition(depth - 1)} and {Condition(depth - 1)})",
            3 => $"({Condition(depth - 1)} or {Condition(depth - 1)})",
            4 => $"not ({Condition(depth - 1)})",
            _ => $"{Expression(depth)} {Any(Operators)} {Expression(depth - 1)}",
        };

    private string Expression(int depth) =>
        random.Next(depth == 0 ? 2 : 6) switch
        {
            0 => Any(Names),
            1 => Any(Literals),
            2 => $"({Expression(depth - 1)} {Any(Operators)} {Expression(depth - 1)})",
            3 => $"-{Expression(depth - 1)}",
            _ => $"{Any(Functions)}({string.Join(',', Enumerable.Range(0, random.Next(0, 4)).Select(_ => Expression(depth - 1)))})",
        };

    private string Apply(int depth) => string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Step(depth)));

    private string Step(int depth) =>
        random.Next(depth == 0 ? 8 : 11) switch
        {
            0 => $"aggregate({Aggregates()})",
            1 => $"filter({Condition(1)})",
            2 => $"compute({Expression(2)} as {Any("X", "Y", "Units")})",
            3 => $"{Any("top", "skip")}({Any("0", "1", "3", "-1", "x")})",
            4 => $"{Any("topcount", "bottomcount", "topsum", "bottompercent", "toppercent")}"
                + $"({Any("1", "3", "50", "1e300", "-1", "'a'")},{Expression(1)})",
            5 => $"orderby({Expression(1)}{Any("", " desc")})",
            6 => Any("identity", "search(chat)", "expand(Deployment)", "nest(identity as A)", "frobnicate()"),
            7 => $"groupby(({Key()},{Key()}),aggregate({Aggregates()}))",
            8 => $"groupby(({Key()}),{Apply(depth - 1)})",
            9 => $"concat({Apply(depth - 1)},{Apply(depth - 1)})",
            _ => $"groupby((rollup({Any("$all,", "")}{Any(Names)},{Any(Names)})),aggregate({Aggregates()}))",
        };

    private string Key() => Any(Names);

    private string Aggregates() =>
        string.Join(
            ',',
            Enumerable
                .Range(0, random.Next(1, 4))
                .Select(i =>
                    random.Next(4) switch
                    {
                        0 => $"$count as N{i}",
                        1 => Any(Names),
                        2 => $"{Expression(1)} with {Any("sum", "average", "min", "max", "countdistinct", "stdev")} as A{i}",
                        _ => $"{Any(Names)} with {Any("sum", "average", "min", "max", "countdistinct")} as {Any("A", "X", "Units")}{i}",
                    }
                )
        );

    private string Any(params string[] choices) => choices[random.Next(choices.Length)];
}
