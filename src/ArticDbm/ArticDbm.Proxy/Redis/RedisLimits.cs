using System.Text;

namespace ArticDbm.Proxy.Redis;

/// <summary>The bounds of a Redis session, and why they are what they are.</summary>
internal static class RedisLimits
{
    /// <summary>Bytes of one command: Redis takes 512 MiB of one value; a value of 64 MiB already holds everybody up for the time that it takes.</summary>
    public const int CommandBytes = 64 << 20;

    /// <summary>Before the log-in, as Redis itself has it.</summary>
    public const int StrangerBytes = 16 << 10, StrangerArguments = 10;

    /// <summary>Commands of one client that may be under way; then no more is read of it. A pipeline of any length works, this much at a time.</summary>
    public const int InFlight = 4096;

    /// <summary>Bytes that wait for a client before no more is read of it.</summary>
    public const int EnoughOut = 1 << 20;

    /// <summary>Bytes that wait for a client before the server connection is no longer read.</summary>
    public const int MostOut = 16 << 20;

    /// <summary>Bytes of replies held out of turn for one client: then it is cut off.</summary>
    public const int MostHeld = 64 << 20;

    /// <summary>For how long a client that reads slowly may hold up those that share the connection with it.</summary>
    public const long SlowReaderMs = 5_000;

    /// <summary>How often a cluster may send one command elsewhere: twice is usual while slots move.</summary>
    public const int Moves = 5;

    /// <summary>Parts that one command is split into.</summary>
    public const int Parts = 10_000;
}

/// <summary>Errors of our own, as Redis writes them.</summary>
internal static class RedisErrors
{
    public static byte[] Lost(string fault) => Make("ERR marchproxy: " + fault);

    public static byte[] Make(string text) => Encoding.UTF8.GetBytes("-" + text.Replace('\r', ' ').Replace('\n', ' ') + "\r\n");
}
