using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Metrics.SystemTests;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Metrics.Benchmarks;

/// <summary>
/// /odata over a million hours: all of them in pages, against the stock library, SAP's CAP and PostgreSQL's own JSON; first and last page,
/// memory, many readers, and groups.
/// </summary>
/// <remarks><c>METRICS_BENCHMARK_ROWS</c> asks for another number of rows, as 10000000.</remarks>
internal static class Serve
{
    /// <summary>Rows of a page.</summary>
    public const int PageSize = 10_000;

    private const int PeerRows = 200_000;
    private const string Set = "HourlyIntensities";
    private static readonly byte[] Mark = "\"DeploymentId\":"u8.ToArray();

    private static readonly int Rows = int.Parse(
        Environment.GetEnvironmentVariable("METRICS_BENCHMARK_ROWS") ?? "1000000",
        CultureInfo.InvariantCulture
    );

    /// <summary>The best of three; one round of very many rows is long enough to be even.</summary>
    private static readonly int Rounds = Rows > 1_000_000 ? 1 : 3;

    public static async Task RunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            await OnAsync(await ServeRows.WriteAsync(StorageEngine.Postgres, await cluster.CreateDatabaseAsync(), Rows));
            await OnAsync(await ServeRows.WriteAsync(StorageEngine.Sqlite, $"Data Source={folder}/metrics.db", Rows));
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            await cluster.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task OnAsync(ServeRows rows)
    {
        var postgres = rows.Engine == StorageEngine.Postgres;
        Console.WriteLine($"  {(postgres ? "PostgreSQL" : "SQLite")}, {Rows:#,0} rows");
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        await using var ours = await ServeSides.StartAsync("ours", rows);
        var first = new Uri(ours.Address, Set);

        await using var stock = await ServeSides.StartAsync("stock", rows);
        await using var cap = postgres ? await StartCapAsync(rows) : null;
        List<Page> pages = [];
        var best = new Dictionary<string, double>();
        void Keep(string name, double rate) => best[name] = Math.Max(best.GetValueOrDefault(name), rate);
        var (allocated, tenth, resident) = (0.0, 0L, 0L);
        for (var round = 0; round < Rounds; round++)
        {
            var before = (await ours.UsedAsync()).Allocated;
            var clock = Stopwatch.StartNew();
            pages = await WalkAsync(client, first, Rows / 10);
            if (round == 0)
                tenth = (await ours.UsedAsync()).Resident;
            if (pages[^1].Next is { } rest)
                pages.AddRange(await WalkAsync(client, rest, int.MaxValue));
            Keep("ours", Rows / clock.Elapsed.TotalSeconds);
            var read = pages.Sum(page => page.Rows);
            if (read != Rows)
                throw new InvalidOperationException($"{read} of {Rows} rows were read: the figure would mean nothing.");
            var used = await ours.UsedAsync();
            (allocated, resident) = ((double)(used.Allocated - before) / Rows, round == 0 ? used.Resident : resident);
            Keep("stock", await RateAsync(client, new Uri(stock.Address, Set)));
            if (cap is not null)
                Keep("cap", await RateAsync(client, new Uri(cap.Address, "Hours")));
            if (postgres)
            {
                Keep("copy", await CopyAsync(rows, """ORDER BY "DeploymentId", "FunctionalUnit", "PeriodStart" """));
                Keep("unordered", await CopyAsync(rows, ""));
            }
            else
            {
                Keep("reader", await ReaderAsync(rows));
            }
        }
        Figures.Show("all rows in pages of 10,000", best["ours"], "rows/s");
        Figures.Show($"Microsoft.AspNetCore.OData over EF Core, {Math.Min(PeerRows, Rows):#,0} rows", best["stock"], "rows/s");
        Figures.AtLeast("  ours against it", best["ours"] / best["stock"], 5, "x");
        if (postgres)
        {
            Figures.Show($"SAP CAP, {Math.Min(PeerRows, Rows):#,0} rows", best["cap"], "rows/s");
            Figures.AtLeast("  ours against it", best["ours"] / best["cap"], 10, "x");
            Figures.Show("COPY of row_to_json in the same order", best["copy"], "rows/s");
            Figures.AtLeast("  ours against it", best["ours"] / best["copy"], 1, "x");
            Figures.Show("COPY of row_to_json in no order", best["unordered"], "rows/s");
            Figures.Show("  ours against it", best["ours"] / best["unordered"], "x");
        }
        else
        {
            Figures.Show("the statement's columns read and dropped, in one go", best["reader"], "rows/s");
        }
        Figures.Below("allocated for each row", allocated, 300, "bytes");
        Figures.Show("most memory resident after a tenth of the rows", tenth / 1e6, "MB");
        Figures.Show("most memory resident after all rows", resident / 1e6, "MB");
        if (Rows >= 10_000_000)
            Figures.Below("  the latter against the former", (double)resident / tenth, 1.2, "x");
        else
            Figures.Show("  the latter against the former", (double)resident / tenth, "x");

        var last = pages[^1].Address;
        var (front, back) = (new List<Page>(), new List<Page>());
        for (var i = 0; i < 9; i++)
        {
            front.Add(await PageAsync(client, first));
            back.Add(await PageAsync(client, last));
        }
        Figures.Show("first page", Middle(front.Select(page => page.Seconds)) * 1_000, "ms");
        Figures.Below(
            "last page against the first",
            Middle(back.Select(page => page.Seconds / page.Rows)) / Middle(front.Select(page => page.Seconds / page.Rows)),
            1.2,
            "x"
        );
        Figures.Below("first byte of a page", Middle(pages.Concat(front).Select(page => page.First)) * 1_000, 50, "ms");

        await ReadersAsync(client, pages);
        await GroupsAsync(client, ours, rows);
    }

