using System.Collections.Concurrent;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Config;

/// <summary>A database with its servers as this process knows them; shared by all loops.</summary>
internal sealed class DbTarget
{
    private readonly Lazy<TlsClientContext?> _tls;

    public DbTarget(Database database, int loops, TimeProvider time)
    {
        Database = database;
        Servers = [.. database.Servers.Select(s => new ServerShare(this, s, loops, time))];
        Primary = Servers.First(s => s.Server.Role == DbServerRole.Primary);
        Replicas = [.. Servers.Where(s => s.Server.Role == DbServerRole.Replica)];
        _tls = new Lazy<TlsClientContext?>(MakeTls);
    }

    public Database Database { get; }

    public ServerShare[] Servers { get; }

    public ServerShare Primary { get; }

    public ServerShare[] Replicas { get; }

    /// <summary>TLS to the servers; null when it is switched off.</summary>
    public TlsClientContext? Tls => _tls.Value;

    /// <summary>What a server last said of its settings: told to clients when they log in.</summary>
    public ConcurrentDictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    private TlsClientContext? MakeTls() => Database.Tls.Mode == DbTlsMode.Disable ? null : new TlsClientContext(new TlsClientOptions
    {
        CaPem = Database.Tls.Ca.Length > 0 ? Database.Tls.Ca : null,
        SkipVerification = Database.Tls.Mode != DbTlsMode.VerifyFull,
    });
}
