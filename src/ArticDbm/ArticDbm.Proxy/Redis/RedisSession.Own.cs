using System.Buffers.Text;
using System.Globalization;
using System.Text;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Proxy.Redis;

/// <content>Commands that the proxy answers itself: about the connection, which is ours.</content>
internal sealed partial class RedisSession
{
    private static readonly byte[] s_ok = [.. "+OK\r\n"u8];

    /// <summary>Letters of a client's name: Redis' own rule, and a bound.</summary>
    private const int MaxName = 256;

    /// <summary>Answers a command of our own; Slow for those that need waiting.</summary>
    private Step TakeOwn(RedisCommand command, ReadOnlySpan<byte> data)
    {
        switch (command.Name)
        {
            case "PING":
                return Ping(data);
            case "QUIT":
                Say(s_ok);
                return Step.Over;
            case "AUTH" or "HELLO" or "RESET":
                return InSlowTime();
            case "SELECT":
                return Select(data);
            case "CLIENT|SETNAME" when _reader.Count == 3:
                return SetName(_reader.Argument(data, 2));
            case "CLIENT|SETINFO" or "CLIENT|NO-EVICT" or "CLIENT|NO-TOUCH" or "READONLY" or "READWRITE" or "ASKING":
                return Answer(s_ok);
            case "CLIENT|GETNAME":
                if (_name.Length == 0) _say.Null(_protocol);
                else _say.Bulk(_name);
                return Written();
            case "CLIENT|ID":
                _say.Header((byte)':', Id);
                return Written();
            case "CLIENT|INFO" or "CLIENT|LIST":
                _say.Bulk(Describe());
                return Written();
            case "ACL|WHOAMI":
                _say.Bulk(Account.Name);
                return Written();
            case "CLIENT|REPLY":
                return Answer(RedisErrors.Make("ERR marchproxy: CLIENT REPLY is not let through: replies are matched to commands here"));
            case "SYNC" or "PSYNC" or "REPLCONF":
                return Answer(RedisErrors.Make("ERR marchproxy: replication is not let through; connect to the server itself"));
            default:
                return Answer(RedisErrors.Make($"ERR wrong number of arguments for '{command.Name.Replace('|', ' ').ToLowerInvariant()}' command"));
        }
    }

    /// <summary>Everything under way is answered first; then the command may wait for what it needs.</summary>
    private Step InSlowTime()
    {
        if (_inFlight == 0) return Step.Slow;
        _waitsForAll = true;
        return Step.Wait;
    }

    private async ValueTask<bool> TakeSlowlyAsync()
    {
        string name = Encoding.Latin1.GetString(_reader.Argument(_input.Pending, 0)).ToUpperInvariant();
        bool goOn = name switch
        {
            "AUTH" => await AuthAsync(),
            "HELLO" => await HelloAsync(),
            "RESET" => Reset(),
            _ => await TakeClusterSlowlyAsync(),
        };
        if (goOn && !_looksAgain) Consume();
        _looksAgain = false;
        return goOn;
    }

    private bool _looksAgain;

    private Step Answer(ReadOnlySpan<byte> reply)
    {
        Say(reply);
        return Step.Next;
    }

    private Step Written()
    {
        SayWritten();
        return Step.Next;
    }

    private Step Ping(ReadOnlySpan<byte> data)
    {
        if (_reader.Count > 2) return Answer(RedisErrors.Make("ERR wrong number of arguments for 'ping' command"));
        if (_reader.Count == 1) return Answer("+PONG\r\n"u8);
        _say.Bulk(_reader.Argument(data, 1));
        return Written();
    }

    private Step SetName(ReadOnlySpan<byte> name)
    {
        if (Named(name)) return Answer(s_ok);
        return Answer(RedisErrors.Make("ERR Client names cannot contain spaces, newlines or special characters."));
    }

    private bool Named(ReadOnlySpan<byte> name)
    {
        if (name.Length > MaxName || name.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0) return false;
        _name = Encoding.ASCII.GetString(name);
        return true;
    }

    /// <summary>
    /// Turns to another of the server's databases; the server's own word decides whether there is one. A database of ours that is one of the server's lets nobody out of it.
    /// </summary>
    private Step Select(ReadOnlySpan<byte> data)
    {
        if (_reader.Count != 2) return Answer(RedisErrors.Make("ERR wrong number of arguments for 'select' command"));
        ReadOnlySpan<byte> text = _reader.Argument(data, 1);
        if (!Utf8Parser.TryParse(text, out ushort number, out int used) || used != text.Length) return Answer(RedisErrors.Make("ERR value is not an integer or out of range"));
        int home = Home();
        if (Target.Database.NameOnServer.Length > 0)
        {
            if (number == home || number == 0) return Answer(s_ok);
            Refuse(s_select, "not-granted", $"NOPERM the database \"{Target.Database.Name}\" is the server's number {home} alone (marchproxy: not-granted)", null);
            return Step.Next;
        }

        if (number == _number) return Answer(s_ok);
        if (Target.Database.RedisCluster) return Answer(RedisErrors.Make("ERR SELECT is not allowed in cluster mode"));
        if (_inFlight > 0)
        {
            _waitsForAll = true;
            return Step.Wait;
        }

        (_numberBefore, _number) = (_number, number);
        Forward(Ordinary(s_select), s_select, data, TicketKind.Pass);
        _waitsForAll = true;
        return Step.Next;
    }

    /// <summary>The number that the session begins with.</summary>
    private int Home() => int.TryParse(Target.Database.NameOnServer, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    private string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"id={Id} addr={Client.Remote} name={_name} age={(long)(Db.Now - Since).TotalSeconds} db={_number} multi={(_multi == Multi.None ? -1 : 0)} user={Account.Name} resp={_protocol}\n");

    /// <summary>As if the client had just connected: it must log in again.</summary>
    private bool Reset()
    {
        _own?.Release(reusable: !HoldsState);
        ForgetState();
        _own = null;
        _protocol = 2;
        _name = "";
        FlushTally();
        LoggedIn = false;
        Say("+RESET\r\n"u8);
        return true;
    }
}
