using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

/// <summary>Against a real server.</summary>
public class DnsmasqTests
{
    private const string Program = "/usr/sbin/dnsmasq";

    private sealed class DnsmasqFactAttribute : FactAttribute
    {
        public DnsmasqFactAttribute()
        {
            if (!File.Exists(Program)) Skip = "dnsmasq-base is not installed";
        }
    }

    [DnsmasqFact]
    public async Task Names_aliases_and_absent_names()
    {
        int port = FreePort();
        string[] arguments =
        [
            "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", $"--port={port}", "--listen-address=127.0.0.1",
            "--bind-interfaces", "--user=", "--group=", "--pid-file=", "--local=/test/", "--auth-ttl=60", "--local-ttl=60",
            "--host-record=both.test,192.0.2.10,2001:db8::10", "--host-record=four.test,192.0.2.4", "--cname=alias.test,both.test",
            .. Enumerable.Range(1, 120).Select(i => $"--host-record=many.test,2001:db8::{i:x}"),
        ];
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        try
        {
            string? line;
            do line = await process.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20));
            while (line is not null && !line.Contains("started", StringComparison.Ordinal));
            Assert.NotNull(line);

            var options = new DnsResolverOptions { Servers = [new(IPAddress.Loopback, port)], UseHostsFile = false };
            await using var resolver = new DnsResolver(options);
            Assert.Equal("Ok 2001:db8::10 192.0.2.10", await ResolveAsync(resolver, "both.test"));
            Assert.Equal("Ok 2001:db8::10 192.0.2.10", await ResolveAsync(resolver, "Alias.Test."));
            Assert.Equal("Ok 192.0.2.4", await ResolveAsync(resolver, "four.test"));
            Assert.Equal("NotFound", await ResolveAsync(resolver, "absent.test"));
            Assert.Equal("ServerFailure", await ResolveAsync(resolver, "elsewhere.example"));
            Assert.Equal(64, (await resolver.ResolveAsync("many.test")).Addresses.Length);
            Assert.True(resolver.TryGetCached("both.test", out _));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<string> ResolveAsync(DnsResolver resolver, string host)
    {
        ResolveResult result = await resolver.ResolveAsync(host);
        return string.Join(' ', [result.Status.ToString(), .. result.Addresses.Select(a => a.ToString())]);
    }

    private static int FreePort()
    {
        (Socket udp, System.Net.Sockets.TcpListener tcp) = FakeServer.Bind();
        using (udp)
        using (tcp)
        {
            return ((IPEndPoint)tcp.LocalEndpoint).Port;
        }
    }
}
