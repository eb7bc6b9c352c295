using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Encodes heads that were written as HTTP/1.1 for HTTP/2 (RFC 9113 section 8.2.2): without what is about a connection, names in lower case.</summary>
internal static class HeadEncoder
{
    private static readonly ulong s_ofConnection = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.TransferEncoding, KnownHeader.Upgrade, KnownHeader.Host);

    [ThreadStatic] private static byte[]? t_name;

    /// <summary>Bytes that a head of this length takes at most: a hundred lines may each need a little more than they had.</summary>
    public static int MaxLength(int head) => head + 2048;

    /// <summary>Encodes a response's head.</summary>
    /// <param name="encoder">The connection's.</param>
    /// <param name="target">Has room for <see cref="MaxLength"/>.</param>
    /// <param name="head">The head as HTTP/1.1 writes it.</param>
    /// <param name="webSocket">Whether it answers an extended CONNECT: then a switch of protocols is a success (RFC 8441 section 5).</param>
    public static int Response(HpackEncoder encoder, Span<byte> target, ReadOnlySpan<byte> head, bool webSocket)
    {
        int status = ((head[9] - '0') * 100) + ((head[10] - '0') * 10) + (head[11] - '0');
        int at = encoder.Begin(target);
        at += HpackEncoder.Status(target[at..], webSocket && status == 101 ? 200 : status);
        return at + Fields(encoder, target[at..], head[(head.IndexOf("\r\n"u8) + 2)..], webSocket ? "sec-websocket-accept"u8 : default);
    }

    /// <summary>Encodes a request's head.</summary>
    /// <param name="encoder">The connection's.</param>
    /// <param name="target">Has room for <see cref="MaxLength"/>.</param>
    /// <param name="head">The head as HTTP/1.1 writes it, in origin-form.</param>
    /// <param name="secure">Whether the scheme is https.</param>
    /// <param name="webSocket">Whether it is a WebSocket's handshake, which becomes an extended CONNECT.</param>
    public static int Request(HpackEncoder encoder, Span<byte> target, ReadOnlySpan<byte> head, bool secure, bool webSocket)
    {
        ReadOnlySpan<byte> line = head[..head.IndexOf("\r\n"u8)], lines = head[(line.Length + 2)..];
        int space = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> method = line[..space], path = line[(space + 1)..line.LastIndexOf((byte)' ')];
        int at = encoder.Begin(target);
        if (webSocket) at += encoder.Field(target[at..], KnownHeader.Unknown, 2, ":method"u8, "CONNECT"u8, fleeting: true);
        else if (method.SequenceEqual("GET"u8)) at += HpackEncoder.Indexed(target[at..], 2);
        else if (method.SequenceEqual("POST"u8)) at += HpackEncoder.Indexed(target[at..], 3);
        else at += encoder.Field(target[at..], KnownHeader.Unknown, 2, ":method"u8, method, fleeting: true);
        if (webSocket) at += encoder.Field(target[at..], KnownHeader.Unknown, 0, ":protocol"u8, "websocket"u8);
        at += HpackEncoder.Indexed(target[at..], secure ? 7 : 6);
        at += path.SequenceEqual("/"u8) ? HpackEncoder.Indexed(target[at..], 4) : encoder.Field(target[at..], KnownHeader.Unknown, 4, ":path"u8, path, fleeting: true);
        for (ReadOnlySpan<byte> rest = lines; FieldText.Next(ref rest, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value);)
        {
            if (!Ascii.EqualsIgnoreCase(name, "host"u8)) continue;
            at += encoder.Field(target[at..], KnownHeader.Unknown, 1, ":authority"u8, value);
            break;
        }

        return at + Fields(encoder, target[at..], lines, webSocket ? "sec-websocket-key"u8 : default);
    }

    /// <summary>Encodes field lines.</summary>
    public static int Fields(HpackEncoder encoder, Span<byte> target, ReadOnlySpan<byte> lines, ReadOnlySpan<byte> without = default)
    {
        int at = 0;
        while (FieldText.Next(ref lines, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            KnownHeader id = KnownHeaders.Find(name);
            if (id == KnownHeader.Unknown)
            {
                byte[] lower = t_name is { } known && known.Length >= name.Length ? known : t_name = new byte[Math.Max(256, name.Length)];
                Ascii.ToLower(name, lower, out int length);
                if (without.IsEmpty || !lower.AsSpan(0, length).SequenceEqual(without)) at += encoder.Field(target[at..], id, 0, lower.AsSpan(0, length), value);
                continue;
            }

            if ((KnownHeaders.Bit(id) & s_ofConnection) != 0) continue;
            at += encoder.Field(target[at..], id, StaticTable.IndexOf(id), FieldText.NameOf(id), value);
        }

        return at;
    }
}
