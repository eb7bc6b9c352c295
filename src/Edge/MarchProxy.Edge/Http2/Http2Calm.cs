namespace MarchProxy.Edge.Http2;

/// <summary>
/// What a peer may do on one connection that costs us and brings nobody anything. Two purses that fill with time: resets of streams under way, by it or by us
/// for its faults (CVE-2023-44487, CVE-2025-8671), and frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, unknown).
/// </summary>
internal sealed class Http2Calm(long nowMs)
{
    /// <summary>Resets at once: a browser that leaves a page takes back a hundred requests. A hundred a second may follow; an attack does thousands.</summary>
    public const int ResetBurst = 400, ResetsPerSecond = 100;

    /// <summary>Empty frames at once; what h2load and gRPC's keep-alive send is far below.</summary>
    public const int ControlBurst = 2000, ControlsPerSecond = 200;

    private double _resets = ResetBurst, _controls = ControlBurst;
    private long _resetsAt = nowMs, _controlsAt = nowMs;

    /// <summary>Counts a reset.</summary>
    /// <returns>Whether it may be.</returns>
    public bool Reset(long nowMs) => Take(ref _resets, ref _resetsAt, nowMs, ResetBurst, ResetsPerSecond);

    /// <summary>Counts a frame that carries nothing.</summary>
    /// <returns>Whether it may be.</returns>
    public bool Control(long nowMs) => Take(ref _controls, ref _controlsAt, nowMs, ControlBurst, ControlsPerSecond);

    private static bool Take(ref double left, ref long at, long nowMs, int burst, int perSecond)
    {
        left = Math.Min(burst, left + ((nowMs - at) * perSecond / 1000.0)) - 1;
        at = nowMs;
        return left >= 0;
    }
}
