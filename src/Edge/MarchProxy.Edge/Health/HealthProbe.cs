using System.Net;
using System.Net.Http.Headers;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Authentication;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace MarchProxy.Edge.Health;

/// <summary>Asks one address how it is: by a TCP connection, an HTTP request, or gRPC's health protocol (grpc.health.v1).</summary>
internal sealed class HealthProbe : IDisposable
{
    private const int MaxBytes = 64 << 10;
    private readonly HealthCheck _check;
    private readonly Endpoint _endpoint;
    private readonly HttpClient? _http;

    public HealthProbe(Service service, Endpoint endpoint)
    {
        _check = service.Health!;
        _endpoint = endpoint;
        if (_check.Type is "tcp" or "icmp") return;
        string host = service.Addresses.FirstOrDefault(a => HostPattern.TryParse(a, out HostPattern p, out _) && p.Kind == HostPatternKind.Name) ?? endpoint.Address!.ToString();
        bool secure = _check.Type == "https" || (_check.Type == "grpc" && service.Protocol == "https");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            ConnectCallback = ConnectAsync,
        };
        if (secure) handler.SslOptions = HealthTls.Ssl(service.Tls, host);
        _http = new HttpClient(handler) { BaseAddress = new UriBuilder(secure ? "https" : "http", host, endpoint.Port).Uri, MaxResponseContentBufferSize = MaxBytes, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks.</summary>
    /// <returns>Null when it is well; else what is wrong.</returns>
    public async Task<string?> AskAsync(CancellationToken cancellation)
    {
        try
        {
            if (_check.Type == "icmp") return await PingAsync(cancellation);
            if (_check.Type == "tcp")
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(new IPEndPoint(_endpoint.Address!, _endpoint.Port), cancellation);
                return null;
            }

            return _check.Type == "grpc" ? await GrpcAsync(cancellation) : await HttpAsync(cancellation);
        }
        catch (Exception e) when (e is SocketException or PingException or HttpRequestException or IOException or AuthenticationException)
        {
            return e.InnerException?.Message ?? e.Message;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http?.Dispose();

    /// <summary>One echo request. It needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range.</summary>
    private async Task<string?> PingAsync(CancellationToken cancellation)
    {
        using var ping = new Ping();
        PingReply reply = await ping.SendPingAsync(_endpoint.Address!, _check.Timeout, cancellationToken: cancellation);
        return reply.Status == IPStatus.Success ? null : $"it answered {reply.Status}";
    }

    private async Task<string?> HttpAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _check.Path);
        request.Headers.UserAgent.ParseAdd("marchproxy-health");
        using HttpResponseMessage response = await _http!.SendAsync(request, cancellation);
        return (int)response.StatusCode is >= 200 and < 400 ? null : $"it answered {(int)response.StatusCode}";
    }

    // grpc.health.v1.Health/Check: HealthCheckRequest { string service = 1; }, HealthCheckResponse { ServingStatus status = 1; } with SERVING = 1.
    private async Task<string?> GrpcAsync(CancellationToken cancellation)
    {
        byte[] name = _check.Path is "/" or "" ? [] : System.Text.Encoding.UTF8.GetBytes(_check.Path);
        byte[] message = name.Length == 0 ? [] : [0x0A, (byte)name.Length, .. name];
        using var request = new HttpRequestMessage(HttpMethod.Post, "/grpc.health.v1.Health/Check") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent([0, 0, 0, 0, (byte)message.Length, .. message]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.ParseAdd("trailers");
        using HttpResponseMessage response = await _http!.SendAsync(request, cancellation);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
        string status = (response.TrailingHeaders.TryGetValues("grpc-status", out IEnumerable<string>? trailing) ? trailing : response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? leading) ? leading : []).FirstOrDefault() ?? "none";
        if (status != "0") return $"its gRPC status is {status}";
        return body.Length >= 7 && body[5] == 0x08 && body[6] == 1 ? null : "it does not serve";
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(_endpoint.Address!, _endpoint.Port), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