    // ---- Readers.

    private static async Task ReadersAsync(HttpClient client, List<Page> pages)
    {
        var addresses = pages.Select(page => page.Address).ToList();
        var (few, many, slow) = (0.0, 0.0, double.MaxValue);
        for (var round = 0; round < 2; round++)
        {
            few = Math.Max(few, (await TogetherAsync(client, addresses, readers: 4, each: 32)).Rate);
            var (rate, times) = await TogetherAsync(client, addresses, readers: 64, each: 2);
            many = Math.Max(many, rate);
            slow = Math.Min(slow, times.Order().ElementAt((int)(times.Count * 0.99)));
        }
        Figures.Show("4 readers at once", few, "rows/s");
        Figures.Show("64 readers at once", many, "rows/s");
        Figures.AtLeast("64 against 4", many / few, 1, "x");
        Figures.Show("a page with 64 readers, 99th of a hundred", slow * 1_000, "ms");
    }

    private static async Task<(double Rate, List<double> Times)> TogetherAsync(
        HttpClient client,
        List<Uri> addresses,
        int readers,
        int each
    )
    {
        var clock = Stopwatch.StartNew();
        var read = await Task.WhenAll(
            Enumerable
                .Range(0, readers)
                .Select(reader =>
                    Task.Run(async () =>
                    {
                        var mine = new List<Page>();
                        for (var i = 0; i < each; i++)
                            mine.Add(await PageAsync(client, addresses[(reader * each + i) % addresses.Count]));
                        return mine;
                    })
                )
        );
        var seconds = clock.Elapsed.TotalSeconds;
        return (
            read.Sum(mine => mine.Sum(page => (double)page.Rows)) / seconds,
            [.. read.SelectMany(mine => mine.Select(page => page.Seconds))]
        );
    }

    // ---- Groups.

