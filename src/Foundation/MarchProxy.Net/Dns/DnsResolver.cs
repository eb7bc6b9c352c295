using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>
/// A DNS client with a cache: A and AAAA records over UDP with TCP fall-back, the hosts file, resolv.conf with its search list. Work is
/// done on the thread pool, never on the thread that asks. Dispose ends all names under way.
/// </summary>
public sealed partial class DnsResolver : INameResolver, IAsyncDisposable
{
    private static readonly TimeSpan CheckFilesEvery = TimeSpan.FromSeconds(5);
    private static readonly ResolveResult Localhost = new("localhost", ResolveStatus.Ok, [IPAddress.IPv6Loopback, IPAddress.Loopback]);

    private readonly DnsResolverOptions _options;
    private readonly WatchedFile _confFile, _hostsFile;
    private readonly Dictionary<string, Task<ResolveResult>> _flights = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _gate = new(), _fileGate = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly ITimer _fileTimer;
    private volatile ResolverState _state;
    private bool _closed;
    private long _queries, _cacheHits, _failures, _timeouts;

    /// <summary>Reads the files and starts to watch them.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">A limit is out of its range, or the list of servers is empty.</exception>
    public DnsResolver(DnsResolverOptions? options = null)
    {
        _options = options ?? new DnsResolverOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxCachedNames, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxConcurrent, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Attempts, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.QueryTimeout, TimeSpan.Zero, nameof(options));
        if (_options.Servers is { Count: 0 }) throw new ArgumentException("A resolver needs a server.", nameof(options));
        _confFile = new WatchedFile(_options.ResolvConfPath);
        _hostsFile = new WatchedFile(_options.HostsPath);
        _state = Load(null)!;
        _fileTimer = _options.TimeProvider.CreateTimer(
            static resolver => ((DnsResolver)resolver!).CheckFiles(), this, CheckFilesEvery, CheckFilesEvery);
    }

    /// <summary>Questions put to servers; a name takes at least two. A repeat over TCP or in a plainer style is not counted.</summary>
    public long Queries => Interlocked.Read(ref _queries);

    /// <summary>Names answered from the cache.</summary>
    public long CacheHits => Interlocked.Read(ref _cacheHits);

    /// <summary>Names that ended in <see cref="ResolveStatus.ServerFailure"/>.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Names that ended in <see cref="ResolveStatus.Timeout"/>.</summary>
    public long Timeouts => Interlocked.Read(ref _timeouts);

    /// <inheritdoc/>
    public bool TryGetCached(ReadOnlySpan<char> host, [NotNullWhen(true)] out ResolveResult? result)
    {
        ResolverState state = _state;
        if (IsLocalhost(host))
        {
            result = Localhost;
            return true;
        }

        if (state.Hosts.TryGet(host, out result)) return true;
        if (!state.Cache.TryGet(host, out result)) return false;
        Interlocked.Increment(ref _cacheHits);
        return true;
    }

    /// <inheritdoc/>
    public ValueTask<ResolveResult> ResolveAsync(string host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (TryGetCached(host, out ResolveResult? known)) return new(known);
        if (HostLiteral.TryParse(host, out IPAddress? address)) return new(new ResolveResult(host, ResolveStatus.Ok, [address]));
        Span<byte> wire = stackalloc byte[DnsName.MaxWire];
        if (DnsName.EndsInNumber(host) || DnsName.Encode(host, wire) == 0) return new(new ResolveResult(host, ResolveStatus.BadName));
        return new(Join(host).WaitAsync(cancellationToken));
    }

    /// <summary>Ends all names under way; those who wait for them get <see cref="OperationCanceledException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _fileTimer.DisposeAsync();
        Task[] flights;
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            flights = [.. _flights.Values];
        }

        await _disposed.CancelAsync();
        await Task.WhenAll(flights).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _disposed.Dispose();
    }

    /// <summary>Joins those who wait for the same name already, or starts to resolve it.</summary>
    private Task<ResolveResult> Join(string host)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_flights.TryGetValue(host, out Task<ResolveResult>? flight)) return flight;
            if (_flights.Count >= _options.MaxConcurrent) return Task.FromResult(new ResolveResult(host, ResolveStatus.Busy));
            CancellationToken token = _disposed.Token;
            return _flights[host] = Task.Run(() => FlyAsync(host, token), CancellationToken.None);
        }
    }

    private async Task<ResolveResult> FlyAsync(string host, CancellationToken token)
    {
        try
        {
            // Whoever was here just before may have finished between the look into the cache and the join.
            ResolverState state = _state;
            if (state.Cache.TryGet(host, out ResolveResult? known)) return known;
            (ResolveResult result, int ttl) = await ResolveNameAsync(state, host, token);
            state.Cache.Set(host, result, TimeSpan.FromSeconds(ttl));
            if (result.Status == ResolveStatus.ServerFailure) Interlocked.Increment(ref _failures);
            if (result.Status == ResolveStatus.Timeout) Interlocked.Increment(ref _timeouts);
            return result;
        }
        finally
        {
            lock (_gate) _flights.Remove(host);
        }
    }

    /// <summary>RFC 6761 section 6.3: these names are the loopback address and are never asked for.</summary>
    private static bool IsLocalhost(ReadOnlySpan<char> host)
    {
        if (host is [.., '.']) host = host[..^1];
        return host.EndsWith("localhost", StringComparison.OrdinalIgnoreCase) && (host.Length == 9 || host[^10] == '.');
    }

    private void CheckFiles()
    {
        // A check that takes longer than the interval must not meet the next one.
        if (!_fileGate.TryEnter()) return;
        try
        {
            if (Load(_state) is { } changed) _state = changed;
        }
        finally
        {
            _fileGate.Exit();
        }
    }

    private ResolverState? Load(ResolverState? old)
    {
        string? conf = _options.Servers is null ? _confFile.ReadIfChanged() : null;
        string? hosts = _options.UseHostsFile ? _hostsFile.ReadIfChanged() : null;
        if (old is not null && conf is null && hosts is null) return null;
        ResolvConf newConf = conf is null && old is not null ? old.Conf : ResolvConf.Parse(conf);
        ImmutableArray<IPEndPoint> servers = _options.Servers is null ? newConf.Servers : [.. _options.Servers];
        return new ResolverState(
            newConf,
            hosts is null && old is not null ? old.Hosts : HostsFile.Parse(hosts),
            new ServerList(servers, _options.TimeProvider),
            new NameCache(_options.MaxCachedNames, _options.TimeProvider));
    }
}
