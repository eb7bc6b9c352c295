using System.CommandLine;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        var command = new Command("version", "Print the version: vMajor.Minor.Patch.Epoch.");
        command.SetAction(_ =>
        {
            Console.WriteLine(BuildVersion.Text);
            return ExitCodes.Ok;
        });
        return command;
    }
}
