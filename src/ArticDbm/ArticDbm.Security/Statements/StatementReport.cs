using System.Collections.Immutable;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>A table, or another object that is named like one, and what a statement does to it.</summary>
/// <param name="Schema">Its schema (the database, in MySQL); empty when it was not named.</param>
/// <param name="Name">Its name, folded as the engine folds it; <c>*</c> for everything in the schema.</param>
/// <param name="Actions">What is done to it.</param>
public sealed record TableUse(string Schema, string Name, DbActions Actions)
{
    /// <summary>A catalog that every account may read, as it may on the server: drivers and tools do at each start.</summary>
    public bool IsPublicCatalog { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Schema.Length == 0 ? Name : $"{Schema}.{Name}";
}

/// <summary>A place where a rule found something.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Offset">The byte of the text at which it did.</param>
public readonly record struct RuleHit(FirewallRule Rule, int Offset);

/// <summary>Everything that a text tells by itself, whoever sends it: immutable, and safe to keep by its text.</summary>
public sealed class StatementReport
{
    internal StatementReport()
    {
    }

    /// <summary>The first 64 bits of SHA-256 over the folded text: what exceptions name. A cryptographic digest, since whoever can find a second text for it walks through the exception.</summary>
    public ulong Fingerprint { get; internal init; }

    /// <summary>The fingerprint as 16 hexadecimal digits.</summary>
    public string FingerprintText { get; internal init; } = "";

    /// <summary>The folded text: literals as ?, lists and rows collapsed, without comments, at most <see cref="StatementReader.MaxNormalised"/> characters.</summary>
    public string Normalised { get; internal init; } = "";

    /// <summary>The first statement's first word in lower case, as metrics name it; empty when there is none.</summary>
    public string Verb { get; internal init; } = "";

    /// <summary>What all its parts together do.</summary>
    public DbActions Actions { get; internal init; }

    /// <summary>What must be granted without regard to a table.</summary>
    public DbActions GeneralActions { get; internal init; }

    /// <summary>The tables.</summary>
    public ImmutableArray<TableUse> Tables { get; internal init; } = [];

    /// <summary>What it does to its session.</summary>
    public StatementTraits Traits { get; internal init; }

    /// <summary>How many statements.</summary>
    public int StatementCount { get; internal init; }

    /// <summary>What the rules found, independent of any policy, each rule once at most.</summary>
    public ImmutableArray<RuleHit> Hits { get; internal init; } = [];

    /// <summary>Whether it has a trait.</summary>
    /// <param name="trait">The trait, or several of which one is enough.</param>
    public bool Has(StatementTraits trait) => (Traits & trait) != 0;

    /// <summary>About how many bytes it holds.</summary>
    internal int Size => 256 + (2 * (Normalised.Length + Verb.Length)) + (Tables.Length * 128) + (Hits.Length * 16);
}
