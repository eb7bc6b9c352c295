using System.Security.Cryptography;
using System.Text;
using ArticDbm.Protocols.MySql;

namespace ArticDbm.Protocols.Tests.MySql;

public sealed class MySqlAuthTests
{
    private static readonly byte[] s_challenge = Encoding.ASCII.GetBytes("abcdefghijklmnopqrst");

    [Fact]
    public void Answers_fit_the_password_that_they_were_made_of()
    {
#pragma warning disable CA5350 // mysql_native_password is made of SHA-1.
        byte[] native = SHA1.HashData(SHA1.HashData("pass word"u8)), sha2 = SHA256.HashData(SHA256.HashData("pass word"u8));
#pragma warning restore CA5350
        Assert.True(MySqlScramble.IsNative(MySqlScramble.Native("pass word", s_challenge), s_challenge, native));
        Assert.False(MySqlScramble.IsNative(MySqlScramble.Native("password", s_challenge), s_challenge, native));
        Assert.False(MySqlScramble.IsNative(MySqlScramble.Native("pass word", s_challenge), [.. s_challenge.Reverse()], native));
        Assert.False(MySqlScramble.IsNative([], s_challenge, native));
        Assert.True(MySqlScramble.IsSha2(MySqlScramble.Sha2("pass word", s_challenge), s_challenge, sha2));
        Assert.False(MySqlScramble.IsSha2(MySqlScramble.Sha2("password", s_challenge), s_challenge, sha2));
        Assert.False(MySqlScramble.IsSha2(MySqlScramble.Native("pass word", s_challenge), s_challenge, sha2));
        Assert.Empty(MySqlScramble.Native("", s_challenge));
    }

    [Fact]
    public void A_veiled_password_comes_back()
    {
        Assert.Equal("påss", MySqlScramble.Unveil(MySqlScramble.Veil("påss", s_challenge), s_challenge));
        Assert.Null(MySqlScramble.Unveil(MySqlScramble.Veil("påss", s_challenge).AsSpan(1), s_challenge));
    }

    [Theory]
    [InlineData("secret", "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY")]
    [InlineData("foo", "vubFBzIrapbfHct1/J72dnUryz5VS7lA6XHH8sIx4TI")]
    public void Keys_are_those_that_MariaDB_stores(string password, string key) => Assert.Equal(key, Convert.ToBase64String(MySqlEd25519.PublicKey(password)).TrimEnd('='));
}
