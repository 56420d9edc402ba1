using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Metrics.SystemTests.Compose;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>What <c>intensities.py</c>, which shares nothing with the service, makes of a recording.</summary>
public static class Witness
{
    public static string Recording { get; } = Path.Combine(ComposeFile.Root, "samples", "fleet.ndjson.gz");

    /// <summary>End of the recording: it is a whole day.</summary>
    public static readonly DateTime RecordingEnd = new(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Hours by their start, each with the workloads' numbers.</summary>
    /// <param name="shift">Added to every timestamp.</param>
    /// <param name="repeat">How often the recording is played.</param>
    public static async Task<Dictionary<DateTime, JsonElement>> HoursAsync(TimeSpan shift, int repeat)
    {
        var start = new ProcessStartInfo(
            "python3",
            [
                Path.Combine(ComposeFile.Root, "tests", "System.Tests", "Journey", "intensities.py"),
                "--recording",
                Recording,
                "--shift",
                shift.TotalSeconds.ToString("R", CultureInfo.InvariantCulture),
                "--repeat",
                repeat.ToString(CultureInfo.InvariantCulture),
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        using var told = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return told
            .RootElement.EnumerateObject()
            .ToDictionary(
                hour =>
                    DateTime.Parse(
                        hour.Value.GetProperty("start").GetString()!,
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AdjustToUniversal
                    ),
                hour => hour.Value.GetProperty("workloads").Clone()
            );
    }

    /// <summary>Compares rows of <c>HourlyIntensities</c> with the witness, hour by hour, and returns how many numbers agreed.</summary>
    public static int Agrees(IEnumerable<JsonElement> rows, Dictionary<DateTime, JsonElement> hours)
    {
        var compared = 0;
        foreach (var row in rows)
        {
            var hour = row.GetProperty("PeriodStart").GetDateTime().ToUniversalTime();
            var workload = row.GetProperty("Workload").GetString()!;
            if (!hours.TryGetValue(hour, out var told) || !told.TryGetProperty(workload, out var expected))
                continue;
            var at = $"{hour:u} {workload} {row.GetProperty("FunctionalUnit").GetString()}";
            Same("AcceleratorJoules", expected, "acceleratorJoules");
            Same("ServerJoules", expected, "serverJoules");
            Same("FacilityJoules", expected, "facilityJoules");
            if (!expected.GetProperty("units").TryGetProperty(row.GetProperty("FunctionalUnit").GetString()!, out var units))
                continue;
            Same("Units", units, "units");
            // The witness divides whole hours; where a part of one is unknown the ratio is of the other parts.
            if (!IsWhole("FacilityCoverage") || !IsWhole("WorkCoverage"))
                continue;
            Same("JoulesPerUnit", units, "facilityJoulesPerUnit");
            Same("ServerJoulesPerUnit", units, "serverJoulesPerUnit");
            Same("AcceleratorJoulesPerUnit", units, "acceleratorJoulesPerUnit");

            bool IsWhole(string column) =>
                row.GetProperty(column) is { ValueKind: JsonValueKind.Number } share && share.GetDouble() > 1 - 1e-9;

            void Same(string column, JsonElement of, string name)
            {
                var (ours, theirs) = (row.GetProperty(column), of.GetProperty(name));
                compared++;
                if (theirs.ValueKind == JsonValueKind.Null)
                {
                    Assert.True(ours.ValueKind == JsonValueKind.Null, $"{at} {column}: {ours}, and the witness says null");
                    return;
                }
                Assert.True(ours.ValueKind == JsonValueKind.Number, $"{at} {column}: {ours}, and the witness says {theirs}");
                var difference = Math.Abs(ours.GetDouble() - theirs.GetDouble());
                Assert.True(difference <= 1e-9 * Math.Abs(theirs.GetDouble()), $"{at} {column}: {ours}, and the witness says {theirs}");
            }
        }
        return compared;
    }
}
