using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

public sealed unsafe partial class TlsServerContext
{
    private static ReadOnlySpan<byte> KeyParameter => "key\0"u8;

    private static ReadOnlySpan<byte> DigestParameter => "digest\0"u8;

    private static ReadOnlySpan<byte> DigestName => "SHA256\0"u8;

    /// <summary>Seals tickets with shared keys. A session is resumed only where clients are asked for the same proof: what one listener never verified must not pass at another.</summary>
    private void UseTickets(nint context, TlsServerOptions options)
    {
        byte[] scope = SHA256.HashData(Encoding.UTF8.GetBytes($"marchproxy {options.ClientCertificates} {options.ClientCaPem}"));
        fixed (byte* id = scope) SSL_CTX_set_session_id_context(context, id, (uint)scope.Length);
        SSL_CTX_set_ex_data(context, 0, GCHandle.ToIntPtr(_self));
        if (options.Tickets is not null) SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TicketKeyOf);
    }

    // SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TicketKeyOf(nint ssl, byte* name, byte* iv, nint cipher, nint mac, int sealing)
    {
        const int failed = -1, unknown = 0, good = 1, renew = 2, ivBytes = 16;
        nint handle = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
        if (handle == 0 || GCHandle.FromIntPtr(handle).Target is not TlsServerContext { _options.Tickets: { } keys }) return failed;
        TicketKey current = keys.Current;
        if (sealing == 1)
        {
            current.Name.CopyTo(new Span<byte>(name, TicketKeys.NameBytes));
            RandomNumberGenerator.Fill(new Span<byte>(iv, ivBytes));
            return Use(current, cipher, mac, iv, sealing: true) ? good : failed;
        }

        if (keys.Find(new ReadOnlySpan<byte>(name, TicketKeys.NameBytes)) is not { } found) return unknown;
        if (!Use(found, cipher, mac, iv, sealing: false)) return failed;

        // A ticket of TLS 1.3 is used once, so that the client needs another.
        return ReferenceEquals(found, current) && SSL_version(ssl) != TLS1_3_VERSION ? good : renew;
    }

    private static bool Use(TicketKey key, nint cipher, nint mac, byte* iv, bool sealing)
    {
        const uint utf8 = 4, octets = 5;
        fixed (byte* keyName = KeyParameter, digestName = DigestParameter, digest = DigestName, cipherKey = key.Cipher, macKey = key.Mac)
        {
            OsslParam* parameters = stackalloc OsslParam[3];
            parameters[0] = new OsslParam { Key = keyName, Type = octets, Data = macKey, Size = TicketKeys.MacBytes };
            parameters[1] = new OsslParam { Key = digestName, Type = utf8, Data = digest, Size = (nuint)(DigestName.Length - 1) };
            parameters[2] = default;
            int initialised = sealing ? EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), 0, cipherKey, iv) : EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), 0, cipherKey, iv);
            return initialised == 1 && EVP_MAC_CTX_set_params(mac, parameters) == 1;
        }
    }
}
