using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Overload;
using MarchProxy.Edge.Socks;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Http;

/// <summary>
/// One client connection that speaks HTTP/1.1, from accept to close: requests one after another, in order, whatever was pipelined. While it
/// is idle it holds no buffer and no exchange. What else a first byte may announce (SOCKS, HTTP/2) goes to those who speak it.
/// </summary>
internal sealed partial class HttpSession : ClientStream, IEdgeSession
{
    private const byte SocksVersion = 5;
    private readonly EdgeLoop _edge;
    private readonly ActiveListener _listener;
    private ReceiveBuffer _input;
    private int _served;
    private HttpExchange? _exchange;
    private Http2Session? _http2;
    private bool _refused;

    private HttpSession(EdgeLoop edge, TcpConnection client, ActiveListener listener, Endpoint destination)
    {
        _edge = edge;
        _listener = listener;
        Client = client;
        Connection = new ClientConnection(client, listener) { Destination = destination };
    }

    /// <summary>The client's connection.</summary>
    public TcpConnection Client { get; }

    /// <inheritdoc/>
    public override ClientConnection Connection { get; }

    /// <summary>Bytes read from the client and not yet used.</summary>
    public ReadOnlySpan<byte> Pending => _input.Pending;

    /// <summary>The same, for code that crosses an await.</summary>
    public ReadOnlyMemory<byte> PendingMemory => _input.Memory;

    /// <inheritdoc/>
    public override bool IsLast => _edge.IsDraining || _listener.IsClosed || _served >= _edge.Settings.MaxRequestsPerConnection;

    IEdgeSession? ISessionNode<IEdgeSession>.Next { get; set; }

    IEdgeSession? ISessionNode<IEdgeSession>.Previous { get; set; }

    /// <summary>Takes a fresh connection over.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="client">The client.</param>
    /// <param name="listener">The listener that it came in by.</param>
    /// <param name="destination">Where it was going when it was caught; default when it asked us.</param>
    public static void Start(EdgeLoop edge, TcpConnection client, ActiveListener listener, Endpoint destination = default)
    {
        var session = new HttpSession(edge, client, listener, destination);
        edge.Sessions.Add(session);
        _ = session.RunAsync();
    }

    /// <summary>Uses up bytes of <see cref="Pending"/>.</summary>
    public void Consume(int count) => _input.Consume(count);

    /// <summary>Reads more into the input block.</summary>
    /// <returns>Bytes read, 0 at the client's end, or a negative error number; -ENOBUFS when the block is full or none is left.</returns>
    public int TryFill() => _input.TryFill(Client, _edge.Loop);

    /// <summary>HTTP/1.1 tells it with the next response; HTTP/2 has frames for it.</summary>
    public void Announce() => _http2?.Drain();

    /// <summary>Asks an idle session to end now; a busy one ends after its exchange.</summary>
    public void Drain()
    {
        if (_http2 is not null) _http2.Drain();
        else if (_exchange is null) Client.Close();
    }

    /// <summary>Ends the session at once.</summary>
    public void Kill() => Client.Abort();

