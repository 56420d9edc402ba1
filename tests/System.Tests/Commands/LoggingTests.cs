using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Metrics.Ingestors.Pipeline;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Commands;

/// <summary>What the service logs, as a process: formats, events, and nothing to worry about at a stop.</summary>
public sealed partial class LoggingTests
{
    [Fact]
    public async Task A_first_start_logs_its_events_with_date_and_zone_and_a_stop_logs_no_warning()
    {
        await using var service = await ServiceProcess.StartAsync(
            ("Metrics__Workloads__lost__Match__0__Source", "sample"),
            ("Metrics__Workloads__lost__Match__0__Labels__pod", "chat-77"),
            ("Logging__LogLevel__Metrics.Ingestors.Pipeline.FactRecomputer", "Debug")
        );
        await UntilAsync(service, "SourcesOpened", output =>
            output.Contains("[1004] Metrics:Workloads:lost:Match:0: The workload 'lost' asks", StringComparison.Ordinal)
            && output.Contains("Workload chat-70b: first number, joules per input-token, output-token", StringComparison.Ordinal)
            && output.Split("[1003] The hour from").Length > 24
        );
        Assert.Equal(0, await service.StopAsync());

        var lines = service.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => Logged().IsMatch(line)).ToList();
        Assert.All(lines, line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 (dbug|info|warn): ", line));
        Assert.Equal(1, Count(@"\[1000\] Reading 2 sources: sample, self\."));
        Assert.Equal(1, Count(@"\[1001\] Source sample: first data, \d+ observations of \["));
        Assert.Equal(1, Count(@"\[1002\] Workload chat-70b: first number"));
        Assert.Equal(1, Count(@"\[1004\] Metrics:Workloads:lost:Match:0: "));
        Assert.InRange(Count(@"\[1003\] The hour from \d{4}-\d\d-\d\d \d\d:00 UTC was computed: \d+ facts of energy"), 24, int.MaxValue);
        // The rule is the only thing that is wrong: neither the scheduler nor a read that the stop cut off is a warning.
        Assert.All(lines.Where(line => line.Contains(" warn: ", StringComparison.Ordinal)), line =>
            Assert.Contains("[1004]", line, StringComparison.Ordinal)
        );

        int Count(string pattern) => lines.Count(line => Regex.IsMatch(line, pattern));
    }

    [Fact]
    public async Task The_format_that_is_configured_is_the_one_that_is_written()
    {
        await using (var service = await ServiceProcess.StartAsync(("Logging__Console__FormatterName", "json")))
        {
            await UntilAsync(service, "1007", output => output.Contains("\"EventId\":1007", StringComparison.Ordinal));
            Assert.Equal(0, await service.StopAsync());
            // Progress is on standard error, and in lines of its own.
            var logged = service
                .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => !line.StartsWith("First ", StringComparison.Ordinal))
                .Select(line => JsonDocument.Parse(line).RootElement)
                .ToList();
            Assert.Contains(logged, line => line.GetProperty("EventId").GetInt32() == 1000);
            Assert.All(logged, line =>
                Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", line.GetProperty("Timestamp").GetString())
            );
        }
        await using (var service = await ServiceProcess.StartAsync(("Logging__Console__FormatterName", "systemd")))
        {
            await UntilAsync(service, "[1007]", output => output.Contains("[1007]", StringComparison.Ordinal));
            Assert.Matches(
                @"(?m)^<6>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 Metrics\.Api\[1007\] Metrics answers at http://127\.0\.0\.1:\d+\.",
                service.Output
            );
            Assert.Equal(0, await service.StopAsync());
        }
    }

    [Fact]
    public async Task The_page_lists_every_event_and_every_command_and_no_other()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(CommandLineTests.Root, "docs/operations.md"));
        var events = typeof(LogEvents)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (EventId)field.GetValue(null)!)
            .Select(one => $"{one.Id} {one.Name}");
        Assert.Equal(
            events.Order(StringComparer.Ordinal),
            EventRow().Matches(page).Select(row => $"{row.Groups[1].Value} {row.Groups[2].Value}").Order(StringComparer.Ordinal)
        );

        using var folder = new CommandFolder();
        var (_, help, _) = await folder.RunAsync(["--help"]);
        var commands = help[help.IndexOf("Commands:", StringComparison.Ordinal)..help.IndexOf("Options:", StringComparison.Ordinal)];
        Assert.Equal(
            CommandOfHelp().Matches(commands).Select(row => row.Groups[1].Value),
            CommandRow().Matches(page[..page.IndexOf("`--help`", StringComparison.Ordinal)]).Select(row => row.Groups[1].Value)
        );
    }

    private static async Task UntilAsync(ServiceProcess service, string what, Func<string, bool> wanted)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!wanted(service.Output))
        {
            if (limit.IsCancellationRequested)
                throw new InvalidOperationException($"{what} was not logged. The service printed:\n{service.Output}");
            await Task.Delay(200, CancellationToken.None);
        }
    }

    [GeneratedRegex(@"^\S+ (trce|dbug|info|warn|fail|crit): ")]
    private static partial Regex Logged();

    [GeneratedRegex(@"(?m)^\| (\d{4}) \| `(\w+)` \|")]
    private static partial Regex EventRow();

    [GeneratedRegex(@"(?m)^  (\w+) ")]
    private static partial Regex CommandOfHelp();

    [GeneratedRegex(@"(?m)^\| `(\w+)[^|]*(?:\\\|[^|]*)*`[^|]* \|")]
    private static partial Regex CommandRow();
}
