using System.CommandLine;

namespace Metrics.Api.Commands;

/// <summary>The command <c>completion</c>: prints a script by which a shell completes words and options. The program itself is asked for
/// them, so the script never ages.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            # Completion of @name for bash: source <(@name completion bash), also in ~/.bashrc.
            _@name_complete() {
                local line="${COMP_LINE#*"${COMP_WORDS[0]}"}" point
                line="${line# }"
                point=$((COMP_POINT - ${#COMP_LINE} + ${#line}))
                local IFS=$'\n'
                COMPREPLY=($("${COMP_WORDS[0]}" "[suggest:$point]" "$line" 2>/dev/null))
            }
            complete -o default -F _@name_complete @name
            """,
        ["zsh"] = """
            # Completion of @name for zsh: source <(@name completion zsh), also in ~/.zshrc after compinit.
            _@name() {
                local line="${words[2,CURRENT]}"
                local -a found
                found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
                (( ${#found} )) && compadd -- $found
            }
            compdef _@name @name
            """,
        ["fish"] = """
            # Completion of @name for fish: @name completion fish > ~/.config/fish/completions/@name.fish
            function __@name_complete
                set -l line (string join ' ' -- (commandline -opc)[2..] (commandline -ct))
                @name "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c @name -f -a '(__@name_complete)'
            """,
        ["pwsh"] = """
            # Completion of @name for PowerShell: @name completion pwsh | Out-String | Invoke-Expression, also in $PROFILE.
            Register-ArgumentCompleter -Native -CommandName @name -ScriptBlock {
                param($word, $ast, $position)
                $name = $ast.CommandElements[0].Extent.Text.Length
                $line = $ast.Extent.Text.PadRight($position - $ast.Extent.StartOffset).Substring($name).TrimStart()
                @name "[suggest:$($line.Length)]" $line 2>$null | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create()
    {
        var shells = string.Join(", ", Scripts.Keys);
        var shell = new Argument<string?>("SHELL") { Description = $"Which shell: {shells}", Arity = ArgumentArity.ZeroOrOne };
        shell.CompletionSources.Add([.. Scripts.Keys]);
        var name = CommonOptions.Text("--name", "NAME", $"What the shell calls the program; by default {CommandLine.ProgramName}");
        var command = new DescribedCommand("completion", "Prints a script that completes words and options in a shell")
        {
            Usage = ["completion bash|zsh|fish|pwsh [--name NAME]"],
            Notes =
            [
                $"The shell has to know the program by that name, for instance by a function: {CommandLine.ProgramName}() {{ "
                    + "dotnet /app/Metrics.Api.dll \"$@\"; }",
            ],
            Examples = [("completion bash >> ~/.bashrc", "from the next shell on")],
            Validate = parsed =>
                parsed.GetValue(shell) is not { } given ? [$"The shell is missing. There are: {shells}."]
                : !Scripts.ContainsKey(given) ? [$"'{given}' is not a shell that is known. There are: {shells}."]
                : parsed.TextOf(name) is { } called
                && !called.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
                    ? [$"--name: '{called}' is not the name of a program: letters, digits, '-', '_' and '.'."]
                : [],
        };
        command.Add(shell);
        command.Add(name);
        command.SetAction(parsed =>
        {
            Console.Out.WriteLine(
                Scripts[parsed.GetValue(shell)!].Replace("@name", parsed.TextOf(name) ?? CommandLine.ProgramName, StringComparison.Ordinal)
            );
            return ExitCode.Done;
        });
        return command;
    }
}
