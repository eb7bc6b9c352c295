namespace MarchProxy.Net.Loop;

/// <summary>What bounds a loop.</summary>
public sealed record EventLoopOptions
{
    /// <summary>The usual ones.</summary>
    public static EventLoopOptions Default { get; } = new();

    /// <summary>
    /// Bytes that connection buffers of this loop may take together. Default 512 MiB: at 16 KiB a direction it carries some 16,000 busy connections.
    /// </summary>
    public long MaxBufferBytes { get; init; } = 512L << 20;

    /// <summary>Events taken from the kernel at a time. Default 512, as nginx does; more only delays timers and posts.</summary>
    public int MaxEvents { get; init; } = 512;

    /// <summary>Posted actions run between two polls. Default 1,024, so that a burst of posts cannot starve the sockets.</summary>
    public int MaxPostsPerTurn { get; init; } = 1024;
}
