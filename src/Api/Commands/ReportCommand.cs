using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using Metrics.Api.Reports;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Reports.Kinds;
using Metrics.Storage.Engine;

namespace Metrics.Api.Commands;

/// <summary>The command <c>report KIND --from --to --format --out</c>: writes a report and its manifest to files.</summary>
internal static class ReportCommand
{
    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create(ServiceHost host)
    {
        var kind = new Argument<string?>("KIND") { Description = $"Which report: {ReportKind.Names}", Arity = ArgumentArity.ZeroOrOne };
        kind.CompletionSources.Add([.. ReportKind.All.Keys]);
        Option<string?>[] parameters =
        [
            CommonOptions.Text("--from", "TIME", "Start, such as 2026-02-01 or 2026-02; at the start of a period"),
            CommonOptions.Text("--to", "TIME", "End, exclusive; at the start of a period"),
            CommonOptions.Text("--grain", "GRAIN", "Length of the periods: hour, day or month; by default day", "hour", "day", "month"),
            CommonOptions.Text("--workload", "NAME", "One workload; by default all"),
            CommonOptions.Text("--provider", "NAME", "One provider; by default all"),
            CommonOptions.Text("--unit", "NAME", "One functional unit, such as output-token; by default all"),
            CommonOptions.Text("--format", "FORMAT", $"{ReportFormats.Names}; by default csv", [.. ReportFormats.All.Keys]),
        ];
        var file = CommonOptions.Text(
            "--out",
            "FILE",
            "The file, or a folder for it; by default KIND_FROM_TO.FORMAT in the current folder"
        );
        var json = CommonOptions.Json();
        var progress = Progress.Option();
        var command = new DescribedCommand("report", "Writes a report and its manifest to files")
        {
            Usage = ["report KIND --from TIME --to TIME [OPTIONS] [SETTINGS]"],
            Notes =
            [
                "The manifest beside the file has rows, bytes, SHA-256, columns, factors and gaps. A file has its name only when "
                    + "it is whole.",
            ],
            Examples =
            [
                ("report energy --from 2026-02-01 --to 2026-03-01", "February by days, as CSV"),
                ("report ghg --from 2026-01 --to 2026-04 --grain month --format xlsx --out q1.xlsx", "a quarter by months"),
            ],
            Validate = parsed => Read(parsed).Errors.Concat(Progress.Validate(parsed, progress)),
        };
        command.Add(kind);
        foreach (var parameter in parameters)
            command.Add(parameter);
        command.Add(file);
        command.Add(json);
        command.Add(progress);
        command.SetAction(
            (parsed, stop) =>
                RunAsync(
                    host,
                    Read(parsed).Request!,
                    parsed.TextOf(file),
                    parsed.GetValue(json),
                    Progress.Parse(parsed.TextOf(progress)) ?? ProgressStyle.None,
                    stop
                )
        );
        return command;

        (ReportRequest? Request, IReadOnlyList<string> Errors) Read(ParseResult parsed)
        {
            if (parsed.GetValue(kind) is not { } name)
                return (null, [$"The kind of report is missing. There are: {ReportKind.Names}."]);
            try
            {
                var given = parameters.Where(parameter => parsed.TextOf(parameter) is not null);
                return (
                    ReportRequest.Read(name, given.Select(parameter => (parameter.Name[2..], parsed.TextOf(parameter))), DateTime.UtcNow),
                    []
                );
            }
            catch (ReportError exception)
            {
                return (null, [exception.Message]);
            }
        }
    }

    private static async Task<int> RunAsync(
        ServiceHost host,
        ReportRequest request,
        string? path,
        bool json,
        ProgressStyle style,
        CancellationToken cancellationToken
    )
    {
        path ??= ReportFiles.NameOf(request);
        if (Directory.Exists(path))
            path = Path.Combine(path, ReportFiles.NameOf(request));
        await using var app = host.Build(HostPurpose.Command);
        using var progress = new Progress(style);
        try
        {
            await ServiceHost.PrepareSchemaAsync(app, cancellationToken);
            var file = await app
                .Services.GetRequiredService<ReportFiles>()
                .WriteAsync(
                    request,
                    path,
                    (rows, about) => progress.Show("Writing", Math.Min(rows, about), about, "rows"),
                    cancellationToken
                );
            progress.Dispose();
            if (json)
                CommonOptions.Print(
                    new
                    {
                        file = file.Path,
                        manifest = file.ManifestPath,
                        rows = file.Rows,
                        bytes = file.Bytes,
                        sha256 = Convert.ToHexStringLower(file.Sha256),
                        findings = file.Findings,
                    }
                );
            else
                Print(file);
            return ExitCode.Done;
        }
        catch (ReportError exception)
        {
            throw new CommandException(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(exception.Message, ExitCode.Failed);
        }
        catch (Exception exception) when (StorageFault.IsOutside(exception) || exception is DbException)
        {
            throw new CommandException($"The report could not be read: {exception.Message}", ExitCode.Failed);
        }
    }

    private static void Print(ReportFile file)
    {
        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{file.Path}: {file.Rows:#,0} rows, {file.Bytes:#,0} bytes, SHA-256 {Convert.ToHexStringLower(file.Sha256)}"
            )
        );
        Console.Out.WriteLine(
            $"{file.ManifestPath}: columns, factors, "
                + $"gaps{(file.Findings == 0 ? "" : $", and {file.Findings} rules that it does not follow")}"
        );
    }
}
