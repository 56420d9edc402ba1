using System.Net;
using System.Text.Json;
using Metrics.Api.Commands;
using Metrics.Api.Settings;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Metrics.SystemTests.Commands;

/// <summary>Every command as a process in an empty folder: what it says, the number that it ends with, and that nothing is touched before
/// it was understood.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("Usage: metrics [COMMAND] [OPTIONS] [SETTINGS]")]
    [InlineData("Usage: metrics [serve] [OPTIONS] [SETTINGS]", "serve")]
    [InlineData("Usage: metrics migrate [--dry-run] [OPTIONS] [SETTINGS]", "migrate")]
    [InlineData("Usage: metrics backfill SOURCE --from TIME --to TIME [OPTIONS] [SETTINGS]", "backfill")]
    [InlineData("Usage: metrics report KIND --from TIME --to TIME [OPTIONS] [SETTINGS]", "report")]
    [InlineData("Usage: metrics keys create NAME [--scopes LIST] [--expires TIME] [OPTIONS]", "keys")]
    [InlineData("Usage: metrics keys create NAME [--scopes LIST] [--expires TIME] [OPTIONS] [SETTINGS]", "keys", "create")]
    [InlineData("Usage: metrics keys list [OPTIONS] [SETTINGS]", "keys", "list")]
    [InlineData("Usage: metrics keys revoke ID [OPTIONS] [SETTINGS]", "keys", "revoke")]
    [InlineData("Usage: metrics health [--url URL] [--live] [OPTIONS] [SETTINGS]", "health")]
    [InlineData("Usage: metrics version [--json]", "version")]
    [InlineData("Usage: metrics completion bash|zsh|fish|pwsh [--name NAME]", "completion")]
    public async Task Help_is_shown_on_standard_output_and_nothing_is_done(string usage, params string[] command)
    {
        using var folder = new CommandFolder();
        string? first = null;
        foreach (var asked in new[] { "--help", "-h", "-?" })
        {
            var (code, output, error) = await folder.RunAsync([.. command, asked]);
            Assert.Equal((0, ""), (code, error));
            Assert.Contains($"\n{usage}\n", output, StringComparison.Ordinal);
            Assert.Equal(first ??= output, output);
        }
        // A terminal has 80 to 100 columns; an example that is copied stays on one line.
        Assert.All(first!.Split('\n').Where(line => !line.StartsWith("  metrics ", StringComparison.Ordinal)), line =>
            Assert.True(line.Length <= 100, line)
        );
        var (shown, version, _) = await folder.RunAsync([.. command, "--version"]);
        Assert.Equal((0, "0.1.0\n"), (shown, version));
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task The_help_of_the_program_lists_every_command()
    {
        using var folder = new CommandFolder();
        var (_, output, _) = await folder.RunAsync(["--help"]);
        foreach (var command in new[] { "serve", "migrate", "backfill", "report", "keys", "health", "version", "completion" })
            Assert.Matches($@"\n  {command} +\S", output);
        foreach (var setting in new[] { "--urls URLS", "--contentRoot FOLDER", "--environment NAME", "--Metrics:KEY=VALUE" })
            Assert.Contains($"\n  {setting} ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_help_of_serve_knows_every_setting_of_the_section_and_no_other()
    {
        var listed = HostSettings.OfMetrics.Select(setting => setting.Name.Split(':', '=')[0]);
        var known = typeof(MetricsSettings).GetProperties().Where(property => property.CanWrite).Select(property => property.Name);
        Assert.Equal(known.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("'migrat' is not a command. Did you mean 'migrate'?", "migrat")]
    [InlineData("'deploy' is not a command. There are: serve (the default), migrate, backfill, report,", "deploy")]
    [InlineData("'--ulrs' is not an option. Did you mean '--urls'?", "--ulrs", "http://localhost:1")]
    [InlineData("'--dryrun' is not an option of 'migrate'. Did you mean '--dry-run'?", "migrate", "--dryrun")]
    [InlineData("'--dryrun' is not an option of 'migrate'. Did you mean '--dry-run'?", "migrate", "--dryrun", "--help")]
    [InlineData("'now' is one word too many: 'migrate' takes no words.", "migrate", "now")]
    [InlineData("'now' is one word too many: 'serve' takes no words.", "serve", "now")]
    [InlineData("'--kind' is not an option of 'report'.", "report", "energy", "--kind", "x", "--from", "2026-01-01", "--to", "2026-01-02")]
    [InlineData("The kind of report is missing. There are: energy, ghg, sci, comparison, ai-act.", "report")]
    [InlineData("'energie' is not a kind of report.", "report", "energie", "--from", "2026-01-01", "--to", "2026-01-02")]
    [InlineData("'to' is missing", "report", "energy", "--from", "2026-01-01")]
    [InlineData("The source is missing.", "backfill", "--from", "2026-01-01", "--to", "2026-01-02")]
    [InlineData("There is no source 'sampel'. Did you mean 'sample'?", "backfill", "sampel", "--from", "2026-01-01", "--to", "2026-01-02")]
    [InlineData("--to 'tomorow' is not a time.", "backfill", "sample", "--from", "yesterday", "--to", "tomorow")]
    [InlineData("--from has no value; write --from TIME.", "backfill", "sample", "--to", "2026-01-01", "--from")]
    [InlineData("--progress: 'loud' is not a style; there are auto, plain, json and none.", "migrate", "--progress", "loud")]
    [InlineData("--url: 'nowhere' is not an address such as http://localhost:5080.", "health", "--url", "nowhere")]
    [InlineData("--timeout: '0' is not a number of seconds from 0.1 to 300.", "health", "--timeout", "0")]
    [InlineData("'tcsh' is not a shell that is known. There are: bash, zsh, fish, pwsh.", "completion", "tcsh")]
    [InlineData("The shell is missing. There are: bash, zsh, fish, pwsh.", "completion")]
    [InlineData("'--Metric:Storage:Engine' is in no section of the settings. Did you mean 'Metrics'?", "--Metric:Storage:Engine=Postgres")]
    [InlineData("--Metrics:Storage:Engine has no value; write --Metrics:Storage:Engine=VALUE.", "migrate", "--Metrics:Storage:Engine")]
    [InlineData("Metrics:Storage:Engin: unknown key; known here are", "migrate", "--Metrics:Storage:Engin=Postgres")]
    [InlineData("'Oracle' is not a value of Sqlite, Postgres.", "migrate", "--metrics:storage:engine", "Oracle")]
    [InlineData("Metrics:Storage:Engine: 'Oracle' is not a value of Sqlite, Postgres.", "--Metrics:Storage:Engine=Oracle", "serve")]
    [InlineData("The configuration cannot be read:", "migrate", "--contentRoot=/nowhere/at/all")]
    public async Task What_is_not_understood_is_refused_and_nothing_is_done(string sentence, params string[] arguments)
    {
        using var folder = new CommandFolder();
        var (code, output, error) = await folder.RunAsync(arguments, ("ASPNETCORE_URLS", "http://127.0.0.1:1"));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task The_control_a_command_that_is_understood_leaves_its_database()
    {
        using var folder = new CommandFolder();
        var (code, output, error) = await folder.RunAsync(["migrate", "--dry-run"]);
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("The Sqlite database is empty; 'migrate' would apply:\n  20", output, StringComparison.Ordinal);
        Assert.EndsWith("_Initial\nand make the views and the calendar anew.\n", output, StringComparison.Ordinal);
        Assert.Empty(folder.Files);

        (code, output, error) = await folder.RunAsync(["migrate", "--progress", "json"]);
        Assert.True(code == 0, error);
        Assert.Equal("The Sqlite database is at the schema of this version.\n", output);
        var steps = error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(
            ("Migrating", 2, 2, "steps"),
            (
                steps[^1].GetProperty("step").GetString(),
                steps[^1].GetProperty("done").GetInt32(),
                steps[^1].GetProperty("total").GetInt32(),
                steps[^1].GetProperty("unit").GetString()
            )
        );
        Assert.Contains("metrics.db", folder.Files);

        (code, output, _) = await folder.RunAsync(["migrate", "--json", "--progress=none"]);
        Assert.Equal(0, code);
        Assert.Equal(
            """{"engine":"Sqlite","before":"Current","migrations":[],"views":false,"dryRun":false}""",
            CommandFolder.Compact(output)
        );
        (_, output, _) = await folder.RunAsync(["migrate", "--dry-run"]);
        Assert.Equal("The Sqlite database is at the schema of this version; nothing would be done.\n", output);

        // Views of another version: no migration is missing, and yet there is something to do.
        await using (var connection = new SqliteConnection($"Data Source={folder.PathOf("metrics.db")};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var statement = connection.CreateCommand();
            statement.CommandText = "UPDATE settings SET value = 'of another version' WHERE name = 'views'";
            Assert.Equal(1, await statement.ExecuteNonQueryAsync());
        }
        (_, output, _) = await folder.RunAsync(["migrate", "--dry-run"]);
        Assert.Equal("The Sqlite database has the views of another version; 'migrate' would make them anew.\n", output);
        (_, output, _) = await folder.RunAsync(["migrate", "--json", "--progress=none"]);
        Assert.Equal("""{"engine":"Sqlite","before":"Older","migrations":[],"views":true,"dryRun":false}""", CommandFolder.Compact(output));
        (_, output, _) = await folder.RunAsync(["migrate", "--dry-run"]);
        Assert.Equal("The Sqlite database is at the schema of this version; nothing would be done.\n", output);
    }

    [Fact]
    public async Task Work_that_fails_ends_with_one()
    {
        using var folder = new CommandFolder();
        var nowhere = $"Host=127.0.0.1;Port={PostgresCluster.FreePort()};Database=d;Username=u;Password=planted-secret";
        foreach (var command in new[] { "migrate", "migrate --dry-run", "keys list" })
        {
            var (code, output, error) = await folder.RunAsync([
                .. command.Split(' '),
                "--Metrics:Storage:Engine=Postgres",
                $"--Metrics:Storage:ConnectionString={nowhere}",
            ]);
            Assert.Equal((1, ""), (code, output));
            Assert.Contains("cannot be reached", error, StringComparison.Ordinal);
            Assert.DoesNotContain("planted-secret", error, StringComparison.Ordinal);
        }
        var (unhealthy, said, _) = await folder.RunAsync(["health", "--json", "--url", $"http://127.0.0.1:{PostgresCluster.FreePort()}"]);
        Assert.Equal(1, unhealthy);
        Assert.Equal(
            (false, JsonValueKind.Null),
            (
                JsonDocument.Parse(said).RootElement.GetProperty("isHealthy").GetBoolean(),
                JsonDocument.Parse(said).RootElement.GetProperty("status").ValueKind
            )
        );
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task One_version_is_told_everywhere_and_a_service_that_runs_is_healthy()
    {
        const string Version = "0.1.0";
        using var folder = new CommandFolder();
        var (code, output, _) = await folder.RunAsync(["version", "--json"]);
        Assert.Equal(0, code);
        var told = JsonDocument.Parse(output).RootElement;
        Assert.Equal(Version, told.GetProperty("version").GetString());
        Assert.Equal(["version", "revision", "runtime", "platform"], told.EnumerateObject().Select(member => member.Name));

        await using var service = await ServiceProcess.StartAsync(("Metrics__Sources__own__Provider", "exporter"));
        var asked = await JsonAsync(service, "/version");
        Assert.Equal(Version, asked.GetProperty("version").GetString());
        Assert.Equal(told.GetProperty("revision").GetString(), asked.GetProperty("revision").GetString());
        Assert.Equal(Version, (await JsonAsync(service, "/openapi/v1.json")).GetProperty("info").GetProperty("version").GetString());
        Assert.Matches(
            $"""\nmetrics_build_info\{"{"}version="{Version}",revision="[0-9a-f]*"\{"}"} 1\n""",
            await service.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))
        );

        var url = service.Address.GetLeftPart(UriPartial.Authority);
        foreach (var how in new string[][] { [], ["--live"] })
        {
            (code, output, _) = await folder.RunAsync(["health", "--url", url, .. how]);
            Assert.Equal((0, $"{url}/health/{(how.Length == 0 ? "ready" : "live")}: Healthy\n"), (code, output));
        }
        // Without --url it is the address that the service itself is set to.
        (code, output, _) = await folder.RunAsync(
            ["health", "--json"],
            ("ASPNETCORE_URLS", $"http://0.0.0.0:{service.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}")
        );
        var health = JsonDocument.Parse(output).RootElement;
        Assert.Equal(0, code);
        Assert.Equal($"http://localhost:{service.Address.Port}/health/ready", health.GetProperty("url").GetString());
        Assert.Equal(
            (true, 200, "Healthy"),
            (
                health.GetProperty("isHealthy").GetBoolean(),
                health.GetProperty("status").GetInt32(),
                health.GetProperty("detail").GetString()
            )
        );
        Assert.Empty(folder.Files);
    }

    [Theory]
    [InlineData("mig", 3, "migrate")]
    [InlineData("migrate --dry", 13, "--dry-run")]
    [InlineData("keys re", 7, "revoke")]
    [InlineData("report ghg --format parq", 24, "parquet")]
    [InlineData("report ghg --grain ", 19, "day hour month")]
    [InlineData("completion ", 11, "bash fish pwsh zsh")]
    public async Task A_shell_is_told_what_may_come_next(string line, int position, string expected)
    {
        using var folder = new CommandFolder();
        var (code, output, _) = await folder.RunAsync([$"[suggest:{position}]", line]);
        Assert.Equal(0, code);
        var words = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(word => line[^1] != ' ' || word[0] != '-');
        Assert.Equal(expected, string.Join(' ', words));
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task Bash_completes_by_the_script_that_is_printed()
    {
        using var folder = new CommandFolder();
        foreach (var shell in new[] { "bash", "zsh", "fish", "pwsh" })
        {
            var (code, output, _) = await folder.RunAsync(["completion", shell, "--name", "emetrics"]);
            Assert.Equal(0, code);
            Assert.Contains("emetrics", output, StringComparison.Ordinal);
            Assert.Contains("[suggest:", output, StringComparison.Ordinal);
            Assert.DoesNotContain("@name", output, StringComparison.Ordinal);
        }
        var (_, script, _) = await folder.RunAsync(["completion", "bash"]);
        var program = typeof(MetricsSettings).Assembly.Location;
        using var bash = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(
                "bash",
                [
                    "-c",
                    $$"""
                    metrics() { dotnet '{{program}}' "$@"; }
                    {{script}}
                    COMP_LINE='metrics migrate --dr' COMP_POINT=20 COMP_WORDS=(metrics migrate --dr) COMP_CWORD=2
                    _metrics_complete
                    echo "${COMPREPLY[@]}"
                    """,
                ]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        Assert.Equal("--dry-run\n", await bash.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public void The_program_only_composes()
    {
        var program = Path.Combine(Root, "src/Api/Program.cs");
        Assert.InRange(File.ReadAllLines(program).Length, 10, 60);
    }

    internal static string Root => Compose.ComposeFile.Root;

    private static async Task<JsonElement> JsonAsync(ServiceProcess service, string path)
    {
        using var response = await service.Http.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }
}
