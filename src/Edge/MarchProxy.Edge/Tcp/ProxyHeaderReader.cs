using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Tcp;

/// <summary>Takes the PROXY header off a fresh connection, exactly, so that TLS or HTTP finds its own first byte; a connection without one is refused.</summary>
internal static class ProxyHeaderReader
{
    public static async Task ReadAsync(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        try
        {
            byte[] buffer = new byte[ProxyHeader.MaxBytes];
            for (int seen = 0; ;)
            {
                int n = await client.PeekAsync(buffer, seen, edge.Settings.HandshakeMs);
                if (n < 0 || n == seen)
                {
                    Refuse(edge, client, listener, n == -Errno.ETIMEDOUT ? "proxy-header-timeout" : "client-left");
                    return;
                }

                seen = n;
                int length = ProxyHeader.Read(buffer.AsSpan(0, seen), out Endpoint told);
                if (length == 0 && seen < buffer.Length) continue;
                if (length <= 0 || client.TryReceive(buffer.AsSpan(0, length)) != length)
                {
                    Refuse(edge, client, listener, "proxy-header-missing");
                    return;
                }

                if (told != default) client.SetRemote(told);
                edge.Serve(client, listener);
                return;
            }
        }
        catch (Exception e)
        {
            edge.ReportDefect(e);
            client.Abort();
        }
    }

    private static void Refuse(EdgeLoop edge, TcpConnection client, ActiveListener listener, string reason)
    {
        var record = new AccessRecord();
        record.Begin(listener.Name, client.Remote);
        record.Kind = "tcp";
        record.Reason = reason;
        record.Ended = Stopwatch.GetTimestamp();
        edge.Finish(record);
        client.Abort();
    }
}
