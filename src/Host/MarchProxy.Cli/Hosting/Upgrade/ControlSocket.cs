using System.Net.Sockets;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>A Unix socket on which a process of the same user, or root, tells the edge what to do: one message, then the conversation it begins.</summary>
internal sealed class ControlSocket : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly string _path;
    private readonly Task _running;

    private ControlSocket(Socket listener, string path, Func<Socket, string, Task> serve)
    {
        _listener = listener;
        _path = path;
        _running = AcceptAsync(serve);
    }

    /// <summary>Opens one. A socket that nobody answers on is replaced.</summary>
    /// <param name="path">Where; its folder is ours alone.</param>
    /// <param name="serve">Serves a connection and its first message; the connection is closed afterwards.</param>
    /// <exception cref="IOException">Another process has it, or it cannot be made.</exception>
    public static ControlSocket Open(string path, Func<Socket, string, Task> serve)
    {
        if (File.Exists(path))
        {
            if (IsAnswered(path)) throw new IOException($"another edge has {path}; give each its own --run-folder");
            File.Delete(path);
        }

        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(4);
            return new ControlSocket(listener, path, serve);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Takes no more connections, and gives the path free.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_listener.SafeHandle.IsClosed) File.Delete(_path);
        _listener.Dispose();
        await _running;
    }

    private static bool IsAnswered(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task AcceptAsync(Func<Socket, string, Task> serve)
    {
        while (true)
        {
            try
            {
                Socket socket = await _listener.AcceptAsync();
                _ = ServeAsync(socket, serve);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static async Task ServeAsync(Socket socket, Func<Socket, string, Task> serve)
    {
        using (socket)
        {
            try
            {
                if (!IsOurs(socket)) return;
                socket.ReceiveTimeout = 5_000;
                string message = await Task.Run(() => UpgradeWire.Receive(socket));
                await serve(socket, message);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Who asked has gone.
            }
        }
    }

    /// <summary>Whether the peer runs as this user or root: struct ucred is pid, uid, gid (SO_PEERCRED, unix(7)).</summary>
    private static bool IsOurs(Socket socket)
    {
        const int solSocket = 1, soPeerCred = 17;
        byte[] credentials = new byte[12];
        if (socket.GetRawSocketOption(solSocket, soPeerCred, credentials) != credentials.Length) return false;
        uint uid = BitConverter.ToUInt32(credentials, 4);
        return uid == 0 || uid == OwnUid.Value;
    }

    private static readonly Lazy<uint> OwnUid = new(() =>
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal));
        return uint.Parse(line.Split('\t', StringSplitOptions.RemoveEmptyEntries)[2], System.Globalization.CultureInfo.InvariantCulture);
    });
}
