using System.Globalization;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>A proxy under measure: started on ports of its own in front of the same origin, with routing by host and the access log on.</summary>
internal abstract class Peer : IDisposable
{
    private Server? _server;

    protected Peer(string name, TestBed bed)
    {
        Name = name;
        Bed = bed;
        Folder = bed.FolderFor(name);
    }

    public string Name { get; }

    /// <summary>Ingress, plain HTTP.</summary>
    public int HttpPort { get; } = Ports.Free();

    /// <summary>Ingress, TLS ended here.</summary>
    public int HttpsPort { get; } = Ports.Free();

    /// <summary>A TCP port that leads straight to the source of bulk bytes.</summary>
    public int BulkPort { get; } = Ports.Free();

    /// <summary>The forward proxy.</summary>
    public int ForwardPort { get; } = Ports.Free();

    /// <summary>A UDP port that leads straight to the echo.</summary>
    public int UdpPort { get; } = Ports.Free();

    /// <summary>The origin behind it.</summary>
    public int OriginPort => Bed.Origin.Port;

    /// <summary>The source of bulk bytes behind it.</summary>
    public int SourcePort => Bed.BulkSource.Port;

    /// <summary>CPU time of all its processes since they started, in seconds.</summary>
    public double CpuSeconds => Running.CpuSeconds;

    /// <summary>Resident memory of all its processes, in bytes.</summary>
    public long ResidentBytes => Running.ResidentBytes;

    /// <summary>Bytes of access log that it has written so far; a peer that logs nothing is not measured fairly.</summary>
    public abstract long LoggedBytes { get; }

    protected TestBed Bed { get; }

    protected string Folder { get; }

    /// <summary>Where its standard output and error go.</summary>
    protected string OutputFile => Path.Combine(Folder, "output.log");

    private Server Running => _server ?? throw new InvalidOperationException($"{Name} is not started");

    /// <summary>Starts it and waits until it serves.</summary>
    /// <exception cref="BenchException">It is not installed, does not start, or does not serve in time.</exception>
    public void Start()
    {
        _server = Launch();
        _server.WaitFor(ListensOn);
    }

    public void Dispose()
    {
        _server?.Dispose();
        if (!Bed.Options.Keep) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Its version, for the record of a run.</summary>
    public abstract string Version();

    /// <summary>The ports that are open once it serves.</summary>
    protected abstract IEnumerable<int> ListensOn { get; }

    protected abstract Server Launch();

    /// <summary>What the templates of all peers ask for.</summary>
    protected Dictionary<string, string> Values() => new()
    {
        ["FOLDER"] = Folder,
        ["HOST"] = TestBed.Host,
        ["HTTP"] = Text(HttpPort),
        ["HTTPS"] = Text(HttpsPort),
        ["BULK"] = Text(BulkPort),
        ["FORWARD"] = Text(ForwardPort),
        ["UDP"] = Text(UdpPort),
        ["ECHO"] = Text(Bed.UdpEcho.Port),
        ["ORIGIN"] = Text(Bed.Origin.Port),
        ["SOURCE"] = Text(Bed.BulkSource.Port),
        ["LOG"] = Text(Bed.LogSink.Port),
        ["CERTIFICATE"] = Bed.CertificateFile,
        ["KEY"] = Bed.KeyFile,
        ["BUNDLE"] = Bed.BundleFile,
        ["USER"] = TestBed.User,
        ["TOKEN"] = TestBed.Token,
    };

    /// <summary>Length of a file in its folder; 0 when it is not there.</summary>
    protected long LengthOf(string file) => new FileInfo(Path.Combine(Folder, file)) is { Exists: true } info ? info.Length : 0;

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
