using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Net.Tests.Tls;

/// <summary>Both ends of a TLS connection on one loop.</summary>
internal static class TlsPair
{
    /// <summary>Makes both handshakes; the results are those of <see cref="TcpConnection.StartTlsAsync"/>.</summary>
    public static async Task<(TcpConnection Client, TcpConnection Server, int ClientResult, int ServerResult)> ConnectAsync(
        EventLoop loop, TlsServerContext server, TlsClientContext client, string name = "a.test")
    {
        (TcpConnection c, TcpConnection s) = await LoopTest.PairAsync(loop);
        Task<int> accepting = s.StartTlsAsync(server.CreateSession(s.TlsDescriptor), 20_000).AsTask();
        int connected = await c.StartTlsAsync(client.CreateSession(c.TlsDescriptor, name), 20_000);
        if (connected < 0) c.Close();
        return (c, s, connected, await accepting);
    }

    public static TlsServerContext Server(TlsCertificate certificate) => new(new TlsServerOptions { Certificates = [certificate] });
}
