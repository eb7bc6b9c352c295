using System.Globalization;
using System.Text;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>What a CA says of a certificate.</summary>
public enum OcspStatus
{
    /// <summary>It is not revoked.</summary>
    Good,

    /// <summary>It is revoked.</summary>
    Revoked,

    /// <summary>The responder does not know it.</summary>
    Unknown,
}

/// <summary>A verified answer of a responder.</summary>
/// <param name="Status">What it says.</param>
/// <param name="From">Since when it is known to be so.</param>
/// <param name="Until">When there will be news; null when the responder always has the latest.</param>
public sealed record OcspAnswer(OcspStatus Status, DateTimeOffset From, DateTimeOffset? Until);

/// <summary>The online certificate status protocol (RFC 6960), by OpenSSL: asking after one certificate, and judging the answer.</summary>
public static unsafe class Ocsp
{
    /// <summary>The question after the first certificate of a chain, in DER. Without a nonce: answers are shown to many (RFC 5019).</summary>
    /// <param name="chainPem">The certificate and its issuer's.</param>
    /// <exception cref="TlsConfigurationException">The chain does not hold both.</exception>
    public static byte[] MakeRequest(string chainPem) => With(chainPem, static (leaf, issuer, _) =>
    {
        nint request = OCSP_REQUEST_new();
        try
        {
            // The request owns the identifier.
            OCSP_request_add0_id(request, OCSP_cert_to_id(0, leaf, issuer));
            var der = new byte[i2d_OCSP_REQUEST(request, null)];
            fixed (byte* start = der)
            {
                byte* p = start;
                i2d_OCSP_REQUEST(request, &p);
            }

            return der;
        }
        finally
        {
            OCSP_REQUEST_free(request);
        }
    }, default(byte[])!);

    /// <summary>Judges an answer: signed by the issuer, or by whom it has delegated that to, and about this certificate.</summary>
    /// <param name="chainPem">The certificate and its issuer's.</param>
    /// <param name="response">The answer, in DER.</param>
    /// <param name="fault">What is wrong with it.</param>
    /// <returns>What it says; null when it is worth nothing.</returns>
    public static OcspAnswer? Read(string chainPem, byte[] response, out string fault)
    {
        (OcspAnswer? answer, fault) = With(chainPem, Judge, response);
        return answer;
    }

    private static (OcspAnswer? Answer, string Fault) Judge(nint leaf, nint issuer, byte[] response)
    {
        nint parsed = 0, basic = 0, store = 0, certificates = 0, id = 0;
        try
        {
            fixed (byte* start = response)
            {
                byte* p = start;
                parsed = d2i_OCSP_RESPONSE(0, &p, response.Length);
            }

            if (parsed == 0) return (null, "it is no OCSP response");
            int status = OCSP_response_status(parsed);
            if (status != 0) return (null, status switch { 1 => "the responder says that the question is malformed", 3 => "the responder asks to try later", 6 => "the responder refuses", _ => "the responder has failed" });
            basic = OCSP_response_get1_basic(parsed);
            if (basic == 0) return (null, "it is an OCSP response of another kind");
            store = X509_STORE_new();
            X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
            X509_STORE_add_cert(store, issuer);
            certificates = OPENSSL_sk_new_null();
            OPENSSL_sk_push(certificates, issuer);
            if (OCSP_basic_verify(basic, certificates, store, 0) != 1) return (null, $"its signature does not hold ({TakeError()})");
            id = OCSP_cert_to_id(0, leaf, issuer);
            nint from, until;
            int said, reason;
            nint revoked;
            if (OCSP_resp_find_status(basic, id, &said, &reason, &revoked, &from, &until) != 1) return (null, "it is about another certificate");
            if (Time(from) is not { } since) return (null, "it has no time");
            return (new OcspAnswer(said switch { 0 => OcspStatus.Good, 1 => OcspStatus.Revoked, _ => OcspStatus.Unknown }, since, until == 0 ? null : Time(until)), "");
        }
        finally
        {
            ERR_clear_error();
            OCSP_CERTID_free(id);
            OPENSSL_sk_free(certificates);
            X509_STORE_free(store);
            OCSP_BASICRESP_free(basic);
            OCSP_RESPONSE_free(parsed);
        }
    }

    private static T With<TState, T>(string chainPem, Func<nint, nint, TState, T> use, TState state)
    {
        List<nint> chain = Pem.ReadCertificates(chainPem);
        try
        {
            return chain.Count < 2 ? throw new TlsConfigurationException("The chain does not hold the issuer's certificate, by which the CA is asked; put it after the leaf.") : use(chain[0], chain[1], state);
        }
        finally
        {
            foreach (nint certificate in chain) X509_free(certificate);
        }
    }

    /// <summary>GeneralizedTime as DER and RFC 5280 write it: YYYYMMDDHHMMSSZ.</summary>
    private static DateTimeOffset? Time(nint time)
    {
        string text = Encoding.ASCII.GetString((byte*)ASN1_STRING_get0_data(time), ASN1_STRING_length(time));
        return DateTimeOffset.TryParseExact(text, "yyyyMMddHHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset read) ? read : null;
    }
}
