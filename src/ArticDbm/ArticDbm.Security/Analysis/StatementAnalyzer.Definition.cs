using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>Statements that define: CREATE, ALTER, DROP and their kin. False when the word begins none.</summary>
    private bool Definition(Keyword word, int depth)
    {
        switch (word)
        {
            case Keyword.Create or Keyword.Alter or Keyword.Drop:
                Writes();
                Mark(_dialect == SqlDialect.MySql ? StatementTraits.ImplicitCommit : 0);
                _i++;
                Define(word, depth);
                return true;
            case Keyword.Truncate:
                Writes();
                Mark(_dialect == SqlDialect.MySql ? StatementTraits.ImplicitCommit : 0);
                _i++;
                Accept(Keyword.Table);
                Tables(DbActions.Delete);
                break;
            case Keyword.Rename when Is(Keyword.Table, 1) || Is(Keyword.Tables, 1):
                Ddl(2);
                while (TryTable(DbActions.Ddl, out _) && (Accept(Keyword.To) || Peek().Kind == TokenKind.Comma))
                {
                    if (Peek().Kind == TokenKind.Comma) _i++;
                }

                break;
            case Keyword.Comment when Is(Keyword.On, 1):
                Ddl(2);
                CommentOn();
                break;
            case Keyword.Refresh when Is(Keyword.Materialized, 1):
                Ddl(3);
                Accept(Keyword.Concurrently);
                TryTable(DbActions.Ddl, out _);
                break;
            case Keyword.Import or Keyword.Rename or Keyword.Security or Keyword.Reassign or Keyword.Grant or Keyword.Revoke or Keyword.Deny:
                Writes();
                AddGeneral(DbActions.Admin);
                Mark(_dialect == SqlDialect.MySql ? StatementTraits.ImplicitCommit : 0);
                break;
            default:
                return false;
        }

        Rest();
        return true;
    }

    private void Ddl(int words)
    {
        Writes();
        Mark(_dialect == SqlDialect.MySql ? StatementTraits.ImplicitCommit : 0);
        _i += words;
    }

    private void CommentOn()
    {
        if (Is(Keyword.Column) && ++_i > 0)
        {
            // COMMENT ON COLUMN schema.table.column: the table is all but the last.
            int at = _i;
            if (!TryName(out string table, out _)) return;
            string schema = _i - at > 3 ? NameText.Fold(_text, _tokens[_i - 5], _dialect) : "";
            AddUse(schema, table.Length > 0 ? table : "*", DbActions.Ddl);
            return;
        }

        Object(Keyword.Comment);
    }

    private void Define(Keyword verb, int depth)
    {
        bool temp = false;
        // Words between the verb and the kind: OR REPLACE, UNIQUE, DEFINER = name and so on.
        while (_i < _tokens.Length && !IsKind(Peek().Word) && At.Kind != TokenKind.Semicolon)
        {
            temp |= Peek().Word is Keyword.Temp or Keyword.Temporary;
            if (Peek().Word is Keyword.Default or Keyword.Owned or Keyword.System or Keyword.Instance or Keyword.Foreign && !Is(Keyword.Table, 1)) break;
            _i++;
        }

        if (temp)
        {
            // Alone among MySQL's DDL it leaves the transaction open.
            Mark(StatementTraits.CreatesTemp);
            _traits &= ~StatementTraits.ImplicitCommit;
        }

        Object(verb);
        DefinitionRest(verb, depth);
    }

    private static bool IsKind(Keyword word) => word is Keyword.Table or Keyword.View or Keyword.Index or Keyword.Sequence or Keyword.Schema or Keyword.Database or Keyword.Function or Keyword.Procedure or Keyword.Routine
        or Keyword.Aggregate or Keyword.Operator or Keyword.Trigger or Keyword.Rule or Keyword.Policy or Keyword.Type or Keyword.Domain or Keyword.Role or Keyword.User or Keyword.Group or Keyword.Extension
        or Keyword.Language or Keyword.Server or Keyword.Publication or Keyword.Subscription or Keyword.Tablespace or Keyword.Event or Keyword.Statistics or Keyword.Cast or Keyword.Collate or Keyword.Access;

    /// <summary>The kind of an object and its name or names. What is more than a table of the database takes admin.</summary>
    private void Object(Keyword verb)
    {
        Keyword kind = Peek().Word;
        _i++;
        switch (kind)
        {
            case Keyword.Index:
                Accept(Keyword.Concurrently);
                IfExists();
                if (verb == Keyword.Create) Mark(Is(Keyword.Concurrently, -1) || Is(Keyword.Concurrently, -4) ? StatementTraits.OutsideTransaction : 0);
                if (!Is(Keyword.On)) TryTable(verb == Keyword.Create ? DbActions.None : DbActions.Ddl, out _);
                OnTable();
                break;
            case Keyword.Trigger or Keyword.Policy or Keyword.Rule:
                if (kind == Keyword.Trigger && verb != Keyword.Create && _dialect == SqlDialect.MySql) goto default;
                IfExists();
                TryName(out _, out _);
                OnTable();
                break;
            case Keyword.Schema when _dialect != SqlDialect.MySql:
                IfExists();
                do
                {
                    if (TryName(out _, out string schema)) AddUse(schema, "*", DbActions.Ddl);
                }
                while (Peek().Kind == TokenKind.Comma && ++_i > 0);
                if (verb == Keyword.Create && _uses.Count == 0) AddGeneral(DbActions.Ddl);
                break;
            case Keyword.Event when _dialect == SqlDialect.PostgreSql:
            case Keyword.Database or Keyword.Schema or Keyword.Role or Keyword.User or Keyword.Group or Keyword.Extension or Keyword.Language or Keyword.Server or Keyword.Publication or Keyword.Subscription
                or Keyword.Tablespace or Keyword.Cast or Keyword.Access or Keyword.Default or Keyword.Owned or Keyword.System or Keyword.Instance or Keyword.Foreign or Keyword.None:
                if (kind is Keyword.Database or Keyword.Tablespace) Mark(StatementTraits.OutsideTransaction);
                AddGeneral(DbActions.Admin);
                break;
            default:
                if (kind == Keyword.Table && Is(Keyword.Foreign, -2)) Add(DbActions.Ddl);
                Accept(Keyword.Concurrently);
                IfExists();
                if (Is(Keyword.Only)) _i++;
                Names(verb);
                break;
        }
    }

    private void Names(Keyword verb)
    {
        Token before = Peek();
        if (!TryTable(DbActions.Ddl, out int use))
        {
            AddGeneral(DbActions.Ddl | DbActions.Admin);
            return;
        }

        if (before.Kind == TokenKind.Word && _text[before.Start] == '#') Mark(StatementTraits.CreatesTemp);
        if (verb != Keyword.Drop) return;
        while (Peek().Kind is TokenKind.Comma or TokenKind.Open)
        {
            if (Peek().Kind == TokenKind.Open) SkipParentheses();
            else if (++_i > 0 && !TryTable(DbActions.Ddl, out use)) return;
        }
    }

    /// <summary>The first ON that follows at this level names the table.</summary>
    private void OnTable()
    {
        int level = 0;
        while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon)
        {
            level += At.Kind == TokenKind.Open ? 1 : At.Kind == TokenKind.Close ? -1 : 0;
            bool table = level == 0 && (At.Word == Keyword.On || (At.Word == Keyword.To && Peek(-1).Word is Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.Select));
            _i++;
            if (!table || Peek().Word is Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.Select) continue;
            Accept(Keyword.Only);
            TryTable(DbActions.Ddl, out _);
            return;
        }
    }

    /// <summary>What stands behind the name: queries, and other tables that are named.</summary>
    private void DefinitionRest(Keyword verb, int depth)
    {
        bool code = Peek(-1).IsName && verb == Keyword.Create && HasCode();
        while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon)
        {
            Keyword word = At.Word;
            if (code && Code(word)) continue;
            if (word == Keyword.Do && RuleActions(depth)) continue;
            bool query = BeginsQuery(_i) && word != Keyword.Values && (Peek(-1).Kind == TokenKind.Open || Peek(-1).Word == Keyword.As || (word == Keyword.Select && Peek(-1).Kind != TokenKind.Comma && Peek(-1).Word is not (Keyword.On or Keyword.For or Keyword.Grant or Keyword.Revoke)));
            if (query && !code)
            {
                Statement(depth + 1);
                continue;
            }

            _i++;
            DbActions actions = word switch
            {
                Keyword.References => DbActions.Ddl,
                Keyword.Of when Is(Keyword.Partition, -2) => DbActions.Ddl,
                Keyword.Like when verb == Keyword.Create && Peek().IsName => DbActions.Select,
                Keyword.To when Is(Keyword.Rename, -2) => DbActions.Ddl,
                Keyword.Table when Is(Keyword.With, -2) && verb == Keyword.Alter => DbActions.Ddl,
                Keyword.Partition when verb == Keyword.Alter && Peek(-2).Kind == TokenKind.Word && _text.Slice(Peek(-2).Start, Peek(-2).Length).Length == 6 => DbActions.Ddl,
                _ => DbActions.None,
            };
            if (actions != DbActions.None) TryTable(actions, out _);
            else if (word == Keyword.Inherits && Peek().Kind == TokenKind.Open && ++_i > 0) Tables(DbActions.Ddl);
            else if (Peek(-1).IsName && Peek().Kind == TokenKind.Open && word == Keyword.None) Call(_i - 1, "");
        }
    }

    /// <summary>CREATE RULE ... DO [ALSO | INSTEAD] (statement; statement), of PostgreSQL.</summary>
    private bool RuleActions(int depth)
    {
        if (_dialect != SqlDialect.PostgreSql || !(ContentIs(Peek(1), "also"u8) || ContentIs(Peek(1), "instead"u8) || Peek(1).Kind == TokenKind.Open || BeginsQuery(_i + 1))) return false;
        _i += Peek(1).IsName && !BeginsQuery(_i + 1) ? 2 : 1;
        if (Peek().Kind != TokenKind.Open || BeginsQuery(_i + 1) && Peek(1).Word == Keyword.Select)
        {
            if (Peek().Word != Keyword.Nothing) Statement(depth + 1);
            return true;
        }

        _i++;
        while (_i < _tokens.Length && At.Kind != TokenKind.Close)
        {
            if (At.Kind == TokenKind.Semicolon) _i++;
            else Statement(depth + 1);
        }

        CloseParenthesis();
        return true;
    }

    /// <summary>
    /// The body of a routine, with semicolons of its own: BEGIN ATOMIC ... END of PostgreSQL, BEGIN ... END of MySQL, and in T-SQL all that follows. It runs later and is not read.
    /// </summary>
    private bool Code(Keyword word)
    {
        if (_dialect == SqlDialect.TSql && word == Keyword.As)
        {
            _i = _tokens.Length;
            return true;
        }

        if (word != Keyword.Begin || (_dialect == SqlDialect.PostgreSql && !ContentIs(Peek(1), "atomic"u8))) return false;
        int level = 0;
        for (; _i < _tokens.Length; _i++)
        {
            if (At.Word is Keyword.Begin or Keyword.Case && !Is(Keyword.End, -1)) level++;
            if (At.Word != Keyword.End || Is(Keyword.If, 1) || ContentIs(Peek(1), "loop"u8) || ContentIs(Peek(1), "while"u8) || ContentIs(Peek(1), "repeat"u8)) continue;
            if (--level > 0) continue;
            _i++;
            return true;
        }

        return true;
    }

    /// <summary>Routines and triggers have a body that runs later, under rights of its own: it is not read.</summary>
    private readonly bool HasCode()
    {
        for (int i = _starts[^1]; i < Math.Min(_tokens.Length, _starts[^1] + 12); i++)
        {
            if (_tokens[i].Word is Keyword.Function or Keyword.Procedure or Keyword.Trigger or Keyword.Event) return true;
            if (_tokens[i].Word is Keyword.Table or Keyword.View or Keyword.Index) return false;
        }

        return false;
    }
}
