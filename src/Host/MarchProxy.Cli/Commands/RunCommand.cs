using System.CommandLine;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy run ROLE</c>: one role in one process.</summary>
internal static class RunCommand
{
    public static Command Create(SettingSource settings)
    {
        var run = new Command("run", "Run one role of the suite.");
        var file = new Option<string>("--file", "-f") { Description = "The resource file; read again when it changes and on SIGHUP.", Required = true };
        var options = new EdgeOptions(settings);
        var edge = new Command("edge", "The egress and ingress proxy, configured by a file.") { file };
        options.AddTo(edge);
        edge.SetAction((result, cancellation) => EdgeHost.RunAsync(options.Read(result, Path.GetFullPath(result.GetValue(file)!)), null, cancellation));
        run.Subcommands.Add(edge);
        return run;
    }
}
