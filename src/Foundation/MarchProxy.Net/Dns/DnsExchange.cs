using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Net.Dns;

/// <summary>One query to one server: over UDP, from a socket and a port of its own, then over TCP where UDP does not suffice.</summary>
internal static class DnsExchange
{
    /// <summary>Bytes received of a datagram; more than a query allows, as some servers take no notice.</summary>
    private const int DatagramSize = 4096;

    /// <summary>
    /// Datagrams from the server's address that answer another question. So many are not strays but guesses at our id: ask over TCP, where
    /// they do not reach.
    /// </summary>
    private const int MaxStrays = 16;

    /// <summary>Asks, again in a plainer style if the server cannot cope. Throws what sockets and the token throw.</summary>
    public static async Task<DnsReply> AskAsync(IPEndPoint server, string name, DnsType type, CancellationToken token)
    {
        byte[] query = ArrayPool<byte>.Shared.Rent(DnsMessage.MaxQuery);
        byte[] response = ArrayPool<byte>.Shared.Rent(DatagramSize);
        try
        {
            for (var style = DnsQueryStyle.MixedCase; ; style++)
            {
                int length = DnsMessage.WriteQuery(query, name, type, style);
                DnsReply reply = await OverUdpAsync(server, query.AsMemory(0, length), response, style, token);
                if (reply.Status == DnsReplyStatus.Truncated) reply = await OverTcpAsync(server, query.AsMemory(0, length), style, token);
                bool plainer = reply.Status is DnsReplyStatus.CaseChanged or DnsReplyStatus.FormatError;
                if (!plainer || style == DnsQueryStyle.Plain) return reply;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(query);
            ArrayPool<byte>.Shared.Return(response);
        }
    }

    private static async Task<DnsReply> OverUdpAsync(
        IPEndPoint server, ReadOnlyMemory<byte> query, byte[] response, DnsQueryStyle style, CancellationToken token)
    {
        // A connected socket: the kernel picks a random port and drops what does not come from the server's address (RFC 5452 section 9).
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, token);
        await socket.SendAsync(query, token);
        for (int strays = 0; strays < MaxStrays; strays++)
        {
            int length = await socket.ReceiveAsync(response.AsMemory(), token);
            DnsReply reply = DnsMessage.Parse(query.Span, response.AsSpan(0, length), style);
            if (reply.Status != DnsReplyStatus.NotMine) return reply;
        }

        return DnsReply.Of(DnsReplyStatus.Truncated);
    }

    /// <summary>RFC 7766: a length of two bytes before each message. One query, one answer.</summary>
    private static async Task<DnsReply> OverTcpAsync(
        IPEndPoint server, ReadOnlyMemory<byte> query, DnsQueryStyle style, CancellationToken token)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        await socket.ConnectAsync(server, token);
        await using var stream = new NetworkStream(socket);
        var framed = new byte[2 + query.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Length);
        query.CopyTo(framed.AsMemory(2));
        await stream.WriteAsync(framed, token);
        await stream.ReadExactlyAsync(framed.AsMemory(0, 2), token);
        byte[] response = ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
        try
        {
            Memory<byte> message = response.AsMemory(0, BinaryPrimitives.ReadUInt16BigEndian(framed));
            await stream.ReadExactlyAsync(message, token);
            DnsReply reply = DnsMessage.Parse(query.Span, message.Span, style);
            return reply.Status is DnsReplyStatus.NotMine or DnsReplyStatus.Truncated ? DnsReply.Of(DnsReplyStatus.Malformed) : reply;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(response);
        }
    }
}