    private async Task RunAsync()
    {
        try
        {
            ListenerTerms terms = _listener.Terms;
            if (terms.Tls is { } tls && !await HandshakeAsync(terms, tls)) return;
            while (true)
            {
                // The next request's first byte, waited for without a buffer.
                if (_input.IsEmpty)
                {
                    int n = TryFill();
                    if (n == -Errno.EAGAIN)
                    {
                        _input.Release();
                        n = await Client.ReadableAsync(_served == 0 ? _edge.Settings.RequestHeadMs : IsLast ? Math.Max(1, _edge.Settings.DrainIdleMs) : _edge.Settings.ClientIdleMs);
                        if (n < 0) return;
                        continue;
                    }

                    if (n == -Errno.ENOBUFS) Refuse(Refusals.Memory);
                    if (n <= 0) return;
                }

                if (_served == 0 && _listener.Purpose == ListenerPurpose.ForwardProxy && Pending[0] == SocksVersion)
                {
                    await new SocksExchange(_edge, this).RunAsync();
                    return;
                }

                if (_served == 0 && SpeaksHttp2 && await PrefaceAsync() is not false and var preface)
                {
                    if (preface == true) await ServeHttp2Async();
                    return;
                }

                if (!_edge.TakesRequests)
                {
                    Refuse(Refusals.Requests);
                    return;
                }

                HttpExchange exchange = _exchange = _edge.RentExchange(this);
                bool goOn = await exchange.RunAsync();
                _exchange = null;
                _edge.ReturnExchange(exchange);
                if (!goOn) return;
                _served++;
                if (_input.IsEmpty) _input.Release();
            }
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
            Client.Abort();
        }
        finally
        {
            if (!_refused) Client.Close();
            _input.Release();
            _edge.Sessions.Remove(this);
        }
    }

    /// <summary>Answers 503 to what was not looked at; the connection closes once the client has had time to read it.</summary>
    private void Refuse(string what)
    {
        _refused = true;
        _edge.Refusals.Request(Client, what);
    }

    /// <summary>Whether clients may speak HTTP/2 here: by ALPN, or without TLS by prior knowledge (RFC 9113 section 3.3).</summary>
    private bool SpeaksHttp2 => _listener.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy && (Client.Tls is not { } tls || tls.NegotiatedProtocol == Net.Tls.TlsProtocol.H2);

    /// <summary>Reads on until it is clear whether the connection begins with the preface of HTTP/2.</summary>
    /// <returns>Whether it does; null when the client left or must, having promised it.</returns>
    private async ValueTask<bool?> PrefaceAsync()
    {
        long deadline = _edge.Loop.NowMs + _edge.Settings.RequestHeadMs;
        while (true)
        {
            ReadOnlySpan<byte> pending = Pending, preface = Http2Connection.Preface;
            int length = Math.Min(pending.Length, preface.Length);
            if (!pending[..length].SequenceEqual(preface[..length])) return Client.Tls is null ? false : null;
            if (length == preface.Length) return true;
            if (await ReadMoreAsync(deadline) <= 0) return null;
        }
    }

    private async ValueTask ServeHttp2Async()
    {
        _input.Consume(Http2Connection.Preface.Length);
        ReceiveBuffer early = _input;
        _input = default;
        _http2 = new Http2Session(_edge, Connection);
        if (_edge.IsDraining) _http2.Drain();
        await _http2.RunAsync(early);
        if (_http2.Fault is not { } fault) return;
        AccessRecord record = new();
        record.Begin(_listener.Name, Client.Remote);
        record.Kind = "http2";
        record.Reason = "h2-" + fault;
        record.Ended = Stopwatch.GetTimestamp();
        _edge.Finish(record);
    }

    private async ValueTask<bool> HandshakeAsync(ListenerTerms terms, Net.Tls.TlsServerContext tls)
    {
        Net.Tls.TlsSession session = tls.CreateSession(Client.TlsDescriptor);
        int result = await Client.StartTlsAsync(session, _edge.Settings.HandshakeMs);
        if (result == 0)
        {
            _edge.Metrics.TlsHandshakes.Inc();
            if (terms.Resource.Tls?.ClientCa is not null) Connection.Certificate = TlsIdentity.Of(session);
            if (terms.Resource.Tls is not { ClientNames.IsEmpty: false } rules || Connection.Certificate?.IsOneOf(rules.ClientNames) == true) return true;
        }

        _edge.Metrics.TlsFailures.Inc();
        AccessRecord record = new();
        record.Begin(_listener.Name, Client.Remote);
        record.Kind = "tls";
        record.Reason = result == 0 ? "client-name" : result == -Errno.EPROTO ? "tls-handshake-failed" : "tls-" + Errno.Name(result);
        record.Ended = Stopwatch.GetTimestamp();
        _edge.Finish(record);
        return false;
    }
}
