using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Socks;

/// <summary>
/// The datagrams of one SOCKS5 client (RFC 1928 section 7): a port of its own, that hears only the address which opened it, and a flow for each destination, each
/// decided like everything else. It lives as long as its TCP connection.
/// </summary>
internal sealed class SocksAssociation(EdgeLoop edge, HttpSession session, EdgeConfig config, ServiceIdentity? identity) : IDisposable
{
    /// <summary>Destinations at a time; a resolver asks a few, a game some dozens.</summary>
    private const int MaxFlows = 256;
    private readonly Dictionary<string, SocksFlow> _flows = new(StringComparer.Ordinal);
    private UdpSocket? _socket;
    private Endpoint _client;

    /// <summary>Answers the request and carries datagrams until the client closes.</summary>
    public async ValueTask<bool> RunAsync(AccessRecord record)
    {
        record.Kind = "socks-udp";
        _socket = UdpSocket.Bind(edge.Loop, session.Client.Local.WithPort(0), 1 << 20);
        byte[] answer = new byte[22];
        answer[0] = 5;
        int length = 3 + SocksAddress.Write(answer.AsSpan(3), _socket.Local);
        if (await session.Client.SendAllAsync(answer.AsMemory(0, length), edge.Settings.BodyStallMs) < 0) return false;
        _ = ReceiveAsync(_socket);
        while (true)
        {
            int n = session.TryFill();
            session.Consume(session.Pending.Length);
            if (n == -Errno.EAGAIN) n = await session.Client.ReadableAsync(0);
            else if (n == 0) return true;
            if (n < 0) return n != -Errno.ECANCELED;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
        foreach (SocksFlow flow in _flows.Values.ToArray()) flow.End("closed");
    }

    /// <summary>Sends answers to the client.</summary>
    public void Answer(UdpBatch answers)
    {
        int sent = _socket?.TrySend(answers) ?? 0;
        edge.Metrics.Datagrams.Out.Add(Math.Max(0, sent));
        if (sent < answers.Count) edge.Metrics.Datagrams.Dropped("client-unreachable", answers.Count - Math.Max(0, sent));
    }

    public Endpoint Client => _client;

    public EdgeLoop Edge => edge;

    public void Forget(string key) => _flows.Remove(key);

    private async Task ReceiveAsync(UdpSocket socket)
    {
        try
        {
            while (_socket is not null)
            {
                int n = await socket.ReadableAsync(0);
                if (n == -Errno.ECANCELED) return;
                UdpBatch batch = edge.Datagrams.Received;
                while (_socket is not null && (n = socket.TryReceive(batch)) > 0)
                {
                    edge.Metrics.Datagrams.In.Add(n);
                    for (int i = 0; i < n; i++) Take(batch[i], batch.Peer(i));
                }
            }
        }
        catch (Exception e)
        {
            edge.ReportDefect(e);
        }
    }

    private void Take(ReadOnlySpan<byte> datagram, in Endpoint from)
    {
        // Whoever is not the client is a stranger; the client's port is the one that it first speaks from.
        if (_client == default && Equals(from.Address, session.Connection.Address)) _client = from;
        int address = datagram.Length > 4 ? SocksAddress.Length(datagram[3..]) : 0;

        // Fragments are not put together: RFC 1928 lets a server drop them, and every one does.
        if (from != _client || address <= 0 || datagram.Length < 3 + address || datagram[2] != 0)
        {
            edge.Metrics.Datagrams.Dropped("socks-malformed", 1);
            return;
        }

        ReadOnlySpan<byte> destination = datagram.Slice(3, address);
        string key = Encoding.Latin1.GetString(destination);
        if (_flows.TryGetValue(key, out SocksFlow? flow) && !ReferenceEquals(flow.Config, edge.Config)) flow.End(null);
        if (flow is null || flow.IsEnded)
        {
            if (_flows.Count >= MaxFlows)
            {
                edge.Metrics.Datagrams.Dropped("overload", 1);
                return;
            }

            // After an edit the client is who it was, if the service still stands and proves itself the same way.
            EdgeConfig now = edge.Config;
            ServiceIdentity? proven = ReferenceEquals(now, config) ? identity
                : identity is { } before && now.Snapshot.Egress.FindService(before.Service.Name) is { } service && service.Auth.Type == before.Proof ? before with { Service = service } : null;
            flow = new SocksFlow(this, session, now, proven, key, destination.ToArray());
            _flows[key] = flow;
            _ = flow.RunAsync();
        }

        UdpBatch outgoing = edge.Datagrams.Outgoing;
        outgoing.Clear();
        outgoing.TryAdd(datagram[(3 + address)..], default);
        flow.Send(outgoing);
    }
}
