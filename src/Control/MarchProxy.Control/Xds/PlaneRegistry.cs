using System.Collections.Concurrent;
using System.Text.Json;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Control.Xds;

/// <summary>The data planes that have registered: who they are, what they run, how they are.</summary>
public sealed class PlaneRegistry(IControlStore store, TimeProvider time, ProcessLog log)
{
    /// <summary>Between two reports of a plane.</summary>
    public static TimeSpan ReportInterval { get; } = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_degraded = TimeSpan.FromSeconds(12), s_offline = TimeSpan.FromSeconds(30), s_saved = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<(string Cluster, string Name), Plane> _planes = new();

    /// <summary>Reads what was registered before, and, called again, what planes have told other managers on the same store.</summary>
    public async Task LoadAsync()
    {
        foreach (StoredProxy stored in await store.ProxiesAsync())
        {
            if (_planes.TryAdd((stored.Cluster, stored.Name), new Plane(stored)) || !_planes.TryGetValue((stored.Cluster, stored.Name), out Plane? plane)) continue;
            if (plane.Connected || stored == plane.Stored) continue;
            if (stored.LastSeen > plane.Stored.LastSeen) plane.ToldElsewhere = time.GetTimestamp();
            plane.Stored = stored;
        }
    }

    /// <summary>The planes of a cluster; of all clusters without one.</summary>
    /// <param name="cluster">The cluster, or null.</param>
    /// <param name="state">What they should run.</param>
    public IEnumerable<ProxyInfo> Of(string? cluster, ManagerState state) => _planes.Values
        .Where(p => cluster is null || p.Stored.Cluster == cluster)
        .OrderBy(p => p.Stored.Cluster, StringComparer.Ordinal).ThenBy(p => p.Stored.Name, StringComparer.Ordinal)
        .Select(p => Info(p, state));

    /// <summary>Takes a plane's report.</summary>
    /// <param name="cluster">The cluster that its key proves.</param>
    /// <param name="report">What it says.</param>
    /// <returns>How it is seen: pending, active, degraded or offline.</returns>
    public async Task<string> ReportAsync(string cluster, PlaneReport report)
    {
        DateTimeOffset now = time.GetUtcNow();
        string capabilities = JsonSerializer.Serialize(report.Capabilities);
        Plane plane = _planes.GetOrAdd((cluster, report.Name), key =>
        {
            log.Info("plane registered", ("cluster", cluster), ("name", report.Name), ("kind", report.Kind), ("version", report.Version));
            return new Plane(new StoredProxy(cluster, report.Name, report.Kind, report.Host, report.Version, capabilities, now, now, null, null, null, null));
        });
        StoredProxy before = plane.Stored;
        string? running = report.RunningVersion.Length > 0 ? report.RunningVersion : before.RunningVersion;
        StoredProxy after = before with { Kind = report.Kind, Host = report.Host, Version = report.Version, Capabilities = capabilities, LastSeen = now, RunningVersion = running };
        plane.Stored = after;
        plane.Counters = report.Counters.ToDictionary(StringComparer.Ordinal);
        plane.ReportedAt = time.GetTimestamp();
        plane.Connected = true;
        bool worthSaving = !plane.Saved || time.GetElapsedTime(plane.SavedAt) > s_saved || after with { LastSeen = before.LastSeen } != before;
        if (worthSaving)
        {
            plane.Saved = true;
            plane.SavedAt = plane.ReportedAt;
            await store.PutProxyAsync(after);
        }

        return StateOf(plane);
    }

    /// <summary>Notes that a plane runs a version, or refused it.</summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version.</param>
    /// <param name="refusal">Why it refused; null when it runs it.</param>
    public async Task AnsweredAsync(string cluster, string name, string version, string? refusal)
    {
        if (!_planes.TryGetValue((cluster, name), out Plane? plane)) return;
        StoredProxy before = plane.Stored;
        if (refusal is null)
        {
            plane.Stored = before with { RunningVersion = version, NackVersion = null, NackReason = null, NackAt = null };
        }
        else
        {
            log.Warn("a plane refused a configuration", ("cluster", cluster), ("name", name), ("version", version), ("reason", refusal));
            plane.Stored = before with { NackVersion = version, NackReason = refusal, NackAt = time.GetUtcNow() };
        }

        if (plane.Stored != before) await store.PutProxyAsync(plane.Stored);
    }

    /// <summary>Notes that a plane's stream ended.</summary>
    public void Left(string cluster, string name)
    {
        if (_planes.TryGetValue((cluster, name), out Plane? plane)) plane.Connected = false;
    }

    /// <summary>Forgets a plane; one that lives registers again.</summary>
    public async Task<bool> ForgetAsync(string cluster, string name)
    {
        bool known = _planes.TryRemove((cluster, name), out _);
        return await store.DeleteProxyAsync(cluster, name) || known;
    }

    private ProxyInfo Info(Plane plane, ManagerState state)
    {
        StoredProxy p = plane.Stored;
        return new ProxyInfo(
            p.Name, p.Cluster, p.Kind, p.Host, p.Version, JsonSerializer.Deserialize<List<string>>(p.Capabilities) ?? [], StateOf(plane), p.RunningVersion,
            state.Cluster(p.Cluster)?.Version ?? "", p.NackReason, p.RegisteredAt, p.LastSeen, plane.Counters);
    }

    /// <summary>Silence is measured by the monotonic clock: a wall clock that is set forth or back makes no plane dead or alive.</summary>
    private string StateOf(Plane plane)
    {
        TimeSpan silent = time.GetElapsedTime(plane.ReportedAt);
        if (!plane.Connected && plane.ToldElsewhere is { } told && time.GetElapsedTime(told) < s_saved + s_offline) silent = TimeSpan.Zero;
        else if (!plane.Connected || silent > s_offline) return "offline";
        if (silent > s_degraded) return "degraded";
        return plane.Stored.RunningVersion is null ? "pending" : plane.Stored.NackReason is null ? "active" : "degraded";
    }

    private sealed class Plane(StoredProxy stored)
    {
        public volatile StoredProxy Stored = stored;
        public volatile bool Connected, Saved;
        public volatile IReadOnlyDictionary<string, double> Counters = new Dictionary<string, double>();

        public long ReportedAt { get; set; }

        /// <summary>When another manager was last seen to hear from it.</summary>
        public long? ToldElsewhere { get; set; }

        public long SavedAt { get; set; }
    }
}
