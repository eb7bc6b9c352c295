using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>
/// The extended protocol. Named statements are the session's; on servers they have names of ours, and are prepared on whichever connection needs them. The unnamed one
/// goes through as it is, and is parsed again where the connection has changed since.
/// </content>
internal sealed partial class PgSession
{
    private readonly Dictionary<string, PreparedStatement> _statements = new(StringComparer.Ordinal);
    private PreparedStatement? _unnamed;
    private StatementReport? _bound;

    /// <summary>Whether the series has changed how quoted texts are read: what comes behind cannot be read before the server has told.</summary>
    private bool _quotingUnsure;

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> ParseAsync(PgFrame frame)
    {
        ReadOnlySpan<byte> body = _input.Pending[PgFrame.HeaderLength..frame.Length];
        int nameEnd = body.IndexOf((byte)0);
        int textEnd = nameEnd < 0 ? -1 : body[(nameEnd + 1)..].IndexOf((byte)0);
        if (textEnd < 0)
        {
            await ProtocolFaultAsync("A Parse message is not whole.");
            return false;
        }

        StatementReport report = Read(body.Slice(nameEnd + 1, textEnd));
        Refused? refused = _quotingUnsure ? new Refused("quoting-unsure", "A series that changes how quoted texts are read must be synced before the next statement.", null, report) : Decide(report);
        if (refused is { } no) return await RefuseInSeriesAsync(frame, no);
        string name = Encoding.UTF8.GetString(body[..nameEnd]);
        if (name.Length > 0 && _statements.Count >= Db.Settings.MaxPreparedPerSession && !_statements.ContainsKey(name)) return await RefuseInSeriesAsync(frame, new Refused("too-many-prepared", $"The session has {_statements.Count} prepared statements.", null, report));
        PreparedStatement statement = Db.Prepared.Get(body[(nameEnd + 1)..], report);
        if (_server is null && name.Length > 0 && statement.WasParsed && !_statements.ContainsKey(name))
        {
            // No server is needed to say what is known: a client that prepares and waits must not wait for those who hold all connections.
            _statements[name] = statement;
            _input.Consume(frame.Length);
            _reply.Bytes(s_parseComplete);
            return true;
        }

        if (_server is null && await LinkAsync(OnlyReads(report) && HoldsOneStatement(frame)) is { } away) return await AwayInSeriesAsync(frame, away);
        if (ReadsOnly(report)) return await RefuseInSeriesAsync(frame, new Refused("on-replica", "A series that began with a read is on a replica and cannot write; sync before the write.", null, report));
        _unsynced = true;
        NoteSeriesEffects(report);
        if (name.Length == 0)
        {
            _unnamed = statement;
            _server!.UnnamedOf = this;
            _expected.Add(new Expectation(ExpectKind.Parse, null, report, 0));
            Append(frame);
            return true;
        }

        // As in PostgreSQL, a name that is taken is an error, and the server says so in its own words: it is asked for the very name.
        if (_statements.ContainsKey(name)) return await RefuseInSeriesAsync(frame, new Refused("duplicate-statement", $"prepared statement \"{name}\" already exists", null, report));
        _statements[name] = statement;
        _input.Consume(frame.Length);
        _busy = true;
        if (_server!.HasPrepared(statement))
        {
            _expected.Add(new Expectation(ExpectKind.CloseForParse, statement, report, 0));
            PgMessages.CloseNobody(_toServer);
        }
        else
        {
            Prepare(statement, ExpectKind.Parse);
        }

        return true;
    }

    /// <summary>Bind, Describe and Close: what they name is found, and brought where it is needed.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> NamedAsync(PgFrame frame)
    {
        ReadOnlySpan<byte> body = _input.Pending[PgFrame.HeaderLength..frame.Length];
        bool bind = frame.Type == FrontendMessage.Bind;
        bool ofStatement = bind || (body.Length > 0 && body[0] == (byte)'S');
        int nameAt = bind ? body.IndexOf((byte)0) + 1 : 1;
        int nameLength = nameAt <= 0 || nameAt >= body.Length ? -1 : body[nameAt..].IndexOf((byte)0);
        if (nameLength < 0 || (!bind && body[0] is not ((byte)'S' or (byte)'P')))
        {
            await ProtocolFaultAsync($"A message \"{(char)frame.Type}\" is not whole.");
            return false;
        }

        string name = ofStatement ? Encoding.UTF8.GetString(body.Slice(nameAt, nameLength)) : "";
        if (frame.Type == FrontendMessage.Close && ofStatement) return await CloseAsync(frame, name);
        if (!ofStatement) return await PortalAsync(frame);
        PreparedStatement? statement = name.Length == 0 ? _unnamed : _statements.GetValueOrDefault(name);
        if (statement is null) return await RefuseInSeriesAsync(frame, new Refused("no-statement", name.Length == 0 ? "unnamed prepared statement does not exist" : $"prepared statement \"{name}\" does not exist", null, null));
        StatementReport report = statement.Report;

        // It counts when it is bound, and rights may have changed since it was prepared.
        if (bind && Admit(report) is { } refused) return await RefuseInSeriesAsync(frame, refused);
        if (_server is null && await LinkAsync(OnlyReads(report) && HoldsOneStatement(frame)) is { } away) return await AwayInSeriesAsync(frame, away);
        if (ReadsOnly(report)) return await RefuseInSeriesAsync(frame, new Refused("on-replica", "A series that began with a read is on a replica and cannot write; sync before the write.", null, report));
        _unsynced = true;
        if (bind)
        {
            _bound = report;
            _quotingUnsure |= report.Has(StatementTraits.ChangesQuoting);
        }

        NoteSeriesEffects(report);
        Bring(statement, name.Length == 0);
        if (name.Length == 0)
        {
            Append(frame);
            return true;
        }

        // The same message, with the statement's name on servers.
        body = _input.Pending[PgFrame.HeaderLength..frame.Length];
        _busy = true;
        _toServer.Begin(frame.Type).Bytes(body[..nameAt]).Text(statement.Name).Bytes(body[(nameAt + nameLength + 1)..]).End();
        _input.Consume(frame.Length);
        return true;
    }

