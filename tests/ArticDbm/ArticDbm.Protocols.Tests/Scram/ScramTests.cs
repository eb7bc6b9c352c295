using System.Security.Cryptography;
using System.Text;
using ArticDbm.Protocols.Scram;

namespace ArticDbm.Protocols.Tests.Scram;

/// <summary>SCRAM-SHA-256 on both sides: the RFC's example, each other, and everybody who does not know the password.</summary>
public sealed class ScramTests
{
    // RFC 7677 section 3.
    private static readonly ScramSecret s_pencil = new(4096, Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), Convert.FromBase64String("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="), Convert.FromBase64String("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="));

    [Fact]
    public void The_example_of_the_rfc_holds_word_for_word()
    {
        var client = new ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO", "user");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", client.First);
        var server = new ScramServer(s_pencil, plus: false, null, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        string? first = server.First(client.First);
        Assert.Equal("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", first);
        string? final = client.Final(first!);
        Assert.Equal("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", final);
        string? proof = server.Final(final!);
        Assert.Equal("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", proof);
        Assert.True(client.IsServer(proof!));
        Assert.False(client.IsServer("v=AAAA"));
        Assert.False(client.IsServer("e=other-error"));
    }

    [Theory]
    [InlineData("pencil", true)]
    [InlineData("Pencil", false)]
    [InlineData("", false)]
    public void Only_the_password_opens(string password, bool opens)
    {
        var client = new ScramClient(password);
        var server = new ScramServer(s_pencil, plus: false, null);
        Assert.Equal(opens, server.Final(client.Final(server.First(client.First)!)!) is not null);
    }

    [Fact]
    public void An_account_that_is_not_there_looks_like_one_that_is_and_opens_to_nobody()
    {
        ScramSecret one = ScramSecret.Mock("ann", new byte[32]), again = ScramSecret.Mock("ann", new byte[32]), other = ScramSecret.Mock("bob", new byte[32]);
        Assert.Equal(one.Salt, again.Salt);
        Assert.NotEqual(one.Salt, other.Salt);
        Assert.Equal((16, 4096), (one.Salt.Length, one.Iterations));
        var client = new ScramClient("");
        var server = new ScramServer(one, plus: false, null);
        Assert.Null(server.Final(client.Final(server.First(client.First)!)!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("n,,")]
    [InlineData("n,,n=user")]
    [InlineData("n,a=other,n=user,r=abc")]
    [InlineData("p=tls-unique,,n=user,r=abc")]
    [InlineData("p=tls-server-end-point,,n=user,r=abc")]
    [InlineData("x,,n=user,r=abc")]
    [InlineData("n,,m=ext,n=user,r=abc")]
    public void A_first_message_that_breaks_the_protocol_is_refused(string message) => Assert.Null(new ScramServer(s_pencil, plus: false, null).First(message));

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Our_client_proves_itself_to_our_server_with_and_without_binding(bool secured, bool offered)
    {
        byte[]? binding = secured ? [1, 2, 3] : null;
        var client = new ScramClient("pencil", binding: binding, offered: offered);
        Assert.Equal(offered, client.Binds);
        var server = new ScramServer(s_pencil, client.Binds, offered ? binding : null);
        Assert.True(client.IsServer(server.Final(client.Final(server.First(client.First)!)!)!));

        // Another channel, and an offer that somebody took away, are found out.
        if (!secured) return;
        var elsewhere = new ScramServer(s_pencil, client.Binds, [9, 9, 9]);
        Assert.Null(elsewhere.First(client.First) is { } first ? elsewhere.Final(client.Final(first)!) : null);
    }

    [Fact]
    public void Channel_binding_binds_the_channel()
    {
        byte[] binding = [1, 2, 3];

        // Who could bind and says that we cannot has been lied to.
        Assert.Null(new ScramServer(s_pencil, plus: false, binding).First("y,,n=user,r=abc"));
        Assert.NotNull(new ScramServer(s_pencil, plus: false, null).First("y,,n=user,r=abc"));
        Assert.Equal((true, false), (Bound(binding), Bound([1, 2, 4])));

        bool Bound(byte[] seen)
        {
            const string header = "p=tls-server-end-point,,", bare = "n=,r=abc";
            var server = new ScramServer(s_pencil, plus: true, binding);
            string first = server.First(header + bare)!;
            string without = $"c={Convert.ToBase64String([.. Encoding.ASCII.GetBytes(header), .. seen])},{first.Split(',')[0]}";
            byte[] auth = Encoding.UTF8.GetBytes($"{bare},{first},{without}");
            byte[] salted = Rfc2898DeriveBytes.Pbkdf2("pencil"u8, s_pencil.Salt, 4096, HashAlgorithmName.SHA256, 32), key = HMACSHA256.HashData(salted, "Client Key"u8), signature = HMACSHA256.HashData(s_pencil.StoredKey, auth);
            string proof = Convert.ToBase64String(key.Zip(signature, (a, b) => (byte)(a ^ b)).ToArray());
            return server.Final($"{without},p={proof}") is not null;
        }
    }

    [Fact]
    public void Garbage_is_refused_and_never_an_exception()
    {
        var random = new Random(1);
        var client = new ScramClient("pencil", "abc");

        // One round instead of thousands: the time would go into hashing.
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2("pencil"u8, s_pencil.Salt, 1, HashAlgorithmName.SHA256, 32);
        var quick = new ScramSecret(1, s_pencil.Salt, SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8)), HMACSHA256.HashData(salted, "Server Key"u8));
        for (int i = 0; i < 20_000; i++)
        {
            var server = new ScramServer(quick, plus: false, null, "xyz");
            char[] first = client.First.ToCharArray();
            if (random.Next(2) == 0) first[random.Next(first.Length)] = (char)random.Next(32, 300);
            if (server.First(new string(first)) is not { } serverFirst) continue;
            char[] told = serverFirst.ToCharArray();
            if (random.Next(2) == 0) told[random.Next(told.Length)] = (char)random.Next(32, 127);
            if (client.Final(new string(told)) is not { } final) continue;
            char[] last = final.ToCharArray();
            bool altered = random.Next(2) == 0;
            int at = random.Next(last.Length);
            char was = last[at];
            if (altered) last[at] = (char)random.Next(32, 127);

            // The last digit of the proof has two bits that mean nothing.
            altered &= at != last.Length - 2;
            bool honest = new string(told) == serverFirst && new string(first) == client.First && (!altered || last[at] == was);
            if (server.Final(new string(last)) is not null) Assert.True(honest, new string(last));
            if (i % 200 == 0 && random.Next(2) == 0) server.Final(new string('=', random.Next(4000)));
        }
    }

    [Theory]
    [InlineData("r=abcX,s=AAAA,i=0")]
    [InlineData("r=abcX,s=AAAA,i=99999999")]
    [InlineData("r=abc,s=AAAA,i=4096")]
    [InlineData("r=other,s=AAAA,i=4096")]
    [InlineData("r=abcX,s=!,i=4096")]
    [InlineData("e=no")]
    public void A_server_that_breaks_the_protocol_is_left(string first) => Assert.Null(new ScramClient("x", "abc").Final(first));
}
