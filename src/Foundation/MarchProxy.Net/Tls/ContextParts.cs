using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>What contexts of servers and clients have in common.</summary>
internal static unsafe class ContextParts
{
    // Mozilla's intermediate profile for TLS 1.2; TLS 1.3 keeps OpenSSL's.
    private const string Ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

    /// <summary>A context that speaks TLS 1.2 and 1.3, non-blocking, without renegotiation and compression.</summary>
    /// <param name="method">Of a server or a client.</param>
    /// <param name="least">The oldest version.</param>
    /// <param name="ciphers">Ciphers by name, best first; empty for the usual ones.</param>
    public static nint Make(nint method, TlsMinVersion least, IReadOnlyList<string>? ciphers = null)
    {
        nint context = SSL_CTX_new(method);
        if (context == 0) throw new TlsConfigurationException("OpenSSL refuses a context: " + TakeError());
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, least == TlsMinVersion.Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION, null);
        SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS, null);
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_cipher_list(context, Ciphers);
        try
        {
            Choose(context, ciphers ?? []);
            return context;
        }
        catch
        {
            SSL_CTX_free(context);
            throw;
        }
    }

    /// <summary>Takes the ciphers that are named. Each is tried by itself, since OpenSSL passes over those in a list that it does not know.</summary>
    private static void Choose(nint context, IReadOnlyList<string> ciphers)
    {
        string[] latest = [.. ciphers.Where(c => c.StartsWith("TLS_", StringComparison.Ordinal))], older = [.. ciphers.Except(latest)];
        foreach (string cipher in older)
        {
            if (SSL_CTX_set_cipher_list(context, cipher) != 1) throw new TlsConfigurationException($"OpenSSL knows no cipher \"{cipher}\", or holds it for too weak; openssl ciphers lists them.");
        }

        foreach (string cipher in latest)
        {
            if (SSL_CTX_set_ciphersuites(context, cipher) != 1) throw new TlsConfigurationException($"OpenSSL knows no cipher \"{cipher}\" of TLS 1.3; openssl ciphers -tls1_3 lists them.");
        }

        ERR_clear_error();
        if (older.Length > 0) SSL_CTX_set_cipher_list(context, string.Join(':', older));
        if (latest.Length > 0) SSL_CTX_set_ciphersuites(context, string.Join(':', latest));
    }

    /// <summary>Trusts what the CAs of a PEM text have signed.</summary>
    public static void Trust(nint context, string pem, string field)
    {
        List<nint> authorities = Pem.ReadCertificates(pem);
        if (authorities.Count == 0) throw new TlsConfigurationException($"{field} holds no certificate that can be read; give the CA in PEM.");
        nint store = SSL_CTX_get_cert_store(context);
        foreach (nint authority in authorities)
        {
            X509_STORE_add_cert(store, authority);
            X509_free(authority);
        }
    }

    /// <summary>Proves itself by a chain and its key.</summary>
    public static void UseCertificate(nint context, TlsCertificate certificate)
    {
        List<nint> chain = Pem.ReadCertificates(certificate.ChainPem);
        nint key = Pem.ReadKey(certificate.KeyPem);
        try
        {
            if (chain.Count == 0) throw new TlsConfigurationException("The chain holds no certificate that can be read; give it in PEM, the leaf first.");
            if (key == 0) throw new TlsConfigurationException("The private key cannot be read; give it in PEM without a passphrase.");
            if (SSL_CTX_use_certificate(context, chain[0]) != 1) throw new TlsConfigurationException($"OpenSSL refuses the certificate: {TakeError()}.");
            if (SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
            {
                throw new TlsConfigurationException($"The private key does not belong to the first certificate of the chain ({TakeError()}); put the leaf first and give its own key.");
            }

            // The context takes the extra certificates over.
            for (int i = 1; i < chain.Count; i++)
            {
                const int addExtraChain = 14;
                if (SSL_CTX_ctrl(context, addExtraChain, 0, (void*)chain[i]) == 1) chain[i] = 0;
            }
        }
        finally
        {
            foreach (nint one in chain.Where(c => c != 0)) X509_free(one);
            if (key != 0) EVP_PKEY_free(key);
        }
    }
}
