using System.CommandLine;

namespace MarchProxy.Cli.Commands;

/// <summary>The command line: one executable, every role.</summary>
internal static class Root
{
    public static RootCommand Create()
    {
        var root = new RootCommand("MarchProxy: the egress and ingress gate of a data centre, in one executable.");
        root.Subcommands.Add(UpCommand.Create());
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(CompletionCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        return root;
    }
}
