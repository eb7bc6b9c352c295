using MarchProxy.Net.Handover;

namespace MarchProxy.Edge;

/// <summary>What an edge goes on with when it takes over from a process before it.</summary>
/// <param name="Sockets">The listening sockets.</param>
/// <param name="TicketKeys">The keys of TLS session tickets (<see cref="EdgeServer.ExportTicketKeys"/>).</param>
public sealed record EdgeInheritance(InheritedSockets Sockets, string? TicketKeys);
