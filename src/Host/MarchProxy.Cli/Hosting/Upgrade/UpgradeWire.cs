using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>
/// Messages between an edge and who upgrades it, over a Unix socket: a length of four bytes and a text. Sockets follow the message that announces them. The calls block,
/// at most for the socket's own timeouts, and run on no loop.
/// </summary>
internal static class UpgradeWire
{
    /// <summary>The first message of a process that wants the sockets.</summary>
    public const string TakeOver = "take-over";

    /// <summary>The new process can serve; the old one is to stop accepting.</summary>
    public const string Ready = "ready";

    /// <summary>The new process accepts; the old one is to end.</summary>
    public const string Begun = "begun";

    /// <summary>The old process has let go of all that only one may have.</summary>
    public const string Gone = "gone";

    /// <summary>16,384 flows a loop, on many loops, come to some megabytes; more is no message of ours.</summary>
    private const int MaxBytes = 64 << 20;

    public static void Send(Socket socket, string text)
    {
        byte[] message = new byte[4 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length - 4);
        Encoding.UTF8.GetBytes(text, message.AsSpan(4));
        for (int sent = 0; sent < message.Length;) sent += socket.Send(message.AsSpan(sent));
    }

    public static void Send<T>(Socket socket, T message) => Send(socket, JsonSerializer.Serialize(message));

    /// <exception cref="IOException">The peer ended, or sent what is no message.</exception>
    public static string Receive(Socket socket)
    {
        byte[] length = new byte[4];
        Fill(socket, length);
        int bytes = BinaryPrimitives.ReadInt32BigEndian(length);
        if (bytes is < 0 or > MaxBytes) throw new IOException("What came is no message of an upgrade.");
        byte[] text = new byte[bytes];
        Fill(socket, text);
        return Encoding.UTF8.GetString(text);
    }

    public static T Receive<T>(Socket socket)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(Receive(socket)) ?? throw new IOException("An empty message came.");
        }
        catch (JsonException e)
        {
            throw new IOException("What came is no message of an upgrade.", e);
        }
    }

    /// <exception cref="IOException">Something else came.</exception>
    public static void Expect(Socket socket, string text)
    {
        string came = Receive(socket);
        if (came != text) throw new IOException($"\"{text}\" was due, and \"{came}\" came.");
    }

    private static void Fill(Socket socket, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int n = socket.Receive(buffer);
            if (n == 0) throw new IOException("The other process has ended.");
            buffer = buffer[n..];
        }
    }
}

/// <summary>The listening sockets that follow, each by what it is for, and what else the next process goes on with.</summary>
internal sealed record SocketManifest(string[] Keys, string? TicketKeys);

/// <summary>The UDP flows whose sockets follow.</summary>
internal sealed record FlowManifest(FlowEntry[] Flows);

/// <summary>One UDP flow.</summary>
internal sealed record FlowEntry(string Key, int Index, string Client, string Upstream);
