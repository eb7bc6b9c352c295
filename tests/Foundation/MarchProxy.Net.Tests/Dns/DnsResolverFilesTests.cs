using MarchProxy.Net.Dns;
using MarchProxy.Tests;

namespace MarchProxy.Net.Tests.Dns;

public sealed class DnsResolverFilesTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("dns").FullName;

    private string Hosts => Path.Combine(_folder, "hosts");

    private string Conf => Path.Combine(_folder, "resolv.conf");

    public void Dispose() => Directory.Delete(_folder, true);

    private DnsResolver Resolver() => new(new DnsResolverOptions { HostsPath = Hosts, ResolvConfPath = Conf, TimeProvider = _time });

    /// <summary>A server that knows one name only, and fails for another.</summary>
    private static FakeServer Knowing(string name, string failing = "") => new(asked =>
        Reply.NameOf(asked.Query) == failing ? [Reply.To(asked.Query).Code(2).Build()]
        : Reply.NameOf(asked.Query) != name ? [Reply.To(asked.Query).Code(3).Build()]
        : Reply.TypeOf(asked.Query) != DnsType.A ? [Reply.To(asked.Query).Build()]
        : [Reply.To(asked.Query).Address(name, "192.0.2.1").Build()]);

    private static string Asked(FakeServer server) => string.Join(' ', server.Log.Select(a => Reply.NameOf(a.Query)).Distinct());

    [Theory]
    [InlineData("db", "db.b.example", "", "db.a.example db.b.example", ResolveStatus.Ok)]
    [InlineData("db", "db", "", "db.a.example db.b.example db", ResolveStatus.Ok)]
    [InlineData("db.", "db.a.example", "", "db", ResolveStatus.NotFound)]
    [InlineData("x.db", "x.db.a.example", "", "x.db.a.example", ResolveStatus.Ok)]
    [InlineData("x.y.db", "x.y.db", "", "x.y.db", ResolveStatus.Ok)]
    [InlineData("x.y.db", "x.y.db.b.example", "", "x.y.db x.y.db.a.example x.y.db.b.example", ResolveStatus.Ok)]
    [InlineData("db", "other", "db.a.example", "db.a.example db.b.example db", ResolveStatus.ServerFailure)]
    public async Task The_search_list_is_gone_through(string host, string known, string failing, string asked, ResolveStatus expected)
    {
        await using FakeServer server = Knowing(known, failing);
        File.WriteAllText(Conf, $"nameserver [127.0.0.1]:{server.EndPoint.Port}\nsearch a.example b.example\noptions ndots:2 attempts:1");
        await using DnsResolver resolver = Resolver();
        Assert.Equal(expected, (await resolver.ResolveAsync(host)).Status);
        Assert.Equal(asked, Asked(server));
        Assert.True(resolver.TryGetCached(host, out _));
    }

    [Fact]
    public async Task Attempts_and_timeout_of_the_file_hold()
    {
        await using var server = new FakeServer(_ => []);
        File.WriteAllText(Conf, $"nameserver [127.0.0.1]:{server.EndPoint.Port}\noptions attempts:3 timeout:1");
        await using DnsResolver resolver = Resolver();
        ValueTask<ResolveResult> result = resolver.ResolveAsync("a.example");
        for (int attempt = 0; attempt < 3; attempt++)
        {
            await server.WaitForAsync(2);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(ResolveStatus.Timeout, (await result).Status);
        Assert.Equal(6, resolver.Queries);
    }

    [Fact]
    public async Task The_hosts_file_goes_first_and_a_change_is_seen_after_five_seconds()
    {
        await using FakeServer server = Knowing("a");
        File.WriteAllText(Conf, $"nameserver [127.0.0.1]:{server.EndPoint.Port}");
        File.WriteAllText(Hosts, "192.0.2.7 a");
        await using DnsResolver resolver = Resolver();
        Assert.Equal("192.0.2.7", Assert.Single((await resolver.ResolveAsync("A.")).Addresses).ToString());
        Assert.Empty(server.Log);
        File.WriteAllText(Hosts, "192.0.2.77 a");
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.True(resolver.TryGetCached("a", out ResolveResult? before));
        Assert.Equal("192.0.2.7", before.Addresses[0].ToString());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(resolver.TryGetCached("a", out ResolveResult? after));
        Assert.Equal("192.0.2.77", after.Addresses[0].ToString());
        File.Delete(Hosts);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(resolver.TryGetCached("a", out _));
        Assert.Equal("192.0.2.1", Assert.Single((await resolver.ResolveAsync("a")).Addresses).ToString());
    }

    [Fact]
    public async Task New_servers_are_used_and_old_answers_forgotten()
    {
        await using FakeServer one = Knowing("a.example"), two = Knowing("b.example");
        File.WriteAllText(Conf, $"nameserver [127.0.0.1]:{one.EndPoint.Port}");
        await using DnsResolver resolver = Resolver();
        Assert.Equal(ResolveStatus.Ok, (await resolver.ResolveAsync("a.example")).Status);
        File.WriteAllText(Conf, $"nameserver [127.0.0.1]:{two.EndPoint.Port}\n# changed");
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ResolveStatus.NotFound, (await resolver.ResolveAsync("a.example")).Status);
        Assert.Equal(ResolveStatus.Ok, (await resolver.ResolveAsync("b.example")).Status);
    }
}
