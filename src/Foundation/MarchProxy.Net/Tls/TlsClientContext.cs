using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>
/// The TLS of connections towards servers, shared by all loops. A server's name or address is checked against its certificate (RFC 6125, whole labels); its latest
/// session ticket is kept, so that the next connection to that name needs no full handshake.
/// </summary>
public sealed unsafe class TlsClientContext : IDisposable
{
    /// <summary>Names whose tickets are kept; a proxy rarely has more upstreams.</summary>
    private const int MaxTickets = 1024;

    private readonly Dictionary<string, nint> _tickets = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _lock = new();
    private GCHandle _self;
    private nint _context;

    /// <summary>Makes a context.</summary>
    /// <param name="options">What it trusts, offers and shows.</param>
    /// <exception cref="TlsConfigurationException">A certificate, key or CA cannot be used.</exception>
    public TlsClientContext(TlsClientOptions options)
    {
        _context = ContextParts.Make(TLS_client_method(), options.MinVersion);
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        try
        {
            if (options.CaPem is { } ca) ContextParts.Trust(_context, ca, "ca");
            else SSL_CTX_set_default_verify_paths(_context);
            if (options.Certificate is { } certificate) ContextParts.UseCertificate(_context, certificate);
            SSL_CTX_set_verify(_context, options.SkipVerification ? 0 : SSL_VERIFY_PEER, 0);
            byte[] alpn = [.. options.Alpn.SelectMany(p => Encoding.ASCII.GetBytes(p).Prepend((byte)p.Length))];
            if (alpn.Length > 0)
            {
                fixed (byte* p = alpn) SSL_CTX_set_alpn_protos(_context, p, (uint)alpn.Length);
            }

            SSL_CTX_ctrl(_context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, null);
            SSL_CTX_set_ex_data(_context, 0, GCHandle.ToIntPtr(_self));
            SSL_CTX_sess_set_new_cb(_context, &KeepTicket);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Frees what was forgotten.</summary>
    ~TlsClientContext() => Free();

    /// <summary>Makes the session of a connection that was opened.</summary>
    /// <param name="descriptor">Its descriptor, non-blocking.</param>
    /// <param name="serverName">The name, or the address in text, that the certificate must be for.</param>
    public TlsSession CreateSession(int descriptor, string serverName)
    {
        nint ssl = SSL_new(_context);
        SSL_set_fd(ssl, descriptor);
        SSL_set_connect_state(ssl);
        if (IPAddress.TryParse(serverName, out IPAddress? address))
        {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.ToString());
            return new TlsSession(ssl, this);
        }

        byte[] name = Encoding.ASCII.GetBytes(serverName + '\0');
        fixed (byte* p = name) SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, p);
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, serverName);
        Resume(ssl, serverName);
        return new TlsSession(ssl, this);
    }

    /// <summary>Frees the context; sessions that use it keep it alive.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        lock (_lock)
        {
            foreach (nint ticket in _tickets.Values) SSL_SESSION_free(ticket);
            _tickets.Clear();
            if (_context != 0)
            {
                // A session that outlives us must not find us: its callback sees nothing.
                SSL_CTX_set_ex_data(_context, 0, 0);
                SSL_CTX_free(_context);
            }

            _context = 0;
        }

        if (_self.IsAllocated) _self.Free();
    }

    /// <summary>A ticket is used once (RFC 8446, appendix C.4): nobody can tell two connections for one client's by it.</summary>
    private void Resume(nint ssl, string name)
    {
        nint ticket;
        lock (_lock)
        {
            if (!_tickets.Remove(name, out ticket)) return;
        }

        SSL_set_session(ssl, ticket);
        SSL_SESSION_free(ticket);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int KeepTicket(nint ssl, nint ticket)
    {
        const int keptByUs = 1, notTaken = 0;
        nint handle = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
        if (handle == 0 || GCHandle.FromIntPtr(handle).Target is not TlsClientContext self) return notTaken;
        if (Marshal.PtrToStringUTF8(SSL_get_servername(ssl, 0)) is not { } name) return notTaken;
        lock (self._lock)
        {
            if (self._tickets.Remove(name, out nint older)) SSL_SESSION_free(older);
            else if (self._tickets.Count >= MaxTickets) return notTaken;
            self._tickets[name] = ticket;
        }

        return keptByUs;
    }
}
