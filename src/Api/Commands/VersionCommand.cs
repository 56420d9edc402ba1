using System.Runtime.InteropServices;
using Metrics.Api.Operations;

namespace Metrics.Api.Commands;

/// <summary>The command <c>version</c>: the version, the commit that it was built from, and what it runs on.</summary>
internal static class VersionCommand
{
    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create()
    {
        var json = CommonOptions.Json();
        var command = new DescribedCommand("version", "Shows the version and what it runs on") { Usage = ["version [--json]"] };
        command.Add(json);
        command.SetAction(parsed =>
        {
            var runtime = RuntimeInformation.FrameworkDescription;
            var platform = RuntimeInformation.RuntimeIdentifier;
            if (parsed.GetValue(json))
                CommonOptions.Print(
                    new
                    {
                        version = ServiceVersion.Current,
                        revision = ServiceVersion.Revision,
                        runtime,
                        platform,
                    }
                );
            else
                Console.Out.WriteLine(
                    $"Metrics {ServiceVersion.Current}{(ServiceVersion.Revision is { } revision ? $" ({revision})" : "")}, "
                        + $"{runtime}, {platform}"
                );
            return ExitCode.Done;
        });
        return command;
    }
}
