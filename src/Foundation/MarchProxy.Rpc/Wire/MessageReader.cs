using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;

namespace MarchProxy.Rpc.Wire;

/// <summary>Reads length-prefixed messages: one byte that tells compression, four of length (big endian), the message.</summary>
internal sealed class MessageReader(PipeReader pipe, int maxBytes, bool gzip)
{
    private const int Prefix = 5;

    /// <summary>The next message, or null at the end of the stream.</summary>
    /// <exception cref="RpcException">A message is cut, too large, or compressed in a way that was not agreed.</exception>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        while (true)
        {
            ReadResult read = await pipe.ReadAsync(cancellation);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (TryTake(ref buffer, out ReadOnlySequence<byte> payload, out bool compressed))
            {
                T message = Parse(parser, payload, compressed);
                pipe.AdvanceTo(buffer.Start);
                return message;
            }

            if (read.IsCompleted)
            {
                bool cut = !buffer.IsEmpty;
                pipe.AdvanceTo(buffer.End);
                return cut ? throw new RpcException(RpcCode.Internal, "The stream ended within a message.") : null;
            }

            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private bool TryTake(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> payload, out bool compressed)
    {
        payload = default;
        compressed = false;
        if (buffer.Length < Prefix) return false;
        Span<byte> prefix = stackalloc byte[Prefix];
        buffer.Slice(0, Prefix).CopyTo(prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (prefix[0] > 1) throw new RpcException(RpcCode.Internal, "A message has an unknown flag.");
        if (length > maxBytes) throw new RpcException(RpcCode.ResourceExhausted, $"A message of {length} bytes is larger than {maxBytes}.");
        if (buffer.Length < Prefix + length) return false;
        compressed = prefix[0] == 1;
        payload = buffer.Slice(Prefix, length);
        buffer = buffer.Slice(Prefix + length);
        return true;
    }

    private T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> payload, bool compressed)
        where T : class, IMessage<T>
    {
        try
        {
            if (!compressed) return parser.ParseFrom(payload);
            if (!gzip) throw new RpcException(RpcCode.Internal, "A message is compressed, but no encoding was agreed.");
            return parser.ParseFrom(Inflate(payload));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcCode.Internal, "A message cannot be read: " + e.Message, e);
        }
        catch (InvalidDataException e)
        {
            throw new RpcException(RpcCode.Internal, "A compressed message cannot be read.", e);
        }
    }

    /// <summary>The bound holds for what comes out: a small bomb must not become a large message.</summary>
    private byte[] Inflate(ReadOnlySequence<byte> payload)
    {
        using var source = new GZipStream(new MemoryStream(payload.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        byte[] chunk = new byte[16 * 1024];
        while (source.Read(chunk) is > 0 and int n)
        {
            if (plain.Length + n > maxBytes) throw new RpcException(RpcCode.ResourceExhausted, $"A message is larger than {maxBytes} bytes when inflated.");
            plain.Write(chunk, 0, n);
        }

        return plain.ToArray();
    }
}
