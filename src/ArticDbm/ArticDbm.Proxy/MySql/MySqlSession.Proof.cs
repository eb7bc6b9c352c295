using System.Security.Cryptography;
using System.Text;
using ArticDbm.Protocols.MySql;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace ArticDbm.Proxy.MySql;

/// <content>How clients prove their passwords. Accounts that are not there are asked the same questions as those that are.</content>
internal sealed partial class MySqlSession
{
    /// <summary>The number of our next packet in a log-in.</summary>
    private byte _nextInLogin = 2;

    /// <summary>What a client says to prove itself.</summary>
    private sealed class Proof(string plugin, string preferred, byte[] answer, byte[] scramble)
    {
        /// <summary>How the answer was made; empty when the client does not say.</summary>
        public string Plugin { get; set; } = plugin;

        /// <summary>What we would have it use.</summary>
        public string Preferred => preferred;

        public byte[] Answer { get; set; } = answer;

        public byte[] Scramble { get; set; } = scramble;

        /// <summary>The number of the packet that ends the log-in.</summary>
        public byte Next { get; set; }
    }

    private async ValueTask<bool> ProveAsync(DbAccount? account, Proof proof, long deadline)
    {
        ForgetProof();

        // A client that has a way of its own was told a challenge for another: it gets one for its own, where we know it.
        bool straight = proof.Plugin == proof.Preferred || (proof.Plugin.Length == 0 && proof.Answer.Length == MySqlAuth.ScrambleLength);
        if (!straight)
        {
            if (proof.Plugin is not (MySqlAuth.Native or MySqlAuth.CachingSha2)) proof.Plugin = proof.Preferred;
            proof.Scramble = Challenge();
            MySqlMessages.AuthSwitch(_reply, _nextInLogin, proof.Plugin, proof.Scramble);
            if (!await SayAsync() || await LoginPacketAsync(deadline) is not { } answer) return false;
            proof.Answer = answer;
        }

        proof.Next = _nextInLogin;
        bool sha2 = proof.Plugin == MySqlAuth.CachingSha2;
        if (IsProvenByCertificate(account))
        {
            // Whatever it has answered; by caching_sha2_password it waits for a word on that.
            if (!sha2 || proof.Answer.Length != MySqlAuth.Sha2Length) return true;
            MySqlMessages.AuthMore(_reply, _nextInLogin, [3]);
            proof.Next = ++_nextInLogin;
            return true;
        }

        if (!sha2) return IsProven(account, v => MySqlScramble.IsNative(proof.Answer, proof.Scramble, Hash(v?.MySqlNative, 20)));
        bool fast = IsProven(account, v => MySqlScramble.IsSha2(proof.Answer, proof.Scramble, Hash(v?.MySqlSha2, MySqlAuth.Sha2Length)));
        MySqlMessages.AuthMore(_reply, _nextInLogin, [fast ? (byte)3 : (byte)4]);
        proof.Next = ++_nextInLogin;
        if (fast) return true;
        string? password = await SayAsync() ? await PasswordAsync(proof, deadline) : null;
        proof.Next = _nextInLogin;
        if (password is not { Length: > 0 }) return false;

        // An account that was stored without this verifier is checked by the other, which takes milliseconds: not on the loop.
        bool right = await Task.Run(() => IsProven(account, v => Matches(v, password)));
        await Db.Loop.Enter();
        return right;
    }

    /// <summary>Whether something that an account may prove itself by is proven: its password, or a key, which is then noted. An account that is not there costs one look as well.</summary>
    private bool IsProven(DbAccount? account, Func<DbVerifiers?, bool> proves)
    {
        bool looked = false;
        foreach ((DbVerifiers verifiers, DbKey? key) in account?.Proofs ?? [])
        {
            looked = true;
            if (!proves(verifiers)) continue;
            Key = key;
            return true;
        }

        if (!looked) proves(null);
        return false;
    }

    /// <summary>The password itself: in clear under TLS or on this machine, else under our RSA key, which is sent when it is asked for.</summary>
    private async ValueTask<string?> PasswordAsync(Proof proof, long deadline)
    {
        if (await LoginPacketAsync(deadline) is not { } first) return null;
        if (Client.Tls is not null || Client.Remote.Path is not null) return first is [.., 0] ? Encoding.UTF8.GetString(first.AsSpan(0, first.Length - 1)) : null;
        if (first is not [2]) return null;
        Task<RSA> making = Db.Shared.MySql.KeyAsync();
        RSA key = await making;
        await Db.Loop.Enter();
        MySqlMessages.AuthMore(_reply, _nextInLogin, Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem() + "\n"));
        if (!await SayAsync() || await LoginPacketAsync(deadline) is not { } veiled) return null;

        // It takes milliseconds: not on the loop.
        byte[]? opened = await Task.Run(() => Open(key, veiled));
        await Db.Loop.Enter();
        return opened is null ? null : MySqlScramble.Unveil(opened, proof.Scramble);
    }

    private static byte[]? Open(RSA key, byte[] veiled)
    {
        try
        {
            lock (key) return key.Decrypt(veiled, RSAEncryptionPadding.OaepSHA1);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static bool Matches(DbVerifiers? verifiers, string password)
    {
        if (verifiers is { MySqlSha2.Length: 0 }) return DbPassword.Matches(verifiers, password);
        byte[] twice = SHA256.HashData(SHA256.HashData(Encoding.UTF8.GetBytes(password)));
        return CryptographicOperations.FixedTimeEquals(twice, Hash(verifiers?.MySqlSha2, MySqlAuth.Sha2Length)) && verifiers is not null;
    }

    /// <summary>A verifier's bytes; random ones where there is none.</summary>
    private static byte[] Hash(string? hex, int length) => hex?.Length == 2 * length ? Convert.FromHexString(hex) : RandomNumberGenerator.GetBytes(length);

    /// <summary>The next packet of a log-in, and not a byte more: behind a request for TLS its handshake follows at once. Null when none comes in time, or one that cannot be.</summary>
    private async ValueTask<byte[]?> LoginPacketAsync(long deadline)
    {
        byte[] header = new byte[MySqlPacket.HeaderLength];
        if (!await ReceiveAsync(header, deadline) || !MySqlPacket.TryRead(header, out MySqlPacket packet)) return null;
        if (packet.PayloadLength > MySqlLogin.MaxLength)
        {
            Db.Metrics.AuthFailure("malformed-login");
            Client.Abort();
            return null;
        }

        _nextInLogin = (byte)(packet.Sequence + 1);
        byte[] payload = new byte[packet.PayloadLength];
        return await ReceiveAsync(payload, deadline) ? payload : null;
    }

    private async ValueTask<bool> ReceiveAsync(Memory<byte> into, long deadline)
    {
        while (!into.IsEmpty)
        {
            int n = Client.TryReceive(into.Span);
            if (n == -Errno.EAGAIN)
            {
                long left = deadline - Db.Loop.NowMs;
                n = left <= 0 ? -Errno.ETIMEDOUT : await Client.ReadableAsync(left);
                if (n == 0) continue;
            }

            if (n <= 0)
            {
                if (n == -Errno.ETIMEDOUT) Db.Metrics.AuthFailure("login-timeout");
                Client.Abort();
                return false;
            }

            into = into[n..];
        }

        return true;
    }
}
