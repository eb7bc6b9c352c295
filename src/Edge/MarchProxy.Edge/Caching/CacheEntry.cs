namespace MarchProxy.Edge.Caching;

/// <summary>What is kept under one key: variants, the newest first, and who is fetching one.</summary>
internal sealed class CacheEntry(byte[] key)
{
    /// <summary>Variants of one target: enough for codings times languages; a field with free values pushes out only its own.</summary>
    public const int MaxVariants = 16;

    private volatile CachedResponse[] _variants = [];
    private long _notKeptUntil;

    public byte[] Key => key;

    /// <summary>Replaced as a whole under the cache's lock; read without it.</summary>
    public CachedResponse[] Variants
    {
        get => _variants;
        set => _variants = value;
    }

    /// <summary>Used since the hand of the clock came by (SIEVE); a lost write costs nothing.</summary>
    public bool Visited { get; set; }

    /// <summary>Who is fetching, or null. Under the cache's lock.</summary>
    public CacheFill? Fill { get; set; }

    /// <summary>Its place in the order of arrival; null once it is thrown out.</summary>
    public LinkedListNode<CacheEntry>? Node { get; set; }

    public long Size { get; set; }

    /// <summary>Until when nobody waits for a fetch: what came last could not be kept.</summary>
    public long NotKeptUntil
    {
        get => Volatile.Read(ref _notKeptUntil);
        set => Volatile.Write(ref _notKeptUntil, value);
    }
}
