using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>
/// The servers in order of preference. When one fails and a later one answers, the later one goes first for a while, so that a dead
/// server costs its time-out once and not on each name.
/// </summary>
internal sealed class ServerList(ImmutableArray<IPEndPoint> servers, TimeProvider time)
{
    private static readonly TimeSpan Detour = TimeSpan.FromSeconds(30);
    private readonly long _detourTicks = (long)(Detour.TotalSeconds * time.TimestampFrequency);
    private long _until = long.MinValue;
    private int _first;

    /// <summary>How many there are; at least one.</summary>
    public int Count => servers.Length;

    /// <summary>Which server to begin with.</summary>
    public int First => time.GetTimestamp() < Volatile.Read(ref _until) ? Volatile.Read(ref _first) : 0;

    public IPEndPoint this[int index] => servers[index];

    /// <summary>Notes that a server answered after the ones before it had failed.</summary>
    public void Prefer(int index)
    {
        Volatile.Write(ref _first, index);
        Volatile.Write(ref _until, time.GetTimestamp() + _detourTicks);
    }
}
