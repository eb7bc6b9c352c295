using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>What a template of access lines can tell; the names are nginx's where it has one.</summary>
public enum LogVariable
{
    /// <summary>Text of the template itself.</summary>
    Text,

    /// <summary>The client's address.</summary>
    RemoteAddr,

    /// <summary>The client's port.</summary>
    RemotePort,

    /// <summary>The service that the client proved to be.</summary>
    RemoteUser,

    /// <summary>The end as RFC 3339.</summary>
    TimeIso8601,

    /// <summary>The end as the Common Log Format writes it.</summary>
    TimeLocal,

    /// <summary>The end in seconds since 1970 with milliseconds.</summary>
    Msec,

    /// <summary>Method, path and query, and protocol.</summary>
    Request,

    /// <summary>The method.</summary>
    RequestMethod,

    /// <summary>Path and query as they were sent.</summary>
    RequestUri,

    /// <summary>The path alone.</summary>
    Uri,

    /// <summary>The query alone.</summary>
    Args,

    /// <summary>HTTP/1.1 or HTTP/2.0.</summary>
    ServerProtocol,

    /// <summary>The host that was asked for.</summary>
    Host,

    /// <summary>The User-Agent field.</summary>
    HttpUserAgent,

    /// <summary>The Referer field.</summary>
    HttpReferer,

    /// <summary>The status.</summary>
    Status,

    /// <summary>Bytes to the client.</summary>
    BytesSent,

    /// <summary>Bytes from the client.</summary>
    RequestLength,

    /// <summary>Seconds from the first byte to the last.</summary>
    RequestTime,

    /// <summary>The address that was asked.</summary>
    UpstreamAddr,

    /// <summary>Seconds until it was connected.</summary>
    UpstreamConnectTime,

    /// <summary>Seconds until its response began.</summary>
    UpstreamHeaderTime,

    /// <summary>What the cache did.</summary>
    UpstreamCacheStatus,

    /// <summary>The listener.</summary>
    Listener,

    /// <summary>http, connect, upgrade, tcp and the like.</summary>
    Kind,

    /// <summary>The route or mapping that decided.</summary>
    Rule,

    /// <summary>The service that was asked for.</summary>
    Destination,

    /// <summary>allow, deny or report.</summary>
    Decision,

    /// <summary>The reason code.</summary>
    Reason,

    /// <summary>Tries after the first.</summary>
    Retries,

    /// <summary>The rule of the WAF that found something.</summary>
    Waf,
}

/// <summary>A template of access lines, read: <c>$remote_addr [$time_local] "$request" $status</c>, as nginx's log_format.</summary>
public sealed class AccessLogFormat
{
    /// <summary>Pieces of a template; a longer one is a mistake.</summary>
    private const int MaxPieces = 200;

    private const string Common = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent";
    private const string Combined = Common + " \"$http_referer\" \"$http_user_agent\"";

    private static readonly (string Name, LogVariable Variable)[] s_names =
    [
        ("remote_addr", LogVariable.RemoteAddr), ("remote_port", LogVariable.RemotePort), ("remote_user", LogVariable.RemoteUser), ("time_iso8601", LogVariable.TimeIso8601),
        ("time_local", LogVariable.TimeLocal), ("msec", LogVariable.Msec), ("request", LogVariable.Request), ("request_method", LogVariable.RequestMethod), ("request_uri", LogVariable.RequestUri),
        ("uri", LogVariable.Uri), ("args", LogVariable.Args), ("query_string", LogVariable.Args), ("server_protocol", LogVariable.ServerProtocol), ("host", LogVariable.Host), ("http_host", LogVariable.Host),
        ("http_user_agent", LogVariable.HttpUserAgent), ("http_referer", LogVariable.HttpReferer), ("status", LogVariable.Status), ("bytes_sent", LogVariable.BytesSent), ("body_bytes_sent", LogVariable.BytesSent),
        ("request_length", LogVariable.RequestLength), ("request_time", LogVariable.RequestTime), ("upstream_addr", LogVariable.UpstreamAddr), ("upstream_connect_time", LogVariable.UpstreamConnectTime),
        ("upstream_header_time", LogVariable.UpstreamHeaderTime), ("upstream_response_time", LogVariable.UpstreamHeaderTime), ("upstream_cache_status", LogVariable.UpstreamCacheStatus), ("listener", LogVariable.Listener),
        ("kind", LogVariable.Kind), ("rule", LogVariable.Rule), ("route", LogVariable.Rule), ("destination", LogVariable.Destination), ("decision", LogVariable.Decision), ("reason", LogVariable.Reason),
        ("retries", LogVariable.Retries), ("waf", LogVariable.Waf),
    ];

    private AccessLogFormat(ImmutableArray<(LogVariable Variable, string Text)> pieces) => Pieces = pieces;

    /// <summary>What a line is made of, in order.</summary>
    public ImmutableArray<(LogVariable Variable, string Text)> Pieces { get; }

    /// <summary>What is wrong with a format, and how to mend it; null when nothing is.</summary>
    /// <param name="text">json, combined, common, or a template.</param>
    public static (string Message, string Mend)? Fault(string text)
    {
        if (text is "json" or "combined" or "common") return null;
        (_, (string Message, string Mend)? fault) = Read(text);
        return fault;
    }

    /// <summary>Reads a format that has no fault; null for JSON.</summary>
    /// <param name="text">json, combined, common, or a template.</param>
    public static AccessLogFormat? Parse(string text) => text switch
    {
        "" or "json" => null,
        "combined" => new AccessLogFormat(Read(Combined).Pieces),
        "common" => new AccessLogFormat(Read(Common).Pieces),
        _ => new AccessLogFormat(Read(text).Pieces),
    };

    private static (ImmutableArray<(LogVariable Variable, string Text)> Pieces, (string Message, string Mend)? Fault) Read(string text)
    {
        var pieces = ImmutableArray.CreateBuilder<(LogVariable Variable, string Text)>();
        bool any = false;
        if (text.AsSpan().IndexOfAnyInRange('\0', '\u001F') >= 0) return ([], ("holds a line break or another control character", "write it on one line; a tab is not taken"));
        for (int at = 0; at < text.Length;)
        {
            int dollar = text.IndexOf('$', at);
            if (dollar != at)
            {
                pieces.Add((LogVariable.Text, dollar < 0 ? text[at..] : text[at..dollar]));
                at = dollar < 0 ? text.Length : dollar;
                continue;
            }

            bool braced = at + 1 < text.Length && text[at + 1] == '{';
            int start = at + (braced ? 2 : 1), end = start;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
            string name = text[start..end];
            if (braced && (end == text.Length || text[end] != '}')) return ([], ($"\"${{{name}\" has no closing brace", $"write ${{{name}}}"));
            int found = Array.FindIndex(s_names, n => n.Name == name);
            if (found < 0)
            {
                string? near = Intake.Suggestion.For(name, s_names.Select(n => n.Name));
                return ([], ($"\"${name}\" is not known", near is null ? $"it can tell {string.Join(", ", s_names.Select(n => "$" + n.Name))}" : $"did you mean ${near}?"));
            }

            pieces.Add((s_names[found].Variable, ""));
            any = true;
            at = braced ? end + 1 : end;
        }

        if (!any) return ([], ($"\"{text}\" is no format", "write json, combined, common, or a template such as $remote_addr \"$request\" $status"));
        return pieces.Count > MaxPieces ? ([], ("has more than 200 pieces", "make it shorter")) : (pieces.ToImmutable(), null);
    }
}
