using System.CommandLine;
using System.Text.Json;

namespace Metrics.Api.Commands;

/// <summary>A command with what its help says beside the names of its options.</summary>
/// <param name="name">The word.</param>
/// <param name="description">One line for the list of commands.</param>
internal sealed class DescribedCommand(string name, string description) : Command(name, description)
{
    /// <summary>What follows the program's name; several lines where there are several ways.</summary>
    public required IReadOnlyList<string> Usage { get; init; }

    /// <summary>What a user should know before the command is run.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Arguments after the program's name, and what they do.</summary>
    public IReadOnlyList<(string Arguments, string Effect)> Examples { get; init; } = [];

    /// <summary>Everything wrong with the words and values, one sentence each; nothing is done before it is empty.</summary>
    public Func<ParseResult, IEnumerable<string>> Validate { get; init; } = _ => [];
}

/// <summary>The numbers that a command ends with.</summary>
internal static class ExitCode
{
    /// <summary>The command did what was asked.</summary>
    public const int Done = 0;

    /// <summary>The work failed or was stopped; the same command may do it later.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration cannot be used, and nothing was done.</summary>
    public const int Refused = 2;
}

/// <summary>A command that ends with a sentence for the user.</summary>
/// <param name="message">What was wrong, and what to do.</param>
/// <param name="exitCode">A number of <see cref="Commands.ExitCode"/>.</param>
internal sealed class CommandException(string message, int exitCode = ExitCode.Refused) : Exception(message)
{
    /// <summary>A number of <see cref="Commands.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>Options that several commands have, and results as a program reads them.</summary>
internal static class CommonOptions
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary><c>--json</c>: the result on standard output as one JSON document.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Prints the result as JSON" };

    /// <summary>An option with a text, or without one when it is not given.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">What stands for its value in help.</param>
    /// <param name="description">One line.</param>
    /// <param name="values">Values for completion.</param>
    public static Option<string?> Text(string name, string value, string description, params string[] values)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = value };
        if (values.Length > 0)
            option.CompletionSources.Add(values);
        return option;
    }

    /// <summary>The option's text as it stands on the command line; null when it is not given, or without one.</summary>
    public static string? TextOf(this ParseResult parsed, Option<string?> option) =>
        parsed.GetResult(option)?.Tokens is [.., var last] ? last.Value : null;

    /// <summary>Prints the result of <c>--json</c>.</summary>
    public static void Print<T>(T result) => Console.Out.WriteLine(JsonSerializer.Serialize(result, Indented));
}
