using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Pools;
using ArticDbm.Security;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <summary>A connection to a PostgreSQL server, logged in: its key for cancelling, its settings, and the statements that were prepared on it.</summary>
internal sealed class PgServer(TcpConnection connection, ServerShare share, int maxPrepared) : ServerConnection(connection, share)
{
    private static readonly byte[] s_terminate = [FrontendMessage.Terminate, 0, 0, 0, 4];
    private readonly LinkedList<PreparedStatement> _byUse = new();
    private readonly Dictionary<PreparedStatement, LinkedListNode<PreparedStatement>> _prepared = [];

    /// <summary>Its key for cancelling.</summary>
    public int Process { get; set; }

    /// <summary>The secret of that key.</summary>
    public int Secret { get; set; }

    /// <summary>The last transaction status that it told.</summary>
    public byte Status { get; set; } = TransactionStatus.Idle;

    /// <summary>What it tells of its settings (ParameterStatus), as they are now.</summary>
    public Dictionary<string, string> Reported { get; } = new(StringComparer.Ordinal);

    /// <summary>Settings that it does not tell of and that a session has set.</summary>
    public Dictionary<string, string> Applied { get; } = new(StringComparer.Ordinal);

    /// <summary>The <see cref="WantedSettings.Key"/> of whom its settings were last made right for; null when one has changed since.</summary>
    public string? SettledFor { get; set; }

    /// <summary>Cancels on their way to it: until they have arrived, it serves nobody else.</summary>
    public int CancelsUnderWay { get; set; }

    /// <summary>Whether something of a session may stick to it that only DISCARD ALL removes.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Who last parsed the unnamed statement on it.</summary>
    public object? UnnamedOf { get; set; }

    /// <summary>Whether a statement is prepared on it; then it counts as used.</summary>
    public bool HasPrepared(PreparedStatement statement)
    {
        if (!_prepared.TryGetValue(statement, out LinkedListNode<PreparedStatement>? node)) return false;
        _byUse.Remove(node);
        _byUse.AddFirst(node);
        return true;
    }

    /// <summary>Notes that a statement is prepared on it.</summary>
    /// <returns>The one that must be closed for it, or null.</returns>
    public PreparedStatement? AddPrepared(PreparedStatement statement)
    {
        if (!_prepared.ContainsKey(statement)) _prepared[statement] = _byUse.AddFirst(statement);
        if (_prepared.Count <= maxPrepared) return null;
        PreparedStatement least = _byUse.Last!.Value;
        Forget(least);
        return least;
    }

    /// <summary>A statement is not prepared on it after all.</summary>
    public void Forget(PreparedStatement statement)
    {
        if (_prepared.Remove(statement, out LinkedListNode<PreparedStatement>? node)) _byUse.Remove(node);
    }

    /// <summary>DISCARD ALL has taken every statement away.</summary>
    public void ForgetAll()
    {
        _prepared.Clear();
        _byUse.Clear();
        Applied.Clear();
        SettledFor = null;
        UnnamedOf = null;
        IsDirty = false;
    }

    /// <inheritdoc/>
    public override void Close()
    {
        Input.Release();
        if (Connection.IsClosed) return;
        Connection.TrySend(s_terminate);
        Connection.Close();
    }
}

/// <summary>A statement that clients have prepared: the same text with the same parameter types is one, whoever prepared it, under a name of ours.</summary>
/// <param name="Name">Its name on servers.</param>
/// <param name="Text">The body of its Parse behind the name: the text with its zero, and the types.</param>
/// <param name="Report">What was read out of the text.</param>
internal sealed record PreparedStatement(string Name, byte[] Text, StatementReport Report)
{
    /// <summary>Whether a server has taken it once: then it is sound, and whoever prepares it again need not ask.</summary>
    public bool WasParsed { get; set; }

    /// <inheritdoc/>
    public bool Equals(PreparedStatement? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
