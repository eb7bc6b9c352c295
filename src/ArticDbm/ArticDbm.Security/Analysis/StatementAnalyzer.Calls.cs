using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

internal ref partial struct StatementAnalyzer
{
    /// <summary>The call of the function whose name is at <paramref name="at"/>; the parenthesis is not taken.</summary>
    private void Call(int at, string schema) => Called(_tokens[at], schema);

    private void Called(Token name, string schema)
    {
        ReadOnlySpan<byte> text = _text.Slice(name.ContentStart, name.ContentLength);
        FunctionKind kind = Functions.Find(text);
        if (schema.Length > 0 && kind == FunctionKind.None) kind = Functions.Find(System.Text.Encoding.UTF8.GetBytes(schema));
        if (kind == FunctionKind.None)
        {
            // Column lists of INSERT and of aliases look like calls; a keyword before a parenthesis is no function.
            if (name.Word != Keyword.None) return;
            Mark(StatementTraits.UnknownFunction);
            Writes();
            return;
        }

        if ((kind & FunctionKind.Pure) == 0) Writes();
        if ((kind & FunctionKind.Advisory) != 0) Mark(StatementTraits.AdvisoryLock);
        if ((kind & FunctionKind.Notify) != 0) Mark(StatementTraits.Notify);
        if ((kind & FunctionKind.UserLock) != 0) Mark(StatementTraits.GetLock);
        if ((kind & FunctionKind.LastId) != 0) Mark(StatementTraits.FoundRowsOrLastId);
        if ((kind & FunctionKind.RunsText) != 0) Mark(StatementTraits.DynamicSql);
        if ((kind & FunctionKind.Admin) != 0) AddGeneral(DbActions.Admin);
        if ((kind & FunctionKind.SetConfig) != 0) SetConfig();
    }

    /// <summary><c>set_config(name, value, is_local)</c>: SET by another name. What is no literal may be any setting.</summary>
    private void SetConfig()
    {
        Token name = Peek(1), local = Peek(5);
        bool plain = Peek().Kind == TokenKind.Open && name.Kind == TokenKind.String && Peek(2).Kind == TokenKind.Comma && Peek(4).Kind == TokenKind.Comma && Peek(6).Kind == TokenKind.Close;
        Mark(plain && local.Word == Keyword.True ? StatementTraits.SetLocal : StatementTraits.SetSession);
        if (plain && (name.Flags & TokenFlags.Escaped) == 0) Setting(_text.Slice(name.ContentStart, name.ContentLength));
        else AddGeneral(DbActions.Admin);
    }
}
