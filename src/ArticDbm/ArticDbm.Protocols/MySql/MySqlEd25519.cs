using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>
/// The answer to MariaDB's client_ed25519: an Ed25519 signature (RFC 8032, section 5.1) of the challenge, whose secret is SHA-512 of the password itself where the RFC has that of a 32-byte
/// seed, so that no library's signer fits. It takes milliseconds and is not constant in time: made once for a server connection, with our own password.
/// </summary>
public static class MySqlEd25519
{
    private static readonly BigInteger s_p = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger s_order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly BigInteger s_d = Mod(-121665 * Inverse(121666));
    private static readonly Point s_base = MakeBase();

    /// <summary>Signs a challenge.</summary>
    /// <param name="password">The password.</param>
    /// <param name="challenge">The challenge.</param>
    /// <returns>64 bytes.</returns>
    public static byte[] Sign(string password, ReadOnlySpan<byte> challenge)
    {
        byte[] secret = SHA512.HashData(Encoding.UTF8.GetBytes(password));
        secret[0] &= 248;
        secret[31] &= 63;
        secret[31] |= 64;
        BigInteger a = Number(secret.AsSpan(0, 32));
        byte[] key = Encode(Multiply(s_base, a));
        BigInteger r = Number(SHA512.HashData([.. secret.AsSpan(32), .. challenge])) % s_order;
        byte[] point = Encode(Multiply(s_base, r));
        BigInteger h = Number(SHA512.HashData([.. point, .. key, .. challenge])) % s_order;
        return [.. point, .. Bytes((r + (h * a)) % s_order)];
    }

    /// <summary>The public key of a password, as MariaDB stores it (in Base64 without its last sign).</summary>
    /// <param name="password">The password.</param>
    public static byte[] PublicKey(string password)
    {
        byte[] secret = SHA512.HashData(Encoding.UTF8.GetBytes(password));
        secret[0] &= 248;
        secret[31] &= 63;
        secret[31] |= 64;
        return Encode(Multiply(s_base, Number(secret.AsSpan(0, 32))));
    }

    // Extended coordinates and their sum: RFC 8032, section 5.1.4.
    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);

    private static Point Add(in Point one, in Point two)
    {
        BigInteger a = Mod((one.Y - one.X) * (two.Y - two.X)), b = Mod((one.Y + one.X) * (two.Y + two.X));
        BigInteger c = Mod(2 * one.T * two.T * s_d), d = Mod(2 * one.Z * two.Z);
        BigInteger e = b - a, f = d - c, g = d + c, h = b + a;
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    private static Point Multiply(Point point, BigInteger by)
    {
        var sum = new Point(0, 1, 1, 0);
        for (; by > 0; by >>= 1)
        {
            if (!by.IsEven) sum = Add(sum, point);
            point = Add(point, point);
        }

        return sum;
    }

    private static Point MakeBase()
    {
        BigInteger y = Mod(4 * Inverse(5)), square = Mod(((y * y) - 1) * Inverse((s_d * y * y) + 1));
        BigInteger x = BigInteger.ModPow(square, (s_p + 3) / 8, s_p);
        if (Mod((x * x) - square) != 0) x = Mod(x * BigInteger.ModPow(2, (s_p - 1) / 4, s_p));
        if (!x.IsEven) x = s_p - x;
        return new Point(x, y, 1, Mod(x * y));
    }

    private static byte[] Encode(in Point point)
    {
        BigInteger inverse = Inverse(point.Z), x = Mod(point.X * inverse);
        byte[] encoded = Bytes(Mod(point.Y * inverse));
        if (!x.IsEven) encoded[31] |= 0x80;
        return encoded;
    }

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Mod(value), s_p - 2, s_p);

    private static BigInteger Mod(BigInteger value) => ((value % s_p) + s_p) % s_p;

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    private static byte[] Bytes(BigInteger value)
    {
        byte[] bytes = new byte[32];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }
}
