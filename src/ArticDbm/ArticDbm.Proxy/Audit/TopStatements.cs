namespace ArticDbm.Proxy.Audit;

/// <summary>Statements of one shape to one database, as one loop or all have seen them.</summary>
public sealed class TopStatement
{
    internal TopStatement(string database, string fingerprint, string text)
    {
        Database = database;
        Fingerprint = fingerprint;
        Text = text;
    }

    /// <summary>The database.</summary>
    public string Database { get; }

    /// <summary>The shape's fingerprint.</summary>
    public string Fingerprint { get; }

    /// <summary>The shape: the text with its literals folded.</summary>
    public string Text { get; }

    /// <summary>How often it was sent.</summary>
    public long Calls { get; internal set; }

    /// <summary>Of these, refused by us.</summary>
    public long Denied { get; internal set; }

    /// <summary>Of these, refused by the server.</summary>
    public long Errors { get; internal set; }

    /// <summary>Rows returned or changed.</summary>
    public long Rows { get; internal set; }

    /// <summary>Stopwatch ticks over all calls.</summary>
    public long TotalTicks { get; internal set; }

    /// <summary>Stopwatch ticks of the longest.</summary>
    public long MaxTicks { get; internal set; }

    /// <summary>Whether it made room for others: who still holds it looks for it anew.</summary>
    internal bool IsGone { get; set; }

    internal TopStatement Copy() => (TopStatement)MemberwiseClone();

    internal void Add(TopStatement other)
    {
        Calls += other.Calls;
        Denied += other.Denied;
        Errors += other.Errors;
        Rows += other.Rows;
        TotalTicks += other.TotalTicks;
        MaxTicks = Math.Max(MaxTicks, other.MaxTicks);
    }
}

/// <summary>What one loop's statements cost, by database and shape. Bounded: when it is full, the quarter that cost least makes room.</summary>
internal sealed class TopStatements
{
    /// <summary>Shapes of a loop: applications have some hundreds; with texts of usual length 2 MB.</summary>
    public const int Most = 2_000;

    /// <summary>Characters of a text that are kept.</summary>
    private const int MaxText = 2_000;

    private readonly Dictionary<(string Database, string Fingerprint), TopStatement> _all = [];

    /// <summary>Counts a statement.</summary>
    /// <param name="record">The statement, ended.</param>
    /// <param name="last">What the caller counted last, which is often the same.</param>
    /// <returns>What it was counted with, for the next call; null for a statement without a shape.</returns>
    public TopStatement? Count(StatementRecord record, TopStatement? last)
    {
        if (record.Fingerprint.Length == 0) return last;
        if (last is null || last.IsGone || !ReferenceEquals(last.Fingerprint, record.Fingerprint) || !ReferenceEquals(last.Database, record.Database)) last = Find(record);
        long ticks = record.Ended - record.Started;
        last.Calls++;
        last.Rows += record.Rows;
        last.TotalTicks += ticks;
        if (ticks > last.MaxTicks) last.MaxTicks = ticks;
        if (record.Decision == "deny") last.Denied++;
        else if (record.SqlState is not null) last.Errors++;
        return last;
    }

    /// <summary>Copies of all, for another thread. Call it on the loop.</summary>
    public TopStatement[] Copy() => [.. _all.Values.Select(s => s.Copy())];

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        foreach (TopStatement one in _all.Values) one.IsGone = true;
        _all.Clear();
    }

    private TopStatement Find(StatementRecord record)
    {
        if (_all.TryGetValue((record.Database, record.Fingerprint), out TopStatement? known)) return known;
        if (_all.Count >= Most) MakeRoom();
        string text = record.Report?.Normalised ?? "";
        return _all[(record.Database, record.Fingerprint)] = new TopStatement(record.Database, record.Fingerprint, text.Length > MaxText ? text[..MaxText] : text);
    }

    private void MakeRoom()
    {
        foreach (TopStatement one in _all.Values.OrderBy(s => s.TotalTicks).Take(Most / 4).ToArray())
        {
            one.IsGone = true;
            _all.Remove((one.Database, one.Fingerprint));
        }
    }
}
