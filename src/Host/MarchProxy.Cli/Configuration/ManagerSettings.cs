using System.CommandLine;
using System.Net;
using MarchProxy.Cli.Hosting;
using MarchProxy.Control;
using MarchProxy.Control.Storage;

namespace MarchProxy.Cli.Configuration;

/// <summary>The options of every command that runs a manager.</summary>
internal sealed class ManagerSettings(SettingSource settings)
{
    private readonly Option<string> _data = SharedOptions.Text(settings, "--data", "The folder of the database, keys and caches.", "./data");
    private readonly Option<string> _listen = SharedOptions.Text(settings, "--manager-listen", "Where the API, its documentation and metrics are served; port 0 lets the kernel choose.", "127.0.0.1:8000");
    private readonly Option<string> _xds = SharedOptions.Text(settings, "--xds-listen", "Where data planes get their configuration.", "127.0.0.1:18000");
    private readonly Option<string?> _certificate = SharedOptions.Optional(settings, "--manager-cert", "A PEM file with the manager's certificate chain; needed where planes come from other hosts.");
    private readonly Option<string?> _key = SharedOptions.Optional(settings, "--manager-key", "A PEM file with its private key.");
    private readonly Option<string?> _type = SharedOptions.Optional(settings, "--db-type", "sqlite (default, in the data folder) or postgresql. Also DB_TYPE.");
    private readonly Option<string?> _url = SharedOptions.Optional(settings, "--database-url", "postgres://USER:PASSWORD@HOST:5432/DATABASE. Also DATABASE_URL.");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _data, _listen, _xds, _certificate, _key, _type, _url }) command.Options.Add(option);
    }

    /// <summary>Only what a store needs.</summary>
    public void AddStoreTo(Command command)
    {
        foreach (Option option in new Option[] { _data, _type, _url }) command.Options.Add(option);
    }

    /// <summary>The data folder, made when it is not there.</summary>
    public string Data(ParseResult result)
    {
        string data = Path.GetFullPath(result.GetValue(_data)!);
        try
        {
            Directory.CreateDirectory(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return data;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"The data folder {data} cannot be used: {e.Message} Name another with --data.");
        }
    }

    public StoreOptions Store(ParseResult result) => new()
    {
        Type = result.GetValue(_type) ?? Environment.GetEnvironmentVariable("DB_TYPE") ?? "sqlite",
        Url = result.GetValue(_url) ?? Environment.GetEnvironmentVariable("DATABASE_URL"),
        File = Path.Combine(Data(result), "manager.db"),
    };

    public ManagerOptions Read(ParseResult result)
    {
        string? certificate = result.GetValue(_certificate), key = result.GetValue(_key);
        if (certificate is null != key is null) throw new SettingException("--manager-cert and --manager-key belong together; give both.");
        IPEndPoint xds = Endpoint(result.GetValue(_xds)!, "--xds-listen");
        if (certificate is null && !IPAddress.IsLoopback(xds.Address)) throw new SettingException($"--xds-listen {xds} is reached from other hosts, and planes send their keys there: give --manager-cert and --manager-key.");
        return new ManagerOptions
        {
            Listen = Endpoint(result.GetValue(_listen)!, "--manager-listen"),
            XdsListen = xds,
            Tls = certificate is null ? null : (certificate, key!),
            Store = Store(result),
            Box = KeyFile.Open(Path.Combine(Data(result), "manager.key")),
            AdminPassword = Environment.GetEnvironmentVariable("MARCHPROXY_ADMIN_PASSWORD") is { Length: > 0 } password ? password : null,
            Version = BuildVersion.Text,
        };
    }

    private static IPEndPoint Endpoint(string text, string name) =>
        IPEndPoint.TryParse(text, out IPEndPoint? endpoint) ? endpoint : throw new SettingException($"{name} {text} is not ADDRESS:PORT.");
}
