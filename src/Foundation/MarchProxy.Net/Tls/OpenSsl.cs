using System.Runtime.InteropServices;

namespace MarchProxy.Net.Tls;

/// <summary>The part of OpenSSL 3 that the TLS layer uses. Handles are freed by the types that hold them.</summary>
internal static unsafe partial class OpenSsl
{
    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    internal const int SSL_ERROR_WANT_READ = 2, SSL_ERROR_WANT_WRITE = 3, SSL_ERROR_SYSCALL = 5, SSL_ERROR_ZERO_RETURN = 6;
    internal const int SSL_CTRL_MODE = 33, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG = 54;
    internal const int SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
    internal const long SSL_MODE_ENABLE_PARTIAL_WRITE = 1, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2, SSL_MODE_RELEASE_BUFFERS = 16;
    internal const int SSL_CTRL_SET_SESS_CACHE_MODE = 44, SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
    internal const long SSL_SESS_CACHE_CLIENT = 1, SSL_SESS_CACHE_NO_INTERNAL = 0x300;
    internal const int SSL_SENT_SHUTDOWN = 1, SSL_RECEIVED_SHUTDOWN = 2;
    internal const uint X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 4;
    internal const int TLS1_2_VERSION = 0x0303, TLS1_3_VERSION = 0x0304;
    internal const int SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG = 64, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
    internal const int SSL_VERIFY_PEER = 1, SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
    internal const ulong SSL_OP_NO_RENEGOTIATION = 1UL << 30, SSL_OP_NO_COMPRESSION = 1UL << 17, SSL_OP_CIPHER_SERVER_PREFERENCE = 1UL << 22;
    internal const int SSL_TLSEXT_ERR_OK = 0, SSL_TLSEXT_ERR_NOACK = 3;

    [DllImport(Ssl)]
    internal static extern nint TLS_server_method();

    [DllImport(Ssl)]
    internal static extern nint TLS_client_method();

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_default_verify_paths(nint context);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_alpn_protos(nint context, byte* protocols, uint length);

    [DllImport(Ssl)]
    internal static extern void SSL_CTX_sess_set_new_cb(nint context, delegate* unmanaged[Cdecl]<nint, nint, int> callback);

