namespace MarchProxy.Edge.Http1;

/// <summary>What is particular to one request when its head goes to the upstream.</summary>
/// <param name="Peer">The client; null when no policy of the route tells its address.</param>
/// <param name="Secure">The client came over TLS.</param>
/// <param name="PassUpgrade">The wanted upgrade is passed through (only when <see cref="MessageHead.UpgradeWanted"/>).</param>
internal readonly record struct RequestHop(PeerAddress? Peer, bool Secure, bool PassUpgrade);
