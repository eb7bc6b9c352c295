using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Runs every detector over a text, in one walk over its tokens. Each looks a bounded way around the token that wakes it, so that time grows with the text's length.</summary>
internal static class Detectors
{
    public static void Run(in DetectorContext c, ref HitList hits)
    {
        Faults(c, ref hits);
        if (c.Tokens.IsEmpty) return;
        int unions = 0;
        for (int i = 0; i < c.Tokens.Length; i++)
        {
            CommentDetectors.Glued(c, i, ref hits);
            if ((c.Tokens[i].Flags & TokenFlags.Versioned) != 0) WordDetectors.Versioned(c, i, ref hits);
            switch (c.Tokens[i].Kind)
            {
                case TokenKind.Word or TokenKind.QuotedName: Word(c, i, ref unions, ref hits); break;
                case TokenKind.Operator: Operator(c, i, ref hits); break;
                case TokenKind.String: ConditionDetectors.Literal(c, i, ref hits); break;
                case TokenKind.Number:
                    ConditionDetectors.Literal(c, i, ref hits);
                    WordDetectors.Number(c, i, ref hits);
                    CallDetectors.NumberAgainstText(c, i, ref hits);
                    break;
                case TokenKind.Binary: CallDetectors.Hex(c, i, ref hits); break;
                case TokenKind.SystemVariable: WordDetectors.Fact(c, i, ref hits); break;
            }
        }

        WordDetectors.CrossJoin(c, ref hits);
        StatementDetectors.Run(c, ref hits);
        CatalogDetectors.Uses(c, ref hits);
        CommentDetectors.Run(c, ref hits);
        if (c.WithLiterals) LiteralDetectors.Run(c, ref hits);
    }

    private static void Word(in DetectorContext c, int i, ref int unions, ref HitList hits)
    {
        switch (c.Tokens[i].Word)
        {
            case Keyword.Or or Keyword.Xor: ConditionDetectors.Connective(c, i, isOr: true, ref hits); return;
            case Keyword.And: ConditionDetectors.Connective(c, i, isOr: false, ref hits); return;
            case Keyword.Having: ConditionDetectors.Having(c, i, ref hits); return;
            case Keyword.Union: UnionDetectors.Union(c, i, unions++, ref hits); return;
            case Keyword.Where: ConditionDetectors.Where(c, i, ref hits); return;
            case Keyword.Case: WordDetectors.Case(c, i, ref hits); return;
            case Keyword.Rlike or Keyword.Regexp: WordDetectors.Pattern(c, i, ref hits); return;
            case Keyword.Waitfor: WordDetectors.Waitfor(c, i, ref hits); return;
            case Keyword.Outfile or Keyword.Dumpfile when c.At(i - 1).Word == Keyword.Into: WordDetectors.Outfile(c, i, ref hits); return;
            case Keyword.Procedure when c.At(i + 1).Word is Keyword.Analyse: hits.Add(FirewallRules.ProcedureAnalyse, c.Offset(i)); return;
        }

        if (c.At(i + 1).Kind is TokenKind.Open or TokenKind.Dot)
        {
            CallDetectors.Call(c, i, ref hits);
            if ((c.CallAt(i) & FunctionKind.Fact) != 0) WordDetectors.Fact(c, i, ref hits);
        }
        else if (c.IsBareFact(i))
        {
            WordDetectors.Fact(c, i, ref hits);
        }
        else if (c.At(i - 1).Word is Keyword.Exec or Keyword.Execute or Keyword.Call || (c.At(i - 1).Kind == TokenKind.Dot && c.Dialect == SqlDialect.TSql) || (i == 0 && c.Dialect == SqlDialect.TSql))
        {
            Procedure(c, i, ref hits);
        }
    }

    /// <summary>A procedure that is run by its name: EXEC master..xp_cmdshell 'dir'.</summary>
    private static void Procedure(in DetectorContext c, int i, ref HitList hits)
    {
        FunctionKind kind = Functions.Find(c.Bytes(i));
        if ((kind & FunctionKind.Program) != 0) hits.Add(FirewallRules.ProgramExecution, c.Offset(i));
        CallDetectors.Reaches(c, i, kind, ref hits);
    }

    private static void Operator(in DetectorContext c, int i, ref HitList hits)
    {
        switch (c.Tokens[i].Op)
        {
            case Op.Pipes when c.Dialect == SqlDialect.MySql: ConditionDetectors.Connective(c, i, isOr: true, ref hits); break;
            case Op.Ampersands when c.Dialect == SqlDialect.MySql: ConditionDetectors.Connective(c, i, isOr: false, ref hits); break;
            case Op.Equal or Op.NotEqual or Op.Less or Op.Greater: ConditionDetectors.Compared(c, i, ref hits); break;
            case Op.Slash: WordDetectors.Division(c, i, ref hits); break;
            case Op.Cast: CallDetectors.ColonCast(c, i, ref hits); break;
            case Op.Tilde: WordDetectors.Tilde(c, i, ref hits); break;
        }
    }

    private static void Faults(in DetectorContext c, ref HitList hits)
    {
        if (c.TooLarge) hits.Add(FirewallRules.TooLarge, 0);
        if ((c.Faults & LexFault.AmbiguousComment) != 0) hits.Add(FirewallRules.AmbiguousComment, 0);
        if ((c.Faults & LexFault.NulByte) != 0) hits.Add(FirewallRules.NulByte, c.Text.IndexOf((byte)0));
        if ((c.Faults & LexFault.BrokenCharacter) != 0) hits.Add(FirewallRules.BrokenCharacter, 0);
        if (c.IsUnreadable) hits.Add(FirewallRules.Unreadable, 0);
    }
}
