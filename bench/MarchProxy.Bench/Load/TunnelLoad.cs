using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Bench.Load;

/// <summary>What a client says to open a tunnel, step by step; each step is answered before the next.</summary>
/// <param name="Steps">What is sent, and the first bytes and length of the answer; length 0 for a head that ends with an empty line.</param>
internal sealed record TunnelOpening(params IReadOnlyList<(byte[] Send, byte[] Begins, int Length)> Steps)
{
    /// <summary>CONNECT with a user and a password (RFC 9110 section 9.3.6).</summary>
    public static TunnelOpening Connect(string target, string credential) =>
        new((Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {credential}\r\n\r\n"), "HTTP/1.1 200"u8.ToArray(), 0));

    /// <summary>SOCKS5 by name, or to 127.0.0.1 without one (RFC 1928), with a user and a password (RFC 1929) when there is one.</summary>
    public static TunnelOpening Socks(string? host, int port, (string User, string Password)? who)
    {
        byte[] name = Encoding.ASCII.GetBytes(host ?? "");
        byte[] target = host is null ? [1, 127, 0, 0, 1] : [3, (byte)name.Length, .. name];
        var connect = ((byte[])[5, 1, 0, .. target, (byte)(port >> 8), (byte)port], (byte[])[5, 0, 0, 1], 10);
        if (who is not { } known) return new(([5, 1, 0], [5, 0], 2), connect);
        byte[] user = Encoding.ASCII.GetBytes(known.User), password = Encoding.ASCII.GetBytes(known.Password);
        return new(([5, 1, 2], [5, 2], 2), ([1, (byte)user.Length, .. user, (byte)password.Length, .. password], [1, 0], 2), connect);
    }
}

/// <summary>Tunnels that are opened, carry one request and its answer, and are closed, a batch at a time.</summary>
internal sealed class TunnelLoad(int port, int parallel, TunnelOpening opening)
{
    private static readonly byte[] s_request = Encoding.ASCII.GetBytes($"GET /small HTTP/1.1\r\nHost: {Site.TestBed.Host}\r\nConnection: close\r\n\r\n");
    private readonly byte[] _buffer = new byte[4096];

    /// <summary>Opens tunnels for a while.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="BenchException">One was refused, or carried nothing.</exception>
    public long Run(TimeSpan duration)
    {
        long tunnels = 0, began = Stopwatch.GetTimestamp();
        var batch = new Socket[parallel];
        while (Stopwatch.GetElapsedTime(began) < duration)
        {
            for (int i = 0; i < parallel; i++)
            {
                batch[i] = Loopback.Connect(port);
                batch[i].ReceiveTimeout = 10_000;
            }

            foreach ((byte[] send, byte[] begins, int length) in opening.Steps)
            {
                foreach (Socket socket in batch) socket.Send(send);
                foreach (Socket socket in batch) Expect(socket, begins, length);
            }

            foreach (Socket socket in batch) socket.Send(s_request);
            foreach (Socket socket in batch)
            {
                Expect(socket, "HTTP/1.1 200"u8, 0);
                while (socket.Receive(_buffer) > 0) continue;
                socket.Dispose();
            }

            tunnels += parallel;
        }

        return tunnels;
    }

    private void Expect(Socket socket, ReadOnlySpan<byte> begins, int length)
    {
        int have = 0;
        while (length > 0 ? have < length : !_buffer.AsSpan(0, have).EndsWith("\r\n\r\n"u8) && _buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8) < 0)
        {
            int n = socket.Receive(_buffer.AsSpan(have, length > 0 ? length - have : _buffer.Length - have));
            if (n == 0) throw new BenchException($"a tunnel was closed after {Encoding.Latin1.GetString(_buffer.AsSpan(0, have))}");
            have += n;
        }

        if (!_buffer.AsSpan(0, have).StartsWith(begins)) throw new BenchException($"a tunnel was refused: {Encoding.Latin1.GetString(_buffer.AsSpan(0, Math.Min(have, 60)))}");
    }
}
