using System.CommandLine;

namespace MarchProxy.Cli.Configuration;

/// <summary>
/// Options that several commands share. Each can come from a flag or from the environment (MARCHPROXY_ and the flag's name in capitals); the flag wins.
/// </summary>
internal static class SharedOptions
{
    public static Option<OutputFormat> Output() => new("--output", "-o")
    {
        Description = "How to print: table for people, json or yaml for programs.",
        DefaultValueFactory = _ => OutputFormat.Table,
    };

    public static Option<string> AdminListen() => FromEnvironment("--admin-listen", "Where /healthz, /readyz and /metrics are served; port 0 lets the kernel choose.", "127.0.0.1:9901");

    public static Option<string?> ReadyFile() => Optional("--ready-file", "A file to write, with the addresses served, once everything serves.");

    public static Option<int> Loops() => new("--loops")
    {
        Description = "Event loops, one thread each; 0 for one a core.",
        DefaultValueFactory = result => int.TryParse(Environment.GetEnvironmentVariable("MARCHPROXY_LOOPS"), out int loops) ? loops : 0,
    };

    public static Option<string?> AccessLog() => Optional("--access-log", "Where access lines go: stdout (the default), off, or a file's path.");

    public static Option<string?> Syslog() => Optional("--syslog", "Also send access lines and the process log as RFC 5424 to udp://HOST:PORT.");

    public static Option<string> LogFormat() => FromEnvironment("--log-format", "How the process log is written to stderr: text or json.", Console.IsErrorRedirected ? "json" : "text");

    private static Option<string> FromEnvironment(string name, string description, string otherwise) => new(name)
    {
        Description = $"{description} Environment: {Variable(name)}.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(Variable(name)) ?? otherwise,
    };

    private static Option<string?> Optional(string name, string description) => new(name)
    {
        Description = $"{description} Environment: {Variable(name)}.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(Variable(name)),
    };

    private static string Variable(string option) => "MARCHPROXY_" + option[2..].Replace('-', '_').ToUpperInvariant();
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
