using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using Metrics.Api.Operations;
using Metrics.Api.Settings;
using Metrics.Domain.Messages;

namespace Metrics.Api.Commands;

/// <summary>The program's commands: which one is meant, whether it can be done, and the exit code that it ends with.</summary>
/// <remarks>Words, options and their completion are parsed by System.CommandLine; what it finds wrong is said in our own sentences, all of
/// it at once, and before anything is done.</remarks>
internal sealed class CommandLine
{
    /// <summary>What users call the program, whatever file it is started by.</summary>
    public const string ProgramName = "metrics";

    private static readonly ParserConfiguration Parsing = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    private readonly IReadOnlyList<string> arguments;
    private readonly HostSettings settings;
    private readonly RootCommand root;
    private readonly Option<bool> help = new("--help", "-h", "-?") { Description = "Shows help, also of a command", Recursive = true };
    private readonly Option<bool> version = new("--version") { Description = "Shows the version", Recursive = true };

    /// <summary>Parses the arguments; does nothing yet.</summary>
    /// <param name="arguments">All of them.</param>
    /// <param name="compose">Registers the services of the host.</param>
    /// <param name="map">Maps what the host answers.</param>
    public CommandLine(IReadOnlyList<string> arguments, ServiceHost.Composition compose, Action<WebApplication, MetricsSettings> map)
    {
        this.arguments = arguments;
        settings = HostSettings.Split(arguments);
        var host = new ServiceHost(settings.Arguments, compose);
        var serve = ServeCommand.Create(host, map);
        root = new("Energy, emissions and water per functional unit of work.") { help, version };
        root.Options.Remove(root.Options.OfType<System.CommandLine.Help.HelpOption>().Single());
        root.Options.Remove(root.Options.OfType<VersionOption>().Single());
        foreach (
            var command in new[]
            {
                serve,
                MigrateCommand.Create(host),
                BackfillCommand.Create(host),
                ReportCommand.Create(host),
                KeysCommand.Create(host),
                HealthCommand.Create(host),
                VersionCommand.Create(),
                CompletionCommand.Create(),
            }
        )
            root.Add(command);
        // Without a command the service starts, so what `serve` takes stands at the top as well.
        foreach (var option in serve.Options)
            root.Add(option);
        foreach (var (name, value, description) in HostSettings.Shown)
            root.Add(
                new Option<string?>(name)
                {
                    Description = description,
                    HelpName = value,
                    Recursive = true,
                }
            );
        root.Action = serve.Action;
    }

