using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;

namespace MarchProxy.Edge.Http2;

/// <summary>Where a connection that Kestrel serves came from: its loop, its listener, its client.</summary>
/// <param name="Edge">The loop that owns it.</param>
/// <param name="Listener">The listener that accepted it.</param>
/// <param name="Client">The client.</param>
/// <param name="Local">Our address on it.</param>
/// <param name="ServerName">The name that its TLS was made for; null without.</param>
/// <param name="IsSecure">Whether it came over TLS.</param>
internal sealed record EdgeConnection(EdgeLoop Edge, ActiveListener Listener, Endpoint Client, Endpoint Local, string? ServerName, bool IsSecure);
