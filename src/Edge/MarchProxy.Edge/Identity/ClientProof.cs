using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Edge.Config;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Identity;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Identity;

/// <summary>Who a client of the egress proves to be. One for each loop: tokens that were verified are remembered while the configuration stays.</summary>
internal sealed class ClientProof(JwksStore keys)
{
    private const int MaxCredentials = 12 << 10, MaxKnown = 4096;
    private readonly Dictionary<UInt256, (ServiceIdentity Identity, DateTimeOffset Ends)> _known = [];
    private EdgeConfig? _knownUnder;

    /// <summary>The service that a Proxy-Authorization field proves: Basic (RFC 7617) with a service and its token or JWT, or Bearer (RFC 6750) with either alone.</summary>
    public ServiceIdentity? ByHeader(EdgeConfig config, ReadOnlySpan<byte> value, DateTimeOffset now)
    {
        if (value.Length > MaxCredentials) return null;
        if (value.Length > 7 && Ascii.EqualsIgnoreCase(value[..7], "Bearer "u8)) return ByBearer(config, value[7..].Trim((byte)' '), now);
        if (value.Length <= 6 || !Ascii.EqualsIgnoreCase(value[..6], "Basic "u8)) return null;
        byte[]? rented = null;
        int most = Base64.GetMaxDecodedFromUtf8Length(value.Length);
        Span<byte> decoded = most <= 1024 ? stackalloc byte[1024] : rented = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            if (Base64.DecodeFromUtf8(value[6..].Trim((byte)' '), decoded, out _, out int length) != OperationStatus.Done) return null;
            int colon = decoded[..length].IndexOf((byte)':');
            return colon <= 0 ? null : ByPassword(config, decoded[..colon], decoded[(colon + 1)..length], now);
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The service that a name and its token or JWT prove.</summary>
    public ServiceIdentity? ByPassword(EdgeConfig config, ReadOnlySpan<byte> user, ReadOnlySpan<byte> password, DateTimeOffset now)
    {
        if (user.Length + password.Length > MaxCredentials) return null;
        if (password.Length > 1024) return ByPassword(config, Encoding.Latin1.GetString(user), Encoding.Latin1.GetString(password), password, now);
        Span<char> name = stackalloc char[user.Length > 256 ? 0 : user.Length], secret = stackalloc char[password.Length];
        if (user.Length > 256) return null;
        Encoding.Latin1.GetChars(user, name);
        Encoding.Latin1.GetChars(password, secret);
        return ByPassword(config, name, secret, password, now);
    }

    /// <summary>The service that a client's certificate proves; null when it brought none, or one that no service has.</summary>
    public static ServiceIdentity? ByCertificate(EdgeConfig config, TlsIdentity? certificate) => certificate is null ? null : config.Snapshot.Egress.FindByCertificate(certificate.Names);

    private ServiceIdentity? ByPassword(EdgeConfig config, ReadOnlySpan<char> name, ReadOnlySpan<char> secret, ReadOnlySpan<byte> bytes, DateTimeOffset now)
    {
        // A token is looked at even for a service that has none, so that the answer takes as long.
        ServiceIdentity? byToken = config.Snapshot.Egress.FindByToken(name, secret, now);
        if (byToken is not null || config.Snapshot.Egress.FindService(name) is not { Auth.Type: AuthType.Jwt } service) return byToken;
        return ByJwt(config, secret, bytes, now) is { } proven && proven.Service == service ? proven : null;
    }

    private ServiceIdentity? ByBearer(EdgeConfig config, ReadOnlySpan<byte> token, DateTimeOffset now)
    {
        string text = Encoding.Latin1.GetString(token);
        return config.Snapshot.Egress.FindByBearer(text, now) ?? ByJwt(config, text, token, now);
    }

    private ServiceIdentity? ByJwt(EdgeConfig config, ReadOnlySpan<char> token, ReadOnlySpan<byte> bytes, DateTimeOffset now)
    {
        if (!ReferenceEquals(config, _knownUnder) || _known.Count >= MaxKnown) _known.Clear();
        _knownUnder = config;
        UInt256 digest = UInt256.Of(bytes);
        if (_known.TryGetValue(digest, out (ServiceIdentity Identity, DateTimeOffset Ends) known) && known.Ends > now) return known.Identity;
        if (JsonWebToken.Read(token) is not { } claims || config.Snapshot.Egress.FindService(claims.Service) is not { } service) return null;
        if (JsonWebToken.Verify(token, service, keys.Find(service.Auth, claims.KeyId), now) is not null) return null;
        var identity = new ServiceIdentity(service, AuthType.Jwt);

        // What a secret before the last rotation has signed must be looked at again once that ends.
        DateTimeOffset ends = claims.Expires + JsonWebToken.Leeway;
        _known[digest] = (identity, service.Auth.PreviousUntil is { } until && until > now && until < ends ? until : ends);
        return identity;
    }

    /// <summary>A token's SHA-256: what is remembered of it.</summary>
    private readonly record struct UInt256(ulong A, ulong B, ulong C, ulong D)
    {
        public static UInt256 Of(ReadOnlySpan<byte> bytes)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes, hash);
            return new UInt256(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]), BitConverter.ToUInt64(hash[16..]), BitConverter.ToUInt64(hash[24..]));
        }
    }
}
