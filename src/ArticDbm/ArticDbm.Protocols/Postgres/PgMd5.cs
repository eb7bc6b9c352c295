using System.Security.Cryptography;
using System.Text;

namespace ArticDbm.Protocols.Postgres;

/// <summary>The answer to AuthenticationMD5Password, which old servers still ask for: "md5" and MD5(MD5(password user) salt).</summary>
public static class PgMd5
{
    /// <summary>Makes the answer.</summary>
    /// <param name="user">The user.</param>
    /// <param name="password">The password.</param>
    /// <param name="salt">Four bytes.</param>
    public static string Answer(string user, string password, ReadOnlySpan<byte> salt)
    {
#pragma warning disable CA5351 // The method is the server's choice; it is used towards servers that know no better.
        string inner = Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(password + user)));
        return "md5" + Convert.ToHexStringLower(MD5.HashData([.. Encoding.ASCII.GetBytes(inner), .. salt]));
#pragma warning restore CA5351
    }
}
