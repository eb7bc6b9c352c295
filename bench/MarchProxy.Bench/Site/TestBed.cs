using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;

namespace MarchProxy.Bench.Site;

/// <summary>What all peers of a run share: a temporary folder, the origin, the source of bulk bytes, the log sink and a certificate.</summary>
internal sealed class TestBed : IDisposable
{
    private readonly bool _keep;
    private readonly Lazy<PostgresSite> _postgres;
    private readonly Lazy<RedisSite> _redis;

    public TestBed(BenchOptions options)
    {
        Options = options;
        _keep = options.Keep;
        Folder = Directory.CreateTempSubdirectory("marchproxy-bench-").FullName;
        _postgres = new Lazy<PostgresSite>(() => new PostgresSite(Path.Combine(Folder, "postgres")));
        _redis = new Lazy<RedisSite>(() => new RedisSite(Path.Combine(Folder, "redis")));
        WriteCertificate();
        LogSink = new LogSink();
        BulkSource = new BulkSource();
        UdpEcho = new UdpEcho();
        Origin = new Origin(Path.Combine(Folder, "origin"));
    }

    /// <summary>The host that the peers route by.</summary>
    public const string Host = "bench.test";

    /// <summary>Name of the service that speaks through the forward proxy, and its token.</summary>
    public const string User = "loader";

    public const string Token = "bG9hZGVyLXRva2VuLWZvci10aGUtYmVuY2htYXJrcy0=";

    public BenchOptions Options { get; }

    public string Folder { get; }

    public Origin Origin { get; }

    public BulkSource BulkSource { get; }

    public UdpEcho UdpEcho { get; }

    public LogSink LogSink { get; }

    /// <summary>The database behind the poolers; started when it is first asked for.</summary>
    public PostgresSite Postgres => _postgres.Value;

    /// <summary>The Redis behind the proxies; started when it is first asked for.</summary>
    public RedisSite Redis => _redis.Value;

    /// <summary>The certificate chain of <see cref="Host"/>, PEM.</summary>
    public string CertificateFile => Path.Combine(Folder, "bench.crt");

    /// <summary>Its P-256 key, PEM.</summary>
    public string KeyFile => Path.Combine(Folder, "bench.key");

    /// <summary>Both in one file, as HAProxy wants them.</summary>
    public string BundleFile => Path.Combine(Folder, "bench.pem");

    /// <summary>A folder of its own for a peer.</summary>
    public string FolderFor(string peer)
    {
        string folder = Path.Combine(Folder, $"{peer}-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(folder);
        return folder;
    }

    public void Dispose()
    {
        if (_postgres.IsValueCreated) _postgres.Value.Dispose();
        if (_redis.IsValueCreated) _redis.Value.Dispose();
        Origin.Dispose();
        BulkSource.Dispose();
        UdpEcho.Dispose();
        LogSink.Dispose();
        if (_keep) Console.WriteLine($"kept {Folder}");
        else Directory.Delete(Folder, recursive: true);
    }

    private void WriteCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={Host}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(BundleFile, File.ReadAllText(CertificateFile) + File.ReadAllText(KeyFile));
    }
}
