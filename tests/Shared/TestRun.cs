using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Metrics.Testing;

/// <summary>
/// One run of a test program. All temporary files are made in a folder of its own, and a small script outlives the program, however that
/// ends: it stops
/// whatever the run has started (known by a variable of its environment, and PostgreSQL by its pid file) and deletes the folder.
/// </summary>
internal static class TestRun
{
    /// <summary>Variable that every process of the run inherits: the run's folder.</summary>
    public const string Mark = "METRICS_TEST_RUN";

    /// <summary>Set to <c>off</c>, nothing is cleaned up: the control of the test that interrupts a run.</summary>
    public const string Switch = "METRICS_TEST_CLEANUP";

    private const string CleanUp = """
        while kill -0 "$1" 2>/dev/null; do sleep 0.2; done
        for file in "$2"/*/data/postmaster.pid; do [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null; done
        for signal in TERM TERM KILL; do
          left=$(grep -lsz "^METRICS_TEST_RUN=$2\$" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3)
          [ -z "$left" ] && break
          kill -$signal $left 2>/dev/null
          sleep 1
        done
        rm -rf "$2"
        """;

    [ModuleInitializer]
    internal static void Begin()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var folder = Directory.CreateTempSubdirectory("metrics-tests-").FullName;
        // PostgreSQL runs as a user of its own and has to get through.
        File.SetUnixFileMode(
            folder,
            UnixFileMode.UserRead
                | UnixFileMode.UserWrite
                | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute
                | UnixFileMode.OtherExecute
        );
        var own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (Environment.GetEnvironmentVariable(Switch) != "off")
        {
            // Out of the terminal's process group, and without the pipes of whoever waits for the tests' output to end.
            const string Detached = "exec setsid /bin/sh -c \"$0\" sh \"$@\" </dev/null >/dev/null 2>&1";
            using var cleaner = Process.Start(
                new ProcessStartInfo("/bin/sh", ["-c", Detached, CleanUp, own, folder]) { WorkingDirectory = "/" }
            );
        }
        Environment.SetEnvironmentVariable(Mark, folder);
        Environment.SetEnvironmentVariable("TMPDIR", folder);
    }
}
