using System.CommandLine;
using MarchProxy.Cli.Hosting;

namespace MarchProxy.Cli.Configuration;

/// <summary>The options of every command that runs an edge.</summary>
internal sealed class EdgeOptions
{
    private readonly Option<string> _admin = SharedOptions.AdminListen();
    private readonly Option<string?> _ready = SharedOptions.ReadyFile();
    private readonly Option<int> _loops = SharedOptions.Loops();
    private readonly Option<string?> _accessLog = SharedOptions.AccessLog();
    private readonly Option<string?> _syslog = SharedOptions.Syslog();
    private readonly Option<string> _logFormat = SharedOptions.LogFormat();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _admin, _ready, _loops, _accessLog, _syslog, _logFormat }) command.Options.Add(option);
    }

    public EdgeHostOptions Read(ParseResult result, string file) => new()
    {
        File = file,
        AdminListen = result.GetValue(_admin)!,
        ReadyFile = result.GetValue(_ready),
        Loops = result.GetValue(_loops),
        AccessLog = result.GetValue(_accessLog),
        Syslog = result.GetValue(_syslog),
        JsonLog = result.GetValue(_logFormat) == "json",
    };
}
