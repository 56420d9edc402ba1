using System.CommandLine;
using Metrics.Api.Operations;

namespace Metrics.Api.Commands;

/// <summary>What <c>--help</c> prints: usage, what there is to say, words, options, settings, examples and exit codes.</summary>
internal static class HelpText
{
    private const int Width = 100;

    /// <summary>Lines that show how a command is written.</summary>
    public static IEnumerable<string> Usage(Command command) =>
        (command as DescribedCommand)?.Usage.Select(usage => $"{CommandLine.ProgramName} {usage}")
        ?? [$"{CommandLine.ProgramName} [COMMAND] [OPTIONS] [SETTINGS]"];

    /// <summary>Prints the help of a command.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="root">The program.</param>
    /// <param name="command">The program or one of its commands.</param>
    public static void Write(TextWriter to, RootCommand root, Command command)
    {
        var described = command as DescribedCommand;
        if (command == root)
            to.WriteLine($"Metrics {ServiceVersion.Current}: {Lower(command.Description!)}");
        else
            to.WriteLine($"{command.Description}.");
        to.WriteLine();
        foreach (var (usage, i) in Usage(command).Select((usage, i) => (usage, i)))
            to.WriteLine((i == 0 ? "Usage: " : "       ") + usage);
        if (described is { Notes.Count: > 0 })
        {
            to.WriteLine();
            foreach (var line in described.Notes.SelectMany(note => Wrap(note, Width)))
                to.WriteLine(line);
        }

        Section(to, "Commands", command.Subcommands.Where(known => !known.Hidden).Select(known => (known.Name, known.Description!)));
        Section(to, "Words", command.Arguments.Select(word => (word.Name, word.Description!)));
        var settings = HostSettings.Shown.Select(shown => shown.Name).ToHashSet(StringComparer.Ordinal);
        var options = command
            .Options.Concat(root.Options.Where(option => option.Recursive))
            .Distinct()
            .Where(option => !option.Hidden && !settings.Contains(option.Name))
            .OrderBy(option => option.Recursive);
        Section(to, "Options", options.Select(option => (Names(option), option.Description!)));
        if (command.Action is not null && command is not { Name: "version" or "completion" })
            Section(to, "Settings", Settings(root, command));
        if (described is { Examples.Count: > 0 })
            Section(
                to,
                "Examples",
                described.Examples.Select(example => ($"{CommandLine.ProgramName} {example.Arguments}", example.Effect))
            );
        if (command == root)
        {
            Section(
                to,
                "Exit codes",
                [
                    ("0", "Done"),
                    ("1", "The work failed or was stopped; the same command may do it later"),
                    ("2", "The command line or the configuration cannot be used, and nothing was done"),
                ]
            );
            to.WriteLine();
            to.WriteLine($"'{CommandLine.ProgramName} COMMAND --help' says more of a command. Without a command the service starts.");
            to.WriteLine("Settings may stand in appsettings.json and in the environment too: Metrics__Grain=00:01:00.");
            to.WriteLine($"'{CommandLine.ProgramName}' stands for dotnet Metrics.Api.dll; in the sources: dotnet run --project src/Api --");
        }
    }

    private static IEnumerable<(string Name, string Description)> Settings(RootCommand root, Command command)
    {
        foreach (var (name, value, description) in HostSettings.Shown)
            if (name != "--urls" || command == root || command.Name is "serve" or "health")
                yield return ($"{name} {value}", description);
        if (command.Name == "serve")
        {
            foreach (var (name, description) in HostSettings.OfMetrics)
                yield return ($"--Metrics:{name}", description);
            yield return ("--Logging:Console:FormatterName=NAME", "simple, json or systemd; --Logging:LogLevel:Default=Debug tells more");
            yield return ("--Kestrel:KEY=VALUE", "Certificates, endpoints and limits of the web server");
        }
        else
            yield return (
                "--Metrics:KEY=VALUE",
                $"Any setting, such as --Metrics:Storage:Engine=Postgres; '{CommandLine.ProgramName} serve --help' lists them"
            );
    }

    private static void Section(TextWriter to, string title, IEnumerable<(string Name, string Description)> entries)
    {
        var rows = entries.ToList();
        if (rows.Count == 0)
            return;
        to.WriteLine();
        to.WriteLine($"{title}:");
        // A name that is much longer than the others has its description below.
        var longest = rows.Max(row => row.Name.Length);
        var below = longest > 50;
        foreach (var (name, description) in rows)
        {
            var indent = below ? 6 : longest + 4;
            var lines = Wrap(description, Width - indent);
            if (below)
                to.WriteLine($"  {name}");
            for (var i = 0; i < lines.Count; i++)
                to.WriteLine(i == 0 && !below ? $"  {name.PadRight(longest)}  {lines[i]}" : new string(' ', indent) + lines[i]);
        }
    }

    private static string Names(Option option)
    {
        var names = string.Join(", ", option.Aliases.Where(alias => alias != option.Name).Append(option.Name));
        return option.ValueType == typeof(bool) ? names : $"{names} {option.HelpName}";
    }

    private static string Lower(string sentence) => char.ToLowerInvariant(sentence[0]) + sentence[1..];

    private static List<string> Wrap(string text, int width)
    {
        var lines = new List<string> { "" };
        foreach (var word in text.Split(' '))
        {
            if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > width)
                lines.Add(word);
            else
                lines[^1] += lines[^1].Length == 0 ? word : " " + word;
        }
        return lines;
    }
}
