using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>What statements are by themselves, and what stands behind a query in one text.</summary>
internal static class StatementDetectors
{
    public static void Run(in DetectorContext c, ref HitList hits)
    {
        ReadOnlySpan<int> starts = c.Analysis.Starts;
        for (int s = 0; s < starts.Length; s++)
        {
            int start = starts[s], end = s + 1 < starts.Length ? starts[s + 1] : c.Tokens.Length;
            if (s == 64) break;
            One(c, start, end, ref hits);
            if (s > 0) Stacked(c, starts[s - 1], start, ref hits);
        }

        if (starts.Length > 1) hits.Add(FirewallRules.StackedStatements, c.Offset(starts[1]));
    }

    private static void One(in DetectorContext c, int start, int end, ref HitList hits)
    {
        int offset = c.Offset(start);
        Keyword word = c.At(start).Word;
        switch (word)
        {
            case Keyword.Grant or Keyword.Revoke or Keyword.Deny: hits.Add(FirewallRules.PrivilegeChange, offset); break;
            case Keyword.Create or Keyword.Alter or Keyword.Drop:
                bool account = Concerns(c, start, end);
                if (account) hits.Add(FirewallRules.PrivilegeChange, offset);
                if (word == Keyword.Drop) hits.Add(FirewallRules.SchemaDestruction, offset);
                else if (!account) hits.Add(FirewallRules.SchemaChange, offset);
                break;
            case Keyword.Truncate: hits.Add(FirewallRules.SchemaDestruction, offset); break;
            case Keyword.Rename or Keyword.Comment or Keyword.Reindex or Keyword.Cluster: hits.Add(FirewallRules.SchemaChange, offset); break;
            case Keyword.Delete: WholeTable(c, start, end, FirewallRules.DeleteAll, ref hits); break;
            case Keyword.Update: WholeTable(c, start, end, FirewallRules.UpdateAll, ref hits); break;
            case Keyword.Copy: Copy(c, start, end, ref hits); break;
            case Keyword.Load when c.Analysis.Traits.HasFlag(StatementTraits.LoadDataLocal): break;
            case Keyword.Load or Keyword.Bulk: hits.Add(FirewallRules.FileAccess, offset); break;
            case Keyword.Set when c.At(start + 1).Word == Keyword.Password: hits.Add(FirewallRules.PrivilegeChange, offset); break;
        }

        if (c.Analysis.Traits.HasFlag(StatementTraits.SetRole)) hits.Add(FirewallRules.RoleSwitch, offset);
        if (c.Analysis.Traits.HasFlag(StatementTraits.ChangesQuoting)) hits.Add(FirewallRules.QuotingChange, offset);
        if (c.Analysis.Traits.HasFlag(StatementTraits.DynamicSql)) hits.Add(FirewallRules.DynamicSql, offset);
    }

    private static bool Concerns(in DetectorContext c, int start, int end)
    {
        for (int i = start + 1; i < Math.Min(end, start + 6); i++)
        {
            if (c.At(i).Word is Keyword.Role or Keyword.User or Keyword.Group && c.At(i + 1).Word != Keyword.Mapping || c.Is(i, "login"u8)) return true;
            if (c.At(i).Word is Keyword.Table or Keyword.View or Keyword.Index or Keyword.Function) return false;
        }

        return false;
    }

    /// <summary>No WHERE, LIMIT or TOP in the statement itself, or one that is constant.</summary>
    private static void WholeTable(in DetectorContext c, int start, int end, FirewallRule rule, ref HitList hits)
    {
        for (int i = start; i < end; i++)
        {
            if (c.At(i).Kind == TokenKind.Open) i = Math.Max(i, Math.Min(c.Map.Close(i), end));
            if (c.At(i).Word is Keyword.Limit or Keyword.Top) return;
            if (c.At(i).Word != Keyword.Where) continue;
            bool constant = Constants.TryComparison(c, i + 1, out ConstantComparison found) && (found.End >= end || c.At(found.End).Kind == TokenKind.Semicolon);
            constant |= Constants.TryConstant(c, i + 1, out int last) && (last >= end || c.At(last).Kind == TokenKind.Semicolon);
            if (!constant) return;
            break;
        }

        hits.Add(rule, c.Offset(start));
    }

    private static void Copy(in DetectorContext c, int start, int end, ref HitList hits)
    {
        for (int i = start; i < end; i++)
        {
            if (c.At(i).Word is not (Keyword.From or Keyword.To)) continue;
            if (c.At(i + 1).Word == Keyword.Program) hits.Add(FirewallRules.CopyProgram, c.Offset(start));
            else if (c.At(i + 1).Kind == TokenKind.String) hits.Add(FirewallRules.FileAccess, c.Offset(start));
        }
    }

    /// <summary>A statement behind a query. A text that opens a transaction, or changes the schema from its beginning, is a script.</summary>
    private static void Stacked(in DetectorContext c, int before, int start, ref HitList hits)
    {
        if (!c.IsBehindQuery(start)) return;
        int offset = c.Offset(start);
        Keyword word = c.At(start).Word;
        switch (word)
        {
            case Keyword.Create or Keyword.Alter or Keyword.Drop when Concerns(c, start, c.Tokens.Length): hits.Add(FirewallRules.StackedPrivileges, offset); break;
            case Keyword.Create when c.At(start + 1).Word is Keyword.Temp or Keyword.Temporary: break;
            case Keyword.Drop or Keyword.Alter or Keyword.Create or Keyword.Rename or Keyword.Truncate: hits.Add(FirewallRules.StackedDestruction, offset); break;
            case Keyword.Grant or Keyword.Revoke or Keyword.Deny: hits.Add(FirewallRules.StackedPrivileges, offset); break;
            case Keyword.Exec or Keyword.Execute or Keyword.Call or Keyword.Do or Keyword.Prepare or Keyword.Copy or Keyword.Shutdown or Keyword.Kill or Keyword.Load or Keyword.Handler or Keyword.Bulk or Keyword.Declare or Keyword.Waitfor or Keyword.If:
                hits.Add(FirewallRules.StackedExecution, offset);
                break;
            case Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.Replace or Keyword.Merge when c.At(before).Word == Keyword.Select:
                hits.Add(before == 0 && FiltersByLiteral(c, start) ? FirewallRules.StackedWrite : FirewallRules.StackedScript, offset);
                break;
        }
    }

    private static bool FiltersByLiteral(in DetectorContext c, int end)
    {
        for (int i = 0; i < end; i++)
        {
            if (c.Tokens[i].IsLiteral && c.Map.IsInCondition(i)) return true;
        }

        return false;
    }
}
