using MarchProxy.Control.Storage;
using MarchProxy.Model.Egress;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Control.State;

/// <summary>
/// The flows of the last 24 hours: what the planes' egress policies said to whom. Reports are gathered here and written every few seconds; whoever asks sees what was
/// gathered too. Bounded: refusals of ever new names cannot crowd out the flows that pass.
/// </summary>
public sealed class FlowBook(IControlStore store, TimeProvider time, ProcessLog log) : IAsyncDisposable
{
    /// <summary>How far back it reaches.</summary>
    public static TimeSpan Reach { get; } = TimeSpan.FromHours(24);

    /// <summary>Different flows of a cluster in an hour: above that a list of flows helps nobody, and a day of them stays below 200 MB on disk.</summary>
    private const int MostInHour = 20_000;

    /// <summary>Of these, flows that never passed.</summary>
    private const int MostDeniedInHour = 10_000;

    /// <summary>In the year 9892: what a wrong clock may say without leaving the calendar.</summary>
    private const long LatestMicros = 250_000_000_000_000_000;

    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(string Cluster, long Hour), Seen> _seen = [];
    private Dictionary<(string Cluster, long Hour, string Flow), StoredFlow> _gathered = [];
    private Task _running = Task.CompletedTask;
    private long _lost;

    /// <summary>Decisions left out, since their hour had too many different flows.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Begins to write what is gathered.</summary>
    public void Start() => _running = RunAsync();

    /// <summary>Takes a plane's counts.</summary>
    /// <param name="cluster">The plane's cluster.</param>
    /// <param name="counts">The counts; those that make no sense are passed over.</param>
    public void Add(string cluster, IEnumerable<FlowCount> counts)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            foreach (FlowCount count in counts)
            {
                if (Flow.Parse(count.Flow) is null || count.Allowed < 0 || count.Denied < 0 || count.Reported < 0) continue;

                // A plane whose clock is off, or that was cut off for days, tells of the last 24 hours all the same.
                DateTimeOffset seen = DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(count.LastSeen, 0, LatestMicros) * TimeSpan.TicksPerMicrosecond);
                if (seen > now || seen < now - Reach) seen = now;
                var flow = new StoredFlow(cluster, StoredFlow.HourOf(seen), count.Flow, count.Allowed, count.Denied, count.Reported, Cut(count.Mapping), Cut(count.Reason), seen);
                if (HasRoom(flow)) Gather(flow);
                else Interlocked.Add(ref _lost, count.Allowed + count.Denied + count.Reported);
            }
        }
    }

    /// <summary>The flows of a cluster in the last 24 hours, the hours of each added up, the latest first.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreException">The store cannot be read.</exception>
    public async Task<IReadOnlyList<(Flow Flow, StoredFlow Count)>> LatestAsync(string cluster, CancellationToken cancellation = default)
    {
        await WriteAsync(cancellation);
        var all = new Dictionary<string, StoredFlow>(StringComparer.Ordinal);
        foreach (StoredFlow flow in await store.FlowsAsync(cluster, time.GetUtcNow() - Reach, cancellation)) all[flow.Flow] = all.TryGetValue(flow.Flow, out StoredFlow? known) ? known.With(flow) : flow;
        return
        [
            .. all.Values.OrderByDescending(f => f.LastSeen).ThenBy(f => f.Flow, StringComparer.Ordinal)
                .Select(f => (Flow.Parse(f.Flow), f)).Where(f => f.Item1 is not null).Select(f => (f.Item1!, f.f)),
        ];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _writing.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(s_period, time);
        bool open = true;
        while (open)
        {
            try
            {
                open = await timer.WaitForNextTickAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                open = false;
            }

            try
            {
                await WriteAsync(CancellationToken.None);
            }
            catch (StoreException e)
            {
                log.Warn("the flows of the planes could not be kept; they are tried again", ("fault", e.Message));
            }
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            Dictionary<(string Cluster, long Hour, string Flow), StoredFlow> taken;
            lock (_lock)
            {
                if (_gathered.Count == 0) return;
                (taken, _gathered) = (_gathered, []);
            }

            try
            {
                await store.AddFlowsAsync(taken.Values, time.GetUtcNow() - Reach, CancellationToken.None);
            }
            catch (StoreException)
            {
                lock (_lock)
                {
                    foreach (StoredFlow flow in taken.Values) Gather(flow);
                }

                throw;
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    private bool HasRoom(StoredFlow flow)
    {
        long oldest = StoredFlow.HourOf(time.GetUtcNow() - Reach);
        foreach ((string, long Hour) old in _seen.Keys.Where(k => k.Hour < oldest).ToArray()) _seen.Remove(old);
        if (!_seen.TryGetValue((flow.Cluster, flow.Hour), out Seen? seen)) _seen[(flow.Cluster, flow.Hour)] = seen = new Seen();
        bool passed = flow.Allowed + flow.Reported > 0;
        if (seen.Passed.Contains(flow.Flow) || (!passed && seen.Denied.Contains(flow.Flow))) return true;
        return passed ? seen.Passed.Count < MostInHour - MostDeniedInHour && seen.Passed.Add(flow.Flow) : seen.Denied.Count < MostDeniedInHour && seen.Denied.Add(flow.Flow);
    }

    private void Gather(StoredFlow flow)
    {
        var key = (flow.Cluster, flow.Hour, flow.Flow);
        _gathered[key] = _gathered.TryGetValue(key, out StoredFlow? known) ? known.With(flow) : flow;
    }

    private static string Cut(string text) => text.Length > 100 ? text[..100] : text;

    /// <summary>The flows of an hour, so that one that is known always has room.</summary>
    private sealed class Seen
    {
        public HashSet<string> Passed { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Denied { get; } = new(StringComparer.Ordinal);
    }
}
