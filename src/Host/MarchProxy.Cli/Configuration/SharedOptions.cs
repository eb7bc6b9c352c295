using System.CommandLine;

namespace MarchProxy.Cli.Configuration;

/// <summary>Options that several commands share. The flag wins over the environment, the environment over the settings file.</summary>
internal static class SharedOptions
{
    public static Option<OutputFormat> Output() => new("--output", "-o")
    {
        Description = "How to print: table for people, json or yaml for programs.",
        DefaultValueFactory = _ => OutputFormat.Table,
    };

    public static Option<string> AdminListen(SettingSource settings) =>
        Text(settings, "--admin-listen", "Where /healthz, /readyz and /metrics are served; port 0 lets the kernel choose.", "127.0.0.1:9901");

    public static Option<string?> ReadyFile(SettingSource settings) => Optional(settings, "--ready-file", "A file to write, with the addresses served, once everything serves.");

    public static Option<string?> AccessLog(SettingSource settings) => Optional(settings, "--access-log", "Where access lines go: stdout (the default), off, or a file's path.");

    public static Option<string> AccessLogFormat(SettingSource settings) =>
        Text(settings, "--access-log-format", "How access lines are written: json, combined, common, or a template with nginx's names.", "json");

    public static Option<string?> Syslog(SettingSource settings) => Optional(settings, "--syslog", "Also send these lines as RFC 5424 to udp://HOST:PORT, tcp://HOST:PORT or unix:///dev/log.");

    /// <summary>Where syslog goes; null for nowhere.</summary>
    public static Uri? SyslogTarget(string? text) => text is null ? null
        : Telemetry.Syslog.SyslogSink.TryParse(text, out Uri? target) ? target : throw new SettingException($"--syslog {text} is not udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH.");

    /// <summary>Whether lines of statements hold their texts.</summary>
    public static Option<string> StatementText(SettingSource settings)
    {
        Option<string> option = Text(settings, "--statement-log-text", "Whether lines of statements hold the text with its literals folded: off or folded.", "off");
        option.AcceptOnlyFromAmong("off", "folded");
        return option;
    }

    /// <summary>The folder of the control socket: what systemd's RuntimeDirectory= made, unless another is named.</summary>
    public static Option<string?> RunFolder(SettingSource settings)
    {
        settings.Declare("--run-folder");
        return new Option<string?>("--run-folder")
        {
            Description = $"The folder of the edge's control socket, for marchproxy upgrade; systemd's RUNTIME_DIRECTORY when left out. Environment: {SettingSource.Variable("--run-folder")}.",
            DefaultValueFactory = _ => settings.Find("--run-folder") ?? Environment.GetEnvironmentVariable("RUNTIME_DIRECTORY"),
        };
    }

    public static Option<string> LogFormat(SettingSource settings) =>
        Text(settings, "--log-format", "How the process log is written to stderr: text or json.", Console.IsErrorRedirected ? "json" : "text");

    /// <summary>A text with a default.</summary>
    public static Option<string> Text(SettingSource settings, string name, string description, string otherwise)
    {
        settings.Declare(name);
        return new Option<string>(name)
        {
            Description = $"{description} Environment: {SettingSource.Variable(name)}.",
            DefaultValueFactory = _ => settings.Find(name) ?? otherwise,
        };
    }

    /// <summary>A text that may be left out.</summary>
    public static Option<string?> Optional(SettingSource settings, string name, string description)
    {
        settings.Declare(name);
        return new Option<string?>(name)
        {
            Description = $"{description} Environment: {SettingSource.Variable(name)}.",
            DefaultValueFactory = _ => settings.Find(name),
        };
    }
}

/// <summary>How a command prints its result.</summary>
internal enum OutputFormat
{
    /// <summary>A table for people.</summary>
    Table,

    /// <summary>JSON.</summary>
    Json,

    /// <summary>YAML.</summary>
    Yaml,
}