    private ValueTask<bool> PortalAsync(PgFrame frame)
    {
        if (frame.Type == FrontendMessage.Close) return PassAsync(frame, ExpectKind.Close, unsynced: true);
        if (_server is null) return RefuseInSeriesAsync(frame, new Refused("no-portal", "the portal does not exist", null, null));
        _unsynced = true;
        Append(frame);
        return new ValueTask<bool>(true);
    }

    /// <summary>A statement of the session is forgotten; on servers it stays for whoever has the same.</summary>
    private async ValueTask<bool> CloseAsync(PgFrame frame, string name)
    {
        if (name.Length == 0) _unnamed = null;
        else _statements.Remove(name);
        _input.Consume(frame.Length);
        if (_server is null && await LinkAsync(onlyReads: true) is { } away) return await AwayInSeriesAsync(default, away);
        _unsynced = true;
        _busy = true;
        _expected.Add(new Expectation(ExpectKind.Close, null, null, 0));
        PgMessages.CloseNobody(_toServer);
        return true;
    }

    /// <summary>Has the statement prepared on the connection, when it is not.</summary>
    private void Bring(PreparedStatement statement, bool unnamed)
    {
        _busy = true;
        if (!unnamed)
        {
            if (!_server!.HasPrepared(statement)) Prepare(statement, ExpectKind.ParsePutIn);
            return;
        }

        if (ReferenceEquals(_server!.UnnamedOf, this)) return;
        _server.UnnamedOf = this;
        _toServer.Begin(FrontendMessage.Parse).Byte(0).Bytes(statement.Text).End();
        _expected.Add(new Expectation(ExpectKind.ParsePutIn, null, statement.Report, 0));
    }

    private void Prepare(PreparedStatement statement, ExpectKind kind)
    {
        if (_server!.AddPrepared(statement) is { } least)
        {
            _toServer.Begin(FrontendMessage.Close).Byte((byte)'S').Text(least.Name).End();
            _expected.Add(new Expectation(ExpectKind.ClosePutIn, null, null, 0));
        }

        _toServer.Begin(FrontendMessage.Parse).Text(statement.Name).Bytes(statement.Text).End();
        _expected.Add(new Expectation(kind, statement, statement.Report, 0));
    }

    private void NoteSeriesEffects(StatementReport report)
    {
        if ((report.Traits & StatementTraits.OnlyReads) == 0) NoteWrite();
        if (_pinned || Target.Database.Pool.Mode == DbPoolMode.Session) return;
        if (Sticky(report.Traits) is { } reason) Pin(reason);
        else if ((report.Traits & StatementTraits.SetSession) != 0) Pin("set");
    }

    /// <summary>Whether a statement that writes has come to a replica.</summary>
    private bool ReadsOnly(StatementReport report) => _server!.Share != _server.Share.Target.Primary && !OnlyReads(report);

    /// <summary>Whether what is here up to the next Sync is about one statement alone: only then may it go to a replica.</summary>
    private bool HoldsOneStatement(PgFrame first)
    {
        ReadOnlySpan<byte> rest = _input.Pending[first.Length..];
        int binds = first.Type == FrontendMessage.Bind ? 1 : 0;
        while (PgFrame.TryRead(rest, out PgFrame frame) == FrameStatus.Ok && rest.Length >= frame.Length)
        {
            if (frame.Type == FrontendMessage.Sync) return true;
            if (frame.Type is FrontendMessage.Parse or FrontendMessage.Query || (frame.Type == FrontendMessage.Bind && ++binds > 1)) return false;
            rest = rest[frame.Length..];
        }

        return false;
    }

    /// <summary>
    /// Refuses a message of a series. When the server knows of the series already, it is given a statement that cannot be: it then undoes what the series did, passes over what
    /// comes up to Sync, and its complaint is replaced by our words.
    /// </summary>
    private async ValueTask<bool> RefuseInSeriesAsync(PgFrame frame, Refused refused)
    {
        _input.Consume(frame.Length);
        var words = new PgWriter();
        string state = refused.Reason switch { "no-statement" => "26000", "no-portal" => "34000", "duplicate-statement" => "42P05", _ => SqlState(refused) };
        PgMessages.Error(words, "ERROR", state, refused.Message, refused.Detail);
        Told(refused);
        _skipToSync = true;
        if (_server is not null && _unsynced)
        {
            string mark = "marchproxy_refused_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            _refusal = words.Written.ToArray();
            _refusalMark = Encoding.ASCII.GetBytes(mark);
            _toServer.Begin(FrontendMessage.Parse).Byte(0).Text(mark).Int16(0).End();
            _toServer.Begin(FrontendMessage.Flush).End();
            _server.UnnamedOf = null;
            _busy = true;
            _expected.Add(new Expectation(ExpectKind.Parse, null, null, 0));
            return true;
        }

        if (!await SettledAsync()) return !Client.IsClosed;
        _reply.Bytes(words.Written.Span);
        return await SayAsync();
    }

    private async ValueTask<bool> AwayInSeriesAsync(PgFrame frame, string why)
    {
        if (Client.IsClosed) return false;
        _input.Consume(frame.Length);
        _skipToSync = true;
        SayAway(why);
        return await SayAsync();
    }
}
