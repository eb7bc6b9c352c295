using System.Collections.Immutable;
using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Socks;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>
/// One client connection that speaks HTTP/1.1, from accept to close: requests one after another, in order, whatever was pipelined. While it
/// is idle it holds no buffer and no exchange.
/// </summary>
internal sealed class HttpSession : IEdgeSession
{
    private const byte SocksVersion = 5;
    private readonly EdgeLoop _edge;
    private readonly ActiveListener _listener;
    private Block? _input;
    private int _start, _end;
    private int _served;
    private PeerAddress? _peer;
    private System.Net.IPAddress? _address;
    private EdgeConfig? _addressConfig;
    private ImmutableArray<Service> _byAddress;
    private HttpExchange? _exchange;
    private TlsIdentity? _certificate;
    private bool _handedOver;

    private HttpSession(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        _edge = edge;
        _listener = listener;
        Client = client;
    }

    /// <summary>The client's connection.</summary>
    public TcpConnection Client { get; }

    /// <summary>The listener it came in by.</summary>
    public ActiveListener Listener => _listener;

    /// <summary>The client's address as header fields spell it; written once.</summary>
    public PeerAddress Peer => _peer ??= NewPeer();

    /// <summary>The client's IP address; null over a Unix socket. Made once.</summary>
    public System.Net.IPAddress? Address => _address ??= Client.Remote.Address;

    /// <summary>Whether the client came over TLS.</summary>
    public bool IsSecure => Client.Tls is not null;

    /// <summary>The services that the client's address alone makes it one of under a configuration.</summary>
    public ImmutableArray<Service> KnownByAddress(EdgeConfig config)
    {
        if (!ReferenceEquals(config, _addressConfig))
        {
            _addressConfig = config;
            _byAddress = Address is { } address ? config.Snapshot.Egress.FindByAddress(address) : [];
        }

        return _byAddress;
    }

    /// <summary>Where a client that was caught on its way was going; default for one that asked us.</summary>
    public Endpoint Destination { get; private init; }

    /// <summary>The service that the client's certificate makes it under a configuration, or null.</summary>
    public ServiceIdentity? KnownByCertificate(EdgeConfig config) => ClientProof.ByCertificate(config, _certificate);

    /// <summary>Bytes read from the client and not yet used.</summary>
    public ReadOnlySpan<byte> Pending => _input is null ? default : _input.Span[_start.._end];

    /// <summary>The same, for code that crosses an await.</summary>
    public ReadOnlyMemory<byte> PendingMemory => _input is null ? default : _input.Memory[_start.._end];

    /// <summary>Whether this connection ends after the present exchange.</summary>
    public bool IsLast => _edge.IsDraining || _listener.IsClosed || _served >= _edge.Settings.MaxRequestsPerConnection;

    IEdgeSession? IEdgeSession.Next { get; set; }

    IEdgeSession? IEdgeSession.Previous { get; set; }

    /// <summary>Takes a fresh connection over.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="client">The client.</param>
    /// <param name="listener">The listener that it came in by.</param>
    /// <param name="destination">Where it was going when it was caught; default when it asked us.</param>
    public static void Start(EdgeLoop edge, TcpConnection client, ActiveListener listener, Endpoint destination = default)
    {
        var session = new HttpSession(edge, client, listener) { Destination = destination };
        edge.Sessions.Add(session);
        _ = session.RunAsync();
    }

    /// <summary>Uses up bytes of <see cref="Pending"/>.</summary>
    public void Consume(int count)
    {
        _start += count;
        Debug.Assert(_start <= _end, "more was used than was read");
        if (_start == _end) _start = _end = 0;
    }

    /// <summary>Reads more into the input block.</summary>
    /// <returns>Bytes read, 0 at the client's end, or a negative error number; -ENOBUFS when the block is full or none is left.</returns>
    public int TryFill()
    {
        _input ??= _edge.Loop.Buffers.TryRent();
        if (_input is null) return -Errno.ENOBUFS;
        if (_end == _input.Length && !MakeRoom()) return -Errno.ENOBUFS;
        int n = Client.TryReceive(_input.Span[_end..]);
        if (n > 0) _end += n;
        return n;
    }

