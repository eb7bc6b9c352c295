using ArticDbm.Security;

namespace ArticDbm.Proxy.Postgres;

/// <summary>What a server was asked and has not answered yet.</summary>
internal enum ExpectKind : byte
{
    /// <summary>A Parse of the client's: ParseComplete goes to it.</summary>
    Parse,

    /// <summary>A Parse that we put in: ParseComplete is kept from the client.</summary>
    ParsePutIn,

    /// <summary>A Close in the place of a Parse that the server needed no more: its CloseComplete becomes ParseComplete.</summary>
    CloseForParse,

    /// <summary>A Close of the client's.</summary>
    Close,

    /// <summary>A Close that we put in.</summary>
    ClosePutIn,

    /// <summary>An Execute.</summary>
    Execute,

    /// <summary>A simple query, answered up to its ReadyForQuery.</summary>
    Query,

    /// <summary>A Sync, or a function call: answered by ReadyForQuery.</summary>
    Sync,

    /// <summary>The client has ended its COPY data.</summary>
    CopyEnd,
}

/// <summary>One question.</summary>
/// <param name="Kind">What was asked.</param>
/// <param name="Statement">The prepared statement that it is about, or null.</param>
/// <param name="Report">What was read out of the statement, or null.</param>
/// <param name="Started">When it was asked, Stopwatch ticks.</param>
internal readonly record struct Expectation(ExpectKind Kind, PreparedStatement? Statement, StatementReport? Report, long Started);

/// <summary>The questions on their way to one server, in order: a ring that grows. Answers come in the same order.</summary>
internal sealed class Expectations
{
    private Expectation[] _ring = new Expectation[16];
    private int _first;

    public int Count { get; private set; }

    /// <summary>Answers by ReadyForQuery that are still to come.</summary>
    public int Ready { get; private set; }

    public void Add(in Expectation expectation)
    {
        if (Count == _ring.Length) Grow();
        _ring[(_first + Count++) & (_ring.Length - 1)] = expectation;
        if (expectation.Kind is ExpectKind.Query or ExpectKind.Sync) Ready++;
    }

    /// <summary>The oldest; <see cref="Count"/> must not be zero.</summary>
    public ref readonly Expectation Peek() => ref _ring[_first];

    public Expectation Take()
    {
        Expectation taken = _ring[_first];
        _ring[_first] = default;
        _first = (_first + 1) & (_ring.Length - 1);
        Count--;
        if (taken.Kind is ExpectKind.Query or ExpectKind.Sync) Ready--;
        return taken;
    }

    /// <summary>The server takes COPY data: what was synced before the data's end is not answered (documentation, "COPY Operations").</summary>
    public void ForgetSyncsBeforeCopyEnd()
    {
        int count = Count;
        bool past = false;
        for (int i = 0; i < count; i++)
        {
            Expectation one = Take();
            past |= one.Kind == ExpectKind.CopyEnd;
            if (past || one.Kind != ExpectKind.Sync) Add(one);
        }
    }

    public void Clear()
    {
        Array.Clear(_ring);
        _first = Count = Ready = 0;
    }

    private void Grow()
    {
        var bigger = new Expectation[_ring.Length * 2];
        for (int i = 0; i < Count; i++) bigger[i] = _ring[(_first + i) & (_ring.Length - 1)];
        _ring = bigger;
        _first = 0;
    }
}
