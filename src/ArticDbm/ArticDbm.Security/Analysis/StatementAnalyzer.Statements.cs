using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>One statement, from its first word to a semicolon or the parenthesis around it.</summary>
    private void Statement(int depth)
    {
        if (depth > MaxDepth)
        {
            TooLarge = true;
            _i = _tokens.Length;
            return;
        }

        Token first = Peek();
        if (first.Kind == TokenKind.Open)
        {
            Query(depth);
            return;
        }

        if (first.Word == Keyword.With)
        {
            WithList(depth);
            first = Peek();
        }

        switch (first.Word)
        {
            case Keyword.Select: Query(depth); break;
            case Keyword.Values:
                Add(DbActions.Select);
                Query(depth);
                break;
            case Keyword.Table when Peek(1).IsName || Is(Keyword.Only, 1):
                _i++;
                Add(DbActions.Select);
                Body(new Frame { Verb = Keyword.Select, Clause = Clause.From, TableActions = DbActions.Select, ExpectTable = true, Depth = depth, First = _uses.Count });
                break;
            case Keyword.Insert: Insert(depth, DbActions.Insert); break;
            case Keyword.Replace: Insert(depth, DbActions.Insert | DbActions.Delete); break;
            case Keyword.Update: Update(depth); break;
            case Keyword.Delete: Delete(depth); break;
            case Keyword.Merge: Merge(depth); break;
            default:
                if (!Definition(first.Word, depth) && !Session(first.Word, depth) && !Maintenance(first.Word)) Unknown(first);
                break;
        }
    }

    /// <summary>Nothing that is known: what it does is not known either.</summary>
    private void Unknown(Token first)
    {
        Writes();
        // T-SQL runs a procedure by its bare name, at the start of a batch.
        if (first.IsName && _dialect == SqlDialect.TSql) AddGeneral(DbActions.Call);
        AddGeneral(DbActions.Admin);
        Rest();
    }

    private void Insert(int depth, DbActions actions)
    {
        Writes();
        _i++;
        while (Peek().Word is Keyword.LowPriority or Keyword.HighPriority or Keyword.Delayed or Keyword.Ignore or Keyword.Into or Keyword.Only) _i++;
        SkipTop();
        Accept(Keyword.Into);
        TryTable(actions, out int target);
        if (target >= 0 && Is(Keyword.As)) Uses[target].Alias = Alias();
        Body(new Frame { Verb = Keyword.Insert, Target = target, Depth = depth, TableActions = DbActions.Select, First = _uses.Count });
    }

    private void SkipTop()
    {
        if (!Accept(Keyword.Top)) return;
        if (Peek().Kind == TokenKind.Open) SkipParentheses();
        else _i++;
        Accept(Keyword.Percent);
    }

    private void Update(int depth)
    {
        Writes();
        _i++;
        SkipTop();
        int first = _uses.Count;
        Body(new Frame { Verb = Keyword.Update, Clause = Clause.From, TableActions = DbActions.Update, ExpectTable = true, Depth = depth, First = first });
        // T-SQL names the alias of a table that stands behind FROM.
        if (_dialect == SqlDialect.TSql && first < _uses.Count) Resolve(first, DbActions.Update);
    }

    /// <summary>The target at <paramref name="at"/> may be the alias of a later table: then it is that table that is written.</summary>
    private void Resolve(int at, DbActions actions)
    {
        Use target = _uses[at];
        for (int i = at + 1; i < _uses.Count; i++)
        {
            if (target.Schema.Length > 0 || !string.Equals(_uses[i].Alias, target.Name, StringComparison.OrdinalIgnoreCase)) continue;
            Extend(i, actions);
            Uses[at] = Uses[i];
            return;
        }
    }

    private void Delete(int depth)
    {
        Writes();
        _i++;
        while (Peek().Word is Keyword.LowPriority or Keyword.Quick or Keyword.Ignore) _i++;
        SkipTop();
        bool from = Accept(Keyword.From);
        Accept(Keyword.Only);
        int first = _uses.Count;
        while (TryTable(DbActions.Delete, out int use))
        {
            // DELETE a.* FROM ..., as Access wrote it and MySQL still takes it.
            if (Peek().Kind == TokenKind.Dot && Peek(1).Op == Op.Star) _i += 2;
            else if (Peek() is { Kind: TokenKind.Operator, Op: Op.Star }) _i++;
            else if (use >= 0) Uses[use].Alias = Alias();
            if (Peek().Kind != TokenKind.Comma) break;
            _i++;
        }

        int last = _uses.Count;
        bool more = Is(Keyword.From) || (from && Is(Keyword.Using));
        Body(new Frame { Verb = Keyword.Delete, Target = last > first ? first : -1, Depth = depth, TableActions = DbActions.Select, First = first });
        for (int i = first; more && i < last && _dialect != SqlDialect.PostgreSql; i++) ResolveDeleted(i, last);
    }

    private void ResolveDeleted(int target, int sources)
    {
        for (int i = sources; i < _uses.Count; i++)
        {
            if (!string.Equals(_uses[i].Alias.Length > 0 ? _uses[i].Alias : _uses[i].Name, _uses[target].Name, StringComparison.OrdinalIgnoreCase)) continue;
            Extend(i, DbActions.Delete);
            Uses[target] = Uses[i];
            return;
        }
    }

    private void Merge(int depth)
    {
        Writes();
        _i++;
        SkipTop();
        Accept(Keyword.Into);
        Accept(Keyword.Only);
        TryTable(DbActions.Select, out int target);
        if (Peek() is { Kind: TokenKind.Operator, Op: Op.Star }) _i++;
        if (target >= 0) Uses[target].Alias = Alias();
        Body(new Frame { Verb = Keyword.Merge, Target = target, Depth = depth, TableActions = DbActions.Select, First = _uses.Count });
    }

    /// <summary>COPY, of PostgreSQL.</summary>
    private void Copy(int depth)
    {
        _i++;
        Accept(Keyword.Binary);
        int table = -1;
        if (Peek().Kind == TokenKind.Open)
        {
            _i++;
            Nested(depth);
        }
        else
        {
            TryTable(DbActions.None, out table);
            if (Peek().Kind == TokenKind.Open) SkipParentheses();
        }

        bool into = Is(Keyword.From);
        if (into) Writes();
        Extend(table, into ? DbActions.Insert : DbActions.Select);
        _i++;
        if (Is(Keyword.Stdin) || Is(Keyword.Stdout))
        {
            Mark(into ? StatementTraits.CopyFromStdin : StatementTraits.CopyToStdout);
        }
        else
        {
            Mark(StatementTraits.CopyFileOrProgram);
            AddGeneral(DbActions.Admin);
            Writes();
        }

        Rest();
    }
}
