using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;
using Metrics.Ingestors.Providers.Files;
using Metrics.Ingestors.Providers.Prometheus;

namespace Metrics.Ingestors.Tests;

/// <summary>The contract for a Prometheus server: names first, then samples.</summary>
public sealed class PrometheusContractTests : NetworkProviderContract
{
    private const string Names = """{"status":"success","data":["DCGM_FI_DEV_POWER_USAGE","other_metric"]}""";
    private const string NoCounts = """{"status":"success","data":{"resultType":"vector","result":[]}}""";

    // On the window's first instant, inside, and on its end, which is the next window's.
    private const string Samples = """
        {"status":"success","data":{"resultType":"matrix","result":[
          {"metric":{"__name__":"DCGM_FI_DEV_POWER_USAGE","UUID":"GPU-a"},
            "values":[[1767265200,"431.25"],[1767267000,"430"],[1767268800,"429"]]},
          {"metric":{"__name__":"DCGM_FI_DEV_POWER_USAGE","UUID":"GPU-b"},"values":[[1767265215,"0"]]}]}}
        """;

    protected override IProvider Provider => KnownProviders.All["prometheus"];

    /// <summary>A server of one's own has a password or a token; the permissions are those of the managed services.</summary>
    protected override IReadOnlyList<string> Mends => [];

    protected override string Folder => "src/Ingestors/Providers/Prometheus";

    protected override Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var server = HostileFarSide.Open(farSide, "application/json", request => request.StartsWith("GET ", StringComparison.Ordinal)
                ? farSide == FarSide.IsEmpty
                    ? """{"status":"success","data":[]}"""
                    : Names
                : request.Contains("query=count", StringComparison.Ordinal)
                    ? NoCounts
                    : Samples);
        return Task.FromResult(
            HostileFarSide.Bench(
                server,
                new PrometheusSettings
                {
                    Id = "rack-7",
                    Provider = Provider.Name,
                    Endpoint = server.At("/prom"),
                },
                Some.Request(),
                3
            )
        );
    }
}

/// <summary>The contract for one metrics page, whose samples say when they are from.</summary>
public sealed class ExporterContractTests : NetworkProviderContract
{
    protected override IProvider Provider => KnownProviders.All["exporter"];

    protected override string Folder => "src/Ingestors/Providers/Exporter";

    protected override int FewestExchanges => 1;

    protected override Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var server = HostileFarSide.Open(farSide, "application/openmetrics-text; version=1.0.0; charset=utf-8", _ =>
            farSide == FarSide.IsEmpty
                ? "# EOF\n"
                : "# TYPE DCGM_FI_DEV_POWER_USAGE gauge\nDCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-a\",instance=\"gpu-box:9400\"} 431.25 "
                    + "1767268500\nDCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-b\",instance=\"gpu-box:9400\"} 0 1767268500\nother_metric 1 "
                    + "1767268500\n# EOF\n"
        );
        return Task.FromResult(
            HostileFarSide.Bench(
                server,
                new ExporterSettings
                {
                    Id = "gpu-box",
                    Provider = Provider.Name,
                    Endpoint = server.At("/metrics"),
                },
                Some.Request(),
                2
            )
        );
    }
}

/// <summary>The contract for a folder of files: two files are two pages.</summary>
public sealed class FileContractTests : ProviderContract, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-contract-").FullName;

    protected override IProvider Provider => KnownProviders.All["file"];

    protected override string Folder => "src/Ingestors/Providers/Files";

    public void Dispose() => Directory.Delete(folder, recursive: true);

    protected override Task<ContractBench> OpenAsync(FarSide farSide)
    {
        if (farSide == FarSide.Answers)
            foreach (var (name, watts) in new[] { ("a", "431.25"), ("b", "0") })
                File.WriteAllText(
                    Path.Combine(folder, $"{name}.ndjson"),
                    $$"""{"provider":"prometheus","metric":"DCGM_FI_DEV_POWER_USAGE","labels":"""
                        + $$"""{"UUID":"GPU-{{name}}"},"start":"2026-01-01T11:30:00Z","end":"2026-01-01T11:30:00Z","value":{{watts}}}"""
                        + "\n"
                );
        var catalogue = Catalogues.Load([]);
        var source = Some.Source(
            new FileSettings
            {
                Id = "inbox",
                Provider = Provider.Name,
                Path = folder,
            },
            catalogue
        );
        return Task.FromResult(
            new ContractBench(
                source,
                catalogue,
                Some.Request(),
                2,
                () => Directory.GetFiles(folder).Length,
                [],
                () => ValueTask.CompletedTask
            )
        );
    }
}

/// <summary>A far side of raw sockets, for providers that speak plain HTTP.</summary>
internal static class HostileFarSide
{
    private const string Secret = "hush-3f9a";

    public static HostileServer Open(FarSide farSide, string type, Func<string, string> answer) =>
        farSide switch
        {
            FarSide.Answers or FarSide.IsEmpty => HostileServer.Serving(type, answer),
            FarSide.Throttles => HostileServer.Serving("text/plain", _ => "slow down", "429 Too Many Requests", "Retry-After: 7\r\n"),
            FarSide.Breaks => HostileServer.Serving("text/plain", _ => "down", "503 Service Unavailable"),
            FarSide.Refuses => HostileServer.Serving("text/plain", _ => $"no right for {Secret}", "401 Unauthorized"),
            FarSide.SendsHtml => HostileServer.Serving("text/html", _ => "<!DOCTYPE html><html><body>Log in</body></html>"),
            FarSide.Cuts => new(
                (request, socket, cancel) =>
                {
                    var whole = Encoding.UTF8.GetBytes(answer(request));
                    return HostileServer.Write(socket, [.. Head(type, whole.Length), .. whole.AsSpan(0, whole.Length / 2)], cancel);
                }
            ),
            FarSide.Hangs => new(
                async (_, socket, cancel) =>
                {
                    await HostileServer.Write(socket, Head(type, 1_000), cancel);
                    await Task.Delay(Timeout.Infinite, cancel);
                }
            ),
            _ => new((_, socket, cancel) => FloodAsync(socket, type, cancel)),
        };

    public static ContractBench Bench(HostileServer server, ServerSettings settings, ReadRequest request, int expected)
    {
        settings.Timeout = TimeSpan.FromSeconds(10);
        settings.MaxBytes = 4 * 1024 * 1024;
        settings.BearerToken = Secret;
        var catalogue = Catalogues.Load([]);
        return new(
            Some.Source(settings, catalogue),
            catalogue,
            request,
            expected,
            () => server.Requests.Count,
            [Secret],
            server.DisposeAsync
        );
    }

    private static byte[] Head(string type, int length) =>
        Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {length}\r\n\r\n")
        );

    private static async Task FloodAsync(NetworkStream socket, string type, CancellationToken cancel)
    {
        await HostileServer.Write(socket, Head(type, int.MaxValue), cancel);
        var blanks = new byte[64 * 1024];
        Array.Fill(blanks, (byte)' ');
        while (!cancel.IsCancellationRequested)
            await HostileServer.Write(socket, blanks, cancel);
    }
}
