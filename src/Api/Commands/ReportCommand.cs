using System.Globalization;
using Metrics.Api.Reports;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Commands;

/// <summary>The command <c>report KIND --from --to --format --out</c>: writes a report and its manifest to files.</summary>
public static class ReportCommand
{
    private const string Usage =
        "report KIND --from 2026-02-01 --to 2026-03-01 [--grain day] [--workload NAME] [--provider NAME] [--unit NAME] [--format csv] [--out FILE]";
    private static readonly string[] Options = ["--from", "--to", "--grain", "--workload", "--provider", "--unit", "--format", "--out"];

    /// <summary>What is to be written where.</summary>
    /// <param name="Question">What was asked.</param>
    /// <param name="Path">The file to be.</param>
    public sealed record Order(ReportRequest Question, string Path);

    /// <summary>The arguments, or every fault in them.</summary>
    /// <param name="arguments">What follows the word <c>report</c>.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="faults">Sentences; empty when the arguments can be used.</param>
    public static Order? Parse(IReadOnlyList<string> arguments, DateTime now, out List<string> faults)
    {
        faults = [];
        var words = new List<string>();
        var given = new List<(string Name, string? Value)>();
        foreach (var (name, text) in CommandLine.Read(arguments, Options))
        {
            if (name is null)
                words.Add(text);
            else
                given.Add((name[2..], text));
        }
        if (words.Count == 0)
            faults.Add($"The kind of report is missing. There are: {ReportKind.Names}.");
        if (words.Count > 1)
            faults.Add($"'{words[1]}' is one word too many: one report is written at a time.");
        if (faults.Count == 0)
        {
            try
            {
                var question = ReportRequest.Read(words[0], given.Where(one => one.Name != "out"), now);
                var path = given.Find(one => one.Name == "out").Value ?? ReportFiles.NameOf(question);
                return new Order(question, Directory.Exists(path) ? Path.Combine(path, ReportFiles.NameOf(question)) : path);
            }
            catch (ReportError refused)
            {
                faults.Add(refused.Message);
            }
        }
        faults.Add($"Usage: {Usage}");
        return null;
    }

    /// <summary>Runs the command, with its progress on standard error.</summary>
    /// <returns>0 when the file is written, 2 when it cannot be.</returns>
    internal static async Task<int> RunAsync(Order order, ReportFiles files, CancellationToken cancellationToken)
    {
        try
        {
            var told = -1L;
            var file = await files.WriteAsync(
                order.Question,
                order.Path,
                (rows, of) =>
                {
                    if (of < 100_000 || rows * 20 / of == told)
                        return;
                    told = rows * 20 / of;
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows:#,0} of about {of:#,0} rows"));
                },
                cancellationToken
            );
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{file.Path}: {file.Rows:#,0} rows, {file.Bytes:#,0} bytes, SHA-256 {Convert.ToHexStringLower(file.Sha256)}"
                )
            );
            Console.WriteLine(
                $"{file.ManifestPath}: columns, factors, gaps{(file.Findings == 0 ? "" : $", and {file.Findings} rules that it does not follow")}"
            );
            return 0;
        }
        catch (Exception exception) when (exception is ReportError or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
    }
}
