using System.Runtime.InteropServices;
using ArticDbm.Security.Lexing;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security.Analysis;

/// <summary>A table while a text is being read.</summary>
internal struct Use
{
    public string Schema;
    public string Name;
    public string Alias;
    public DbActions Actions;

    /// <summary>The token that names it.</summary>
    public int Token;
}

/// <summary>
/// Reads what the statements of a text do: which tables, by which actions, and what to the session. It knows the places of the grammar where a table or a statement can stand, and
/// passes over the rest; where it cannot tell, it takes the larger set. One pass; nesting is bounded.
/// </summary>
internal ref partial struct StatementAnalyzer
{
    /// <summary>Sub-selects and table groups within each other: deeper than generated SQL goes, and far below the stack's end.</summary>
    public const int MaxDepth = 200;

    /// <summary>Tables kept; a text that names more is unreadable rather than half judged.</summary>
    private const int MaxTables = 1024;

    private readonly ReadOnlySpan<byte> _text;
    private readonly Span<Token> _tokens;
    private readonly SqlDialect _dialect;
    private readonly List<Use> _uses = [];
    private readonly List<string> _ctes = [];
    private readonly List<int> _starts = [];
    private int _i;
    private DbActions _actions;
    private DbActions _general;
    private StatementTraits _traits;
    private bool _reads = true;

    public StatementAnalyzer(ReadOnlySpan<byte> text, Span<Token> tokens, SqlDialect dialect)
    {
        _text = text;
        _tokens = tokens;
        _dialect = dialect;
    }

    /// <summary>Tables, each as often as it was named.</summary>
    public readonly Span<Use> Uses => CollectionsMarshal.AsSpan(_uses);

    /// <summary>What all parts do.</summary>
    public readonly DbActions Actions => _actions;

    /// <summary>What must be granted whatever the table, beside what <see cref="Uses"/> leave open.</summary>
    public readonly DbActions General => _general;

    /// <summary>The traits, but for those of the lexer.</summary>
    public readonly StatementTraits Traits => _traits | (_reads && (_traits & StatementTraits.Unreadable) == 0 && Count > 0 ? StatementTraits.OnlyReads : 0) | (Count > 1 ? StatementTraits.MultiStatement : 0) | (Count == 0 ? StatementTraits.Empty : 0);

    /// <summary>How many statements.</summary>
    public readonly int Count => _starts.Count;

    /// <summary>The tokens at which statements begin.</summary>
    public readonly ReadOnlySpan<int> Starts => CollectionsMarshal.AsSpan(_starts);

    /// <summary>A parenthesis was closed that was not open, or left open.</summary>
    public bool Unbalanced { get; private set; }

    /// <summary>Nested too deep, or too many tables.</summary>
    public bool TooLarge { get; private set; }

    public void Run()
    {
        while (_i < _tokens.Length)
        {
            if (At.Kind == TokenKind.Semicolon)
            {
                _i++;
                continue;
            }

            int start = _i;
            _starts.Add(start);
            _ctes.Clear();
            Statement(0);
            if (_i >= _tokens.Length || At.Kind == TokenKind.Semicolon) continue;
            // T-SQL needs no semicolon between statements; elsewhere what is left over is not SQL, and is read on as an expression.
            if (At.Kind == TokenKind.Close)
            {
                Unbalanced = true;
                _i++;
            }

            if (_dialect == SqlDialect.TSql && _i > start) continue;
            while (_i < _tokens.Length && At.Kind != TokenKind.Semicolon)
            {
                Body(new Frame { Clause = Clause.Where });
                if (_i < _tokens.Length && At.Kind == TokenKind.Close)
                {
                    Unbalanced = true;
                    _i++;
                }
            }
        }
    }

    private readonly ref Token At => ref _tokens[_i];

    private readonly Token Peek(int offset = 0) => (uint)(_i + offset) < (uint)_tokens.Length ? _tokens[_i + offset] : default;

    private readonly bool Is(Keyword word, int offset = 0) => Peek(offset).Word == word;

    private bool Accept(Keyword word)
    {
        if (!Is(word)) return false;
        _i++;
        return true;
    }

    private void Add(DbActions actions) => _actions |= actions;

    /// <summary>An action that no table stands for.</summary>
    private void AddGeneral(DbActions actions)
    {
        _actions |= actions;
        _general |= actions;
    }

    private void Writes() => _reads = false;

    private void Mark(StatementTraits traits) => _traits |= traits;

    private int AddUse(string schema, string name, DbActions actions, string alias = "")
    {
        Add(actions);
        if (_uses.Count == MaxTables)
        {
            TooLarge = true;
            return _uses.Count - 1;
        }

        _uses.Add(new Use { Schema = schema, Name = name, Actions = actions, Alias = alias, Token = Math.Max(0, _i - 1) });
        return _uses.Count - 1;
    }

    private void Extend(int use, DbActions actions)
    {
        if (use < 0) return;
        Uses[use].Actions |= actions;
        Add(actions);
    }

    /// <summary>A name of one or several parts, of which the last two count; false when none stands here.</summary>
    private bool TryName(out string schema, out string name)
    {
        schema = name = "";
        if (!Peek().IsName) return false;
        name = NameText.Fold(_text, At, _dialect);
        _i++;
        while (Peek().Kind == TokenKind.Dot)
        {
            int dots = Peek(1).Kind == TokenKind.Dot ? 2 : 1;
            if (!Peek(dots).IsName) break;
            schema = dots == 2 ? "" : name;
            _i += dots;
            name = NameText.Fold(_text, At, _dialect);
            _i++;
        }

        return true;
    }

    private bool TryTable(DbActions actions, out int use)
    {
        use = -1;
        if (!TryName(out string schema, out string name)) return false;
        use = AddUse(schema, name, actions);
        return true;
    }

    /// <summary>Names with commas between.</summary>
    private void Tables(DbActions actions)
    {
        do
        {
            Accept(Keyword.Only);
            if (!TryTable(actions, out _)) return;
            if (Peek() is { Kind: TokenKind.Operator, Op: Op.Star }) _i++;
        }
        while (Peek().Kind == TokenKind.Comma && ++_i > 0);
    }

    private void IfExists()
    {
        if (!Is(Keyword.If)) return;
        _i++;
        Accept(Keyword.Not);
        Accept(Keyword.Exists);
    }

    /// <summary>Passes over the rest of a statement, reading the sub-selects and functions in it.</summary>
    private void Rest(Clause clause = Clause.Other) => Body(new Frame { Clause = clause, IsLoose = true });
}