    /// <summary>Runs what is asked for.</summary>
    /// <returns>A number of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync()
    {
        using var stop = new CancellationTokenSource();
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        if (arguments.Count > 0 && Position(arguments[0]) is { } position)
            return Suggest(string.Join(' ', arguments.Skip(1)), position);

        var parsed = root.Parse([.. settings.Words], Parsing);
        var command = parsed.CommandResult.Command;
        List<string> errors = [.. settings.Errors, .. Unmatched(parsed)];
        if (errors.Count == 0 && parsed.GetValue(help))
        {
            HelpText.Write(Console.Out, root, command);
            return ExitCode.Done;
        }
        if (errors.Count == 0 && parsed.GetValue(version))
        {
            Console.Out.WriteLine(ServiceVersion.Current);
            return ExitCode.Done;
        }
        List<string> unusable = [.. Repeated(parsed)];
        errors.AddRange(unusable);
        // What an option should have is not said of one that has it twice, or nothing.
        if (command is DescribedCommand described)
            errors.AddRange(
                described.Validate(parsed).Where(error => !unusable.Exists(other => other.Split(' ')[0] == error.Split(' ', ':')[0]))
            );
        if (errors.Count == 0)
            errors.AddRange(parsed.Errors.Select(error => error.Message));
        if (errors.Count > 0)
        {
            errors.AddRange(HelpText.Usage(command).Select((usage, i) => (i == 0 ? "Usage: " : "       ") + usage));
            return Fail(string.Join(Environment.NewLine, errors), ExitCode.Refused);
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await parsed.InvokeAsync(invocation, stop.Token);
        }
        catch (CommandException exception)
        {
            return Fail(exception.Message, exception.ExitCode);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Fail("Stopped.", ExitCode.Failed);
        }
        catch (Exception exception) when (exception is not HostAbortedException)
        {
            return Fail($"The command failed in a way that it should not: {exception}", ExitCode.Failed);
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>Where the cursor is, by the directive <c>[suggest:POSITION]</c> of completion scripts; null for any other word.</summary>
    private static int? Position(string word) =>
        word.StartsWith("[suggest:", StringComparison.Ordinal)
        && word.EndsWith(']')
        && int.TryParse(word["[suggest:".Length..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position
            : null;

    /// <summary>Prints what may stand at the cursor, one a line.</summary>
    private int Suggest(string line, int position)
    {
        position = Math.Min(position, line.Length);
        var word = line[(line.LastIndexOf(' ', Math.Max(0, position - 1)) + 1)..position];
        foreach (var item in root.Parse(line, Parsing).GetCompletions(position))
            // Single letters are for who knows them.
            if (item.Label.StartsWith(word, StringComparison.Ordinal) && (item.Label is not ['-', _] || word.Length == 2))
                Console.Out.WriteLine(item.Label);
        return ExitCode.Done;
    }

    private static int Fail(string message, int exitCode)
    {
        Console.Error.WriteLine(message);
        return exitCode;
    }

    /// <summary>Words and options that nothing takes, each with the nearest that there is.</summary>
    private IEnumerable<string> Unmatched(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var options = OptionsOf(parsed.CommandResult).Select(option => option.Name).ToList();
        var afterOption = false;
        foreach (var token in parsed.UnmatchedTokens)
        {
            var name = token.Split('=', 2)[0];
            if (name is ['-', _, ..])
            {
                afterOption = !token.Contains('=', StringComparison.Ordinal);
                var others = Others(name, command).ToList();
                yield return others.Count > 0 && Spelling.Nearest(name, options).Count == 0
                    ? $"{name} belongs to {string.Join(" and ", others.Select(other => $"'{other}'"))}."
                    : $"'{name}' is not an "
                        + $"option{(command == root ? "" : $" of '{PathOf(command)}'")}.{Spelling.DidYouMean(name, options)}";
            }
            // What stands after an unknown option is its value, and no fault of its own.
            else if (!afterOption || name.StartsWith('-'))
                yield return Word(token, command);
            else
                afterOption = false;
        }
    }

    private string Word(string token, Command command)
    {
        var commands = command.Subcommands.Where(known => !known.Hidden).Select(known => known.Name).ToList();
        if (command == root)
            return $"'{token}' is not a command.{Spelling.DidYouMean(token, commands)} There are: serve (the default), "
                + $"{string.Join(", ", commands.Where(known => known != "serve"))}.";
        if (commands.Count > 0)
            return $"'{token}' is nothing to do with {command.Name}.{Spelling.DidYouMean(token, commands)} There are: "
                + $"{string.Join(", ", commands)}.";
        return command.Arguments.Count > 0
            ? $"'{token}' is one word too many; a name of several words stands in quotes."
            : $"'{token}' is one word too many: '{PathOf(command)}' takes no words.";
    }

    /// <summary>Options that are given twice, or without a value.</summary>
    private static IEnumerable<string> Repeated(ParseResult parsed)
    {
        foreach (var option in parsed.CommandResult.Children.OfType<OptionResult>().Where(option => !option.Implicit))
        {
            if (option.IdentifierTokenCount > 1)
                yield return $"{option.Option.Name} is given twice.";
            else if (option.Option.ValueType != typeof(bool) && option.Tokens.Count == 0)
                yield return $"{option.Option.Name} has no value; write {option.Option.Name} {option.Option.HelpName}.";
        }
    }

    private static IEnumerable<Option> OptionsOf(CommandResult command) =>
        command
            .Command.Options.Concat(command.Parent is CommandResult parent ? OptionsOf(parent).Where(option => option.Recursive) : [])
            .Where(option => !option.Hidden);

    private IEnumerable<string> Others(string option, Command than) =>
        from other in All(root)
        where other != than && other != root && other.Options.Any(known => known.Name == option)
        select PathOf(other);

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    /// <summary>The words that lead to a command, without the program's name.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand
            ? $"{PathOf(parent)} {command.Name}"
            : command.Name;
}
