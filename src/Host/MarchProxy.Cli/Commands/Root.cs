using System.CommandLine;
using MarchProxy.Cli.Configuration;

namespace MarchProxy.Cli.Commands;

/// <summary>The command line: one executable, every role.</summary>
internal static class Root
{
    /// <summary>Makes the command line.</summary>
    /// <param name="settings">Where settings come from that are not given as flags.</param>
    public static RootCommand Create(SettingSource settings)
    {
        var root = new RootCommand("MarchProxy: the egress and ingress gate of a data centre, in one executable.");
        root.Subcommands.Add(UpCommand.Create(settings));
        root.Subcommands.Add(RunCommand.Create(settings));
        root.Subcommands.Add(UpgradeCommand.Create(settings));
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(ApplyCommand.Create());
        foreach (Command command in ClientCommands.Create().Concat(PolicyCommands.Create()).Concat(HistoryCommands.Create())) root.Subcommands.Add(command);
        root.Subcommands.Add(DbCommand.Create(settings));
        root.Subcommands.Add(CompletionCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        root.Options.Add(new Option<string?>("--config")
        {
            Description = $"A file of settings, NAME: VALUE a line, where NAME is a flag without its dashes. Default {SettingSource.DefaultPath} where it exists. Environment: MARCHPROXY_CONFIG.",
            Recursive = true,
        });
        return root;
    }
}
