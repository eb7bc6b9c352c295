using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Telemetry.Syslog;
using MarchProxy.Tests;

namespace MarchProxy.Telemetry.Tests.Syslog;

public sealed class SyslogSinkTests
{
    [Fact]
    public async Task Each_line_is_a_datagram_of_rfc_5424()
    {
        using var receiver = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var sink = new SyslogSink(new Uri($"udp://{receiver.Client.LocalEndPoint}"), "marchproxy", TimeProvider.System);
        sink.Write("{\"a\":1}\n{\"b\":2}\n"u8);
        foreach (string expected in new[] { "{\"a\":1}", "{\"b\":2}" })
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            string text = Encoding.UTF8.GetString((await receiver.ReceiveAsync(timeout.Token)).Buffer);
            Match match = Regex.Match(text, @"^<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [!-~]{1,255} marchproxy \d+ access - (.*)$");
            Assert.True(match.Success, text);
            Assert.Equal(expected, match.Groups[1].Value);
        }

        Assert.Equal(2, sink.Sent);
    }

    [Fact]
    public async Task Over_tcp_messages_are_counted_and_a_collector_that_comes_back_is_found_again()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var time = new ManualTimeProvider();
        using var sink = new SyslogSink(new Uri($"tcp://{listener.LocalEndpoint}"), "articdbm", time);
        sink.Write("{\"a\":1}\n{\"b\":2}\n"u8);
        using (TcpClient first = await listener.AcceptTcpClientAsync())
        {
            byte[] all = new byte[4096];
            int length = 0;
            while (!Encoding.UTF8.GetString(all, 0, length).EndsWith("{\"b\":2}", StringComparison.Ordinal)) length += await first.GetStream().ReadAsync(all.AsMemory(length));
            Match match = Regex.Match(Encoding.UTF8.GetString(all, 0, length), @"^(\d+) (<134>1 .*?access - \{""a"":1\})(\d+) (<134>1 .*\{""b"":2\})$");
            Assert.True(match.Success, Encoding.UTF8.GetString(all, 0, length));
            Assert.Equal((match.Groups[1].Value, match.Groups[3].Value), (match.Groups[2].Length.ToString(CultureInfo.InvariantCulture), match.Groups[4].Length.ToString(CultureInfo.InvariantCulture)));
        }

        // The end is noticed by a send or two later; then it is left alone for a second.
        while (sink.Failures == 0) sink.Write("{}\n"u8);
        long lost = sink.Failures;
        sink.Write("{}\n"u8);
        Assert.Equal(lost + 1, sink.Failures);
        time.Advance(TimeSpan.FromSeconds(2));
        sink.Write("{\"c\":3}\n"u8);
        Assert.Equal(lost + 1, sink.Failures);
        using TcpClient second = await listener.AcceptTcpClientAsync();
        Assert.True(await second.GetStream().ReadAsync(new byte[64]) > 0);
    }

    [Fact]
    public void A_unix_datagram_socket_takes_each_line_as_one()
    {
        string path = Path.Combine(Path.GetTempPath(), $"syslog-{Guid.NewGuid():N}");
        using var receiver = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        receiver.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            using var sink = new SyslogSink(new Uri("unix://" + path), "articdbm", TimeProvider.System);
            sink.Write("{\"a\":1}\n{\"b\":2}\n"u8);
            byte[] buffer = new byte[1024];
            Assert.EndsWith("{\"a\":1}", Encoding.UTF8.GetString(buffer, 0, receiver.Receive(buffer)), StringComparison.Ordinal);
            Assert.EndsWith("{\"b\":2}", Encoding.UTF8.GetString(buffer, 0, receiver.Receive(buffer)), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("udp://collector:514", true)]
    [InlineData("tcp://10.0.0.1:601", true)]
    [InlineData("unix:///dev/log", true)]
    [InlineData("unix://dev/log", false)]
    [InlineData("http://collector", false)]
    [InlineData("collector:514", false)]
    public void Where_a_collector_is_is_said_in_one_of_three_ways(string text, bool fits) => Assert.Equal(fits, SyslogSink.TryParse(text, out _));

    [Fact]
    public void A_long_line_is_cut_between_characters()
    {
        using var sink = new SyslogSink(new Uri("udp://127.0.0.1:9"), "marchproxy", TimeProvider.System);
        var datagram = new byte[SyslogSink.MaxDatagram];
        byte[] message = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\u00e9", 5000)));
        for (int shift = 0; shift < 2; shift++)
        {
            int length = sink.Format(message.AsSpan(shift * 2, message.Length - (shift * 2)), datagram.AsSpan(0, SyslogSink.MaxDatagram - shift));
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(datagram.AsSpan(0, length)));
        }
    }
}