    /// <summary>Asks an idle session to end now; a busy one ends after its exchange.</summary>
    public void Drain()
    {
        if (_exchange is null) Client.Close();
    }

    /// <summary>Ends the session at once.</summary>
    public void Kill() => Client.Abort();

    private async Task RunAsync()
    {
        try
        {
            if (_listener.Tls is not null && !await HandshakeAsync()) return;
            if (Client.Tls?.NegotiatedProtocol == Net.Tls.TlsProtocol.H2 && HandOver()) return;
            while (true)
            {
                // The next request's first byte, waited for without a buffer.
                if (_start == _end)
                {
                    int n = TryFill();
                    if (n == -Errno.EAGAIN)
                    {
                        ReleaseInput();
                        if (_served > 0 && IsLast) return;
                        n = await Client.ReadableAsync(_served == 0 ? _edge.Settings.RequestHeadMs : _edge.Settings.ClientIdleMs);
                        if (n < 0) return;
                        continue;
                    }

                    if (n <= 0) return;
                }

                if (_served == 0 && _listener.Purpose == ListenerPurpose.ForwardProxy && Pending[0] == SocksVersion)
                {
                    await new SocksExchange(_edge, this).RunAsync();
                    return;
                }

                if (_served == 0 && _listener.Purpose == ListenerPurpose.Ingress && Pending.StartsWith("PRI * HTTP/2.0"u8) && HandOver()) return;
                HttpExchange exchange = _exchange = _edge.RentExchange(this);
                bool goOn = await exchange.RunAsync();
                _exchange = null;
                _edge.ReturnExchange(exchange);
                if (!goOn) return;
                _served++;
                if (_start == _end) ReleaseInput();
            }
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
            Client.Abort();
        }
        finally
        {
            if (!_handedOver) Client.Close();
            ReleaseInput();
            _edge.Sessions.Remove(this);
        }
    }

    /// <summary>Leaves a connection that speaks HTTP/2 to Kestrel, which closes it in the end.</summary>
    private bool HandOver()
    {
        var origin = new EdgeConnection(_edge, _listener, Client.Remote, Client.Local, Client.Tls?.ServerName, IsSecure);
        return _handedOver = !_edge.IsDraining && _edge.Http2?.HandOver(Client, PendingMemory, origin) == true;
    }

    private PeerAddress NewPeer()
    {
        var peer = new PeerAddress();
        peer.Set(Client.Remote.Address ?? System.Net.IPAddress.None);
        return peer;
    }

    private async ValueTask<bool> HandshakeAsync()
    {
        Net.Tls.TlsSession session = _listener.Tls!.CreateSession(Client.TlsDescriptor);
        int result = await Client.StartTlsAsync(session, _edge.Settings.HandshakeMs);
        if (result == 0)
        {
            _edge.Metrics.TlsHandshakes.Inc();
            if (_listener.Resource.Tls?.ClientCa is not null) _certificate = TlsIdentity.Of(session);
            return true;
        }

        _edge.Metrics.TlsFailures.Inc();
        AccessRecord record = new();
        record.Begin(_listener.Name, Client.Remote);
        record.Kind = "tls";
        record.Reason = result == -Errno.EPROTO ? "tls-handshake-failed" : "tls-" + Errno.Name(result);
        record.Ended = Stopwatch.GetTimestamp();
        _edge.Finish(record);
        return false;
    }

    /// <summary>Moves unused bytes to the front, or to a large block when a head is bigger than a small one.</summary>
    private bool MakeRoom()
    {
        if (_start > 0)
        {
            Pending.CopyTo(_input!.Span);
            _end -= _start;
            _start = 0;
            return true;
        }

        if (_input!.Owner == _edge.Loop.LargeBuffers || _edge.Loop.LargeBuffers.TryRent() is not { } large) return false;
        Pending.CopyTo(large.Span);
        _input.Owner.Return(_input);
        _input = large;
        return true;
    }

    private void ReleaseInput()
    {
        if (_input is null) return;
        _input.Owner.Return(_input);
        _input = null;
        _start = _end = 0;
    }
}
