using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Telemetry.Syslog;

namespace MarchProxy.Telemetry.Tests.Syslog;

public sealed class SyslogSinkTests
{
    [Fact]
    public async Task Each_line_is_a_datagram_of_rfc_5424()
    {
        using var receiver = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var sink = new SyslogSink("127.0.0.1", ((IPEndPoint)receiver.Client.LocalEndPoint!).Port, "marchproxy", TimeProvider.System);
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
    public void A_long_line_is_cut_between_characters()
    {
        using var sink = new SyslogSink("127.0.0.1", 9, "marchproxy", TimeProvider.System);
        var datagram = new byte[SyslogSink.MaxDatagram];
        byte[] message = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\u00e9", 5000)));
        for (int shift = 0; shift < 2; shift++)
        {
            int length = sink.Format(message.AsSpan(shift * 2, message.Length - (shift * 2)), datagram.AsSpan(0, SyslogSink.MaxDatagram - shift));
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(datagram.AsSpan(0, length)));
        }
    }
}
