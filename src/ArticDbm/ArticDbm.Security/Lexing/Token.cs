using System.Runtime.InteropServices;

namespace ArticDbm.Security.Lexing;

/// <summary>What a token is.</summary>
internal enum TokenKind : byte
{
    End,
    Word,
    QuotedName,
    String,
    Number,
    Binary,
    Parameter,
    UserVariable,
    SystemVariable,
    Operator,
    Comma,
    Dot,
    Semicolon,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Unknown,
}

/// <summary>Operators that detectors and readers tell apart.</summary>
internal enum Op : ushort
{
    Other,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    NullSafeEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Ampersand,
    Pipe,
    Tilde,
    Bang,
    Pipes,
    Ampersands,
    Cast,
    Assign,
}

/// <summary>How a token stood in the text.</summary>
[Flags]
internal enum TokenFlags : byte
{
    None = 0,

    /// <summary>An empty comment, and no blank, stands between it and the token before.</summary>
    GluedByComment = 1,

    /// <summary>It stands in a comment that MySQL runs.</summary>
    Versioned = 2,

    /// <summary>Its content has escapes to be undone: doubled quotes, backslashes, Unicode escapes.</summary>
    Escaped = 4,

    /// <summary>A string or name with Unicode escapes (<c>U&amp;</c>).</summary>
    UnicodeEscapes = 8,

    /// <summary>A string in dollar quotes.</summary>
    DollarQuoted = 16,

    /// <summary>Enclosed in double quotes.</summary>
    DoubleQuoted = 32,
}

/// <summary>The part of a statement that a token belongs to.</summary>
internal enum Clause : byte
{
    Other,
    SelectList,
    From,
    Where,
    Having,
    GroupBy,
    OrderBy,
    Limit,
    Values,
    Set,
}

/// <summary>A token: a stretch of the text, and what it is.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Token
{
    public TokenKind Kind;
    public TokenFlags Flags;
    public Clause Clause;

    /// <summary>For a <see cref="TokenKind.Word"/>, its <see cref="Keyword"/>; for an operator, its <see cref="Op"/>.</summary>
    public ushort Code;

    /// <summary>Where it begins, its quotes included.</summary>
    public int Start;

    /// <summary>Its length, its quotes included.</summary>
    public int Length;

    /// <summary>Where its content begins, behind prefix and quote.</summary>
    public int ContentStart;

    /// <summary>The length of its content.</summary>
    public int ContentLength;

    public readonly Keyword Word => Kind == TokenKind.Word ? (Keyword)Code : Keyword.None;

    public readonly Op Op => Kind == TokenKind.Operator ? (Op)Code : Op.Other;

    public readonly int End => Start + Length;

    public readonly bool IsLiteral => Kind is TokenKind.String or TokenKind.Number or TokenKind.Binary;

    public readonly bool IsName => Kind is TokenKind.Word or TokenKind.QuotedName;
}

/// <summary>A comment of the text.</summary>
internal struct Comment
{
    /// <summary>The token that it stands before.</summary>
    public int Before;

    public int Start;
    public int Length;

    /// <summary>Ends with its line.</summary>
    public bool IsLine;

    /// <summary>It has no end.</summary>
    public bool Unterminated;

    /// <summary>No blank stands before it.</summary>
    public bool Glued;
}
