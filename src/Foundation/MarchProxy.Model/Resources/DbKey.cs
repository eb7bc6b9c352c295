namespace MarchProxy.Model.Resources;

/// <summary>A further secret of an account, given as its password: an API key, or, where it names a database, temporary access to that one alone.</summary>
public sealed record DbKey
{
    /// <summary>Unique in its account; a DNS label.</summary>
    public required string Name { get; init; }

    /// <summary>The secret as it was given, between its reading and the making of <see cref="Verifiers"/>; never stored.</summary>
    public string? Secret { get; init; }

    /// <summary>What proves the secret; null until it was made. All of an account share one salt, since SCRAM names it before the client says which secret it has.</summary>
    public DbVerifiers? Verifiers { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often one may log in by it; 0 for no bound.</summary>
    public int MaxUses { get; init; }

    /// <summary>How often the planes have told that somebody did.</summary>
    public int Uses { get; init; }

    /// <summary>The one database that it opens; empty for all that its account may reach.</summary>
    public string Database { get; init; } = "";

    /// <summary>Why it was given.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Who gave it.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>When it was given.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Whether nobody may log in by it any more.</summary>
    /// <param name="seen">The log-ins that whoever asks has seen itself.</param>
    public bool IsUsedUp(long seen) => MaxUses > 0 && Math.Max(Uses, seen) >= MaxUses;

    /// <summary>Whether it is temporary access, which the manager clears away after its end.</summary>
    public bool IsTemporary => Database.Length > 0 && ExpiresAt is not null;
}
