using System.Globalization;
using MarchProxy.Bench.Peers;

namespace MarchProxy.Bench.Site;

/// <summary>A Redis of Debian's, behind the proxies; it keeps nothing on disk.</summary>
internal sealed class RedisSite : IDisposable
{
    private readonly Server _server;

    /// <exception cref="BenchException">It is not installed, or does not start.</exception>
    public RedisSite(string folder)
    {
        Directory.CreateDirectory(folder);
        _server = new Server("redis", Path.Combine(folder, "output.log"), "redis-server", "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--dir", folder);
        _server.WaitFor(Port);
    }

    public int Port { get; } = Ports.Free();

    public void Dispose() => _server.Dispose();
}
