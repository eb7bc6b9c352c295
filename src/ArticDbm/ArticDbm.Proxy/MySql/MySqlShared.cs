using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ArticDbm.Proxy.MySql;

/// <summary>What the loops of a process share for MySQL's protocol.</summary>
internal sealed class MySqlShared : IDisposable
{
    private readonly Lazy<Task<RSA>> _key = new(() => Task.Run(() => RSA.Create(2048)));
    private int _last;

    /// <summary>Who can be killed by which number.</summary>
    public ConcurrentDictionary<uint, MySqlSession> Connections { get; } = new();

    /// <summary>The next connection's number; numbers go round, and one that is in use is passed over.</summary>
    public uint NextId()
    {
        uint id;
        do id = (uint)Interlocked.Increment(ref _last);
        while (id == 0 || Connections.ContainsKey(id));
        return id;
    }

    /// <summary>The key under which clients send passwords in clear where there is no TLS; made when the first one asks, off the loop.</summary>
    public Task<RSA> KeyAsync() => _key.Value;

    public void Dispose()
    {
        if (_key is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }) _key.Value.Result.Dispose();
    }
}
