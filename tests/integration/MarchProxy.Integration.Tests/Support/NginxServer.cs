using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Integration.Support;

/// <summary>A real nginx as the origin, on a free port of loopback.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly Child _child;

    private NginxServer(TempFolder folder, Child child, int port, int tlsPort, int proxyPort)
    {
        ProxyPort = proxyPort;
        TlsPort = tlsPort;
        _folder = folder;
        _child = child;
        Port = port;
    }

    public int Port { get; }

    /// <summary>The same over TLS, with a certificate that nobody signed.</summary>
    public int TlsPort { get; }

    /// <summary>The same over TLS by HTTP/2, where the client agrees.</summary>
    public int Http2Port { get; private init; }

    /// <summary>The same, demanding a PROXY header.</summary>
    public int ProxyPort { get; }

    /// <param name="fixedPort">The port; a free one without it.</param>
    public static async Task<NginxServer> StartAsync(int fixedPort = 0)
    {
        var folder = new TempFolder();
        int[] free = FreePorts(4);
        int port = fixedPort > 0 ? fixedPort : free[0], tlsPort = free[1], proxyPort = free[2], http2Port = free[3];
        TestCertificate.Write(folder, "origin", "origin.test");
        File.WriteAllBytes(folder["big"], Bytes(8 << 20));
        File.WriteAllText(folder["page"], Page);
        Directory.CreateDirectory(folder["body"]);
        string configuration = folder.Write("nginx.conf", string.Create(CultureInfo.InvariantCulture, $$"""
            daemon off; worker_processes 1; pid {{folder["pid"]}}; error_log {{folder["error.log"]}};
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            events { worker_connections 1024; }
            http {
              log_format line '$request'; access_log {{folder["access.log"]}} line; client_max_body_size 0; client_body_temp_path {{folder["body"]}};
              proxy_temp_path {{folder["body"]}}; fastcgi_temp_path {{folder["body"]}}; uwsgi_temp_path {{folder["body"]}}; scgi_temp_path {{folder["body"]}};
              server {
                listen 127.0.0.1:{{proxyPort}} proxy_protocol;
                location / { default_type text/plain; return 200 "told=$proxy_protocol_addr path=$request_uri\n"; }
              }
              server {
                listen 127.0.0.1:{{port}};
                listen 127.0.0.1:{{http2Port}} ssl http2; listen 127.0.0.1:{{tlsPort}} ssl; ssl_certificate {{folder["origin.pem"]}}; ssl_certificate_key {{folder["origin.key"]}};
                location / { default_type text/plain; return 200 "host=$host path=$request_uri via=$http_via xff=$http_x_forwarded_for proto=$http_x_forwarded_proto auth=$http_proxy_authorization length=$content_length protocol=$server_protocol\n"; }
                location /big { alias {{folder["big"]}}; }
                location /fresh { default_type text/plain; add_header Cache-Control "max-age=60"; return 200 "id=$request_id\n"; }
                location = /text.html { default_type text/html; alias {{folder["page"]}}; }
                location /slow { alias {{folder["big"]}}; limit_rate 2m; }
                location /cut { return 444; }
                location /upload { proxy_pass http://127.0.0.1:{{port}}/; proxy_http_version 1.1; }
              }
            }
            """));
        Child child = Child.Start("nginx", ["-c", configuration, "-p", folder.Path, "-e", folder["error.log"]]);
        var server = new NginxServer(folder, child, port, tlsPort, proxyPort) { Http2Port = http2Port };
        await Wait.UntilAsync(() => server.AnswersAsync(), () => child.Output);
        return server;
    }

    /// <summary>The request lines that it has answered, in order.</summary>
    public string[] Requests() => File.ReadAllLines(_folder["access.log"]);

    /// <summary>A page of text that shrinks well.</summary>
    public static string Page { get; } = string.Concat(Enumerable.Range(0, 4000).Select(i => $"<p>paragraph {i} of a page</p>\n"));

    public static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(5).NextBytes(bytes);
        return bytes;
    }

    public static int FreePort() => FreePorts(1)[0];

    /// <summary>Ports that are free, each another one: held until all are known.</summary>
    public static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener listener in listeners) listener.Start();
            return [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in listeners) listener.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