    private static async Task GroupsAsync(HttpClient client, ServeSides ours, ServeRows rows)
    {
        const string groups =
            Set
            + "?$apply=filter(FunctionalUnit eq 'output-token')/groupby((Provider,Region,Hardware),aggregate(FacilityJoules with "
            + "sum as E,Units with sum as U))";
        const string month =
            "DailyIntensities?$apply=filter(FunctionalUnit eq 'output-token' and Date ge 2024-01-01 and Date le "
            + "2024-01-31)/groupby((Date,Provider),aggregate(FacilityJoules with sum as E,Units with sum as U))";
        const string joined =
            "SELECT p.provider, p.region, d.hardware, SUM(i.facility_joules), SUM(i.units) FROM intensity_hours i JOIN deployment "
            + "d ON d.id = i.deployment_id JOIN places p ON p.name = d.place WHERE i.functional_unit = 'output-token' GROUP BY "
            + "p.provider, p.region, d.hardware";
        const string summed =
            "SELECT p.provider, p.region, d.hardware, SUM(s.e), SUM(s.u) FROM (SELECT deployment_id, SUM(facility_joules) AS e, "
            + "SUM(units) AS u FROM intensity_hours WHERE functional_unit = 'output-token' GROUP BY deployment_id) s JOIN "
            + "deployment d ON d.id = s.deployment_id JOIN places p ON p.name = d.place GROUP BY p.provider, p.region, d.hardware";
        if (await GroupAsync(client, new Uri(ours.Address, groups)) is null)
        {
            Console.WriteLine("  The service does not know $apply: groups were not measured.");
            return;
        }
        var (served, byHand, dashboard) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < 5; i++)
        {
            served.Add((await GroupAsync(client, new Uri(ours.Address, groups)))!.Value);
            byHand.Add(Math.Min(await SecondsAsync(rows, joined), await SecondsAsync(rows, summed)));
            dashboard.Add((await GroupAsync(client, new Uri(ours.Address, month)))!.Value);
        }
        Figures.Show("sums by provider, region and hardware", served.Min() * 1_000, "ms");
        Figures.Show("  the best statement by hand", byHand.Min() * 1_000, "ms");
        Figures.Below("  ours against it", served.Min() / byHand.Min(), 1.15, "x");
        Figures.Below("a month of days by date and provider", Middle(dashboard) * 1_000, 50, "ms");
    }

    /// <summary>Seconds until the whole answer is there; null when the service does not know the question.</summary>
    private static async Task<double?> GroupAsync(HttpClient client, Uri address)
    {
        var clock = Stopwatch.StartNew();
        using var answer = await client.GetAsync(address);
        var body = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode == HttpStatusCode.NotImplemented)
            return null;
        if (answer.StatusCode != HttpStatusCode.OK || !body.Contains("\"U\":", StringComparison.Ordinal))
            throw new InvalidOperationException($"{(int)answer.StatusCode} for {address}: {body}");
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> SecondsAsync(ServeRows rows, string sql)
    {
        await using var connection = await rows.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 600;
        var clock = Stopwatch.StartNew();
        await using var reader = await command.ExecuteReaderAsync();
        var found = 0;
        while (await reader.ReadAsync())
            found++;
        if (found == 0)
            throw new InvalidOperationException("The statement found no group.");
        return clock.Elapsed.TotalSeconds;
    }

    // ---- The same rows without a service.

    // By psql, which hands on bytes: Npgsql copies text only as characters.
    private static async Task<double> CopyAsync(ServeRows rows, string order)
    {
        var settings = new NpgsqlConnectionStringBuilder(rows.ConnectionString);
        var start = new ProcessStartInfo(
            "psql",
            [
                "-X",
                "-q",
                "-h",
                settings.Host!,
                "-p",
                settings.Port.ToString(CultureInfo.InvariantCulture),
                "-U",
                settings.Username!,
                "-d",
                settings.Database!,
                "-v",
                "ON_ERROR_STOP=1",
                "-o",
                "/dev/null",
                "-c",
                $"COPY (SELECT row_to_json(t) FROM (SELECT * FROM \"{Set}\" {order}) t) TO STDOUT",
            ]
        );
        if (settings.Password is { } password)
            start.Environment["PGPASSWORD"] = password;
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? Rows / clock.Elapsed.TotalSeconds
            : throw new InvalidOperationException($"psql ended with {process.ExitCode}.");
    }

    private static async Task<double> ReaderAsync(ServeRows rows)
    {
        await using var connection = await rows.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM \"{Set}\" ORDER BY \"DeploymentId\", \"FunctionalUnit\", \"PeriodStart\"";
        var clock = Stopwatch.StartNew();
        await using var reader = await command.ExecuteReaderAsync();
        long read = 0,
            present = 0;
        while (await reader.ReadAsync())
        {
            read++;
            for (var i = 0; i < reader.FieldCount; i++)
                if (!reader.IsDBNull(i))
                    present++;
        }
        if (read != Rows || present < read)
            throw new InvalidOperationException($"{read} of {Rows} rows were read.");
        return Rows / clock.Elapsed.TotalSeconds;
    }

    // ---- The client.

    /// <summary>One page as the client saw it: seconds until its first byte, and until its last.</summary>
    private readonly record struct Page(Uri Address, int Rows, double First, double Seconds, Uri? Next);

    private static async Task<double> RateAsync(HttpClient client, Uri first)
    {
        var clock = Stopwatch.StartNew();
        var pages = await WalkAsync(client, first, PeerRows);
        var rows = pages.Sum(page => page.Rows);
        if (rows < Math.Min(PeerRows, Rows))
            throw new InvalidOperationException($"{first} told {rows} rows.");
        return rows / clock.Elapsed.TotalSeconds;
    }

    private static async Task<List<Page>> WalkAsync(HttpClient client, Uri first, int rows)
    {
        var pages = new List<Page>();
        var read = 0;
        for (Uri? next = first; next is not null && read < rows; next = pages[^1].Next)
        {
            pages.Add(await PageAsync(client, next));
            read += pages[^1].Rows;
        }
        return pages;
    }

    /// <summary>Reads a page and drops it; rows are counted by the name of their first column.</summary>
    private static async Task<Page> PageAsync(HttpClient client, Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Add("Prefer", string.Create(CultureInfo.InvariantCulture, $"odata.maxpagesize={PageSize}"));
        var clock = Stopwatch.StartNew();
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"{(int)answer.StatusCode} for {address}: {await answer.Content.ReadAsStringAsync()}");
        await using var body = await answer.Content.ReadAsStreamAsync();
        // The end of what was read stays in front of what comes next: a name may be cut, and the link to the next page is at the very end.
        // CAP tells it at the beginning.
        const int tail = 2_048;
        var head = "";
        var buffer = new byte[tail + 64 * 1024];
        var (kept, rows, first) = (0, 0, 0.0);
        for (int got; (got = await body.ReadAsync(buffer.AsMemory(kept))) > 0; )
        {
            var end = kept + got;
            if (first == 0)
            {
                first = clock.Elapsed.TotalSeconds;
                head = Encoding.UTF8.GetString(buffer, 0, Math.Min(end, 1_024));
            }
            var begin = Math.Max(0, kept - Mark.Length + 1);
            rows += buffer.AsSpan(begin, end - begin).Count(Mark);
            var keep = Math.Min(tail, end);
            buffer.AsSpan(end - keep, keep).CopyTo(buffer);
            kept = keep;
        }
        return new Page(
            address,
            rows,
            first,
            clock.Elapsed.TotalSeconds,
            Next(address, Encoding.UTF8.GetString(buffer, 0, kept)) ?? Next(address, head)
        );
    }

    private static Uri? Next(Uri address, string end)
    {
        const string name = "\"@odata.nextLink\":\"";
        var at = end.LastIndexOf(name, StringComparison.Ordinal);
        if (at < 0)
            return null;
        at += name.Length;
        return new Uri(address, JsonSerializer.Deserialize<string>($"\"{end[at..end.IndexOf('"', at)]}\""));
    }

    private static double Middle(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered[ordered.Count / 2];
    }

    // ---- SAP's CAP.

    private static async Task<ServeSides> StartCapAsync(ServeRows rows)
    {
        var home = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "cap");
        if (!Directory.Exists(Path.Combine(home, "node_modules")))
        {
            using var install = Process.Start(
                new ProcessStartInfo("npm", ["ci", "--prefix", home, "--ignore-scripts", "--no-audit", "--no-fund"])
                {
                    RedirectStandardOutput = true,
                }
            )!;
            var told = await install.StandardOutput.ReadToEndAsync();
            await install.WaitForExitAsync();
            if (install.ExitCode != 0)
                throw new InvalidOperationException($"npm ended with {install.ExitCode}: {told}");
        }
        // CAP writes names without quotes, which PostgreSQL reads as lower case: the view once more under such names, which costs its plans
        // nothing.
        await using var connection = await rows.OpenAsync();
        await ServeRows.RunAsync(
            connection,
            "CREATE VIEW metrics_hours AS SELECT "
                + $"{string.Join(", ", typeof(StockHour).GetProperties().Select(property => $"\"{property.Name}\" AS {property.Name}"))} "
                + $"FROM \"{Set}\""
        );
        var settings = new NpgsqlConnectionStringBuilder(rows.ConnectionString);
        var start = new ProcessStartInfo("node", ["serve.mjs"]) { WorkingDirectory = home };
        start.Environment["NODE_ENV"] = "production";
        start.Environment["CDS_CONFIG"] = JsonSerializer.Serialize(
            new
            {
                query = new
                {
                    limit = new
                    {
                        @default = PageSize,
                        max = PageSize,
                        reliablePaging = new { enabled = true },
                    },
                },
                log = new
                {
                    levels = new
                    {
                        cds = "error",
                        db = "error",
                        odata = "error",
                    },
                },
                requires = new
                {
                    auth = new { kind = "dummy" },
                    db = new
                    {
                        kind = "postgres",
                        impl = "@cap-js/postgres",
                        credentials = new
                        {
                            host = settings.Host,
                            port = settings.Port,
                            user = settings.Username,
                            password = settings.Password ?? "",
                            database = settings.Database,
                        },
                    },
                },
            }
        );
        return await ServeSides.StartAsync(start);
    }
}
