using System.CommandLine;
using System.Globalization;
using MarchProxy.Edge;

namespace MarchProxy.Cli.Configuration;

/// <summary>What a limit counts.</summary>
internal enum LimitUnit
{
    /// <summary>Time: 500ms, 30s, 5m, 2h; a plain number is seconds.</summary>
    Time,

    /// <summary>Bytes: 64k, 10m, 1g; a plain number is bytes.</summary>
    Bytes,

    /// <summary>A count.</summary>
    Count,
}

/// <summary>One limit or timer of the edge as an option.</summary>
internal sealed record EdgeLimit(string Name, LimitUnit Unit, long Least, long Most, string Description, Func<EdgeSettings, long> Get, Func<EdgeSettings, long, EdgeSettings> Set)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<EdgeLimit> All { get; } =
    [
        new("--request-head-timeout", LimitUnit.Time, 100, 3_600_000, "For a whole request head to arrive.", s => s.RequestHeadMs, (s, v) => s with { RequestHeadMs = v }),
        new("--client-idle-timeout", LimitUnit.Time, 100, 86_400_000, "For the next request on an idle client connection.", s => s.ClientIdleMs, (s, v) => s with { ClientIdleMs = v }),
        new("--body-stall-timeout", LimitUnit.Time, 100, 86_400_000, "Without progress of a body in either direction.", s => s.BodyStallMs, (s, v) => s with { BodyStallMs = v }),
        new("--connect-timeout", LimitUnit.Time, 10, 600_000, "For a connection to an upstream.", s => s.ConnectMs, (s, v) => s with { ConnectMs = v }),
        new("--response-head-timeout", LimitUnit.Time, 10, 86_400_000, "For a response to begin when neither route nor mapping says another.", s => s.ResponseHeadMs, (s, v) => s with { ResponseHeadMs = v }),
        new("--handshake-timeout", LimitUnit.Time, 100, 600_000, "For the TLS handshake of a client.", s => s.HandshakeMs, (s, v) => s with { HandshakeMs = v }),
        new("--tunnel-idle-timeout", LimitUnit.Time, 100, 604_800_000, "Without a byte either way in a tunnel.", s => s.TunnelIdleMs, (s, v) => s with { TunnelIdleMs = v }),
        new("--udp-idle-timeout", LimitUnit.Time, 10, 86_400_000, "Without a datagram either way in a UDP flow.", s => s.UdpIdleMs, (s, v) => s with { UdpIdleMs = v }),
        new("--drain-timeout", LimitUnit.Time, 0, 86_400_000, "For open connections to end after a stop.", s => s.DrainMs, (s, v) => s with { DrainMs = v }),
        new("--drain-delay", LimitUnit.Time, 0, 3_600_000, "Between telling that it is not ready and closing the listeners after a stop.", s => s.DrainDelayMs, (s, v) => s with { DrainDelayMs = v }),
        new("--drain-idle-timeout", LimitUnit.Time, 0, 3_600_000, "For idle client connections to bring one more request after a stop.", s => s.DrainIdleMs, (s, v) => s with { DrainIdleMs = v }),
        new("--max-connections-per-loop", LimitUnit.Count, 1, 10_000_000, "Client connections one loop serves at a time.", s => s.MaxConnectionsPerLoop, (s, v) => s with { MaxConnectionsPerLoop = (int)v }),
        new("--max-requests-per-loop", LimitUnit.Count, 1, 10_000_000, "HTTP requests one loop has under way at a time.", s => s.MaxRequestsPerLoop, (s, v) => s with { MaxRequestsPerLoop = (int)v }),
        new("--max-pending-connects-per-loop", LimitUnit.Count, 1, 1_000_000, "Connections to upstreams one loop is making at a time.", s => s.MaxPendingConnectsPerLoop, (s, v) => s with { MaxPendingConnectsPerLoop = (int)v }),
        new("--max-buffer-memory-per-loop", LimitUnit.Bytes, 1 << 20, 1L << 40, "Bytes that the buffers of one loop may take.", s => s.MaxBufferBytesPerLoop, (s, v) => s with { MaxBufferBytesPerLoop = v }),
        new("--max-requests-per-connection", LimitUnit.Count, 1, int.MaxValue, "Requests on one client connection before it is closed.", s => s.MaxRequestsPerConnection, (s, v) => s with { MaxRequestsPerConnection = (int)v }),
        new("--max-request-body", LimitUnit.Bytes, 0, long.MaxValue, "Bytes a request body may have; 0 for no bound.", s => s.MaxRequestBodyBytes, (s, v) => s with { MaxRequestBodyBytes = v }),
        new("--cache-size", LimitUnit.Bytes, 0, long.MaxValue, "Bytes of memory for stored responses, over all routes that cache.", s => s.CacheBytes, (s, v) => s with { CacheBytes = v }),
        new("--access-log-sample", LimitUnit.Count, 0, 100, "Of a hundred access lines about what went well, how many are written; refusals and errors always are.", s => s.AccessLogSample, (s, v) => s with { AccessLogSample = (int)v }),
        new("--loops", LimitUnit.Count, 0, 1024, "Event loops, one thread each; 0 for one a core.", s => s.Loops, (s, v) => s with { Loops = (int)v }),
    ];

    /// <summary>The limit as an option whose value is in milliseconds, bytes or pieces; null when the flag is not given.</summary>
    public Option<long?> ToOption(SettingSource settings)
    {
        settings.Declare(Name);
        return new Option<long?>(Name)
        {
            Description = $"{Description} Default {Written(Get(EdgeSettings.Default))}. Environment: {SettingSource.Variable(Name)}.",
            HelpName = Unit switch { LimitUnit.Time => "TIME", LimitUnit.Bytes => "BYTES", _ => "COUNT" },
            CustomParser = result =>
            {
                string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (TryParse(text, out long value)) return value;
                result.AddError(Fault(text));
                return null;
            },
        };
    }

    /// <summary>The value that holds: the flag's, else the environment's or the file's, else the default.</summary>
    /// <exception cref="SettingException">What stands in the environment or the file is no such value.</exception>
    public long Resolve(long? flag, SettingSource settings)
    {
        if (flag is { } given) return given;
        if (settings.Find(Name) is not { } text) return Get(EdgeSettings.Default);
        return TryParse(text, out long value) ? value : throw new SettingException(Fault(text));
    }

    private string Fault(string text)
    {
        string example = Unit switch { LimitUnit.Time => "500ms, 30s, 5m or 2h", LimitUnit.Bytes => "64k, 10m or 1g", _ => "a whole number" };
        return $"{Name} {text}: write {example}, from {Written(Least)} to {Written(Most)}.";
    }

    private bool TryParse(string text, out long value)
    {
        (string number, double factor) = Unit switch
        {
            LimitUnit.Time when text.EndsWith("ms", StringComparison.Ordinal) => (text[..^2], 1),
            LimitUnit.Time when text.EndsWith('s') => (text[..^1], 1000),
            LimitUnit.Time when text.EndsWith('m') => (text[..^1], 60_000),
            LimitUnit.Time when text.EndsWith('h') => (text[..^1], 3_600_000),
            LimitUnit.Time => (text, 1000),
            LimitUnit.Bytes when text.EndsWith('k') => (text[..^1], 1L << 10),
            LimitUnit.Bytes when text.EndsWith('m') => (text[..^1], 1L << 20),
            LimitUnit.Bytes when text.EndsWith('g') => (text[..^1], 1L << 30),
            _ => (text, 1d),
        };
        bool read = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount);
        double product = amount * factor;
        value = read && product < long.MaxValue ? (long)product : -1;
        return read && value >= Least && value <= Most && (Unit != LimitUnit.Count || product == value);
    }

    private string Written(long value) => Unit switch
    {
        LimitUnit.Time when value % 1000 != 0 => string.Create(CultureInfo.InvariantCulture, $"{value}ms"),
        LimitUnit.Time => string.Create(CultureInfo.InvariantCulture, $"{value / 1000}s"),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
