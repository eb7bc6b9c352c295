using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>Locks, upkeep, bulk loads, and what is the server's own. False when the word begins none.</summary>
    private bool Maintenance(Keyword word)
    {
        switch (word)
        {
            case Keyword.Vacuum or Keyword.Analyze or Keyword.Analyse or Keyword.Optimize or Keyword.Repair or Keyword.Reindex or Keyword.Cluster: Upkeep(word); break;
            case Keyword.Check or Keyword.Checksum:
                Writes();
                _i += 2;
                Tables(DbActions.Select);
                break;
            case Keyword.Load: Load(); break;
            case Keyword.Handler:
                Mark(StatementTraits.Handler);
                Writes();
                _i++;
                TryTable(DbActions.Select, out _);
                break;
            case Keyword.Xa: Mark(StatementTraits.Xa); Writes(); break;
            case Keyword.Help: AddGeneral(DbActions.Select); break;
            case Keyword.Kill or Keyword.Flush or Keyword.Purge or Keyword.Change or Keyword.Install or Keyword.Uninstall or Keyword.Shutdown or Keyword.Restart or Keyword.Binlog or Keyword.Clone or Keyword.Stop
                or Keyword.Start or Keyword.Checkpoint or Keyword.Bulk:
                Writes();
                AddGeneral(DbActions.Admin);
                break;
            case Keyword.Waitfor or Keyword.Print or Keyword.If or Keyword.Raiserror or Keyword.Else when _dialect == SqlDialect.TSql:
                Writes();
                _i++;
                if (word == Keyword.Waitfor) Mark(StatementTraits.UnknownFunction);
                break;
            default: return false;
        }

        Rest();
        return true;
    }

    private void Upkeep(Keyword word)
    {
        Writes();
        if (word == Keyword.Vacuum) Mark(StatementTraits.OutsideTransaction);
        if (_dialect == SqlDialect.MySql) Mark(StatementTraits.ImplicitCommit);
        _i++;
        if (Peek().Kind == TokenKind.Open) SkipParentheses();
        while (Peek().Word is Keyword.Full or Keyword.Verbose or Keyword.Analyze or Keyword.Analyse or Keyword.Table or Keyword.Index or Keyword.Local or Keyword.Concurrently || ContentIs(Peek(), "freeze"u8)) _i++;
        if (Peek().Word is Keyword.Schema or Keyword.Database or Keyword.System && Peek(1).IsName)
        {
            AddGeneral(DbActions.Admin);
            return;
        }

        int before = _uses.Count;
        do
        {
            if (!TryTable(DbActions.Ddl, out _)) break;
            if (Peek().Kind == TokenKind.Open) SkipParentheses();
        }
        while (Peek().Kind == TokenKind.Comma && ++_i > 0);
        if (_uses.Count == before) AddUse("", "*", DbActions.Ddl);
        if (word == Keyword.Cluster && Accept(Keyword.On) && _uses.Count > before) AddUse("", NameText.Fold(_text, Peek(), _dialect), DbActions.Ddl);
    }

    /// <summary>LOAD DATA [LOCAL] INFILE 'name' INTO TABLE t, of MySQL; LOAD 'library', of PostgreSQL.</summary>
    private void Load()
    {
        Writes();
        _i++;
        if (!Is(Keyword.Data) && !ContentIs(Peek(), "xml"u8))
        {
            Mark(StatementTraits.Load);
            AddGeneral(DbActions.Admin);
            return;
        }

        bool local = false;
        while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon && !(Is(Keyword.Into) && Is(Keyword.Table, 1)))
        {
            local |= Is(Keyword.Local);
            _i++;
        }

        if (local) Mark(StatementTraits.LoadDataLocal);
        else AddGeneral(DbActions.Admin);
        _i += 2;
        if (_i < _tokens.Length) TryTable(DbActions.Insert, out _);
        else _i = _tokens.Length;
    }

    private void Lock()
    {
        Writes();
        bool unlock = Is(Keyword.Unlock);
        if (_dialect == SqlDialect.MySql) Mark(StatementTraits.LockTables | StatementTraits.ImplicitCommit);
        _i++;
        if (_dialect == SqlDialect.MySql && !(Is(Keyword.Table) || Is(Keyword.Tables))) AddGeneral(DbActions.Admin);
        if (Is(Keyword.Table) || Is(Keyword.Tables)) _i++;
        if (unlock)
        {
            Rest();
            return;
        }

        int first = _uses.Count;
        do
        {
            Accept(Keyword.Only);
            if (!TryTable(DbActions.Select, out int use)) break;
            if (Peek() is { Kind: TokenKind.Operator, Op: Op.Star }) _i++;
            if (_dialect != SqlDialect.MySql) continue;
            Uses[use].Alias = Alias();
            if (ContainsWrite()) Extend(use, DbActions.Update);
        }
        while (Peek().Kind == TokenKind.Comma && ++_i > 0);
        // LOCK TABLE t IN ACCESS SHARE MODE needs the right to read, every stronger mode that to write.
        bool shared = Is(Keyword.In) && (Is(Keyword.Access, 1) || Is(Keyword.Row, 1)) && Is(Keyword.Share, 2);
        for (int i = first; i < _uses.Count && _dialect == SqlDialect.PostgreSql && !shared; i++) Extend(i, DbActions.Update);
        Rest();
    }

    /// <summary>READ [LOCAL] or [LOW_PRIORITY] WRITE behind a table of LOCK TABLES.</summary>
    private bool ContainsWrite()
    {
        bool write = false;
        while (Peek().Word is Keyword.Read or Keyword.Local or Keyword.LowPriority or Keyword.Write)
        {
            write |= Is(Keyword.Write);
            _i++;
        }

        return write;
    }

    /// <summary>Words that begin a statement in T-SQL though no semicolon ended the one before.</summary>
    private readonly bool BeginsStatement(in Frame f, Keyword word) => word switch
    {
        Keyword.Exec or Keyword.Execute => f.Verb != Keyword.Insert || f.SawSelect || f.Clause == Clause.Values,
        Keyword.Waitfor or Keyword.Declare or Keyword.Truncate or Keyword.Shutdown or Keyword.Print or Keyword.Raiserror or Keyword.Kill => true,
        Keyword.Drop or Keyword.Create or Keyword.Alter or Keyword.Grant or Keyword.Revoke or Keyword.Bulk or Keyword.If => f.Verb != Keyword.None || f.IsLoose,
        Keyword.Select => (f.IsLoose && Peek(-1).Word is not (Keyword.Grant or Keyword.Revoke or Keyword.Deny) && Peek(-1).Kind != TokenKind.Comma) || (f.Verb == Keyword.Select && f.SawSelect) || (f.Verb is Keyword.Update or Keyword.Delete) || f.Clause == Clause.Values,
        Keyword.Insert or Keyword.Delete => f.Verb != Keyword.Merge && Peek(-1).Word is not (Keyword.On or Keyword.For),
        Keyword.Update => f.Verb != Keyword.Merge && Peek(-1).Word is not (Keyword.On or Keyword.For),
        Keyword.Begin or Keyword.Commit or Keyword.Rollback => true,
        _ => false,
    };
}
