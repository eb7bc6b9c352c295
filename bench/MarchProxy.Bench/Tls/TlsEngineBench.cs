using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Bench.Load;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Bench.Tls;

/// <summary>
/// The TLS layer on a loop against .NET's SslStream on sockets: the same trivial HTTP answer from either, wrk as the client, requests per CPU-second of this
/// process, medians of alternating rounds. It decides which of the two the edge uses.
/// </summary>
internal static class TlsEngineBench
{
    private const int Rounds = 5, Connections = 64;
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(2);

    public static void Run()
    {
        string pem, key;
        using (var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var request = new CertificateRequest("CN=bench.test", ec, HashAlgorithmName.SHA256);
            using X509Certificate2 certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
            (pem, key) = (certificate.ExportCertificatePem(), ec.ExportPkcs8PrivateKeyPem());
        }

        Console.WriteLine($"{"TLS, requests/CPU-s",-28} {"SslStream",12} {"this layer",12} {"ratio",8}");
        foreach ((string name, int size, bool keepAlive) in new[] { ("128 B, keep-alive", 128, true), ("16 KB, keep-alive", 16_384, true), ("128 B, a handshake each", 128, false) })
        {
            byte[] response = [.. System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n{(keepAlive ? "" : "Connection: close\r\n")}\r\n"), .. new byte[size]];
            using var ours = new LoopServer(new TlsCertificate(pem, key), response, keepAlive);
            using var theirs = new StreamServer(pem, key, response, keepAlive);
            Measure(theirs.Port);
            Measure(ours.Port);
            var ssl = new List<double>();
            var loop = new List<double>();
            for (int i = 0; i < Rounds; i++)
            {
                ssl.Add(Measure(theirs.Port));
                loop.Add(Measure(ours.Port));
            }

            double a = ssl.Order().ElementAt(Rounds / 2), b = loop.Order().ElementAt(Rounds / 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28} {a,12:N0} {b,12:N0} {b / a,8:F2}"));
        }
    }

    private static double Measure(int port)
    {
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        WrkReport report = Wrk.Ingress("https", port, "/", Connections, s_round);
        return report.Requests / (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
    }

    private static bool IsHead(ReadOnlySpan<byte> received) => received.EndsWith("\r\n\r\n"u8);

    private sealed class LoopServer : IDisposable
    {
        private readonly EventLoop _loop = new(0, null);
        private readonly TlsServerContext _context;
        private readonly byte[] _response;
        private readonly bool _keepAlive;

        public LoopServer(TlsCertificate certificate, byte[] response, bool keepAlive)
        {
            _context = new TlsServerContext(new TlsServerOptions { Certificates = [certificate] });
            _response = response;
            _keepAlive = keepAlive;
            Port = MarchProxy.Net.Tcp.TcpListener.Open(_loop, Endpoint.From(IPAddress.Loopback, 0), c => _ = ServeAsync(c)).Local.Port;
            _loop.Start();
        }

        public int Port { get; }

        public void Dispose()
        {
            _loop.Dispose();
            _context.Dispose();
        }

        private async Task ServeAsync(TcpConnection connection)
        {
            byte[] buffer = GC.AllocateUninitializedArray<byte>(4096, pinned: true);
            if (await connection.StartTlsAsync(_context.CreateSession(connection.TlsDescriptor), 10_000) == 0)
            {
                for (int used = 0; used < buffer.Length;)
                {
                    int n = connection.TryReceive(buffer.AsSpan(used));
                    if (n == -Errno.EAGAIN)
                    {
                        if (await connection.ReadableAsync(60_000) < 0) break;
                        continue;
                    }

                    if (n <= 0) break;
                    used += n;
                    if (!IsHead(buffer.AsSpan(0, used))) continue;
                    used = 0;
                    if (await connection.SendAllAsync(_response, 10_000) < 0 || !_keepAlive) break;
                }
            }

            connection.Close();
        }
    }

    private sealed class StreamServer : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly SslStreamCertificateContext _certificate;
        private readonly byte[] _response;
        private readonly bool _keepAlive;

        public StreamServer(string pem, string key, byte[] response, bool keepAlive)
        {
            using X509Certificate2 both = X509Certificate2.CreateFromPem(pem, key);
            _certificate = SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pfx), null), null, offline: true);
            _response = response;
            _keepAlive = keepAlive;
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(1024);
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = ServeAsync(await _listener.AcceptAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The measurement is over.
            }
        }

        private async Task ServeAsync(Socket socket)
        {
            socket.NoDelay = true;
            try
            {
                await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate });
                byte[] buffer = new byte[4096];
                for (int used = 0; used < buffer.Length;)
                {
                    int n = await stream.ReadAsync(buffer.AsMemory(used));
                    if (n == 0) return;
                    used += n;
                    if (!IsHead(buffer.AsSpan(0, used))) continue;
                    used = 0;
                    await stream.WriteAsync(_response);
                    if (!_keepAlive) return;
                }
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The load ended in mid-connection.
            }
        }
    }
}
