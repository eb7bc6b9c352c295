namespace MarchProxy.Edge.Http1;

/// <summary>What is particular to one response when its head goes to the client.</summary>
/// <param name="Connection">What the client is told about the connection.</param>
/// <param name="Framing">How the client finds the end of the content.</param>
/// <param name="Length">The content's length, with <see cref="ResponseFraming.Length"/>.</param>
internal readonly record struct ResponseHop(ConnectionOption Connection, ResponseFraming Framing, long Length = 0);
