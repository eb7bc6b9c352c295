using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>
/// The TLS of a listener, shared by all loops: one OpenSSL context a certificate, chosen by the client's server name (RFC 6066 section 3). Session
/// tickets come from the first context for every name, so that a client may resume on any loop.
/// </summary>
public sealed unsafe partial class TlsServerContext : IDisposable
{
    private readonly Dictionary<string, nint> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<nint> _contexts = [];
    private readonly byte[] _alpn;
    private readonly TlsServerOptions _options;
    private GCHandle _self;

    /// <summary>Makes a context.</summary>
    /// <param name="options">What it serves.</param>
    /// <exception cref="TlsConfigurationException">A certificate, key or CA cannot be used.</exception>
    public TlsServerContext(TlsServerOptions options)
    {
        _options = options;
        if (options.Certificates.Count == 0) throw new TlsConfigurationException("There is no certificate; name one.");
        _alpn = [.. options.Alpn.SelectMany(p => Encoding.ASCII.GetBytes(p).Prepend((byte)p.Length))];
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        try
        {
            foreach (TlsCertificate certificate in options.Certificates) Add(certificate, options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Frees what was forgotten.</summary>
    ~TlsServerContext() => Free();

    /// <summary>Makes the session of a connection that was accepted.</summary>
    /// <param name="descriptor">Its descriptor, non-blocking.</param>
    public TlsSession CreateSession(int descriptor)
    {
        nint ssl = SSL_new(_contexts[0]);
        SSL_set_fd(ssl, descriptor);
        SSL_set_accept_state(ssl);
        return new TlsSession(ssl, this);
    }

    /// <summary>Frees the contexts; sessions that use them keep them alive.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        foreach (nint context in _contexts) SSL_CTX_free(context);
        _contexts.Clear();
        if (_self.IsAllocated) _self.Free();
    }

    private void Add(TlsCertificate certificate, TlsServerOptions options)
    {
        nint context = ContextParts.Make(TLS_server_method(), options.MinVersion, options.Ciphers);
        _contexts.Add(context);
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
        UseTickets(context, options);
        ContextParts.UseCertificate(context, certificate);
        UseStaple(context, certificate.Staple);
        UseClientCa(context, options);
        if (_alpn.Length > 0) SSL_CTX_set_alpn_select_cb(context, &SelectProtocol, GCHandle.ToIntPtr(_self));
        if (_contexts.Count == 1)
        {
            SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, &SelectCertificate);
            SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, (void*)GCHandle.ToIntPtr(_self));
        }

        using X509Certificate2 leaf = X509Certificate2.CreateFromPem(certificate.ChainPem);
        foreach (string name in Names(leaf)) _names.TryAdd(name, context);
    }

    private static void UseClientCa(nint context, TlsServerOptions options)
    {
        if (options.ClientCertificates == ClientCertificateMode.None) return;
        ContextParts.Trust(context, options.ClientCaPem ?? "", "clientCa");
        int mode = options.ClientCertificates == ClientCertificateMode.Required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER;
        SSL_CTX_set_verify(context, mode, 0);
    }

    /// <summary>The DNS names that a certificate is for: its SANs, or its CN when it has none.</summary>
    private static IEnumerable<string> Names(X509Certificate2 leaf)
    {
        string[] names = [.. leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames())];
        return names.Length > 0 ? names : [leaf.GetNameInfo(X509NameType.DnsName, forIssuer: false)];
    }

    private nint Find(string name)
    {
        if (_names.TryGetValue(name, out nint exact)) return exact;
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _names.TryGetValue("*" + name[dot..], out nint wildcard) ? wildcard : 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectCertificate(nint ssl, int* alert, nint argument)
    {
        if (GCHandle.FromIntPtr(argument).Target is not TlsServerContext self) return SSL_TLSEXT_ERR_NOACK;
        string? name = Marshal.PtrToStringUTF8(SSL_get_servername(ssl, 0));
        nint context = name is null ? 0 : self.Find(name);
        if (context != 0 && context != self._contexts[0]) SSL_set_SSL_CTX(ssl, context);
        return SSL_TLSEXT_ERR_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectProtocol(nint ssl, byte** selected, byte* selectedLength, byte* offered, uint offeredLength, nint argument)
    {
        const int negotiated = 1;
        if (GCHandle.FromIntPtr(argument).Target is not TlsServerContext self) return SSL_TLSEXT_ERR_NOACK;

        // The answer points into the client's offer, which outlives the call; so the server's list need not be pinned for longer.
        fixed (byte* ours = self._alpn)
        {
            byte* found;
            byte length;
            if (SSL_select_next_proto(&found, &length, offered, offeredLength, ours, (uint)self._alpn.Length) != negotiated) return SSL_TLSEXT_ERR_NOACK;
            *selected = found;
            *selectedLength = length;
            return SSL_TLSEXT_ERR_OK;
        }
    }
}
