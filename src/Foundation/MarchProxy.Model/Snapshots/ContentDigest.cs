using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Snapshots;

/// <summary>
/// A hash of content that adds up: that of a set is the sum of those of its resources modulo 2^256, whatever their order, so that an edit costs
/// one subtraction and one addition. It names versions; it is no seal against a forger.
/// </summary>
public readonly record struct ContentDigest
{
    /// <summary>Resources never change: each is hashed once.</summary>
    private static readonly ConditionalWeakTable<Resource, StrongBox<ContentDigest>> s_known = [];

    private readonly ulong _a, _b, _c, _d;

    private ContentDigest(ulong a, ulong b, ulong c, ulong d)
    {
        _a = a;
        _b = b;
        _c = c;
        _d = d;
    }

    /// <summary>The digest of a resource's kind and content.</summary>
    /// <param name="resource">The resource.</param>
    public static ContentDigest Of(Resource resource) => s_known.GetValue(resource, static r => new StrongBox<ContentDigest>(Compute(r))).Value;

    /// <summary>The digest of both together.</summary>
    public static ContentDigest operator +(in ContentDigest x, in ContentDigest y) => Add(x, y);

    /// <summary>What is left without the second.</summary>
    public static ContentDigest operator -(in ContentDigest x, in ContentDigest y) => Subtract(x, y);

    /// <summary>The digest of both together.</summary>
    /// <param name="x">One.</param>
    /// <param name="y">The other.</param>
    public static ContentDigest Add(in ContentDigest x, in ContentDigest y)
    {
        UInt128 carry = (UInt128)x._a + y._a;
        ulong a = (ulong)carry;
        carry = (carry >> 64) + x._b + y._b;
        ulong b = (ulong)carry;
        carry = (carry >> 64) + x._c + y._c;
        ulong c = (ulong)carry;
        carry = (carry >> 64) + x._d + y._d;
        return new ContentDigest(a, b, c, (ulong)carry);
    }

    /// <summary>What is left without the second.</summary>
    /// <param name="x">The whole.</param>
    /// <param name="y">What goes.</param>
    public static ContentDigest Subtract(in ContentDigest x, in ContentDigest y) => Add(Add(x, new ContentDigest(~y._a, ~y._b, ~y._c, ~y._d)), new ContentDigest(1, 0, 0, 0));

    /// <summary>24 hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _a);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _d);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(bytes, hash);
        return Convert.ToHexStringLower(hash[..12]);
    }

    private static ContentDigest Compute(Resource resource)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData([.. Encoding.ASCII.GetBytes(resource.Kind), 0, .. ResourceWriter.ToJson(resource)], hash);
        return new ContentDigest(
            BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]), BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]));
    }
}
