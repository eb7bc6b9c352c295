using System.Buffers;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Proxy.Redis;

/// <summary>How the reply that a ticket stands for is used.</summary>
internal enum TicketKind
{
    /// <summary>It goes to the client as it is.</summary>
    Pass,

    /// <summary>It is ours and goes nowhere; an error ends the connection.</summary>
    MustSucceed,

    /// <summary>It is ours and goes nowhere.</summary>
    Drop,

    /// <summary>A subscription: its first confirmation answers it.</summary>
    Subscription,

    /// <summary>One part of a command that was split.</summary>
    Part,
}

/// <summary>
/// A reply that is awaited: its place in the client's order and in the server connection's. A client that leaves takes nothing out of a connection's order: its tickets stay without
/// a session, and their replies are dropped. Pooled by the loop.
/// </summary>
internal sealed class RedisTicket
{
    /// <summary>Whose reply it is; null when nobody wants it any more.</summary>
    public RedisSession? Session;

    public RedisCommand Command = RedisCommands.Unknown;
    public TicketKind Kind;

    /// <summary>Arguments of the command, its name included.</summary>
    public int Arguments;

    /// <summary>Stopwatch ticks.</summary>
    public long Started;

    /// <summary>The next in the client's order, and in the server connection's.</summary>
    public RedisTicket? Next, LinkNext;

    /// <summary>Whether the whole reply is in <see cref="Held"/>, waiting for those before it.</summary>
    public bool IsDone;

    /// <summary>Whether part of the reply has gone to the client already.</summary>
    public bool HasBegun;

    /// <summary>The command, kept where a cluster may send it elsewhere.</summary>
    public byte[]? Request;
    public int RequestLength;

    /// <summary>How often the cluster has sent it elsewhere.</summary>
    public int Moves;

    /// <summary>Of a part: the whole.</summary>
    public RedisTicket? Whole;

    /// <summary>Of a whole: its parts, and how many lack.</summary>
    public RedisTicket?[]? Parts;
    public int Lacking;

    private byte[]? _held;

    /// <summary>Bytes held.</summary>
    public int HeldLength { get; private set; }

    /// <summary>What came before its turn.</summary>
    public ReadOnlySpan<byte> Held => _held.AsSpan(0, HeldLength);

    /// <summary>Keeps bytes until it is their turn.</summary>
    public void Hold(ReadOnlySpan<byte> data)
    {
        if (_held is null || _held.Length - HeldLength < data.Length)
        {
            byte[] bigger = ArrayPool<byte>.Shared.Rent(Math.Max(HeldLength + data.Length, 2 * HeldLength));
            Held.CopyTo(bigger);
            if (_held is not null) ArrayPool<byte>.Shared.Return(_held);
            _held = bigger;
        }

        data.CopyTo(_held.AsSpan(HeldLength));
        HeldLength += data.Length;
    }

    /// <summary>Forgets what was held.</summary>
    public void Unhold()
    {
        if (_held is not null) ArrayPool<byte>.Shared.Return(_held);
        _held = null;
        HeldLength = 0;
    }

    /// <summary>Keeps the command.</summary>
    public void Keep(ReadOnlySpan<byte> request)
    {
        Request = ArrayPool<byte>.Shared.Rent(request.Length);
        request.CopyTo(Request);
        RequestLength = request.Length;
    }

    /// <summary>Makes it as new.</summary>
    public void Clear()
    {
        Unhold();
        if (Request is not null) ArrayPool<byte>.Shared.Return(Request);
        Session = null;
        Command = RedisCommands.Unknown;
        Kind = TicketKind.Pass;
        Next = LinkNext = Whole = null;
        IsDone = HasBegun = false;
        Request = null;
        RequestLength = Moves = Lacking = Arguments = 0;
        Parts = null;
    }
}
