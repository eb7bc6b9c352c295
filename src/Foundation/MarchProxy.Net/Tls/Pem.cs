using System.Text;
using static MarchProxy.Net.Tls.OpenSsl;

namespace MarchProxy.Net.Tls;

/// <summary>Reads PEM into OpenSSL's own objects, which the caller frees.</summary>
internal static unsafe class Pem
{
    /// <summary>The certificates of a PEM text, in order.</summary>
    public static List<nint> ReadCertificates(string pem)
    {
        var result = new List<nint>();
        byte[] bytes = Encoding.ASCII.GetBytes(pem);
        fixed (byte* p = bytes)
        {
            nint bio = BIO_new_mem_buf(p, bytes.Length);
            while (PEM_read_bio_X509(bio, 0, 0, 0) is not 0 and nint certificate) result.Add(certificate);
            BIO_free(bio);
        }

        ERR_clear_error();
        return result;
    }

    /// <summary>The first private key of a PEM text, or zero.</summary>
    public static nint ReadKey(string pem)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(pem);
        fixed (byte* p = bytes)
        {
            nint bio = BIO_new_mem_buf(p, bytes.Length);
            nint key = PEM_read_bio_PrivateKey(bio, 0, 0, 0);
            BIO_free(bio);
            ERR_clear_error();
            return key;
        }
    }
}
