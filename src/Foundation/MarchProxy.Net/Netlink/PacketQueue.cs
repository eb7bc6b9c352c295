using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Netlink;

/// <summary>Decides on a packet.</summary>
/// <param name="packet">Its first bytes, from the IP header on.</param>
/// <returns>Whether it goes on; else it is dropped.</returns>
public delegate bool PacketJudge(ReadOnlySpan<byte> packet);

/// <summary>
/// One of the kernel's packet queues (NFQUEUE), on one loop: packets that a rule of the firewall sends there wait for our word. When nobody has the queue, or it is full, they are
/// dropped: it fails closed.
/// </summary>
public sealed class PacketQueue : IoHandle, IDisposable
{
    /// <summary>Bytes of each packet that are looked at: IPv6 with some extension headers, and ICMP's own.</summary>
    private const int CopyBytes = 128;

    /// <summary>Packets that may wait, as the kernel's own default.</summary>
    private const int MaxWaiting = 1024;

    /// <summary>Messages taken a turn, so that a flood does not keep the loop to itself.</summary>
    private const int MessagesPerTurn = 256;
    private readonly PacketJudge _judge;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(64 << 10, pinned: true);
    private readonly byte[] _verdict = GC.AllocateArray<byte>(32, pinned: true);
    private int _fd;
    private bool _held;

    private PacketQueue(EventLoop loop, int descriptor, ushort number, PacketJudge judge)
    {
        Loop = loop;
        Number = number;
        _fd = descriptor;
        _judge = judge;
        loop.Adopt(this);
    }

    /// <summary>The loop that decides.</summary>
    public EventLoop Loop { get; }

    /// <summary>The queue's number.</summary>
    public ushort Number { get; }

    /// <summary>The netlink socket, to be handed to another process.</summary>
    public int Descriptor => _fd;

    /// <summary>Takes a queue. Call it on the loop.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="number">The queue's number.</param>
    /// <param name="judge">Decides, on the loop.</param>
    /// <param name="held">Whether it waits for <see cref="Resume"/>.</param>
    /// <exception cref="IOException">Another process has it, CAP_NET_ADMIN is missing, or the kernel knows no such queues.</exception>
    public static PacketQueue Open(EventLoop loop, ushort number, PacketJudge judge, bool held = false)
    {
        int fd = Libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        if (fd < 0) throw Failure(number, Libc.Errno);
        foreach (byte[] message in new[] { QueueMessages.Bind(number), QueueMessages.Copy(number, CopyBytes), QueueMessages.MaxLength(number, MaxWaiting) })
        {
            int error = Ask(fd, message);
            if (error == 0) continue;
            Libc.close(fd);
            throw Failure(number, error);
        }

        return Adopt(loop, fd, number, judge, held);
    }

    /// <summary>Goes on with a queue that another process has handed over. Call it on the loop.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="descriptor">Its netlink socket; this object's from now on.</param>
    /// <param name="number">The queue's number.</param>
    /// <param name="judge">Decides, on the loop.</param>
    /// <param name="held">Whether it waits for <see cref="Resume"/>.</param>
    public static PacketQueue Adopt(EventLoop loop, int descriptor, ushort number, PacketJudge judge, bool held)
    {
        var queue = new PacketQueue(loop, descriptor, number, judge) { _held = true };
        if (!held) queue.Resume();
        return queue;
    }

    /// <summary>Decides no more until <see cref="Resume"/>; packets wait. Call it on the loop.</summary>
    public void Hold()
    {
        if (_held || _fd < 0) return;
        _held = true;
        Loop.Unwatch(_fd);
    }

    /// <summary>Decides, after it was held. Call it on the loop.</summary>
    public void Resume()
    {
        if (!_held || _fd < 0) return;
        _held = Loop.Register(this, _fd, EPOLLIN) < 0;
    }

    /// <summary>Gives the queue up, unless another process has its socket too. Call it on the loop.</summary>
    public void Dispose()
    {
        if (_fd < 0) return;
        Loop.Unregister(this);
        Loop.Unwatch(_fd);
        Libc.close(_fd);
        _fd = -1;
    }

    internal override void OnEvents(uint events)
    {
        for (int i = 0; i < MessagesPerTurn && !_held && _fd >= 0; i++)
        {
            int n = Receive();
            if (n == -Errno.EAGAIN) return;

            // The kernel could not keep up with us or we with it; what it dropped is dropped.
            if (n <= 0) continue;
            for (int at = 0; at < n;)
            {
                QueueMessageKind kind = QueueMessages.Read(_buffer.AsSpan(at, n - at), out int length, out QueuedPacket packet, out _);
                if (kind == QueueMessageKind.Malformed) break;
                if (kind == QueueMessageKind.Packet) Decide(packet.Id, _judge(_buffer.AsSpan(at + packet.Start, packet.Length)));
                at += length;
            }
        }
    }

    private unsafe int Receive()
    {
        fixed (byte* buffer = _buffer)
        {
            nint n = Libc.recv(_fd, buffer, (nuint)_buffer.Length, MSG_DONTWAIT);
            return n < 0 ? -Libc.Errno : (int)n;
        }
    }

    private unsafe void Decide(uint packet, bool accept)
    {
        int length = QueueMessages.Verdict(_verdict, Number, packet, accept);
        fixed (byte* verdict = _verdict) Libc.send(_fd, verdict, (nuint)length, MSG_DONTWAIT);
    }

    /// <summary>Sends a request and takes the kernel's answer, which is there at once.</summary>
    private static unsafe int Ask(int fd, byte[] message)
    {
        fixed (byte* p = message)
        {
            if (Libc.send(fd, p, (nuint)message.Length, 0) < 0) return Libc.Errno;
        }

        byte* answer = stackalloc byte[4096];
        nint n = Libc.recv(fd, answer, 4096, 0);
        if (n < 0) return Libc.Errno;
        return QueueMessages.Read(new ReadOnlySpan<byte>(answer, (int)n), out _, out _, out int error) == QueueMessageKind.Answer ? -error : Errno.EPROTO;
    }

    private static IOException Failure(ushort number, int error) => new($"The packet queue {number} cannot be had: {Errno.Name(error)}.", error);
}
