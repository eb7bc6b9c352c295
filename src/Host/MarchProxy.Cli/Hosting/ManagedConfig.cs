using System.Collections.Immutable;
using System.Threading.Channels;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Secrets;
using MarchProxy.Model.Snapshots;
using MarchProxy.Rpc.Discovery;
using Resource = MarchProxy.Model.Resources.Resource;

namespace MarchProxy.Cli.Hosting;

/// <summary>Where a managed plane asks, and what it keeps.</summary>
internal sealed record ManagedConfigOptions
{
    public required ConfigStreamOptions Stream { get; init; }

    /// <summary>The file of the last good configuration; null keeps none.</summary>
    public string? CacheFile { get; init; }

    /// <summary>Seals that file.</summary>
    public required SecretBox Box { get; init; }
}

/// <summary>
/// A configuration from a manager. The last good one is on disk, sealed, and holds until the manager says another; a step that does not compile or cannot be put in force
/// is refused whole, with its reason.
/// </summary>
internal sealed class ManagedConfig : IConfigSource
{
    private static readonly ImmutableSortedDictionary<string, Held> s_none = ImmutableSortedDictionary.Create<string, Held>(StringComparer.Ordinal);
    private readonly IPlaneHost _host;
    private readonly ManagedConfigOptions _options;
    private readonly SnapshotCache? _cache;
    private readonly TaskCompletionSource<bool> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private ImmutableSortedDictionary<string, Held> _held = s_none;
    private Task _running = Task.CompletedTask;
    private readonly Channel<bool> _worthSaving = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile Unsaved? _unsaved;
    private ConfigStream? _stream;
    private readonly Lock _saving = new();
    private bool _warned, _isDisposed;

    public ManagedConfig(IPlaneHost host, ManagedConfigOptions options)
    {
        _host = host;
        _options = options;
        _cache = options.CacheFile is { } file ? new SnapshotCache(file, options.Box) : null;
        host.Metrics.Observe(host.Prefix + "_manager_connected", "Whether the manager's stream is open.", () => _stream?.IsConnected == true ? 1 : 0);
    }

    public Task<bool> First => _first.Task;

    public void Start() => _running = RunAsync();

    public void Settle()
    {
        if (_unsaved is { } latest) Save(latest.Version, latest.All);
    }

