namespace MarchProxy.Bench;

/// <summary>A measure or a peer could not do its work; the message says what to look at.</summary>
internal sealed class BenchException(string message) : Exception(message);
