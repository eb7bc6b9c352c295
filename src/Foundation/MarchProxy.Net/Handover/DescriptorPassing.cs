using System.Net.Sockets;
using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Handover;

/// <summary>
/// Hands open descriptors to another process over a Unix socket (SCM_RIGHTS, unix(7)). Both processes then have the same sockets: one may close its own without a
/// connection in an accept queue being lost. The calls block as the socket does.
/// </summary>
public static unsafe class DescriptorPassing
{
    /// <summary>Descriptors in one message; the kernel takes 253 (SCM_MAX_FD).</summary>
    private const int Batch = 200;
    private const int HeaderBytes = 16;

    /// <summary>Sends descriptors, which stay open here too.</summary>
    /// <param name="socket">A connected Unix stream socket.</param>
    /// <param name="descriptors">What to send.</param>
    /// <exception cref="IOException">The peer is gone.</exception>
    public static void Send(Socket socket, ReadOnlySpan<int> descriptors)
    {
        byte* control = stackalloc byte[HeaderBytes + (Batch * sizeof(int)) + 8];
        byte one = 1;
        while (!descriptors.IsEmpty)
        {
            int count = Math.Min(Batch, descriptors.Length);
            *(nuint*)control = (nuint)(HeaderBytes + (count * sizeof(int)));
            *(int*)(control + 8) = SOL_SOCKET;
            *(int*)(control + 12) = SCM_RIGHTS;
            descriptors[..count].CopyTo(new Span<int>(control + HeaderBytes, count));
            var vector = new IoVec { Base = &one, Length = 1 };
            var message = new MsgHdr { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)(HeaderBytes + (((count * sizeof(int)) + 7) & ~7)) };
            nint sent;
            do sent = Libc.sendmsg((int)socket.Handle, &message, MSG_NOSIGNAL);
            while (sent < 0 && Libc.Errno == Errno.EINTR);
            if (sent != 1) throw new IOException($"Descriptors cannot be handed over: {Errno.Name(Libc.Errno)}.");
            descriptors = descriptors[count..];
        }
    }

    /// <summary>Receives descriptors; they are the caller's to close, and are not left to programs that it starts.</summary>
    /// <param name="socket">A connected Unix stream socket.</param>
    /// <param name="count">How many were announced.</param>
    /// <exception cref="IOException">The peer is gone or sent something else; nothing stays open.</exception>
    public static int[] Receive(Socket socket, int count)
    {
        var received = new List<int>(count);
        try
        {
            while (received.Count < count) ReceiveBatch(socket, received);
            if (received.Count > count) throw new IOException("More descriptors came than were announced.");
            return [.. received];
        }
        catch
        {
            foreach (int descriptor in received) Libc.close(descriptor);
            throw;
        }
    }

    /// <summary>Closes a descriptor that was received and is not needed.</summary>
    /// <param name="descriptor">The descriptor.</param>
    public static void Close(int descriptor) => Libc.close(descriptor);

    private static void ReceiveBatch(Socket socket, List<int> received)
    {
        byte* control = stackalloc byte[HeaderBytes + (Batch * sizeof(int)) + 8];
        byte one;
        var vector = new IoVec { Base = &one, Length = 1 };
        var message = new MsgHdr { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = HeaderBytes + (Batch * sizeof(int)) + 8 };
        nint got;
        do got = Libc.recvmsg((int)socket.Handle, &message, MSG_CMSG_CLOEXEC);
        while (got < 0 && Libc.Errno == Errno.EINTR);
        if (got != 1) throw new IOException(got == 0 ? "The other process ended before it had handed its sockets over." : $"Descriptors cannot be received: {Errno.Name(Libc.Errno)}.");
        int length = message.ControlLength < HeaderBytes ? 0 : (int)*(nuint*)control;
        if (length <= HeaderBytes || *(int*)(control + 8) != SOL_SOCKET || *(int*)(control + 12) != SCM_RIGHTS) throw new IOException("Descriptors were announced, and something else came.");
        received.AddRange(new ReadOnlySpan<int>(control + HeaderBytes, (length - HeaderBytes) / sizeof(int)));
        if ((message.Flags & MSG_CTRUNC) != 0) throw new IOException("Not every descriptor could be received; raise the limit of open files.");
    }
}
