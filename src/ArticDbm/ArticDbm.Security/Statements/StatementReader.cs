using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;
using ArticDbm.Security.Rules;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>Reads the text of a statement, or of several: what it does, to which tables, what shape it has, and what of it looks like an attack.</summary>
public static class StatementReader
{
    /// <summary>Characters of <see cref="StatementReport.Normalised"/> at most: what a log line or a list of top statements can bear.</summary>
    public const int MaxNormalised = 4096;

    /// <summary>Every action on tables and beyond.</summary>
    public const DbActions EveryAction = DbActions.Select | DbActions.Insert | DbActions.Update | DbActions.Delete | DbActions.Ddl | DbActions.Call | DbActions.Admin;

    /// <summary>Reads a text. Never fails: a text that cannot be read soundly says so in its traits. Time and memory grow with its length, and memory no further than a bound.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="utf8">The text.</param>
    /// <param name="quoting">Settings of the session that change where quoted texts end.</param>
    public static StatementReport Read(SqlDialect dialect, ReadOnlySpan<byte> utf8, SqlQuoting quoting = SqlQuoting.Usual) => Read(dialect, utf8, quoting, withLiterals: true);

    internal static StatementReport Read(SqlDialect dialect, ReadOnlySpan<byte> text, SqlQuoting quoting, bool withLiterals)
    {
        var tokens = new TokenList();
        var comments = new CommentList();
        try
        {
            var lexer = new SqlLexer(text, dialect, quoting);
            while (lexer.Next(ref comments, out Token token))
            {
                if (!tokens.Add(token)) break;
            }

            return Report(dialect, text, tokens, comments, lexer.Faults, withLiterals);
        }
        finally
        {
            tokens.Dispose();
        }
    }

    private static StatementReport Report(SqlDialect dialect, ReadOnlySpan<byte> text, TokenList tokens, CommentList comments, LexFault faults, bool withLiterals)
    {
        var analyzer = new StatementAnalyzer(text, tokens.Span, dialect);
        analyzer.Run();
        bool unreadable = (faults & ~LexFault.BrokenCharacter) != 0 || tokens.IsTooLong || analyzer.TooLarge || analyzer.Unbalanced;
        var hits = new HitList();
        using var map = new TokenMap(tokens.Span);
        var context = new DetectorContext
        {
            Text = text,
            Tokens = tokens.Span,
            Map = map,
            Comments = comments.Span,
            Dialect = dialect,
            Faults = faults,
            TooLarge = tokens.IsTooLong || analyzer.TooLarge,
            IsUnreadable = unreadable,
            Analysis = analyzer,
            WithLiterals = withLiterals,
        };
        Detectors.Run(in context, ref hits);
        byte[] folded = Normaliser.Fold(text, tokens.Span, dialect, out int length);
        ulong fingerprint = BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(folded.AsSpan(0, length)));
        string normalised = Encoding.UTF8.GetString(folded.AsSpan(0, Math.Min(length, MaxNormalised)));
        System.Buffers.ArrayPool<byte>.Shared.Return(folded);
        ImmutableArray<TableUse> tables = TableUses.Merge(analyzer.Uses, dialect, unreadable);
        DbActions named = tables.Aggregate(DbActions.None, (sum, t) => sum | t.Actions);
        return new StatementReport
        {
            Fingerprint = fingerprint,
            FingerprintText = fingerprint.ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
            Normalised = normalised,
            Verb = Verb(text, tokens.Span),
            Actions = unreadable ? EveryAction : analyzer.Actions,
            GeneralActions = unreadable ? EveryAction : analyzer.General | (analyzer.Actions & ~named),
            Tables = tables,
            Traits = unreadable ? (analyzer.Traits | StatementTraits.Unreadable) & ~StatementTraits.OnlyReads : analyzer.Traits,
            StatementCount = analyzer.Count,
            Hits = hits.ToImmutable(),
        };
    }

    private static string Verb(ReadOnlySpan<byte> text, ReadOnlySpan<Token> tokens)
    {
        foreach (Token token in tokens)
        {
            if (token.Kind is TokenKind.Open or TokenKind.Semicolon) continue;
            // Keywords alone: a metric's label comes from a bounded set.
            return token.Word == Keyword.None ? "" : Encoding.ASCII.GetString(text.Slice(token.Start, token.Length)).ToLowerInvariant();
        }

        return "";
    }
}
