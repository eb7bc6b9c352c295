using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>A keyword at the level of the query itself; true when it was taken.</summary>
    private bool ClauseWord(ref Frame f, Keyword word)
    {
        if (f.IsLoose) return false;
        switch (word)
        {
            case Keyword.Select:
                f.Clause = Clause.SelectList;
                f.SawSelect = true;
                f.TableActions = DbActions.Select;
                f.Verb = f.Verb == Keyword.None ? Keyword.Select : f.Verb;
                Add(DbActions.Select);
                break;
            case Keyword.From when !(Peek(-1).Word == Keyword.Distinct && Peek(-2).Word is Keyword.Is or Keyword.Not):
                f.Clause = Clause.From;
                f.ExpectTable = true;
                f.TableActions = DbActions.Select;
                f.Joined = false;
                break;
            case Keyword.Join or Keyword.Group or Keyword.Order when Is(Keyword.For, -1): break;
            case Keyword.Join or Keyword.StraightJoin or Keyword.Apply when f.Clause == Clause.From:
                f.ExpectTable = true;
                f.Joined = true;
                break;
            case Keyword.Using when f.Verb == Keyword.Merge || (f.Verb == Keyword.Delete && !f.Joined):
                f.Clause = Clause.From;
                f.ExpectTable = true;
                f.TableActions = DbActions.Select;
                break;
            case Keyword.With when Peek(1).IsName && (Is(Keyword.As, 2) || Peek(2).Kind == TokenKind.Open || Is(Keyword.Recursive, 1)):
                WithList(f.Depth);
                return true;
            case Keyword.Where: f.Clause = Clause.Where; break;
            case Keyword.Group: f.Clause = Clause.GroupBy; break;
            case Keyword.Having: f.Clause = Clause.Having; break;
            case Keyword.Order: f.Clause = Clause.OrderBy; break;
            case Keyword.Limit or Keyword.Offset or Keyword.Fetch when f.Clause != Clause.SelectList: f.Clause = Clause.Limit; break;
            case Keyword.Window when f.Clause != Clause.SelectList: f.Clause = Clause.Other; break;
            case Keyword.Union or Keyword.Intersect or Keyword.Except or Keyword.Minus:
                f.Clause = Clause.Other;
                f.SawSelect = false;
                break;
            case Keyword.Values when f.Clause != Clause.Set && f.Clause != Clause.SelectList: f.Clause = Clause.Values; break;
            case Keyword.For or Keyword.Lock: return Locking(ref f);
            case Keyword.Into: return SelectInto(ref f);
            default: return WriteWord(ref f, word);
        }

        _i++;
        return true;
    }

    private bool Locking(ref Frame f)
    {
        bool lockWord = Is(Keyword.Lock);
        Keyword second = Peek(1).Word;
        if (lockWord ? second != Keyword.In : second is not (Keyword.Update or Keyword.Share or Keyword.No or Keyword.Key)) return false;
        Mark(StatementTraits.RowLocks);
        Writes();
        f.Clause = Clause.Other;
        _i++;
        while (Peek().Word is Keyword.Update or Keyword.Share or Keyword.No or Keyword.Key or Keyword.In or Keyword.Mode) _i++;
        return true;
    }

    /// <summary>SELECT INTO: a new table, variables, or a file of the server.</summary>
    private bool SelectInto(ref Frame f)
    {
        _i++;
        if (!f.SawSelect && f.Verb != Keyword.Output) return true;
        if (Accept(Keyword.Outfile) || Accept(Keyword.Dumpfile))
        {
            Mark(StatementTraits.SelectIntoOutfile);
            AddGeneral(DbActions.Admin);
            Writes();
            return true;
        }

        if (_dialect == SqlDialect.MySql)
        {
            if (Peek().Kind == TokenKind.UserVariable) Mark(StatementTraits.UserVariable);
            Writes();
            return true;
        }

        bool temp = Accept(Keyword.Temp) || Accept(Keyword.Temporary);
        Accept(Keyword.Unlogged);
        Accept(Keyword.Table);
        if (Peek().Kind is TokenKind.Parameter) return true;
        temp |= Peek().Kind == TokenKind.Word && _text[At.Start] == '#';
        if (temp) Mark(StatementTraits.CreatesTemp);
        Writes();
        TryTable(DbActions.Ddl, out _);
        return true;
    }

    /// <summary>Words of statements that write.</summary>
    private bool WriteWord(ref Frame f, Keyword word)
    {
        switch (word)
        {
            case Keyword.Set when f.Verb is Keyword.Update or Keyword.Insert or Keyword.Merge or Keyword.Replace:
                if (f.Verb == Keyword.Update && f.Clause == Clause.From) BeginAssignments(ref f);
                f.Clause = Clause.Set;
                break;
            case Keyword.Update when f.Verb == Keyword.Insert && Peek(-1).Word is Keyword.Key or Keyword.Do:
                Extend(f.Target, DbActions.Update);
                f.Clause = Clause.Set;
                break;
            case Keyword.Update or Keyword.Delete or Keyword.Insert when f.Verb == Keyword.Merge && Peek(-1).Word == Keyword.Then:
                Extend(f.Target, word == Keyword.Update ? DbActions.Update : word == Keyword.Delete ? DbActions.Delete : DbActions.Insert);
                break;
            case Keyword.Returning or Keyword.Output when f.Target >= 0 && (word == Keyword.Returning || _dialect == SqlDialect.TSql):
                Extend(f.Target, DbActions.Select);
                f.Clause = Clause.SelectList;
                if (word == Keyword.Output) f.SawSelect = true;
                break;
            case Keyword.Exec or Keyword.Execute when f.Verb == Keyword.Insert && _dialect == SqlDialect.TSql:
                Execute();
                return true;
            default:
                return false;
        }

        _i++;
        return true;
    }

    /// <summary>
    /// The tables before SET: all are written, unless there are several and each assignment says whose column it sets (MySQL's UPDATE of joined tables), or the first names the
    /// alias of a table behind FROM (T-SQL).
    /// </summary>
    private void BeginAssignments(ref Frame f)
    {
        Span<Use> mine = Uses[Math.Min(f.First, _uses.Count)..];
        if (mine.Length < 2 || _dialect != SqlDialect.MySql) return;
        Span<bool> written = stackalloc bool[Math.Min(mine.Length, 64)];
        bool all = mine.Length > written.Length;
        int level = 0;
        for (int i = _i + 1; i < _tokens.Length && _tokens[i].Kind != TokenKind.Semicolon && !(level == 0 && _tokens[i].Word is Keyword.Where or Keyword.Order or Keyword.Limit); i++)
        {
            TokenKind kind = _tokens[i].Kind;
            level += kind == TokenKind.Open ? 1 : kind == TokenKind.Close ? -1 : 0;
            if (level != 0 || !(i == _i + 1 || kind == TokenKind.Comma)) continue;
            int column = kind == TokenKind.Comma ? i + 1 : i, dots = 0;
            while (column + (2 * dots) + 1 < _tokens.Length && _tokens[column + (2 * dots) + 1].Kind == TokenKind.Dot) dots++;
            int found = dots == 0 ? -1 : Find(mine, NameText.Fold(_text, _tokens[column + (2 * (dots - 1))], _dialect));
            if (found < 0) all = true;
            else if (found < written.Length) written[found] = true;
        }

        for (int i = 0; i < mine.Length; i++) Add(mine[i].Actions = all || written[i] ? DbActions.Update : DbActions.Select);
    }

    private static int Find(Span<Use> uses, string name)
    {
        for (int i = 0; i < uses.Length; i++)
        {
            if (string.Equals(uses[i].Alias.Length > 0 ? uses[i].Alias : uses[i].Name, name, StringComparison.OrdinalIgnoreCase)) return i;
        }

        return -1;
    }

    /// <summary><c>WITH [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (statement), ...</c>. A name counts from behind its statement on, or within it when it is recursive.</summary>
    private void WithList(int depth)
    {
        _i++;
        bool recursive = Is(Keyword.Recursive) && Peek(1).IsName && ++_i > 0;
        while (TryName(out _, out string name))
        {
            if (Peek().Kind == TokenKind.Open) SkipParentheses();
            if (recursive) _ctes.Add(name);
            if (!Accept(Keyword.As)) return;
            Accept(Keyword.Not);
            Accept(Keyword.Materialized);
            if (Peek().Kind != TokenKind.Open) return;
            _i++;
            Nested(depth);
            if (!recursive) _ctes.Add(name);
            // SEARCH and CYCLE clauses name columns.
            while (_i < _tokens.Length && Peek().IsName && Peek().Word is not (Keyword.Select or Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.Merge or Keyword.Values or Keyword.Table or Keyword.Replace)) _i++;
            if (Peek().Kind != TokenKind.Comma) return;
            _i++;
        }
    }

    private void SkipParentheses()
    {
        int level = 0;
        while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon)
        {
            level += At.Kind == TokenKind.Open ? 1 : At.Kind == TokenKind.Close ? -1 : 0;
            _i++;
            if (level == 0) return;
        }
    }
}
