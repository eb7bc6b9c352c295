using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net.Dns;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>An edge in this process in front of an origin that a test writes itself, with one ingress listener and one dedicated one.</summary>
internal sealed class EdgeRig : IAsyncDisposable
{
    private readonly MetricRegistry _metrics;
    private readonly DnsResolver _resolver;
    private readonly StringWriter _log = new();
    private readonly Capture _lines = new();
    private readonly LogWriter _accessLog;

    private EdgeRig(EdgeSettings settings, DnsResolver? resolver)
    {
        _resolver = resolver ?? new DnsResolver(new DnsResolverOptions());
        _metrics = new MetricRegistry(EdgeServer.LoopCount(settings));
        _accessLog = new LogWriter([_lines]);
        Server = new EdgeServer(settings, _resolver, _metrics, _accessLog, new ProcessLog(_log, json: false, LogLevel.Info, TimeProvider.System), TimeProvider.System);
    }

    public EdgeServer Server { get; }

    /// <summary>What the process log says: a defect is told there.</summary>
    public string Log => _log.ToString();

    /// <summary>The access lines so far.</summary>
    public IReadOnlyList<string> Lines => _lines.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public IPEndPoint Web => IPEndPoint.Parse(Server.Listeners["web"]);

    public static Task<EdgeRig> StartAsync(int originPort, EdgeSettings? settings = null) => StartAsync($$"""
            services:
              - { name: origin, addresses: [127.0.0.1], ports: "{{originPort}}" }
            routes:
              - { name: all, backends: [origin] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """, settings);

    public static async Task<EdgeRig> StartAsync(string yaml, EdgeSettings? settings = null, DnsResolver? resolver = null)
    {
        var rig = new EdgeRig(settings ?? new EdgeSettings { Loops = 2 }, resolver);
        await rig.ApplyAsync(yaml);
        return rig;
    }

    public Task ApplyAsync(string yaml)
    {
        IntakeResult read = ResourceReader.ReadYaml(yaml, "rig.yaml", new NoSecrets());
        Assert.False(read.HasErrors, string.Join('\n', read.Diagnostics));
        CompileResult compiled = SnapshotCompiler.Compile(read.Set);
        Assert.True(compiled.Snapshot is not null, string.Join('\n', compiled.Diagnostics));
        return Server.ApplyAsync(compiled.Snapshot);
    }

    /// <summary>The exposition as Prometheus would read it.</summary>
    public string Metrics()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        _metrics.Write(output, ExpositionFormat.Prometheus004);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>Sends a request and reads to the end of the connection.</summary>
    /// <param name="edge">Where to.</param>
    /// <param name="request">What to send.</param>
    /// <param name="endAfter">What to send behind it, and then nothing more; null to leave our side open.</param>
    public static async Task<string> AskAsync(IPEndPoint edge, string request, string? endAfter = null)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(edge);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        if (endAfter is not null)
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(endAfter));
            client.Client.Shutdown(SocketShutdown.Send);
        }

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, timeout.Token);
        }
        catch (IOException)
        {
            all.Write("<reset>"u8);
        }

        return Encoding.Latin1.GetString(all.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _accessLog.DisposeAsync();
        await _resolver.DisposeAsync();
        _metrics.Dispose();
        Assert.DoesNotContain("defect", Log, StringComparison.Ordinal);
    }

    private sealed class NoSecrets : ISecretSource
    {
        public string? FromEnvironment(string name) => null;

        public string? FromFile(string path) => null;
    }

    private sealed class Capture : ILogSink
    {
        private readonly StringBuilder _text = new();

        public string Name => "capture";

        public string Text
        {
            get
            {
                lock (_text) return _text.ToString();
            }
        }

        public void Write(ReadOnlySpan<byte> lines)
        {
            lock (_text) _text.Append(Encoding.UTF8.GetString(lines));
        }

        public void Reopen()
        {
        }
    }
}
