using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>Where a query, or the query part of another statement, stands.</summary>
    private struct Frame
    {
        public Keyword Verb;
        public Clause Clause;

        /// <summary>What FROM, JOIN and commas do to the tables behind them.</summary>
        public DbActions TableActions;

        /// <summary>A table stands next.</summary>
        public bool ExpectTable;

        private int _target;

        /// <summary>The table that is written, among <see cref="_uses"/>; -1 for none, as in a frame that says nothing.</summary>
        public int Target
        {
            readonly get => _target - 1;
            set => _target = value + 1;
        }

        public int Depth;

        /// <summary>A part of a statement in which FROM names no tables: SET, SHOW, GRANT.</summary>
        public bool IsLoose;

        /// <summary>Parentheses open within it.</summary>
        public int Level;

        /// <summary>JOIN came since the last table of the list.</summary>
        public bool Joined;

        /// <summary>The first of its tables among <see cref="_uses"/>.</summary>
        public int First;

        public bool SawSelect;
    }

    private void Query(int depth) => Body(new Frame { Verb = Keyword.Select, Depth = depth, TableActions = DbActions.Select, First = _uses.Count });

    /// <summary>To the parenthesis that closes it, a semicolon, or the end; none of them is taken.</summary>
    private void Body(Frame f)
    {
        if (f.Depth > MaxDepth)
        {
            TooLarge = true;
            _i = _tokens.Length;
            return;
        }

        int start = _i;
        while (_i < _tokens.Length)
        {
            ref Token t = ref At;
            t.Clause = f.Clause;
            switch (t.Kind)
            {
                case TokenKind.Semicolon:
                    Unbalanced |= f.Level > 0;
                    return;
                case TokenKind.Close:
                    if (f.Level == 0) return;
                    f.Level--;
                    _i++;
                    break;
                case TokenKind.Open:
                    Parenthesis(ref f);
                    break;
                case TokenKind.Comma:
                    if (f.Level == 0 && f.Clause == Clause.From)
                    {
                        f.ExpectTable = true;
                        f.Joined = false;
                    }

                    _i++;
                    break;
                case TokenKind.Word or TokenKind.QuotedName:
                    if (f.ExpectTable && f.Level == 0 && TableHere(ref f)) break;
                    f.ExpectTable &= f.Level > 0;
                    if (f.Level == 0 && _dialect == SqlDialect.TSql && _i > start && BeginsStatement(f, t.Word)) return;
                    if (f.Level == 0 && t.Word != Keyword.None && ClauseWord(ref f, t.Word)) break;
                    NameOrCall();
                    break;
                case TokenKind.UserVariable:
                    if (Peek(1).Op is Op.Assign) Mark(StatementTraits.UserVariable);
                    if (Peek(1).Op is Op.Assign) Writes();
                    f.ExpectTable = false;
                    _i++;
                    break;
                case TokenKind.SystemVariable or TokenKind.Parameter:
                    f.ExpectTable = false;
                    _i++;
                    break;
                default:
                    _i++;
                    break;
            }
        }

        Unbalanced |= f.Level > 0;
    }

    private void Parenthesis(ref Frame f)
    {
        bool table = f.ExpectTable && f.Level == 0;
        if (BeginsQuery(_i + 1))
        {
            _i++;
            Nested(f.Depth);
            if (!table) return;
            f.ExpectTable = false;
            Alias();
            return;
        }

        _i++;
        if (!table)
        {
            f.Level++;
            return;
        }

        Body(new Frame { Verb = f.Verb, Clause = Clause.From, TableActions = f.TableActions, ExpectTable = true, Depth = f.Depth + 1, First = _uses.Count });
        CloseParenthesis();
        f.ExpectTable = false;
        Alias();
    }

    /// <summary>A statement in parentheses, of which the first is taken; names of its WITH end with it.</summary>
    private void Nested(int depth)
    {
        int names = _ctes.Count;
        Statement(depth + 1);
        CloseParenthesis();
        _ctes.RemoveRange(names, _ctes.Count - names);
    }

    private void CloseParenthesis()
    {
        if (Peek().Kind == TokenKind.Close) _i++;
        else Unbalanced = true;
    }

    private readonly bool BeginsQuery(int at)
    {
        Token token = (uint)at < (uint)_tokens.Length ? _tokens[at] : default, next = (uint)(at + 1) < (uint)_tokens.Length ? _tokens[at + 1] : default;
        return token.Word switch
        {
            Keyword.Select or Keyword.With or Keyword.Values => true,
            Keyword.Table => next.IsName,
            Keyword.Insert => next.Word == Keyword.Into,
            Keyword.Delete => next.Word == Keyword.From,
            Keyword.Update or Keyword.Merge => next.IsName && _dialect != SqlDialect.MySql,
            _ => false,
        };
    }

    /// <summary>A word where a table is expected; false when it is none, and is not taken.</summary>
    private bool TableHere(ref Frame f)
    {
        switch (At.Word)
        {
            case Keyword.Lateral or Keyword.Only or Keyword.LowPriority or Keyword.Ignore or Keyword.Quick or Keyword.Natural:
                if (!Peek(1).IsName && Peek(1).Kind != TokenKind.Open) break;
                _i++;
                return true;
            case Keyword.Rows when Is(Keyword.From, 1):
                _i += 2;
                f.ExpectTable = false;
                return true;
            case Keyword.Dual when Peek(1).Kind != TokenKind.Dot:
                _i++;
                f.ExpectTable = false;
                return true;
            case Keyword.Top:
                _i++;
                if (Peek().Kind == TokenKind.Number) _i++;
                return true;
            case Keyword.Select or Keyword.Where or Keyword.Set or Keyword.On or Keyword.Union or Keyword.Group or Keyword.Order or Keyword.Join or Keyword.From or Keyword.Values or Keyword.As when At.Kind == TokenKind.Word:
                return false;
        }

        int at = _i;
        if (!TryName(out string schema, out string name)) return false;
        f.ExpectTable = false;
        bool call = Peek().Kind == TokenKind.Open;
        if (call)
        {
            Call(at, schema);
            if (_dialect != SqlDialect.TSql || !BeginsHint()) return true;
        }

        if (Peek() is { Kind: TokenKind.Operator, Op: Op.Star }) _i++;
        if (schema.Length == 0 && _ctes.Contains(name) && f.TableActions == DbActions.Select)
        {
            Alias();
            return true;
        }

        int use = AddUse(schema, name, f.TableActions);
        if (f.TableActions != DbActions.Select)
        {
            Writes();
            f.Target = use;
        }

        Uses[use].Alias = Alias();
        return true;
    }

    /// <summary><c>FROM t (NOLOCK)</c> in T-SQL: a table, not a function.</summary>
    private readonly bool BeginsHint() => Peek(1).Kind == TokenKind.Word && Peek(2).Kind is TokenKind.Close or TokenKind.Comma;

    private string Alias()
    {
        bool told = Accept(Keyword.As);
        if (!Peek().IsName || (!told && At.Kind == TokenKind.Word && IsClauseWord(At.Word))) return "";
        string alias = NameText.Fold(_text, At, _dialect);
        _i++;
        return alias;
    }

    private static bool IsClauseWord(Keyword word) => word is Keyword.Where or Keyword.Group or Keyword.Having or Keyword.Order or Keyword.Limit or Keyword.Offset or Keyword.Fetch or Keyword.For or Keyword.Union
        or Keyword.Intersect or Keyword.Except or Keyword.Minus or Keyword.On or Keyword.Using or Keyword.Join or Keyword.Left or Keyword.Right or Keyword.Inner or Keyword.Full or Keyword.Cross or Keyword.Natural
        or Keyword.Outer or Keyword.Set or Keyword.Values or Keyword.Select or Keyword.Returning or Keyword.Window or Keyword.When or Keyword.Into or Keyword.Tablesample or Keyword.Partition or Keyword.Use
        or Keyword.Force or Keyword.Ignore or Keyword.StraightJoin or Keyword.With or Keyword.Lock or Keyword.Procedure or Keyword.Default or Keyword.Output or Keyword.Option or Keyword.Apply or Keyword.Then
        or Keyword.Overriding or Keyword.Read or Keyword.Low or Keyword.Exec or Keyword.Execute or Keyword.Waitfor or Keyword.Drop or Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.From or Keyword.And or Keyword.Or;

    /// <summary>A name, or the call of a function; what it is called with is read on.</summary>
    private void NameOrCall()
    {
        int at = _i;
        _i++;
        string schema = "";
        while (Peek().Kind == TokenKind.Dot && Peek(1).IsName)
        {
            schema = Peek(1).Kind == TokenKind.Word || Peek(-1).IsName ? NameText.Fold(_text, Peek(-1), _dialect) : "";
            at = _i + 1;
            _i += 2;
        }

        if (Peek().Kind == TokenKind.Open) Call(at, schema);
    }
}
