using MarchProxy.Model.Intake;

namespace MarchProxy.Cli.Configuration;

/// <summary>Secrets of resource files: <c>env:NAME</c> from this process's environment, <c>file:PATH</c> from disk, relative to the resource file.</summary>
internal sealed class HostSecretSource(string baseFolder) : ISecretSource
{
    /// <summary>A secret larger than this is surely the wrong file: 1 MiB holds any key or certificate chain.</summary>
    private const int MaxBytes = 1 << 20;

    public string? FromEnvironment(string name) => Environment.GetEnvironmentVariable(name);

    public string? FromFile(string path)
    {
        string full = Path.GetFullPath(path, baseFolder);
        var info = new FileInfo(full);
        return info.Exists && info.Length <= MaxBytes ? File.ReadAllText(full).TrimEnd('\r', '\n') : null;
    }
}
