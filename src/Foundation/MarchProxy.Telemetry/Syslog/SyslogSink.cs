using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Telemetry.Syslog;

/// <summary>
/// Lines as RFC 5424 messages, one UDP datagram each (RFC 5426). Called by the log writer's thread; a send that fails is counted and the name
/// resolved anew, nothing waits.
/// </summary>
public sealed class SyslogSink : ILogSink, IDisposable
{
    /// <summary>Bytes of a datagram; RFC 5426 section 3.2 has receivers take 2,048, and common ones take 8,192.</summary>
    public const int MaxDatagram = 8192;

    private readonly string _host;
    private readonly int _port;
    private readonly byte[] _prefix;
    private readonly byte[] _rest;
    private readonly byte[] _datagram = new byte[MaxDatagram];
    private readonly TimeProvider _time;
    private UdpClient? _socket;
    private long _sent, _failures;

    /// <summary>Makes a sink; the name is resolved at the first line.</summary>
    /// <param name="host">The collector.</param>
    /// <param name="port">Its port, usually 514.</param>
    /// <param name="appName">APP-NAME.</param>
    /// <param name="time">The clock.</param>
    public SyslogSink(string host, int port, string appName, TimeProvider time)
    {
        _host = host;
        _port = port;
        _time = time;

        // PRI = facility local0 (16) * 8 + informational (6)
        _prefix = Encoding.ASCII.GetBytes("<134>1 ");
        _rest = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {Printable(Environment.MachineName, 255)} {Printable(appName, 48)} {Environment.ProcessId} access - "));
    }

    /// <inheritdoc/>
    public string Name => "syslog";

    /// <summary>Datagrams sent.</summary>
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
        try
        {
            _socket ??= new UdpClient(_host, _port);
            _socket.Send(_datagram.AsSpan(0, Format(line, _datagram)));
            Interlocked.Increment(ref _sent);
        }
        catch (SocketException)
        {
            Interlocked.Increment(ref _failures);
            Drop();
        }
    }

    private void Drop()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
