using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

public sealed unsafe partial class TlsServerContext
{
    private readonly Dictionary<nint, OcspStaple> _staples = [];

    private void UseStaple(nint context, OcspStaple? staple)
    {
        if (staple is null) return;
        _staples[context] = staple;
        delegate* unmanaged[Cdecl]<nint, nint, int> callback = &Staple;
        SSL_CTX_callback_ctrl_status(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, callback);
        SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG, 0, (void*)GCHandle.ToIntPtr(_self));
    }

    // RFC 6066 section 8, RFC 8446 section 4.4.2.1; SSL_CTX_set_tlsext_status_cb(3)
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Staple(nint ssl, nint argument)
    {
        if (GCHandle.FromIntPtr(argument).Target is not TlsServerContext self) return SSL_TLSEXT_ERR_NOACK;
        if (!self._staples.TryGetValue(SSL_get_SSL_CTX(ssl), out OcspStaple? staple) || staple.Find(self._options.Time.GetUtcNow()) is not { } response) return SSL_TLSEXT_ERR_NOACK;

        // OpenSSL frees it.
        nint copy = CRYPTO_malloc((nuint)response.Length, 0, 0);
        if (copy == 0) return SSL_TLSEXT_ERR_NOACK;
        response.CopyTo(new Span<byte>((void*)copy, response.Length));
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, response.Length, (void*)copy);
        return SSL_TLSEXT_ERR_OK;
    }
}
