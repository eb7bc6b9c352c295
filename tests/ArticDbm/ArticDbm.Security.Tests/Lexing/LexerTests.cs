namespace ArticDbm.Security.Lexing;

/// <summary>Where tokens end in each dialect: whoever is wrong here reads another statement than the server.</summary>
public sealed class LexerTests
{
    [Theory]
    [InlineData("'a''b' x", "String Word")]
    [InlineData(@"'a\' x", "String Word")]
    [InlineData(@"E'a\'b' x", "String Word")]
    [InlineData("'a'\n 'b' x", "String Word")]
    [InlineData("'a' 'b'", "String String")]
    [InlineData("$$a'b$$ $x$ $$ $x$ $1", "String String Parameter")]
    [InlineData("a$b \"a\"\"b\" U&\"x\"", "Word QuotedName QuotedName")]
    [InlineData("/* a /* b */ c */ x", "Word")]
    [InlineData("1.5e-3 .5 1..2 0xFF 1_000", "Number Number Number Operator Number Binary Number")]
    [InlineData("a<-1", "Word Operator Operator Number")]
    [InlineData("a @-1", "Word Operator Number")]
    [InlineData("a --x\n b", "Word Word")]
    [InlineData("a::text[1]", "Word Operator Word OpenBracket Number CloseBracket")]
    [InlineData("b'01' X'ff' n'x'", "Binary Binary String")]
    public void Of_PostgreSQL(string text, string kinds) => Assert.Equal(kinds, Kinds(text, SqlDialect.PostgreSql));

    [Theory]
    [InlineData(@"'a\'b' ""c\""d"" `e``f`", "String String QuotedName")]
    [InlineData("a--1", "Word Operator Operator Number")]
    [InlineData("a -- 1\n#2\nb", "Word Word")]
    [InlineData("/* a /* b */ c", "Word")]
    [InlineData("@a @@b.c @'d' ?", "UserVariable SystemVariable UserVariable Parameter")]
    [InlineData("1abc 1e5 1e", "Word Number Word")]
    [InlineData("t.1a", "Word Dot Word")]
    [InlineData("a<=>b != c || d && e", "Word Operator Word Operator Word Operator Word Operator Word")]
    [InlineData("/*! a */ b", "Word Word")]
    public void Of_MySQL(string text, string kinds) => Assert.Equal(kinds, Kinds(text, SqlDialect.MySql));

    [Theory]
    [InlineData("[a]]b] #t @p @@v N'x'", "QuotedName Word Parameter SystemVariable String")]
    [InlineData(@"'a\' x", "String Word")]
    [InlineData("/* a /* b */ c */ x", "Word")]
    public void Of_TSql(string text, string kinds) => Assert.Equal(kinds, Kinds(text, SqlDialect.TSql));

    [Theory]
    [InlineData(SqlDialect.PostgreSql, @"'a\' x'", SqlQuoting.BackslashEscapes, "String")]
    [InlineData(SqlDialect.MySql, @"'a\' x", SqlQuoting.NoBackslashEscapes, "String Word")]
    [InlineData(SqlDialect.MySql, "\"a\"", SqlQuoting.AnsiQuotes, "QuotedName")]
    public void Follows_the_session(SqlDialect dialect, string text, SqlQuoting quoting, string kinds) => Assert.Equal(kinds, Kinds(text, dialect, quoting));

    private static string Kinds(string text, SqlDialect dialect, SqlQuoting quoting = SqlQuoting.Usual)
    {
        var kinds = new List<string>();
        var comments = new CommentList();
        var lexer = new SqlLexer(System.Text.Encoding.UTF8.GetBytes(text), dialect, quoting);
        while (lexer.Next(ref comments, out Token token)) kinds.Add(token.Kind.ToString());
        Assert.Equal(LexFault.None, lexer.Faults);
        return string.Join(' ', kinds);
    }
}
