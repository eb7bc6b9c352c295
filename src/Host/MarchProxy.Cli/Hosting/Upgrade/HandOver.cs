using System.Net.Sockets;
using MarchProxy.Edge;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Edge.Listeners;
using MarchProxy.Net.Handover;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>The old process's side of an upgrade: gives its sockets to a new one, and goes on as if nothing had been when that one fails.</summary>
internal sealed class HandOver(EdgeServer edge, LoopTransport admin, Action settle, Func<Task> letGo)
{
    /// <summary>For the new process to read its configuration and open what is new; a manager far away takes seconds, never a minute.</summary>
    private const int ReadyMs = 60_000;

    /// <summary>For it to take over once it is ready: nothing but a few messages.</summary>
    private const int BegunMs = 10_000;
    private int _busy;

    /// <summary>Serves a process that has asked for the sockets.</summary>
    /// <param name="socket">Its connection, after its first message.</param>
    /// <returns>Null when it serves now; else why not.</returns>
    public async Task<string?> GiveAsync(Socket socket)
    {
        if (Interlocked.Exchange(ref _busy, 1) == 1) return "another upgrade is under way";
        IReadOnlyList<HandedSocket> sockets = await edge.ExportAsync();
        bool begun = false, held = false;
        try
        {
            settle();
            await Task.Run(() => Offer(socket, [.. sockets, .. admin.Export()]));
            held = true;
            IReadOnlyList<HandedFlow> flows = await edge.HoldAsync();
            await Task.Run(() => Finish(socket, flows));
            begun = true;
            await edge.ReleaseAsync();
            await admin.ReleaseAsync();
            await letGo();
            await Task.Run(() => UpgradeWire.Send(socket, UpgradeWire.Gone));
            return null;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            if (begun) return null;
            return held ? e.Message : "it ended before it was ready; its own log tells why";
        }
        finally
        {
            if (!begun)
            {
                await edge.ResumeAsync();
                Volatile.Write(ref _busy, 0);
            }
        }
    }

    private void Offer(Socket socket, HandedSocket[] sockets)
    {
        socket.SendTimeout = BegunMs;
        socket.ReceiveTimeout = ReadyMs;
        UpgradeWire.Send(socket, new SocketManifest([.. sockets.Select(s => s.Key)], edge.ExportTicketKeys()));
        DescriptorPassing.Send(socket, [.. sockets.Select(s => s.Descriptor)]);
        UpgradeWire.Expect(socket, UpgradeWire.Ready);
    }

    private static void Finish(Socket socket, IReadOnlyList<HandedFlow> flows)
    {
        socket.ReceiveTimeout = BegunMs;
        UpgradeWire.Send(socket, new FlowManifest([.. flows.Select(f => new FlowEntry(f.Key, f.Index, f.Client.ToString(), f.Upstream.ToString()))]));
        DescriptorPassing.Send(socket, [.. flows.Select(f => f.Descriptor)]);
        UpgradeWire.Expect(socket, UpgradeWire.Begun);
    }
}
