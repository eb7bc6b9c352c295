namespace MarchProxy.Edge.Tunnels;

/// <summary>The stable codes of <see cref="TunnelEnd"/>.</summary>
internal static class TunnelEnds
{
    public static string Code(TunnelEnd end) => end switch
    {
        TunnelEnd.ClientAborted => "client-left",
        TunnelEnd.UpstreamAborted => "upstream-reset",
        TunnelEnd.IdleTimeout => "tunnel-idle",
        TunnelEnd.Closed => "closed",
        TunnelEnd.Overload => "overload",
        TunnelEnd.Denied => "denied",
        _ => "completed",
    };
}
