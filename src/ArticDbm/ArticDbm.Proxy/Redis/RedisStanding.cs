using System.Globalization;
using System.Text;
using ArticDbm.Proxy.Health;

namespace ArticDbm.Proxy.Redis;

/// <summary>Asks a Redis server what it is: INFO replication.</summary>
internal static class RedisStanding
{
    /// <summary>A primary that has nothing to say is silent for so long (repl-ping-replica-period): a replica that has heard nothing for less is not behind.</summary>
    private const int UsualSilence = 10;

    public static async ValueTask<ServerStanding?> AskAsync(RedisServer server, long deadline)
    {
        (byte[]? reply, _) = await RedisLogin.QueryAsync(server, deadline, "INFO", "replication");
        return reply is null ? null : Read(Encoding.UTF8.GetString(reply));
    }

    /// <summary>What the answer says; an error is a server's that cannot serve now: it loads its data, or asks for a password.</summary>
    internal static ServerStanding Read(string info)
    {
        if (info.StartsWith('-')) return new ServerStanding(IsPrimary: false, Lag: null, Serves: false);
        if (Field(info, "role") != "slave") return new ServerStanding(IsPrimary: true, TimeSpan.Zero);
        bool follows = Field(info, "master_link_status") == "up" && int.TryParse(Field(info, "master_last_io_seconds_ago"), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (!follows) return new ServerStanding(IsPrimary: false, Lag: null);
        int silent = int.Parse(Field(info, "master_last_io_seconds_ago"), CultureInfo.InvariantCulture);
        return new ServerStanding(IsPrimary: false, TimeSpan.FromSeconds(Math.Max(0, silent - UsualSilence)));
    }

    private static string Field(string info, string name)
    {
        int at = info.IndexOf("\n" + name + ":", StringComparison.Ordinal);
        return at < 0 ? "" : info[(at + name.Length + 2)..].Split('\r', '\n')[0];
    }
}