    public void Reload(string why) => _host.ReopenLogs();

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await _stop.CancelAsync();
        await _running;
        _stream?.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await StartFromCacheAsync();
        _stream = new ConfigStream(_options.Stream, _held.ToDictionary(h => h.Key, h => h.Value.Version)) { OnConnection = OnConnection };
        _host.ReportSoon = _stream.ReportSoon;
        await Task.WhenAll(_stream.RunAsync(ApplyAsync, _stop.Token), _stream.ReportAsync(ReportAsync, _host.Answered, _stop.Token), SaveAsync());
    }

    /// <summary>Writes the latest configuration to disk, at most every two seconds: a burst of edits costs one file, and no edit waits for the disk.</summary>
    private async Task SaveAsync()
    {
        try
        {
            while (await _worthSaving.Reader.WaitToReadAsync(_stop.Token))
            {
                _worthSaving.Reader.TryRead(out _);
                if (_unsaved is { } latest) Save(latest.Version, latest.All);
                await Task.Delay(TimeSpan.FromSeconds(2), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            if (_worthSaving.Reader.TryRead(out _) && _unsaved is { } latest) Save(latest.Version, latest.All);
        }
    }

    private async Task StartFromCacheAsync()
    {
        if (_cache is null) return;
        try
        {
            if (_cache.Load() is not { } cached) return;
            var held = s_none.ToBuilder();
            foreach ((string version, DomainResource resource) in cached.Resources)
            {
                if (Read(resource, out string? fault) is not { } read) throw new InvalidDataException(fault);
                held[Name(resource)] = new Held(version, read, resource);
            }

            if (await PutInForceAsync(held.ToImmutable(), cached.Version, "last good configuration from disk") is null)
            {
                _held = held.ToImmutable();
                _first.TrySetResult(true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or SecretBoxException or Google.Protobuf.InvalidProtocolBufferException)
        {
            _host.Log.Warn("the last good configuration on disk cannot be used; the manager is asked for all of it", ("file", _cache.Path), ("fault", e.Message));
        }
    }

    private async Task<string?> ApplyAsync(ConfigStep step)
    {
        var held = _held.ToBuilder();
        foreach ((string version, DomainResource resource) in step.Changed)
        {
            if (Read(resource, out string? fault) is not { } read) return fault;
            held[Name(resource)] = new Held(version, read, resource);
        }

        held.RemoveRange(step.Removed);
        ImmutableSortedDictionary<string, Held> next = held.ToImmutable();
        if (await PutInForceAsync(next, step.Version, "manager") is { } refusal) return refusal;
        _held = next;
        _first.TrySetResult(true);
        _unsaved = new Unsaved(step.Version, next);
        _worthSaving.Writer.TryWrite(true);
        return null;
    }

    private async Task<string?> PutInForceAsync(ImmutableSortedDictionary<string, Held> held, string version, string why)
    {
        // The manager has judged exactly this content, as the version proves: judging it again would make each edit cost as much as all objects.
        var kinds = held.Values.Select(h => h.Resource).GroupBy(r => r.Kind).ToDictionary(g => g.Key, g => g.ToList());
        ResourceSet set = ResourceSet.Empty;
        foreach (ResourceKind kind in ResourceKind.All) set = kind.Replace(set, kinds.GetValueOrDefault(kind.Singular, []));
        Snapshot snapshot;
        try
        {
            snapshot = SnapshotCompiler.CompileValid(set, set.Clusters.IsEmpty ? "default" : set.Clusters[0].Name);
        }
        catch (Exception e) when (e is KeyNotFoundException or ArgumentException or InvalidOperationException or FormatException)
        {
            return "this plane cannot compile the configuration: " + e.Message;
        }

        if (snapshot.Version != version) return $"the content is {snapshot.Version}, not {version}: something was lost on the way";
        return await _host.ApplyAsync(snapshot, why);
    }

    private void Save(string version, ImmutableSortedDictionary<string, Held> held)
    {
        using Lock.Scope one = _saving.EnterScope();
        try
        {
            _cache?.Save(version, held.Values.Select(h => (h.Version, h.Wire)));
            _warned = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_warned) _host.Log.Warn("the configuration is in force, but could not be saved for the next start; free some space or mend the rights", ("file", _cache!.Path), ("fault", e.Message));
            _warned = true;
        }
    }

    private static Resource? Read(DomainResource resource, out string? fault)
    {
        fault = null;
        if (ResourceKind.Find(resource.Kind) is not { } kind)
        {
            fault = $"this plane does not know the kind {resource.Kind}; use a newer program";
            return null;
        }

        (Resource? read, IReadOnlyList<Diagnostic> diagnostics) = ResourceReader.ReadObject(kind, resource.Json.Span, "manager", NoSecrets.Instance);
        if (diagnostics.FirstOrDefault(d => d.Severity == Severity.Error) is { } error) fault = $"{error.Object} {error.Field}: {error.Message}";
        return fault is null ? read : null;
    }

    private static string Name(DomainResource resource) => $"{resource.Kind}/{resource.Name}";

    private async Task<PlaneReport> ReportAsync()
    {
        var report = new PlaneReport { Name = _options.Stream.Name, Host = Environment.MachineName, Version = BuildVersion.Text };
        await _host.FillAsync(report);
        return report;
    }

    private void OnConnection(bool there, string why)
    {
        if (there) _host.Log.Info("connected with the manager", ("address", _options.Stream.Address.ToString()));
        else _host.Log.Warn("the manager is away; what is in force stays", ("address", _options.Stream.Address.ToString()), ("reason", why));
    }

    /// <summary>A resource in force, as it was read and as it came.</summary>
    private sealed record Held(string Version, Resource Resource, DomainResource Wire);

    private sealed record Unsaved(string Version, ImmutableSortedDictionary<string, Held> All);

    private sealed class NoSecrets : ISecretSource
    {
        public static NoSecrets Instance { get; } = new();

        public string? FromEnvironment(string name) => null;

        public string? FromFile(string path) => null;
    }
}
