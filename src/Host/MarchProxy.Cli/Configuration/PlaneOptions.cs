using System.CommandLine;
using MarchProxy.Cli.Hosting;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Cli.Configuration;

/// <summary>Where a plane gets its configuration from: a file, or a manager.</summary>
internal sealed class PlaneOptions(SettingSource settings, string role)
{
    private readonly Option<string?> _file = new("--file", "-f") { Description = "The resource file; read again when it changes and on SIGHUP." };
    private readonly Option<string?> _manager = SharedOptions.Optional(settings, "--manager", "The manager's discovery address, instead of a file: https://HOST:18000.");
    private readonly Option<string?> _key = SharedOptions.Optional(settings, "--cluster-key", "The cluster's API key, or file:PATH to it.");
    private readonly Option<string> _name = SharedOptions.Text(settings, "--name", "The plane's name in its cluster.", Environment.MachineName.ToLowerInvariant());
    private readonly Option<string?> _ca = SharedOptions.Optional(settings, "--manager-ca", "A PEM file of the CA that the manager's certificate comes from; the system's when left out.");
    private readonly Option<string> _data = SharedOptions.Text(settings, "--data", "The folder of the last good configuration.", "./data");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _file, _manager, _key, _name, _ca, _data }) command.Options.Add(option);
    }

    /// <summary>Makes the source, and tells the folder of the plane's own files; null for one that is configured by a file.</summary>
    /// <exception cref="SettingException">The options contradict each other, or the folder cannot be used.</exception>
    public (Func<IPlaneHost, IConfigSource> Source, string? Folder) Read(ParseResult result)
    {
        string? path = result.GetValue(_file), address = result.GetValue(_manager);
        if (path is null == address is null) throw new SettingException("Give --file FILE, or --manager URL with --cluster-key.");
        if (path is not null) return (host => new FileConfig(host, Path.GetFullPath(path)), null);
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https")) throw new SettingException($"--manager {address} is not http://HOST:PORT or https://HOST:PORT.");
        if (uri.Scheme == "http" && !uri.IsLoopback) throw new SettingException($"--manager {address}: the cluster's key would cross the network in clear; use https://.");
        string folder = Path.GetFullPath(result.GetValue(_data)!);
        Directory.CreateDirectory(folder);
        var plane = new ManagedConfigOptions
        {
            Stream = new ConfigStreamOptions { Address = uri, Key = Key(result.GetValue(_key)), Name = result.GetValue(_name)!, CaPem = result.GetValue(_ca) is { } pem ? File.ReadAllText(pem) : null },
            CacheFile = Path.Combine(folder, role + ".snapshot"),
            Box = KeyFile.Open(Path.Combine(folder, role + ".key")),
        };
        return (host => new ManagedConfig(host, plane), folder);
    }

    private static string Key(string? given)
    {
        if (given is null) throw new SettingException("--cluster-key is missing; make one with: marchproxy keys rotate CLUSTER.");
        return given.StartsWith("file:", StringComparison.Ordinal) ? File.ReadAllText(given[5..]).Trim() : given;
    }
}
