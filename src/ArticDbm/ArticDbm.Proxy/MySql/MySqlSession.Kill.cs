using System.Globalization;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.MySql;

/// <content>KILL: clients know connections by our numbers; it goes to the server that works for that one now.</content>
internal sealed partial class MySqlSession
{
    /// <summary>KILL [HARD|SOFT] [CONNECTION|QUERY] number.</summary>
    private async ValueTask<bool> KillTextAsync(string sql)
    {
        string[] words = sql.Trim().TrimEnd(';').Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        int at = 1;
        if (at < words.Length && (Is(words[at], "HARD") || Is(words[at], "SOFT"))) at++;
        bool query = at < words.Length && Is(words[at], "QUERY");
        if (query || (at < words.Length && Is(words[at], "CONNECTION"))) at++;
        if (at != words.Length - 1 || !uint.TryParse(words[at], NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
        {
            return await SayErrorAsync(MySqlErrors.ParseError, "42000", "KILL is let through as KILL [HARD|SOFT] [CONNECTION|QUERY] number, alone in its text.");
        }

        return await KillAsync(id, !query);
    }

    private async ValueTask<bool> KillAsync(uint id, bool wholeConnection)
    {
        if (!Db.Shared.MySql.Connections.TryGetValue(id, out MySqlSession? other)) return await SayErrorAsync(MySqlErrors.NoSuchThread, "HY000", $"Unknown thread id: {id}");
        Obey();
        bool mayAll = Db.Config.Access.Rules(Account.Name, other.Target.Database.Name).Allows(DbActions.Admin, Db.Now);
        if (other.Account.Name != Account.Name && !mayAll) return await SayErrorAsync(MySqlErrors.NotOwner, "HY000", $"You are not owner of thread {id}");
        if (other == this) return await SayErrorAsync(MySqlErrors.Interrupted, "70100", "Query execution was interrupted") && !wholeConnection;
        if (wholeConnection) other.Db.Loop.Post(static s => ((MySqlSession)s!).KillConnection(), other);
        else other.Db.Loop.Post(static s => ((MySqlSession)s!).KillQuery(), other);
        return await SayOkAsync();
    }

    private static bool Is(string word, string keyword) => word.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    private void KillQuery()
    {
        if (_server is { } server && _midway) KillOnServer(server, "QUERY");
        else CancelWait();
    }

    private void KillConnection()
    {
        if (_server is { } server && _midway) KillOnServer(server, "CONNECTION");
        CancelWait();
        Client.Abort();
    }

    /// <summary>Tells a server to end what one of its connections does. That connection serves nobody else afterwards: the kill may arrive late.</summary>
    private void KillOnServer(MySqlServer server, string what)
    {
        server.WasKilled = true;
        _ = KillOnServerAsync(Db, server.Share, string.Create(CultureInfo.InvariantCulture, $"KILL {what} {server.ThreadId}"));
    }

    private static async Task KillOnServerAsync(DbLoop db, ServerShare share, string sql)
    {
        try
        {
            ServerResult opened = await MySqlDialer.OpenAsync(db, share, foundRows: false);
            if (opened.Connection is not MySqlServer server)
            {
                db.Metrics.BackendError(share.Target.Database.Name, "kill");
                return;
            }

            if ((await new MySqlConversation(server, db.Loop.NowMs + (long)share.Target.Database.Pool.ConnectTimeout.TotalMilliseconds).AskAsync(sql)).Fault is not null) db.Metrics.BackendError(share.Target.Database.Name, "kill");
            server.Close();
        }
        catch (Exception e)
        {
            db.ReportDefect(e);
        }
    }
}
