using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Socks;

/// <summary>SOCKS5 on a forward-proxy listener (RFC 1928; RFC 1929 for services that prove themselves): one request, and then the tunnel or the datagrams it asked for.</summary>
internal sealed class SocksExchange(EdgeLoop edge, HttpSession session)
{
    private const byte Version = 5, NoAuthentication = 0, UserPassword = 2, NoneAcceptable = 0xFF;
    private readonly EdgeConfig _config = edge.Config;
    private readonly EgressGate _gate = new();
    private readonly AccessRecord _record = new();
    private readonly TcpConnection _client = session.Client;
    private readonly long _deadline = edge.Loop.NowMs + edge.Settings.RequestHeadMs;
    private ServiceIdentity? _identity;

    /// <summary>Serves the connection to its end.</summary>
    public async ValueTask RunAsync()
    {
        _record.Begin(session.Connection.Listener.Name, _client.Remote);
        _record.Kind = "socks";
        if (!await GreetAsync() || !await RequestAsync()) _record.Reason ??= "client-left";
        _record.Ended = Stopwatch.GetTimestamp();
        edge.Finish(_record);
    }

    private async ValueTask<bool> GreetAsync()
    {
        if (!await NeedAsync(2) || !await NeedAsync(2 + session.Pending[1])) return false;
        bool open = session.Pending.Slice(2, session.Pending[1]).Contains(NoAuthentication), password = session.Pending.Slice(2, session.Pending[1]).Contains(UserPassword);
        session.Consume(2 + session.Pending[1]);
        _identity = session.Connection.KnownByCertificate(_config);
        if (password && (_config.AnyTokens || !open)) return await SayAsync([Version, UserPassword]) && await ProveAsync();
        if (open) return await SayAsync([Version, NoAuthentication]);
        _record.Reason = "socks-no-method";
        await SayAsync([Version, NoneAcceptable]);
        return false;
    }

    // RFC 1929
    private async ValueTask<bool> ProveAsync()
    {
        if (!await NeedAsync(2) || !await NeedAsync(3 + session.Pending[1]) || !await NeedAsync(3 + session.Pending[1] + session.Pending[2 + session.Pending[1]])) return false;
        bool known = Prove(out int length);
        session.Consume(length);
        if (known) return await SayAsync([1, 0]);
        _record.Effect = "deny";
        await SayAsync([1, 1]);
        return false;
    }

    private bool Prove(out int length)
    {
        ReadOnlySpan<byte> pending = session.Pending;
        int user = pending[1], password = pending[2 + user];
        length = 3 + user + password;
        if (pending[0] != 1)
        {
            _record.Reason = "socks-malformed";
            return false;
        }

        if (edge.EgressLimits.IsGuessing(session.Connection.Address))
        {
            _record.Reason = "too-many-failures";
            return false;
        }

        if (edge.Proof.ByPassword(_config, pending.Slice(2, user), pending.Slice(3 + user, password), edge.Now) is { } proven)
        {
            _identity = proven;
            return true;
        }

        edge.EgressLimits.Failed(session.Connection.Address);
        _record.Reason = DenyReason.BadCredentials.Code();
        return false;
    }

    private async ValueTask<bool> RequestAsync()
    {
        if (!await NeedAsync(5)) return false;
        if (session.Pending[0] != Version || session.Pending[2] != 0) return await RefuseAsync(SocksReply.GeneralFailure, "socks-malformed");
        var command = (SocksCommand)session.Pending[1];
        int length = SocksAddress.Length(session.Pending[3..]);
        if (length < 0) return await RefuseAsync(SocksReply.AddressTypeNotSupported, "socks-malformed");
        if (!await NeedAsync(3 + length)) return false;
        bool known = SocksAddress.Give(session.Pending.Slice(3, length), _gate);
        session.Consume(3 + length);
        switch (command)
        {
            case SocksCommand.Connect:
                return await ConnectAsync(known);
            case SocksCommand.UdpAssociate when _client.Local.Address is not null:
                using (var association = new SocksAssociation(edge, session, _config, _identity)) return await association.RunAsync(_record);
            default:
                return await RefuseAsync(SocksReply.CommandNotSupported, "socks-command");
        }
    }

    private async ValueTask<bool> ConnectAsync(bool known)
    {
        _gate.SetSource(_identity, session.Connection.KnownByAddress(_config), EgressProtocols.Tcp | EgressProtocols.Https, edge.Now);
        _record.SetHost(_gate.HostText);
        if (!known)
        {
            _record.Effect = "deny";
            return await RefuseAsync(SocksReply.NotAllowed, DenyReason.BadDestination.Code());
        }

        Endpoint[] targets = await EgressAdmission.AdmitAsync(edge, _config, _gate, _record);
        if (targets.Length == 0) return await RefuseAsync(_gate.Decision.Passes ? SocksReply.HostUnreachable : SocksReply.NotAllowed, _record.Reason!);
        ConnectResult result = await EgressTunnel.ConnectAsync(edge, _gate, targets, _record);
        if (result.Connection is not { } upstream) return await RefuseAsync(result.Error == 0 ? SocksReply.NotAllowed : Reply(result.Error), _record.Reason!);
        if (!await AnswerAsync(SocksReply.Succeeded, upstream.Local))
        {
            upstream.Close();
            edge.EgressLimits.Close(_gate.Decision.Source);
            return false;
        }

        await EgressTunnel.RunAsync(edge, _client, upstream, _gate, _record, session.PendingMemory);
        return true;
    }

    private static SocksReply Reply(int error) => Math.Abs(error) switch
    {
        Errno.ECONNREFUSED => SocksReply.ConnectionRefused,
        Errno.ENETUNREACH => SocksReply.NetworkUnreachable,
        Errno.EHOSTUNREACH => SocksReply.HostUnreachable,
        Errno.ETIMEDOUT => SocksReply.TtlExpired,
        _ => SocksReply.GeneralFailure,
    };

    private async ValueTask<bool> RefuseAsync(SocksReply reply, string reason)
    {
        _record.Reason = reason;
        await AnswerAsync(reply, default);
        return false;
    }

    /// <summary>Answers a request, naming our end of the connection that was made.</summary>
    private ValueTask<bool> AnswerAsync(SocksReply reply, in Endpoint bound)
    {
        byte[] answer = new byte[22];
        answer[0] = Version;
        answer[1] = (byte)reply;
        return SayAsync(answer.AsMemory(0, 3 + SocksAddress.Write(answer.AsSpan(3), bound)));
    }

    private ValueTask<bool> SayAsync(byte[] bytes) => SayAsync(bytes.AsMemory());

    private async ValueTask<bool> SayAsync(ReadOnlyMemory<byte> bytes) => await _client.SendAllAsync(bytes, edge.Settings.BodyStallMs) >= 0;

    /// <summary>Waits until so many bytes are there; a conversation that takes longer than a request head may is ended.</summary>
    private async ValueTask<bool> NeedAsync(int count)
    {
        while (session.Pending.Length < count)
        {
            int n = session.TryFill();
            if (n == -Errno.EAGAIN)
            {
                n = await _client.ReadableAsync(Math.Max(1, _deadline - edge.Loop.NowMs));
                if (n == -Errno.ETIMEDOUT) _record.Reason = "request-head-timeout";
                if (n < 0) return false;
            }
            else if (n <= 0)
            {
                return false;
            }
        }

        return true;
    }
}