    [DllImport(Ssl)]
    internal static extern nint SSL_get_SSL_CTX(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_ex_data(nint context, int index, nint value);

    [DllImport(Ssl)]
    internal static extern nint SSL_CTX_get_ex_data(nint context, int index);

    [DllImport(Ssl)]
    internal static extern void SSL_set_connect_state(nint session);

    [DllImport(Ssl)]
    internal static extern long SSL_ctrl(nint session, int command, long number, void* pointer);

    [DllImport(Ssl)]
    internal static extern int SSL_set1_host(nint session, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport(Ssl)]
    internal static extern void SSL_set_hostflags(nint session, uint flags);

    [DllImport(Ssl)]
    internal static extern nint SSL_get0_param(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_set_session(nint session, nint resumed);

    [DllImport(Ssl)]
    internal static extern void SSL_SESSION_free(nint resumed);

    [DllImport(Crypto)]
    internal static extern int X509_VERIFY_PARAM_set1_ip_asc(nint parameters, [MarshalAs(UnmanagedType.LPUTF8Str)] string address);

    [DllImport(Ssl)]
    internal static extern nint SSL_CTX_new(nint method);

    [DllImport(Ssl)]
    internal static extern void SSL_CTX_free(nint context);

    [DllImport(Ssl)]
    internal static extern long SSL_CTX_ctrl(nint context, int command, long number, void* pointer);

    [DllImport(Ssl)]
    internal static extern long SSL_CTX_callback_ctrl(nint context, int command, delegate* unmanaged[Cdecl]<nint, int*, nint, int> callback);

    [DllImport(Ssl)]
    internal static extern ulong SSL_CTX_set_options(nint context, ulong options);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_cipher_list(nint context, [MarshalAs(UnmanagedType.LPUTF8Str)] string ciphers);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_use_certificate(nint context, nint certificate);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_use_PrivateKey(nint context, nint key);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_check_private_key(nint context);

    [DllImport(Ssl)]
    internal static extern nint SSL_CTX_get_cert_store(nint context);

    [DllImport(Ssl)]
    internal static extern void SSL_CTX_set_verify(nint context, int mode, nint callback);

    [DllImport(Ssl)]
    internal static extern int SSL_CTX_set_session_id_context(nint context, byte* id, uint length);

    [DllImport(Ssl)]
    internal static extern void SSL_CTX_set_alpn_select_cb(nint context, delegate* unmanaged[Cdecl]<nint, byte**, byte*, byte*, uint, nint, int> callback, nint argument);

    [DllImport(Ssl)]
    internal static extern int SSL_select_next_proto(byte** selected, byte* selectedLength, byte* server, uint serverLength, byte* client, uint clientLength);

    [DllImport(Ssl)]
    internal static extern nint SSL_set_SSL_CTX(nint session, nint context);

    [DllImport(Ssl)]
    internal static extern nint SSL_new(nint context);

    [DllImport(Ssl)]
    internal static extern void SSL_free(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_set_fd(nint session, int descriptor);

    [DllImport(Ssl)]
    internal static extern void SSL_set_accept_state(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_do_handshake(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_read_ex(nint session, byte* buffer, nuint length, nuint* read);

    [DllImport(Ssl)]
    internal static extern int SSL_write_ex(nint session, byte* buffer, nuint length, nuint* written);

    [DllImport(Ssl)]
    internal static extern int SSL_shutdown(nint session);

    [DllImport(Ssl)]
    internal static extern void SSL_set_shutdown(nint session, int mode);

    [DllImport(Ssl)]
    internal static extern int SSL_get_error(nint session, int result);

    [DllImport(Ssl)]
    internal static extern int SSL_has_pending(nint session);

    [DllImport(Ssl)]
    internal static extern nint SSL_get_servername(nint session, int type);

    [DllImport(Ssl)]
    internal static extern nint SSL_get_version(nint session);

    [DllImport(Ssl)]
    internal static extern int SSL_session_reused(nint session);

    [DllImport(Ssl)]
    internal static extern void SSL_get0_alpn_selected(nint session, byte** data, uint* length);

    [DllImport(Ssl)]
    internal static extern nint SSL_get1_peer_certificate(nint session);

    [DllImport(Ssl)]
    internal static extern nint SSL_get_certificate(nint session);

    [DllImport(Ssl)]
    internal static extern long SSL_get_verify_result(nint session);

    [DllImport(Crypto)]
    internal static extern nint BIO_new_mem_buf(byte* data, int length);

    [DllImport(Crypto)]
    internal static extern int BIO_free(nint bio);

    [DllImport(Crypto)]
    internal static extern nint PEM_read_bio_X509(nint bio, nint target, nint callback, nint argument);

    [DllImport(Crypto)]
    internal static extern nint PEM_read_bio_PrivateKey(nint bio, nint target, nint callback, nint argument);

    [DllImport(Crypto)]
    internal static extern void X509_free(nint certificate);

    [DllImport(Crypto)]
    internal static extern void EVP_PKEY_free(nint key);

    [DllImport(Crypto)]
    internal static extern int X509_STORE_add_cert(nint store, nint certificate);

    [DllImport(Crypto)]
    internal static extern int i2d_X509(nint certificate, byte** output);

    [DllImport(Crypto)]
    internal static extern ulong ERR_get_error();

    [DllImport(Crypto)]
    internal static extern void ERR_clear_error();

    [DllImport(Crypto)]
    internal static extern void ERR_error_string_n(ulong error, byte* text, nuint length);

    [DllImport(Crypto)]
    internal static extern nint X509_verify_cert_error_string(long error);

    /// <summary>Takes the first error of this thread's queue as text, and empties the queue.</summary>
    internal static string TakeError()
    {
        ulong error = ERR_get_error();
        ERR_clear_error();
        if (error == 0) return "no detail";
        byte* text = stackalloc byte[256];
        ERR_error_string_n(error, text, 256);
        string full = Marshal.PtrToStringUTF8((nint)text) ?? "";

        // error:0A000126:SSL routines::unexpected eof while reading
        return full[(full.LastIndexOf(':') + 1)..];
    }
}
