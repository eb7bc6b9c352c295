using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>SET of every kind: settings of the session or of the transaction, of the server, of the role, user variables.</summary>
    private void Set(int depth)
    {
        Writes();
        _i++;
        bool local = _dialect == SqlDialect.PostgreSql && Accept(Keyword.Local), session = !local && Peek(1).IsName && Accept(Keyword.Session);
        switch (Peek().Word)
        {
            case Keyword.Role or Keyword.Authorization:
                Mark(StatementTraits.SetRole | (local ? StatementTraits.SetLocal : StatementTraits.SetSession));
                AddGeneral(DbActions.Admin);
                break;
            case Keyword.Default when Is(Keyword.Role, 1):
            case Keyword.Password:
                AddGeneral(DbActions.Admin);
                break;
            case Keyword.Transaction: Mark(session ? StatementTraits.SetSession : StatementTraits.SetLocal); break;
            case Keyword.Constraint: Mark(StatementTraits.SetLocal); break;
            case Keyword.Names or Keyword.Character:
                Mark(StatementTraits.SetSession | (local ? StatementTraits.SetLocal : 0));
                if (!NamesUtf8()) Mark(StatementTraits.ChangesQuoting);
                break;
            default:
                if (_dialect == SqlDialect.MySql) Assignments();
                else if (ContentIs(Peek(), "constraints"u8)) Mark(StatementTraits.SetLocal);
                else PostgresSetting(local);
                break;
        }

        Body(new Frame { IsLoose = true, Depth = depth });
    }

    private readonly bool NamesUtf8()
    {
        for (int i = 0; i < 4; i++)
        {
            Token token = Peek(i);
            ReadOnlySpan<byte> content = _text.Slice(token.ContentStart, token.ContentLength);
            if (content.Length >= 4 && System.Text.Ascii.EqualsIgnoreCase(content[..3], "utf"u8)) return true;
            if (System.Text.Ascii.EqualsIgnoreCase(content, "default"u8) || System.Text.Ascii.EqualsIgnoreCase(content, "binary"u8) || System.Text.Ascii.EqualsIgnoreCase(content, "latin1"u8) || System.Text.Ascii.EqualsIgnoreCase(content, "ascii"u8)) return true;
        }

        return false;
    }

    private void PostgresSetting(bool local)
    {
        Mark(local ? StatementTraits.SetLocal : StatementTraits.SetSession);
        Token name = Peek();
        if (!name.IsName) return;
        Setting(_text.Slice(name.ContentStart, name.ContentLength));
    }

    /// <summary>Settings that change how a text is read, and those that lift the guard of the server.</summary>
    private void Setting(ReadOnlySpan<byte> name)
    {
        Span<byte> lower = stackalloc byte[64];
        if (name.Length > lower.Length || System.Text.Ascii.ToLower(name, lower, out int length) != System.Buffers.OperationStatus.Done) return;
        ReadOnlySpan<byte> known = lower[..length];
        if (known.SequenceEqual("standard_conforming_strings"u8) || known.SequenceEqual("backslash_quote"u8) || known.SequenceEqual("client_encoding"u8) || known.SequenceEqual("sql_mode"u8)
            || known.SequenceEqual("character_set_client"u8) || known.SequenceEqual("character_set_connection"u8)) Mark(StatementTraits.ChangesQuoting);
        else if (known.SequenceEqual("role"u8) || known.SequenceEqual("session_authorization"u8)) AddGeneral(DbActions.Admin);
        else if (known.SequenceEqual("session_replication_role"u8) || known.SequenceEqual("row_security"u8) || known.SequenceEqual("allow_system_table_mods"u8) || known.EndsWith("_preload_libraries"u8) || known.SequenceEqual("sql_log_bin"u8))
            AddGeneral(DbActions.Admin);
        if (known.SequenceEqual("role"u8) || known.SequenceEqual("session_authorization"u8)) Mark(StatementTraits.SetRole);
    }

    /// <summary>MySQL: <c>SET a = 1, GLOBAL b = 2, @c = 3, @@session.d = 4</c>.</summary>
    private void Assignments()
    {
        bool begins = true;
        int level = 0;
        for (int i = _i; i < _tokens.Length && _tokens[i].Kind != TokenKind.Semicolon; i++)
        {
            Token token = _tokens[i];
            level += token.Kind == TokenKind.Open ? 1 : token.Kind == TokenKind.Close ? -1 : 0;
            if (begins && token.Word is Keyword.Global or Keyword.Persist or Keyword.PersistOnly) AddGeneral(DbActions.Admin);
            else if (begins) Assigned(token);
            begins = level == 0 && (token.Kind == TokenKind.Comma || (begins && token.Word is Keyword.Global or Keyword.Session or Keyword.Local or Keyword.Persist or Keyword.PersistOnly));
        }
    }

    private void Assigned(Token token)
    {
        if (token.Kind == TokenKind.UserVariable)
        {
            Mark(StatementTraits.UserVariable);
            return;
        }

        Mark(StatementTraits.SetSession);
        ReadOnlySpan<byte> name = _text.Slice(token.ContentStart, token.ContentLength);
        if (token.Kind == TokenKind.SystemVariable)
        {
            name = name[2..];
            int dot = name.IndexOf((byte)'.');
            if (dot >= 0 && !System.Text.Ascii.EqualsIgnoreCase(name[..dot], "session"u8) && !System.Text.Ascii.EqualsIgnoreCase(name[..dot], "local"u8)) AddGeneral(DbActions.Admin);
            name = name[(dot + 1)..];
        }

        Setting(name);
    }

    private void Reset()
    {
        Writes();
        _i++;
        // RESET MASTER, RESET REPLICA: the server's, in MySQL.
        if (_dialect == SqlDialect.MySql) AddGeneral(DbActions.Admin);
        else Mark(StatementTraits.SetSession | (Is(Keyword.Role) || Is(Keyword.Authorization, 1) ? StatementTraits.SetRole : 0));
        Rest();
    }

    /// <summary>SHOW: a setting, in PostgreSQL; nearly everything, in MySQL.</summary>
    private void Show()
    {
        _i++;
        if (_dialect != SqlDialect.MySql)
        {
            Rest();
            return;
        }

        AddGeneral(DbActions.Select);
        while (Peek().IsName && Peek().Word is not (Keyword.From or Keyword.In or Keyword.Where or Keyword.Like or Keyword.Create))
        {
            if (ContentIs(Peek(), "warnings"u8) || ContentIs(Peek(), "errors"u8)) Mark(StatementTraits.FoundRowsOrLastId);
            if (ContentIs(Peek(), "grants"u8) || ContentIs(Peek(), "processlist"u8) || ContentIs(Peek(), "engine"u8) || Is(Keyword.Binary) || Is(Keyword.Master) || Is(Keyword.Replica) || Is(Keyword.Slave)) AddGeneral(DbActions.Admin);
            bool tables = ContentIs(Peek(), "columns"u8) || ContentIs(Peek(), "fields"u8) || Is(Keyword.Index) || ContentIs(Peek(), "indexes"u8) || ContentIs(Peek(), "keys"u8);
            _i++;
            if (tables && Peek().Word is Keyword.From or Keyword.In && ++_i > 0) ShowOf();
        }

        if (Accept(Keyword.Create) && Peek().Word is Keyword.Table or Keyword.View && ++_i > 0)
        {
            IfExists();
            TryTable(DbActions.Select, out _);
        }

        Rest();
    }

    /// <summary>SHOW COLUMNS FROM table [FROM database].</summary>
    private void ShowOf()
    {
        if (!TryTable(DbActions.Select, out int use)) return;
        if (Peek().Word is Keyword.From or Keyword.In && ++_i > 0 && TryName(out _, out string schema)) Uses[use].Schema = schema;
    }
}
