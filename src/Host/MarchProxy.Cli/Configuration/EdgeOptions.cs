using System.CommandLine;
using MarchProxy.Cli.Hosting;
using MarchProxy.Edge;
using MarchProxy.Model.Resources;

namespace MarchProxy.Cli.Configuration;

/// <summary>The options of every command that runs an edge.</summary>
internal sealed class EdgeOptions(SettingSource settings)
{
    private readonly Option<string> _admin = SharedOptions.AdminListen(settings);
    private readonly Option<string?> _ready = SharedOptions.ReadyFile(settings);
    private readonly Option<string?> _accessLog = SharedOptions.AccessLog(settings);
    private readonly Option<string> _accessLogFormat = SharedOptions.AccessLogFormat(settings);
    private readonly Option<string?> _syslog = SharedOptions.Syslog(settings);
    private readonly Option<string> _logFormat = SharedOptions.LogFormat(settings);
    private readonly Option<string?> _runFolder = SharedOptions.RunFolder(settings);
    private readonly Option<string?> _takeOver = SharedOptions.Optional(settings, "--take-over", "The control socket of a running edge whose sockets to take over; it drains then.");
    private readonly List<(EdgeLimit Limit, Option<long?> Option)> _limits = [.. EdgeLimit.All.Select(l => (l, l.ToOption(settings)))];

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _admin, _ready, _accessLog, _accessLogFormat, _syslog, _logFormat, _runFolder, _takeOver }) command.Options.Add(option);
        foreach ((_, Option<long?> option) in _limits) command.Options.Add(option);
    }

    public EdgeHostOptions Read(ParseResult result) => new()
    {
        AdminListen = result.GetValue(_admin)!,
        ReadyFile = result.GetValue(_ready),
        AccessLog = result.GetValue(_accessLog),
        Syslog = SharedOptions.SyslogTarget(result.GetValue(_syslog)),
        RunFolder = result.GetValue(_runFolder),
        TakeOver = result.GetValue(_takeOver),
        JsonLog = result.GetValue(_logFormat) == "json",
        Edge = _limits.Aggregate(EdgeSettings.Default, (edge, limit) => limit.Limit.Set(edge, limit.Limit.Resolve(result.GetValue(limit.Option), settings))) with { AccessLogFormat = Format(result) },
    };

    private string Format(ParseResult result)
    {
        string format = result.GetValue(_accessLogFormat)!;
        return AccessLogFormat.Fault(format) is { } fault ? throw new SettingException($"--access-log-format {fault.Message}; {fault.Mend}.") : format;
    }
}
