using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Pools;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.MySql;

/// <summary>A connection to a MySQL or MariaDB server, logged in: what was agreed on, its session's settings, and the statements that were prepared on it.</summary>
internal sealed class MySqlServer(TcpConnection connection, ServerShare share, int maxPrepared) : ServerConnection(connection, share)
{
    private static readonly byte[] s_quit = [1, 0, 0, 0, MySqlCommand.Quit];
    private readonly LinkedList<(MySqlStatement Statement, uint Id)> _byUse = new();
    private readonly Dictionary<MySqlStatement, LinkedListNode<(MySqlStatement Statement, uint Id)>> _prepared = [];

    /// <summary>The number by which it can be killed.</summary>
    public uint ThreadId { get; set; }

    /// <summary>What was agreed on.</summary>
    public MySqlCapabilities Capabilities { get; set; }

    /// <summary>What the server calls itself.</summary>
    public string Version { get; set; } = "";

    /// <summary>The last status that it told.</summary>
    public MySqlStatus Status { get; set; }

    /// <summary>The settings of its session, where they are not as at its log-in.</summary>
    public MySqlSettings Settings { get; set; } = MySqlSettings.None;

    /// <summary>Whether it takes several statements in one text.</summary>
    public bool TakesSeveral { get; set; }

    /// <summary>The session that used it last: LAST_INSERT_ID() on it is that one's.</summary>
    public object? LastUser { get; set; }

    /// <summary>Whether something of a session may stick to it that only COM_RESET_CONNECTION removes.</summary>
    public bool IsDirty { get; set; }

    /// <summary>A kill was sent after it: it may arrive late, so that nobody else may have the connection.</summary>
    public bool WasKilled { get; set; }

    public bool DeprecatesEof => (Capabilities & MySqlCapabilities.DeprecateEof) != 0;

    public bool Tracks => (Capabilities & MySqlCapabilities.SessionTrack) != 0;

    public bool FoundRows => (Capabilities & MySqlCapabilities.FoundRows) != 0;

    public bool InTransaction => (Status & MySqlStatus.InTransaction) != 0;

    /// <summary>A statement's number on it, which then counts as used.</summary>
    public bool TryFindPrepared(MySqlStatement statement, out uint id)
    {
        id = 0;
        if (!_prepared.TryGetValue(statement, out LinkedListNode<(MySqlStatement Statement, uint Id)>? node)) return false;
        id = node.Value.Id;
        _byUse.Remove(node);
        _byUse.AddFirst(node);
        return true;
    }

    /// <summary>Notes that a statement is prepared on it.</summary>
    /// <returns>The number of one that must be closed for it, or null.</returns>
    public uint? AddPrepared(MySqlStatement statement, uint id)
    {
        _prepared[statement] = _byUse.AddFirst((statement, id));
        if (_prepared.Count <= maxPrepared) return null;
        (MySqlStatement least, uint gone) = _byUse.Last!.Value;
        _byUse.RemoveLast();
        _prepared.Remove(least);
        return gone;
    }

    /// <summary>COM_RESET_CONNECTION has taken everything of a session away.</summary>
    public void ForgetAll()
    {
        _prepared.Clear();
        _byUse.Clear();
        Settings = MySqlSettings.None;
        LastUser = null;
        TakesSeveral = IsDirty = false;
        Status &= ~MySqlStatus.InTransaction;
    }

    /// <inheritdoc/>
    public override void Close()
    {
        Input.Release();
        if (Connection.IsClosed) return;
        Connection.TrySend(s_quit);
        Connection.Close();
    }
}
