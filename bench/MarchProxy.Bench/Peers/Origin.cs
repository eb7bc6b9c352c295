using System.Globalization;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>The server behind every peer: nginx that answers /small (128 bytes), /16k and /1m from memory and logs nothing.</summary>
internal sealed class Origin : IDisposable
{
    private readonly Server _server;
    private readonly string _files;

    public Origin(string folder)
    {
        Directory.CreateDirectory(folder);
        _files = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : folder, $"marchproxy-bench-{Environment.ProcessId}")).FullName;
        File.WriteAllBytes(Path.Combine(_files, "16k"), Noise(16 * 1024));
        File.WriteAllBytes(Path.Combine(_files, "1m"), Noise(1024 * 1024));
        Dictionary<string, string> values = new()
        {
            ["FOLDER"] = folder,
            ["FILES"] = _files,
            ["PORT"] = Port.ToString(CultureInfo.InvariantCulture),
            ["SMALL"] = new string('s', 128),
        };
        _server = new Server("origin", Path.Combine(folder, "output.log"), "nginx",
            "-p", folder, "-c", Template.Write("Peers/origin.conf", Path.Combine(folder, "nginx.conf"), values), "-e", Path.Combine(folder, "error.log"));
        _server.WaitFor(Port);
    }

    public int Port { get; } = Ports.Free();

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_files, recursive: true);
    }

    private static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
