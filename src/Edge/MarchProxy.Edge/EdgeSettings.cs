namespace MarchProxy.Edge;

/// <summary>The limits and timers of an edge process. Times are in milliseconds; every default says whose it matches or why.</summary>
public sealed record EdgeSettings
{
    /// <summary>The usual ones.</summary>
    public static EdgeSettings Default { get; } = new();

    /// <summary>For a whole request head to arrive, from its first byte or the accept. Default 10 s: a slowloris holds a connection no longer.</summary>
    public long RequestHeadMs { get; init; } = 10_000;

    /// <summary>For the next request on an idle connection. Default 75 s, as nginx's keepalive_timeout.</summary>
    public long ClientIdleMs { get; init; } = 75_000;

    /// <summary>Without any progress of a body, in either direction. Default 60 s, as nginx's client_body_timeout and proxy_read_timeout.</summary>
    public long BodyStallMs { get; init; } = 60_000;

    /// <summary>For a connection to an upstream. Default 5 s: longer helps nobody who waits for an answer.</summary>
    public long ConnectMs { get; init; } = 5_000;

    /// <summary>For the response head once the request was sent, when neither route nor mapping says another. Default 60 s, as nginx's proxy_read_timeout.</summary>
    public long ResponseHeadMs { get; init; } = 60_000;

    /// <summary>For the TLS handshake of a client. Default 10 s.</summary>
    public long HandshakeMs { get; init; } = 10_000;

    /// <summary>Without a byte either way in a tunnel. Default 5 min: above the 60–240 s of usual keep-alive pings.</summary>
    public long TunnelIdleMs { get; init; } = 300_000;

    /// <summary>Without a datagram either way in a UDP flow. Default 60 s, as Envoy's udp_proxy.</summary>
    public long UdpIdleMs { get; init; } = 60_000;

    /// <summary>For open connections to end after the edge was told to stop. Default 30 s, Kubernetes' grace period.</summary>
    public long DrainMs { get; init; } = 30_000;

    /// <summary>Between telling that it is not ready and closing the listeners, for load balancers to notice. Default 0: only who has one knows how long it takes.</summary>
    public long DrainDelayMs { get; init; }

    /// <summary>
    /// For idle client connections to bring one more request after the edge was told to stop, which is answered with <c>Connection: close</c>; closing them at once would
    /// meet requests on their way. Default 5 s, as HAProxy's close-spread-time is commonly set.
    /// </summary>
    public long DrainIdleMs { get; init; } = 5_000;

    /// <summary>Connections one loop serves at a time; above it new ones get 503 where HTTP is spoken in clear, and are closed. Default 100,000: an idle one costs about 1 KiB.</summary>
    public int MaxConnectionsPerLoop { get; init; } = 100_000;

    /// <summary>HTTP requests one loop has under way at a time; above it new ones get 503. Default 16,384: at 16 KiB each way, what the buffers carry.</summary>
    public int MaxRequestsPerLoop { get; init; } = 16_384;

    /// <summary>Connections to upstreams that one loop is making at a time; above it what needs another gets 503. Default 4,096: behind a dead upstream, 800 requests a second for the 5 s of a connect.</summary>
    public int MaxPendingConnectsPerLoop { get; init; } = 4_096;

    /// <summary>Bytes that the buffers of one loop may take; new connections are refused when 95 % are out. Default 512 MiB: 16,000 busy connections at 16 KiB each way.</summary>
    public long MaxBufferBytesPerLoop { get; init; } = 512L << 20;

    /// <summary>Bytes a request body may have; zero for no bound. Bodies are streamed, so the default is none.</summary>
    public long MaxRequestBodyBytes { get; init; }

    /// <summary>Requests served on one client connection before it is closed. Default 1,000,000: long enough never to matter, short enough to rebalance.</summary>
    public int MaxRequestsPerConnection { get; init; } = 1_000_000;

    /// <summary>Bytes of memory for stored responses, over all routes. Default 128 MiB: what a small host can spare.</summary>
    public long CacheBytes { get; init; } = 128 << 20;

    /// <summary>How access lines are written: json (default), combined, common, or a template with nginx's names.</summary>
    public string AccessLogFormat { get; init; } = "json";

    /// <summary>Of a hundred access lines about what went well, how many are written. Default all; refusals and errors always are.</summary>
    public int AccessLogSample { get; init; } = 100;

    /// <summary>Event loops; zero for one a core.</summary>
    public int Loops { get; init; }
}
