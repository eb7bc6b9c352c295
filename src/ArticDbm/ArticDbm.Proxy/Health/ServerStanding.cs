namespace ArticDbm.Proxy.Health;

/// <summary>What a server says of itself.</summary>
/// <param name="IsPrimary">Whether it takes writes.</param>
/// <param name="Lag">How far it is behind its primary; null when it follows none now, or does not know.</param>
/// <param name="Serves">Whether it is in a state to answer clients at all (a Galera node that is not synced is not).</param>
internal sealed record ServerStanding(bool IsPrimary, TimeSpan? Lag, bool Serves = true);
