using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Edge.Http2.Wire;

namespace MarchProxy.Edge.Tests.Http2;

/// <summary>A frame as it came.</summary>
internal sealed record RawFrame(FrameType Type, byte Flags, int Stream, byte[] Payload)
{
    public bool Ends => (Flags & FrameFlags.EndStream) != 0;

    /// <summary>The error code of RST_STREAM or GOAWAY.</summary>
    public Http2Error Error => (Http2Error)BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == FrameType.GoAway ? 4 : 0));
}

/// <summary>A client of HTTP/2 that sends what a test writes, right or wrong, and shows every frame that comes back.</summary>
internal sealed class RawHttp2 : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly TcpClient _socket = new() { NoDelay = true };
    private readonly HpackDecoder _decoder = new(4096);
    private NetworkStream _stream = null!;

    public static async Task<RawHttp2> ConnectAsync(IPEndPoint edge, byte[]? settings = null, bool preface = true)
    {
        var client = new RawHttp2();
        await client._socket.ConnectAsync(edge);
        client._stream = client._socket.GetStream();
        if (!preface) return client;
        await client.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await client.SendAsync(FrameType.Settings, 0, 0, settings ?? []);
        return client;
    }

    /// <summary>The other end: takes a client's preface, and tells its settings.</summary>
    public static async Task<RawHttp2> AcceptAsync(NetworkStream stream, byte[]? settings = null)
    {
        var server = new RawHttp2 { _stream = stream };
        byte[] preface = new byte[24];
        await stream.ReadExactlyAsync(preface);
        Assert.StartsWith("PRI * HTTP/2.0", Encoding.ASCII.GetString(preface), StringComparison.Ordinal);
        await server.SendAsync(FrameType.Settings, 0, 0, settings ?? []);
        return server;
    }

    public static byte[] Int(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Setting(Http2Setting setting, uint value) => [0, (byte)setting, (byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    public static byte[] Frame(FrameType type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        FrameHeader.Write(frame, payload.Length, type, flags, stream);
        payload.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    /// <summary>Fields as literals that enter no table.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        byte[] length = new byte[8];
        foreach ((string name, string value) in fields)
        {
            block.Add(0);
            foreach (string text in new[] { name, value })
            {
                block.AddRange(length[..HpackInteger.Write(length, 0, 7, text.Length)]);
                block.AddRange(Encoding.Latin1.GetBytes(text));
            }
        }

        return [.. block];
    }

    public static byte[] Get(string path = "/", params (string Name, string Value)[] more) =>
        Block([(":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", path), .. more]);

    public static byte[] Post(params (string Name, string Value)[] more) =>
        Block([(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/"), .. more]);

    public Task WriteAsync(byte[] bytes) => _stream.WriteAsync(bytes).AsTask();

    public Task SendAsync(FrameType type, int flags, int stream, params byte[] payload) => WriteAsync(Frame(type, (byte)flags, stream, payload));

    public Task HeadersAsync(int stream, byte[] block, bool ends = true) => SendAsync(FrameType.Headers, FrameFlags.EndHeaders | (ends ? FrameFlags.EndStream : 0), stream, block);

    /// <summary>The next frame; null at the end of the connection.</summary>
    public async Task<RawFrame?> ReadAsync()
    {
        using var late = new CancellationTokenSource(Patience);
        byte[] head = new byte[FrameHeader.Size];
        try
        {
            if (await _stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, late.Token) < head.Length) return null;
            FrameHeader frame = FrameHeader.Read(head);
            byte[] payload = new byte[frame.Length];
            await _stream.ReadExactlyAsync(payload, late.Token);
            return new RawFrame(frame.Type, frame.Flags, frame.StreamId, payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The next frame of a type; those before it are passed over.</summary>
    public async Task<RawFrame> NextAsync(FrameType type, int stream = -1)
    {
        while (true)
        {
            RawFrame frame = await ReadAsync() ?? throw new InvalidOperationException($"The connection ended before a {type}.");
            if (frame.Type == type && (stream < 0 || frame.Stream == stream)) return frame;
        }
    }

    /// <summary>How the connection ends: the code of its GOAWAY.</summary>
    public async Task<Http2Error> GoAwayAsync() => (await NextAsync(FrameType.GoAway)).Error;

    /// <summary>The fields of a HEADERS frame, one a line.</summary>
    public string Fields(RawFrame frame)
    {
        var sink = new Lines();
        Assert.Equal(HpackStatus.Ok, _decoder.Decode(frame.Payload, ref sink));
        return sink.Text.ToString();
    }

    /// <summary>A whole answer on a stream: its fields, its content, and its trailers.</summary>
    public async Task<(string Head, byte[] Content, string Trailers)> AnswerAsync(int stream)
    {
        string head = "", trailers = "";
        using var content = new MemoryStream();
        while (true)
        {
            RawFrame frame = await ReadAsync() ?? throw new InvalidOperationException("The connection ended.");
            if (frame.Type == FrameType.RstStream && frame.Stream == stream) throw new InvalidOperationException($"The stream was reset: {frame.Error}.");
            if (frame.Type == FrameType.Headers)
            {
                string fields = Fields(frame);
                if (frame.Stream != stream) continue;
                if (head.Length == 0) head = fields;
                else trailers = fields;
            }
            else if (frame.Type == FrameType.Data && frame.Stream == stream)
            {
                content.Write(frame.Payload);
                if (frame.Payload.Length > 0)
                {
                    await SendAsync(FrameType.WindowUpdate, 0, 0, Int(frame.Payload.Length));
                    if (!frame.Ends) await SendAsync(FrameType.WindowUpdate, 0, stream, Int(frame.Payload.Length));
                }
            }

            if (frame.Stream == stream && frame.Ends) return (head, content.ToArray(), trailers);
        }
    }

    public void Dispose() => _socket.Dispose();

    private sealed class Lines : IFieldSink
    {
        public StringBuilder Text { get; } = new();

        public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
            Text.Append(Encoding.Latin1.GetString(name)).Append(": ").Append(Encoding.Latin1.GetString(value)).Append('\n');
    }
}
