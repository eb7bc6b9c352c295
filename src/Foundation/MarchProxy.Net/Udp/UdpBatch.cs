using MarchProxy.Net.Interop;

namespace MarchProxy.Net.Udp;

/// <summary>
/// Room for many datagrams that cross the kernel border in one system call (recvmmsg, sendmmsg), in pinned memory, each with its peer.
/// Owned by one loop; filled, used and refilled without allocation.
/// </summary>
public sealed unsafe class UdpBatch
{
    private const int AddressBytes = 28;
    private readonly byte[] _payload;
    private readonly byte[] _addresses;
    private readonly MMsgHdr[] _messages;
    private readonly IoVec[] _vectors;
    private readonly int _size;

    /// <summary>Makes a batch.</summary>
    /// <param name="capacity">Datagrams; 64 amortises the system call to a few per cent of the cost.</param>
    /// <param name="datagramBytes">Bytes a datagram at the most; longer ones are cut and marked by <see cref="IsTruncated"/>.</param>
    public UdpBatch(int capacity = 64, int datagramBytes = 2048)
    {
        Capacity = capacity;
        _size = datagramBytes;
        _payload = GC.AllocateUninitializedArray<byte>(capacity * datagramBytes, pinned: true);
        _addresses = GC.AllocateArray<byte>(capacity * AddressBytes, pinned: true);
        _messages = GC.AllocateArray<MMsgHdr>(capacity, pinned: true);
        _vectors = GC.AllocateArray<IoVec>(capacity, pinned: true);
        fixed (byte* payload = _payload, addresses = _addresses)
        fixed (IoVec* vectors = _vectors)
        {
            for (int i = 0; i < capacity; i++)
            {
                vectors[i] = new IoVec { Base = payload + (i * datagramBytes), Length = (nuint)datagramBytes };
                _messages[i].Header.Vectors = vectors + i;
                _messages[i].Header.VectorCount = 1;
                _messages[i].Header.Name = addresses + (i * AddressBytes);
            }
        }
    }

    /// <summary>Datagrams that fit.</summary>
    public int Capacity { get; }

    /// <summary>Datagrams in it now.</summary>
    public int Count { get; internal set; }

    /// <summary>The bytes of a datagram.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    public Span<byte> this[int index] => _payload.AsSpan(index * _size, (int)Math.Min(_messages[index].Length, (uint)_size));

    /// <summary>The peer of a datagram.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    public Endpoint Peer(int index) => Endpoint.FromSockAddr(_addresses.AsSpan(index * AddressBytes, (int)_messages[index].Header.NameLength));

    /// <summary>Whether the datagram was longer than its room.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    public bool IsTruncated(int index) => (_messages[index].Header.Flags & Constants.MSG_TRUNC) != 0;

    /// <summary>Empties the batch.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds a datagram to send.</summary>
    /// <param name="payload">At most the batch's datagram size.</param>
    /// <param name="peer">Where to; default for a connected socket.</param>
    /// <returns>False when the batch is full or the payload too long.</returns>
    public bool TryAdd(ReadOnlySpan<byte> payload, in Endpoint peer)
    {
        if (Count == Capacity || payload.Length > _size) return false;
        int i = Count++;
        payload.CopyTo(_payload.AsSpan(i * _size));
        _messages[i].Length = (uint)payload.Length;
        _messages[i].Header.NameLength = peer.Family == default
            ? 0
            : (uint)peer.ToSockAddr(_addresses.AsSpan(i * AddressBytes, AddressBytes));
        return true;
    }

    internal int Receive(int fd)
    {
        for (int i = 0; i < Capacity; i++)
        {
            _messages[i].Header.NameLength = AddressBytes;
            _vectors[i].Length = (nuint)_size;
        }

        int n;
        fixed (MMsgHdr* messages = _messages)
        {
            do n = Libc.recvmmsg(fd, messages, (uint)Capacity, Constants.MSG_DONTWAIT, null);
            while (n < 0 && Libc.Errno == Errno.EINTR);
        }

        Count = Math.Max(0, n);
        return n < 0 ? -Libc.Errno : n;
    }

    internal int Send(int fd, int from)
    {
        for (int i = from; i < Count; i++) _vectors[i].Length = _messages[i].Length;
        int n;
        fixed (MMsgHdr* messages = _messages)
        {
            do n = Libc.sendmmsg(fd, messages + from, (uint)(Count - from), Constants.MSG_DONTWAIT | Constants.MSG_NOSIGNAL);
            while (n < 0 && Libc.Errno == Errno.EINTR);
        }

        return n < 0 ? -Libc.Errno : n;
    }
}
