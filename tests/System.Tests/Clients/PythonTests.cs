using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Metrics.Storage.Engine;
using Metrics.SystemTests.OData;
using Xunit;

namespace Metrics.SystemTests.Clients;

/// <summary>The recipe for Python in docs/odata.md.</summary>
[Collection(ODataTests.Name)]
public sealed class PythonTests(ODataServices services)
{
    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_script_reads_every_page_and_asks_twice_for_what_did_not_change(StorageEngine engine)
    {
        var service = services[engine];
        using var process = Process.Start(
            new ProcessStartInfo(
                "python3",
                [
                    Path.Combine(Here(), "extract.py"),
                    service.Client.BaseAddress!.ToString(),
                    "HourlyIntensities?$filter=FunctionalUnit%20ne%20'none'",
                    "Units",
                ]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        var told = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync()).RootElement;
        await process.WaitForExitAsync();

        await using var connection = service.Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = """SELECT SUM("Units") FROM "HourlyIntensities" WHERE "FunctionalUnit" <> 'none'""";
        // Eighths add up without a rounding.
        Assert.Equal(
            (4_536, (double)(await command.ExecuteScalarAsync())!, 304),
            (told.GetProperty("rows").GetInt32(), told.GetProperty("sum").GetDouble(), told.GetProperty("again").GetInt32())
        );
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
