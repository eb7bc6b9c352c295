using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>Transactions, settings, prepared statements, cursors. False when the word begins none.</summary>
    private bool Session(Keyword word, int depth)
    {
        switch (word)
        {
            case Keyword.Begin or Keyword.Start when word == Keyword.Begin || Is(Keyword.Transaction, 1): Begin(); return true;
            case Keyword.Commit or Keyword.End: Ends(StatementTraits.Commit); return true;
            case Keyword.Rollback or Keyword.Abort: Rollback(); return true;
            case Keyword.Savepoint or Keyword.Release: Simple(StatementTraits.Savepoint); return true;
            case Keyword.Set: Set(depth); return true;
            case Keyword.Reset: Reset(); return true;
            case Keyword.Show: Show(); return true;
            case Keyword.Listen: Simple(StatementTraits.Listen); return true;
            case Keyword.Unlisten: Simple(StatementTraits.Unlisten); return true;
            case Keyword.Notify: Simple(StatementTraits.Notify); return true;
            case Keyword.Discard: Simple(Is(Keyword.All, 1) ? StatementTraits.DiscardAll : StatementTraits.Discard); return true;
            case Keyword.Prepare: Prepare(depth); return true;
            case Keyword.Execute or Keyword.Exec: Execute(); return true;
            case Keyword.Deallocate: Simple(StatementTraits.SqlDeallocate); return true;
            case Keyword.Declare: Declare(depth); return true;
            case Keyword.Fetch or Keyword.Move or Keyword.Close: Simple(StatementTraits.None); return true;
            case Keyword.Explain or Keyword.Describe or Keyword.Desc: Explain(depth); return true;
            case Keyword.Use: Simple(StatementTraits.UseDatabase); return true;
            case Keyword.Call: Call(); return true;
            case Keyword.Do: Do(); return true;
            case Keyword.Copy: Copy(depth); return true;
            case Keyword.Lock or Keyword.Unlock: Lock(); return true;
            default: return false;
        }
    }

    /// <summary>A statement that touches the session alone.</summary>
    private void Simple(StatementTraits traits)
    {
        Mark(traits);
        Writes();
        Rest();
    }

    private void Begin()
    {
        if (_dialect == SqlDialect.TSql && !(Peek(1).Word is Keyword.Transaction || Peek(1).Kind is TokenKind.End or TokenKind.Semicolon))
        {
            // A block: its statements follow without a semicolon.
            _i++;
            Writes();
            return;
        }

        for (int i = 0; Peek(i).Kind is not (TokenKind.End or TokenKind.Semicolon); i++)
        {
            if (Is(Keyword.Read, i) && ContentIs(Peek(i + 1), "only"u8)) Mark(StatementTraits.ReadOnlyTransaction);
        }

        Simple(StatementTraits.Begin);
    }

    private void Ends(StatementTraits traits)
    {
        for (int i = 0; Peek(i).Kind is not (TokenKind.End or TokenKind.Semicolon); i++)
        {
            if (Is(Keyword.Chain, i) && !Is(Keyword.No, i - 1)) Mark(StatementTraits.Chain);
        }

        Simple(traits);
    }

    private void Rollback()
    {
        for (int i = 1; Peek(i).Kind is not (TokenKind.End or TokenKind.Semicolon) && i < 5; i++)
        {
            if (!Is(Keyword.To, i)) continue;
            Simple(StatementTraits.Savepoint);
            return;
        }

        if (Is(Keyword.Prepare, 1)) Simple(StatementTraits.None);
        else Ends(StatementTraits.Rollback);
    }

    private void Prepare(int depth)
    {
        Writes();
        _i++;
        if (Is(Keyword.Transaction))
        {
            Simple(StatementTraits.Commit);
            return;
        }

        Mark(StatementTraits.SqlPrepare);
        TryName(out _, out _);
        if (Peek().Kind == TokenKind.Open) SkipParentheses();
        if (Accept(Keyword.As)) Statement(depth + 1);
        else Dynamic();
    }

    /// <summary>A text or code that is not to be read here: nobody knows what it does.</summary>
    private void Dynamic()
    {
        Mark(StatementTraits.DynamicSql);
        Writes();
        AddGeneral(DbActions.Call | DbActions.Admin);
        Rest();
    }

    /// <summary>EXECUTE of a prepared statement; in T-SQL, of a procedure or of a text.</summary>
    private void Execute()
    {
        Writes();
        if (_dialect != SqlDialect.TSql)
        {
            Mark(StatementTraits.SqlExecute);
            _i++;
            if (Is(Keyword.Immediate)) Dynamic();
            else Rest();
            return;
        }

        _i++;
        if (Is(Keyword.As))
        {
            Mark(StatementTraits.SetRole);
            AddGeneral(DbActions.Admin);
        }
        else if (Peek().Kind == TokenKind.Open || ContentIs(Peek(), "sp_executesql"u8) || ContentIs(LastPart(), "sp_executesql"u8))
        {
            Dynamic();
            return;
        }
        else
        {
            if (Peek().Kind == TokenKind.Parameter && Peek(1).Op == Op.Equal) _i += 2;
            if (Peek().Kind == TokenKind.Parameter) AddGeneral(DbActions.Admin);
            int at = _i;
            if (TryName(out string schema, out _)) Called(_tokens[_i - 1], schema);
            if (at == _i) AddGeneral(DbActions.Admin);
            AddGeneral(DbActions.Call);
        }

        Rest();
    }

    private readonly Token LastPart()
    {
        int i = 0;
        while (Peek(i).IsName && Peek(i + 1).Kind == TokenKind.Dot) i += Peek(i + 2).Kind == TokenKind.Dot ? 3 : 2;
        return Peek(i);
    }

    private void Declare(int depth)
    {
        Writes();
        if (_dialect == SqlDialect.TSql)
        {
            Rest();
            return;
        }

        bool hold = false;
        while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon && !Is(Keyword.For))
        {
            hold |= Is(Keyword.With) && Is(Keyword.Hold, 1);
            _i++;
        }

        Mark(hold ? StatementTraits.DeclareHold : StatementTraits.Declare);
        if (Accept(Keyword.For)) Statement(depth + 1);
        else Rest();
    }

    private void Explain(int depth)
    {
        Mark(StatementTraits.Explain);
        _i++;
        while (Peek().Kind == TokenKind.Open && !BeginsQuery(_i + 1)) SkipParentheses();
        // MySQL: EXPLAIN FORMAT = JSON SELECT ...; all: ANALYZE, VERBOSE, EXTENDED.
        int i = 0;
        while (Peek(i).Kind is not (TokenKind.End or TokenKind.Semicolon) && i < 8 && !BeginsQuery(_i + i) && !BeginsExplained(Peek(i).Word)) i++;
        if (BeginsQuery(_i + i) || BeginsExplained(Peek(i).Word) || Peek(i).Kind == TokenKind.Open)
        {
            _i += i;
            Statement(depth + 1);
            return;
        }

        if (Peek().Word is Keyword.Analyze or Keyword.Verbose) _i++;
        TryTable(DbActions.Select, out _);
        Add(DbActions.Select);
        Rest();
    }

    private static bool BeginsExplained(Keyword word) => word is Keyword.Insert or Keyword.Replace or Keyword.Update or Keyword.Delete or Keyword.Merge or Keyword.Execute or Keyword.Declare or Keyword.Create or Keyword.Refresh or Keyword.Table;

    private void Call()
    {
        Writes();
        _i++;
        if (TryName(out string schema, out _)) Called(_tokens[_i - 1], schema);
        AddGeneral(DbActions.Call);
        Rest();
    }

    /// <summary>In PostgreSQL a block of code; in MySQL expressions whose result is thrown away.</summary>
    private void Do()
    {
        if (_dialect != SqlDialect.MySql)
        {
            Dynamic();
            return;
        }

        Writes();
        _i++;
        AddGeneral(DbActions.Call);
        Body(new Frame { Clause = Clause.SelectList, IsLoose = true });
    }

    private readonly bool ContentIs(Token token, ReadOnlySpan<byte> lower) => token.IsName && System.Text.Ascii.EqualsIgnoreCase(_text.Slice(token.ContentStart, token.ContentLength), lower);
}
