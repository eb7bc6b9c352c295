using System.Diagnostics;
using System.Text;
using MarchProxy.Net;

namespace MarchProxy.Edge.Access;

/// <summary>
/// What one request or one connection was: the source of its canonical log line and of its metrics. Reused, so that filling it allocates
/// nothing; texts are kept as bytes, cut at a bound.
/// </summary>
internal sealed class AccessRecord
{
    private const int TextCapacity = 2048;
    private readonly byte[] _text = new byte[TextCapacity];
    private int _used;
    private (int Start, int Length) _method, _host, _path, _agent, _referer;

    /// <summary>"http", "connect", "upgrade" or "tcp".</summary>
    public string Kind = "http";

    public string Listener = "";
    public Endpoint Client;

    /// <summary>The service that asks, or null when nobody was recognised.</summary>
    public string? Source;

    /// <summary>The service asked for, or null.</summary>
    public string? Destination;

    /// <summary>The mapping or route that decided, or null.</summary>
    public string? Rule;

    /// <summary>"allow", "deny" or "report"; null where nothing was decided.</summary>
    public string? Effect;

    /// <summary>A reason code when it did not go well, else null.</summary>
    public string? Reason;

    public Endpoint Upstream;
    public bool UpstreamReused;
    public int Status;
    public int Retries;
    public long BytesIn, BytesOut;

    /// <summary>Stopwatch ticks; zero where it did not happen.</summary>
    public long Started, Connected, FirstByte, Ended;

    /// <summary>What the cache did: hit, stale, revalidated, expired, miss or bypass; null where none is.</summary>
    public string? Cache;

    /// <summary>The rule of the WAF that found something, else null.</summary>
    public string? Waf;

    /// <summary>Whether no client waited for it: a copy of a request, or the renewal of a stored response.</summary>
    public bool IsErrand => Kind is "mirror" or "refresh";

    public ReadOnlySpan<byte> UserAgent => _text.AsSpan(_agent.Start, _agent.Length);

    public ReadOnlySpan<byte> Referer => _text.AsSpan(_referer.Start, _referer.Length);

    public ReadOnlySpan<byte> Method => _text.AsSpan(_method.Start, _method.Length);

    public ReadOnlySpan<byte> Host => _text.AsSpan(_host.Start, _host.Length);

    public ReadOnlySpan<byte> Path => _text.AsSpan(_path.Start, _path.Length);

    public void Begin(string listener, in Endpoint client)
    {
        _used = 0;
        _method = _host = _path = _agent = _referer = default;
        Kind = "http";
        Listener = listener;
        Client = client;
        Source = Destination = Rule = Effect = Reason = Cache = Waf = null;
        Upstream = default;
        UpstreamReused = false;
        Status = Retries = 0;
        BytesIn = BytesOut = Connected = FirstByte = Ended = 0;
        Started = Stopwatch.GetTimestamp();
    }

    public void SetRequest(ReadOnlySpan<byte> method, ReadOnlySpan<byte> host, ReadOnlySpan<byte> path)
    {
        _used = 0;
        _method = Keep(method, 32);
        _host = Keep(host, 256);
        _path = Keep(path, 1024);
    }

    /// <summary>Keeps fields that only some formats tell; after <see cref="SetRequest"/>.</summary>
    public void SetAgent(ReadOnlySpan<byte> agent, ReadOnlySpan<byte> referer)
    {
        _agent = Keep(agent, 256);
        _referer = Keep(referer, 480);
    }

    public void SetHost(string host)
    {
        Span<byte> bytes = stackalloc byte[256];
        Encoding.UTF8.TryGetBytes(host.AsSpan(0, Math.Min(host.Length, 80)), bytes, out int written);
        _host = Keep(bytes[..written], 256);
    }

    private (int Start, int Length) Keep(ReadOnlySpan<byte> text, int most)
    {
        int length = Math.Min(Math.Min(text.Length, most), TextCapacity - _used);
        text[..length].CopyTo(_text.AsSpan(_used));
        var kept = (_used, length);
        _used += length;
        return kept;
    }
}
