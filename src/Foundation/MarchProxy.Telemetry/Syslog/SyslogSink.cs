using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Telemetry.Syslog;

/// <summary>
/// Lines as RFC 5424 messages: one UDP datagram each (RFC 5426), one message of a Unix datagram socket each, or counted in octets over TCP (RFC 6587 section 3.4.1). Called by the log writer's
/// thread; what cannot be sent is counted and lost, and a collector that is away is tried again after a second.
/// </summary>
public sealed class SyslogSink : ILogSink, IDisposable
{
    /// <summary>Bytes of a message; RFC 5426 section 3.2 has receivers take 2,048, and common ones take 8,192.</summary>
    public const int MaxDatagram = 8192;

    /// <summary>A collector over TCP that takes nothing for so long is as one that is away.</summary>
    private const int SendTimeoutMs = 5_000;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private const int DefaultPort = 514;
    private readonly Uri _target;
    private readonly byte[] _prefix;
    private readonly byte[] _rest;
    private readonly byte[] _message = new byte[MaxDatagram];
    private readonly byte[] _counted = new byte[MaxDatagram + 8];
    private readonly TimeProvider _time;
    private Socket? _socket;
    private long? _failedAt;
    private long _sent, _failures;

    /// <summary>Makes a sink; the collector is looked for at the first line.</summary>
    /// <param name="target">The collector, as <see cref="TryParse"/> reads it.</param>
    /// <param name="appName">APP-NAME.</param>
    /// <param name="time">The clock.</param>
    public SyslogSink(Uri target, string appName, TimeProvider time)
    {
        _target = target;
        _time = time;

        // PRI = facility local0 (16) * 8 + informational (6)
        _prefix = Encoding.ASCII.GetBytes("<134>1 ");
        _rest = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {Printable(Environment.MachineName, 255)} {Printable(appName, 48)} {Environment.ProcessId} access - "));
    }

    /// <summary>Reads where a collector is: <c>udp://HOST:PORT</c>, <c>tcp://HOST:PORT</c> or <c>unix:///dev/log</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="target">What it says.</param>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? target) =>
        Uri.TryCreate(text, UriKind.Absolute, out target) && (target.Scheme is "udp" or "tcp" ? target.Host.Length > 0 : target.Scheme == "unix" && target.Host.Length == 0 && target.AbsolutePath.Length is > 1 and < 108);

    /// <inheritdoc/>
    public string Name => "syslog";

    /// <summary>Messages sent.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Lines that could not be sent.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        while (!lines.IsEmpty)
        {
            int end = lines.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? lines : lines[..end];
            lines = end < 0 ? default : lines[(end + 1)..];
            Send(line);
        }
    }

    /// <inheritdoc/>
    public void Reopen() => Drop();

    /// <inheritdoc/>
    public void Dispose() => Drop();

    // SYSLOG-MSG = PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA SP MSG (RFC 5424 section 6)
    internal int Format(ReadOnlySpan<byte> message, Span<byte> datagram)
    {
        int at = Copy(_prefix, datagram, 0);
        _time.GetUtcNow().TryFormat(datagram[at..], out int written, "yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
        at = Copy(_rest, datagram, at + written);
        int room = datagram.Length - at;
        if (message.Length > room)
        {
            while (room > 0 && (message[room] & 0xC0) == 0x80) room--;
            message = message[..room];
        }

        return Copy(message, datagram, at);
    }

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to, int at)
    {
        from.CopyTo(to[at..]);
        return at + from.Length;
    }

    private static string Printable(string text, int most)
    {
        string kept = new([.. text.Where(c => c is > ' ' and < '\u007F').Take(most)]);
        return kept.Length > 0 ? kept : "-";
    }

    private void Send(ReadOnlySpan<byte> line)
    {
        if (_failedAt is { } failed && _time.GetElapsedTime(failed) < s_pause)
        {
            Interlocked.Increment(ref _failures);
            return;
        }

        try
        {
            _socket ??= Connect();
            ReadOnlySpan<byte> message = _message.AsSpan(0, Format(line, _message));
            if (_target.Scheme == "tcp") message = Count(message);
            while (!message.IsEmpty) message = message[_socket.Send(message)..];
            Interlocked.Increment(ref _sent);
            _failedAt = null;
        }
        catch (SocketException)
        {
            Interlocked.Increment(ref _failures);
            _failedAt = _time.GetTimestamp();
            Drop();
        }
    }

    // RFC 6587 section 3.4.1: SYSLOG-FRAME = MSG-LEN SP SYSLOG-MSG
    private ReadOnlySpan<byte> Count(ReadOnlySpan<byte> message)
    {
        message.Length.TryFormat(_counted, out int digits, provider: CultureInfo.InvariantCulture);
        _counted[digits] = (byte)' ';
        message.CopyTo(_counted.AsSpan(digits + 1));
        return _counted.AsSpan(0, digits + 1 + message.Length);
    }

    private Socket Connect()
    {
        Socket socket = _target.Scheme switch
        {
            "unix" => new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified),
            "tcp" => new Socket(SocketType.Stream, ProtocolType.Tcp) { SendTimeout = SendTimeoutMs, NoDelay = true },
            _ => new Socket(SocketType.Dgram, ProtocolType.Udp),
        };
        try
        {
            if (_target.Scheme == "unix") socket.Connect(new UnixDomainSocketEndPoint(_target.AbsolutePath));
            else socket.Connect(_target.Host, _target.Port > 0 ? _target.Port : DefaultPort);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    private void Drop()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
