using System.Buffers.Binary;
using System.IO.Compression;
using Google.Protobuf;

namespace MarchProxy.Rpc.Wire;

/// <summary>Writes length-prefixed messages.</summary>
internal static class MessageWriter
{
    private const int Prefix = 5;

    /// <summary>Below this gzip makes messages longer.</summary>
    private const int WorthGzip = 256;

    /// <summary>A message with its prefix.</summary>
    /// <exception cref="RpcException">It is larger than the peer was promised.</exception>
    public static byte[] Frame(IMessage message, int maxBytes, bool gzip)
    {
        int size = message.CalculateSize();
        if (size > maxBytes) throw new RpcException(RpcCode.ResourceExhausted, $"A message of {size} bytes is larger than {maxBytes}.");
        if (gzip && size >= WorthGzip) return Gzip(message);
        byte[] frame = new byte[Prefix + size];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)size);
        message.WriteTo(frame.AsSpan(Prefix));
        return frame;
    }

    private static byte[] Gzip(IMessage message)
    {
        using var stream = new MemoryStream();
        stream.Write([1, 0, 0, 0, 0]);
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true)) message.WriteTo(gzip);
        byte[] frame = stream.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)(frame.Length - Prefix));
        return frame;
    }
}
