using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>
/// TLS on one non-blocking socket. OpenSSL reads and writes the descriptor itself, so that no byte is copied between; used by one thread.
/// </summary>
public sealed unsafe class TlsSession : IDisposable
{
    private nint _ssl;
    private bool _established;
    private bool _failed;

    // Callbacks of the handshake lead back to the context: it must live as long as its sessions.
    private readonly object _context;

    internal TlsSession(nint ssl, object context)
    {
        _ssl = ssl;
        _context = context;
    }

    /// <summary>Why it failed, after <see cref="TlsStatus.Failed"/>.</summary>
    public string? FailureReason { get; private set; }

    /// <summary>Whether bytes that were taken off the socket wait to be read.</summary>
    public bool HasPendingInput => _ssl != 0 && SSL_has_pending(_ssl) == 1;

    /// <summary>The server name that the client asked for (SNI), or null.</summary>
    public string? ServerName => Marshal.PtrToStringUTF8(SSL_get_servername(_ssl, 0));

    /// <summary><c>TLSv1.2</c> or <c>TLSv1.3</c>.</summary>
    public string Version => Marshal.PtrToStringUTF8(SSL_get_version(_ssl)) ?? "";

    /// <summary>Whether an earlier session was resumed.</summary>
    public bool IsResumed => SSL_session_reused(_ssl) == 1;

    /// <summary>What ALPN settled on.</summary>
    public TlsProtocol NegotiatedProtocol
    {
        get
        {
            byte* data;
            uint length;
            SSL_get0_alpn_selected(_ssl, &data, &length);
            var name = new ReadOnlySpan<byte>(data, (int)length);
            return name.IsEmpty ? TlsProtocol.None : name.SequenceEqual("http/1.1"u8) ? TlsProtocol.Http11 : name.SequenceEqual("h2"u8) ? TlsProtocol.H2 : TlsProtocol.Other;
        }
    }

    /// <summary>Goes on with the handshake.</summary>
    public TlsStatus Handshake()
    {
        ERR_clear_error();
        int result = SSL_do_handshake(_ssl);
        if (result != 1) return Judge(result);
        _established = true;
        return TlsStatus.Ok;
    }

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Where to; not empty.</param>
    /// <param name="read">Bytes read.</param>
    public TlsStatus Read(Span<byte> buffer, out int read)
    {
        nuint count = 0;
        int result;
        ERR_clear_error();
        fixed (byte* p = buffer) result = SSL_read_ex(_ssl, p, (nuint)buffer.Length, &count);
        read = (int)count;
        return result == 1 ? TlsStatus.Ok : Judge(result);
    }

    /// <summary>Writes what fits: after WantWrite, the same bytes again.</summary>
    /// <param name="data">What to write; not empty.</param>
    /// <param name="written">Bytes taken.</param>
    public TlsStatus Write(ReadOnlySpan<byte> data, out int written)
    {
        nuint count = 0;
        int result;
        ERR_clear_error();
        fixed (byte* p = data) result = SSL_write_ex(_ssl, p, (nuint)data.Length, &count);
        written = (int)count;
        return result == 1 ? TlsStatus.Ok : Judge(result);
    }

    /// <summary>Sends close_notify, once the handshake is over; the peer's is not waited for.</summary>
    public TlsStatus Shutdown()
    {
        // After a fatal error nothing may be sent (SSL_shutdown(3)).
        if (_ssl == 0 || !_established || _failed) return TlsStatus.Ok;
        ERR_clear_error();
        int result = SSL_shutdown(_ssl);
        return result >= 0 ? TlsStatus.Ok : Judge(result);
    }

    /// <summary>The peer's certificate, or null. The caller disposes it.</summary>
    public X509Certificate2? GetPeerCertificate()
    {
        nint certificate = SSL_get1_peer_certificate(_ssl);
        if (certificate == 0) return null;
        try
        {
            return Load(certificate);
        }
        finally
        {
            X509_free(certificate);
        }
    }

    /// <summary>The certificate that this side has shown, or null. The caller disposes it.</summary>
    public X509Certificate2? GetOwnCertificate() => SSL_get_certificate(_ssl) is var certificate && certificate == 0 ? null : Load(certificate);

    private static X509Certificate2 Load(nint certificate)
    {
        var der = new byte[i2d_X509(certificate, null)];
        fixed (byte* start = der)
        {
            byte* p = start;
            i2d_X509(certificate, &p);
        }

        return X509CertificateLoader.LoadCertificate(der);
    }

    /// <summary>Frees the session; the descriptor is its owner's to close.</summary>
    public void Dispose()
    {
        if (_ssl == 0) return;

        // OpenSSL holds a session that ended without close_notify for bad and would not resume it; ours ended since we closed it.
        if (_established && !_failed) SSL_set_shutdown(_ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(_ssl);
        _ssl = 0;
        GC.KeepAlive(_context);
    }

    private TlsStatus Judge(int result)
    {
        switch (SSL_get_error(_ssl, result))
        {
            case SSL_ERROR_WANT_READ:
                return TlsStatus.WantRead;
            case SSL_ERROR_WANT_WRITE:
                return TlsStatus.WantWrite;
            case SSL_ERROR_ZERO_RETURN:
                return TlsStatus.Closed;
            case SSL_ERROR_SYSCALL:
                _failed = true;
                return TlsStatus.Reset;
            default:
                _failed = true;
                string reason = TakeError();
                long verification = SSL_get_verify_result(_ssl);
                FailureReason = verification == 0 ? reason : $"{reason}: {Marshal.PtrToStringUTF8(X509_verify_cert_error_string(verification))}";
                return reason.Contains("unexpected eof", StringComparison.Ordinal) ? TlsStatus.Reset : TlsStatus.Failed;
        }
    }
}
