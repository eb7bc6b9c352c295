using System.Net.Sockets;

namespace MarchProxy.Net.Dns;

public sealed partial class DnsResolver
{
    /// <summary>RFC 9520 section 3.2: a failure is kept for a moment, too, so that its retries do not add to the trouble.</summary>
    private const int FailureTtl = 1;

    /// <summary>If one family of addresses failed, the other is kept for a short while only, seconds.</summary>
    private const int HalfTtl = 10;

    /// <summary>
    /// Goes through the search list (resolv.conf(5)): as long as a name is not found, the next is tried. A server's failure for one name is
    /// remembered, so that it does not end as "not found".
    /// </summary>
    private async Task<(ResolveResult Result, int Ttl)> ResolveNameAsync(ResolverState state, string host, CancellationToken token)
    {
        ResolveStatus worst = ResolveStatus.NotFound;
        int least = int.MaxValue;
        foreach (string name in Candidates(state.Conf, host))
        {
            (ResolveResult result, int ttl) = await ResolveAbsoluteAsync(state, host, name, token);
            if (result.Status is ResolveStatus.Ok or ResolveStatus.Timeout) return (result, ttl);
            if (result.Status == ResolveStatus.ServerFailure) worst = ResolveStatus.ServerFailure;
            least = Math.Min(least, ttl);
        }

        return (new ResolveResult(host, worst), least);
    }

    /// <summary>The absolute names that a host may stand for, in order; at least one.</summary>
    private static IEnumerable<string> Candidates(ResolvConf conf, string host)
    {
        if (host[^1] == '.') return [host];
        IEnumerable<string> searched = conf.Search.Select(domain => host + "." + domain).Where(name => name.Length <= DnsName.MaxWire - 2);
        return host.AsSpan().Count('.') >= conf.Ndots ? searched.Prepend(host) : searched.Append(host);
    }

    /// <summary>Asks for both families at once.</summary>
    private async Task<(ResolveResult Result, int Ttl)> ResolveAbsoluteAsync(
        ResolverState state, string host, string name, CancellationToken token)
    {
        Task<(DnsReply, ResolveStatus)> v6 = QueryAsync(state, name, DnsType.Aaaa, token), v4 = QueryAsync(state, name, DnsType.A, token);
        await Task.WhenAll(v6, v4);
        (DnsReply reply6, ResolveStatus status6) = await v6;
        (DnsReply reply4, ResolveStatus status4) = await v4;
        if (status6 == ResolveStatus.Ok || status4 == ResolveStatus.Ok)
        {
            int ttl = Math.Min(TtlBeside(reply6, status6), TtlBeside(reply4, status4));
            return (new ResolveResult(host, ResolveStatus.Ok, AddressOrder.Interleave(reply6.Addresses.Concat(reply4.Addresses))), ttl);
        }

        // NXDOMAIN is about the name, whatever became of the other query.
        bool nothing = reply6.Status == DnsReplyStatus.NxDomain || reply4.Status == DnsReplyStatus.NxDomain;
        ResolveStatus status = nothing ? ResolveStatus.NotFound : Worst(status6, status4);
        return (new ResolveResult(host, status), status == ResolveStatus.NotFound ? NegativeTtl(reply6, reply4) : FailureTtl);
    }

    /// <summary>How long one family's reply lets the addresses of both be kept.</summary>
    private static int TtlBeside(in DnsReply reply, ResolveStatus status) => status switch
    {
        ResolveStatus.Ok => reply.TtlSeconds,
        ResolveStatus.NotFound => int.MaxValue,
        _ => HalfTtl,
    };

    private static int NegativeTtl(in DnsReply a, in DnsReply b) =>
        a.TtlSeconds == 0 || b.TtlSeconds == 0 ? Math.Max(a.TtlSeconds, b.TtlSeconds) : Math.Min(a.TtlSeconds, b.TtlSeconds);

    // NotFound, ServerFailure and Timeout stand in this order.
    private static ResolveStatus Worst(ResolveStatus a, ResolveStatus b) => a > b ? a : b;

    /// <summary>Asks one server after the other, as often as configured, until one says what is or is not.</summary>
    private async Task<(DnsReply Reply, ResolveStatus Status)> QueryAsync(
        ResolverState state, string name, DnsType type, CancellationToken token)
    {
        ServerList servers = state.Servers;
        TimeSpan timeout = state.Conf.Timeout ?? _options.QueryTimeout;
        int tries = (state.Conf.Attempts ?? _options.Attempts) * servers.Count, first = servers.First;
        ResolveStatus status = ResolveStatus.Timeout;
        for (int i = 0; i < tries; i++)
        {
            int server = (first + i) % servers.Count;
            DnsReply reply = await AskAsync(servers, server, name, type, timeout, token);
            switch (reply.Status)
            {
                case DnsReplyStatus.Ok or DnsReplyStatus.NoData or DnsReplyStatus.NxDomain:
                    if (i > 0) servers.Prefer(server);
                    return (reply, reply.Status == DnsReplyStatus.Ok ? ResolveStatus.Ok : ResolveStatus.NotFound);
                case DnsReplyStatus.NotMine:
                    break;
                default:
                    status = ResolveStatus.ServerFailure;
                    break;
            }
        }

        return (DnsReply.Of(DnsReplyStatus.ServerFailure), status);
    }

    /// <summary>Asks one server. NotMine: it did not answer in time.</summary>
    private async Task<DnsReply> AskAsync(
        ServerList servers, int server, string name, DnsType type, TimeSpan timeout, CancellationToken token)
    {
        Interlocked.Increment(ref _queries);
        using var late = new CancellationTokenSource(timeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, token);
        try
        {
            return await DnsExchange.AskAsync(servers[server], name, type, either.Token);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return DnsReply.Of(DnsReplyStatus.NotMine);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return DnsReply.Of(DnsReplyStatus.ServerFailure);
        }
    }
}
