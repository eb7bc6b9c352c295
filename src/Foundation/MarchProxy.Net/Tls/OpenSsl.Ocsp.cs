using System.Runtime.InteropServices;

namespace MarchProxy.Net.Tls;

/// <summary>Tickets and OCSP.</summary>
internal static unsafe partial class OpenSsl
{
    internal const uint X509_V_FLAG_PARTIAL_CHAIN = 0x80000;

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_tlsext_ticket_key_evp_cb(nint context, delegate* unmanaged[Cdecl]<nint, byte*, byte*, nint, nint, int, int> callback);

    [DllImport(Ssl, EntryPoint = "SSL_CTX_callback_ctrl")]
    internal static extern long SSL_CTX_callback_ctrl_status(nint context, int command, delegate* unmanaged[Cdecl]<nint, nint, int> callback);

    [DllImport(Ssl)]
    internal static extern int SSL_version(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_ciphersuites(nint context, [MarshalAs(UnmanagedType.LPUTF8Str)] string ciphers);

    [DllImport(Crypto)]
    internal static extern nint EVP_aes_256_cbc();

    [DllImport(Crypto)]
    internal static extern int EVP_EncryptInit_ex(nint context, nint cipher, nint engine, byte* key, byte* iv);

    [DllImport(Crypto)]
    internal static extern int EVP_DecryptInit_ex(nint context, nint cipher, nint engine, byte* key, byte* iv);

    [DllImport(Crypto)]
    internal static extern int EVP_MAC_CTX_set_params(nint context, OsslParam* parameters);

    [DllImport(Crypto)]
    internal static extern nint CRYPTO_malloc(nuint length, nint file, int line);

    [DllImport(Crypto)]
    internal static extern nint OCSP_REQUEST_new();

    [DllImport(Crypto)]
    internal static extern void OCSP_REQUEST_free(nint request);

    [DllImport(Crypto)]
    internal static extern nint OCSP_request_add0_id(nint request, nint id);

    [DllImport(Crypto)]
    internal static extern nint OCSP_cert_to_id(nint digest, nint subject, nint issuer);

    [DllImport(Crypto)]
    internal static extern void OCSP_CERTID_free(nint id);

    [DllImport(Crypto)]
    internal static extern int i2d_OCSP_REQUEST(nint request, byte** output);

    [DllImport(Crypto)]
    internal static extern nint d2i_OCSP_RESPONSE(nint target, byte** input, nint length);

    [DllImport(Crypto)]
    internal static extern void OCSP_RESPONSE_free(nint response);

    [DllImport(Crypto)]
    internal static extern int OCSP_response_status(nint response);

    [DllImport(Crypto)]
    internal static extern nint OCSP_response_get1_basic(nint response);

    [DllImport(Crypto)]
    internal static extern void OCSP_BASICRESP_free(nint basic);

    [DllImport(Crypto)]
    internal static extern int OCSP_basic_verify(nint basic, nint certificates, nint store, ulong flags);

    [DllImport(Crypto)]
    internal static extern int OCSP_resp_find_status(nint basic, nint id, int* status, int* reason, nint* revoked, nint* from, nint* until);

    [DllImport(Crypto)]
    internal static extern byte* ASN1_STRING_get0_data(nint text);

    [DllImport(Crypto)]
    internal static extern int ASN1_STRING_length(nint text);

    [DllImport(Crypto)]
    internal static extern nint X509_STORE_new();

    [DllImport(Crypto)]
    internal static extern void X509_STORE_free(nint store);

    [DllImport(Crypto)]
    internal static extern int X509_STORE_set_flags(nint store, ulong flags);

    [DllImport(Crypto)]
    internal static extern nint OPENSSL_sk_new_null();

    [DllImport(Crypto)]
    internal static extern int OPENSSL_sk_push(nint stack, nint item);

    [DllImport(Crypto)]
    internal static extern void OPENSSL_sk_free(nint stack);
}

/// <summary><c>OSSL_PARAM</c>: one named parameter.</summary>
internal unsafe struct OsslParam
{
    public byte* Key;
    public uint Type;
    public void* Data;
    public nuint Size;
    public nuint Returned;
}
