using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Tcp;

/// <summary>Takes the PROXY header off a fresh connection before it is served; a connection without one is refused.</summary>
internal static class ProxyHeaderReader
{
    public static async Task ReadAsync(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        try
        {
            if (await ProxyHeader.TakeAsync(client, edge.Settings.HandshakeMs) is { } reason) Refuse(edge, client, listener, reason);
            else edge.Serve(client, listener);
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
