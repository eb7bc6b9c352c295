using System.Buffers.Text;
using System.Security.Cryptography;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>The proof of a WebSocket's handshake in HTTP/1.1 (RFC 6455 section 4.2.2), which HTTP/2 does without: made and checked where the two meet.</summary>
internal static class WebSocketProof
{
    /// <summary>Bytes of a proof.</summary>
    public const int Length = 28;

    /// <summary>Bytes of the keys that we make.</summary>
    public const int KeyLength = 24;

    /// <summary>Keys of clients that are longer are nobody's.</summary>
    private const int MaxKey = 64;

    /// <summary>Makes a key.</summary>
    public static void MakeKey(Span<byte> key)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        Base64.EncodeToUtf8(random, key, out _, out _);
    }

    /// <summary>The proof for a key.</summary>
    public static void Of(ReadOnlySpan<byte> key, Span<byte> proof)
    {
        ReadOnlySpan<byte> id = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;
        Span<byte> joined = stackalloc byte[MaxKey + 36], digest = stackalloc byte[20];
        key = key[..Math.Min(key.Length, MaxKey)];
        key.CopyTo(joined);
        id.CopyTo(joined[key.Length..]);
#pragma warning disable CA5350 // RFC 6455 knows no other.
        SHA1.HashData(joined[..(key.Length + id.Length)], digest);
#pragma warning restore CA5350
        Base64.EncodeToUtf8(digest, proof, out _, out _);
    }
}
