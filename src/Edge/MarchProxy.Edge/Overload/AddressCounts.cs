using MarchProxy.Net;

namespace MarchProxy.Edge.Overload;

/// <summary>Connections open at one listener by client address, of IPv6 by /64: shared by all loops. It holds only addresses with connections, and so has the connections' own bound.</summary>
internal sealed class AddressCounts
{
    private readonly Dictionary<(ulong High, uint Low), int> _open = [];
    private readonly Lock _lock = new();

    /// <summary>Addresses with connections now.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _open.Count;
        }
    }

    /// <summary>Counts a connection, if its address may have one more.</summary>
    /// <param name="client">The client.</param>
    /// <param name="most">How many one may have.</param>
    /// <returns>Whether it may; then <see cref="Leave"/> must follow.</returns>
    public bool TryEnter(in Endpoint client, int most)
    {
        var key = Key(client);
        lock (_lock)
        {
            ref int open = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_open, key, out _);
            if (open >= most) return false;
            open++;
            return true;
        }
    }

    /// <summary>Counts a connection that ended.</summary>
    /// <param name="client">The client.</param>
    public void Leave(in Endpoint client)
    {
        var key = Key(client);
        lock (_lock)
        {
            if (_open.TryGetValue(key, out int open) && open > 1) _open[key] = open - 1;
            else _open.Remove(key);
        }
    }

    private static (ulong High, uint Low) Key(in Endpoint client)
    {
        Span<byte> bytes = stackalloc byte[16];
        return client.WriteAddress(bytes) switch
        {
            4 => (0, BitConverter.ToUInt32(bytes)),
            16 => (BitConverter.ToUInt64(bytes), uint.MaxValue),
            _ => default,
        };
    }
}
