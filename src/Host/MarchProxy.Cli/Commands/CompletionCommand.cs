using System.CommandLine;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy completion</c>: scripts that ask the executable itself what may come next.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # bash completion for marchproxy: source <(marchproxy completion bash)
        _marchproxy() {
          local IFS=$'\n'
          COMPREPLY=( $(compgen -W "$(marchproxy "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}") )
        }
        complete -o default -F _marchproxy marchproxy
        """;

    private const string Zsh = """
        # zsh completion for marchproxy: source <(marchproxy completion zsh)
        _marchproxy() {
          local -a found
          found=("${(@f)$(marchproxy "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          compadd -a found
          _files
        }
        compdef _marchproxy marchproxy
        """;

    private const string Fish = """
        # fish completion for marchproxy: marchproxy completion fish | source
        complete -c marchproxy -a '(marchproxy "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a completion script for a shell.") { shell };
        command.SetAction(result =>
        {
            Console.WriteLine(result.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCodes.Ok;
        });
        return command;
    }
}
