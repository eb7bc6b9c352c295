using System.Net.Sockets;
using MarchProxy.Cli.Configuration;
using MarchProxy.Edge.Listeners;
using MarchProxy.Net;
using MarchProxy.Net.Handover;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>The new process's side of an upgrade: it has the sockets of the running edge, and tells it when to stop.</summary>
internal sealed class TakeOver : IDisposable
{
    private readonly Socket _socket;

    private TakeOver(Socket socket, InheritedSockets sockets, string? ticketKeys)
    {
        _socket = socket;
        Sockets = sockets;
        TicketKeys = ticketKeys;
    }

    /// <summary>The listening sockets.</summary>
    public InheritedSockets Sockets { get; }

    /// <summary>The keys of session tickets, so that clients go on resuming.</summary>
    public string? TicketKeys { get; }

    /// <summary>Asks the running edge for its sockets; it goes on serving.</summary>
    /// <param name="path">Its control socket.</param>
    /// <exception cref="SettingException">There is none.</exception>
    public static TakeOver Begin(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // The running edge answers at once, and lets go within its own time for that.
            socket.ReceiveTimeout = socket.SendTimeout = 60_000;
            socket.Connect(new UnixDomainSocketEndPoint(path));
            UpgradeWire.Send(socket, UpgradeWire.TakeOver);
            var manifest = UpgradeWire.Receive<SocketManifest>(socket);
            int[] descriptors = DescriptorPassing.Receive(socket, manifest.Keys.Length);
            var sockets = new InheritedSockets();
            foreach ((string key, int descriptor) in manifest.Keys.Zip(descriptors)) sockets.Add(key, descriptor);
            return new TakeOver(socket, sockets, manifest.TicketKeys);
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException)
        {
            socket.Dispose();
            throw new SettingException($"--take-over {path}: no running edge hands its sockets over there: {e.Message}");
        }
    }

    /// <summary>Tells that this process can serve.</summary>
    /// <returns>The UDP flows to go on with; the running edge has stopped accepting.</returns>
    public Task<HandedFlow[]> ReadyAsync() => Task.Run(() =>
    {
        UpgradeWire.Send(_socket, UpgradeWire.Ready);
        FlowEntry[] flows = UpgradeWire.Receive<FlowManifest>(_socket).Flows;
        int[] descriptors = DescriptorPassing.Receive(_socket, flows.Length);
        return flows.Zip(descriptors, (flow, descriptor) => new HandedFlow(flow.Key, flow.Index, Parse(flow.Client), Parse(flow.Upstream), descriptor)).ToArray();
    });

    /// <summary>Tells that this process accepts, and waits until the other has let go of what only one may have.</summary>
    public Task BegunAsync() => Task.Run(() =>
    {
        UpgradeWire.Send(_socket, UpgradeWire.Begun);
        UpgradeWire.Expect(_socket, UpgradeWire.Gone);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        Sockets.Dispose();
    }

    private static Endpoint Parse(string text) => Endpoint.TryParse(text, out Endpoint endpoint) ? endpoint : throw new IOException($"\"{text}\" is no address.");
}
