namespace ArticDbm.Proxy.Loops;

/// <summary>A client's session; a loop keeps its own in a list so that it can drain them.</summary>
internal interface IDbSession
{
    /// <summary>The next in the loop's list.</summary>
    IDbSession? Next { get; set; }

    /// <summary>The one before in the loop's list.</summary>
    IDbSession? Previous { get; set; }

    /// <summary>Ends as soon as nothing is lost by it.</summary>
    void Drain();

    /// <summary>Ends now.</summary>
    void Kill();

    /// <summary>Looks whether the configuration still lets it be; ends it when not.</summary>
    void Reconsider();
}

/// <summary>The sessions of a loop: adding and removing allocates nothing.</summary>
internal sealed class DbSessionList
{
    private IDbSession? _first;

    public int Count { get; private set; }

    public void Add(IDbSession session)
    {
        session.Next = _first;
        if (_first is not null) _first.Previous = session;
        _first = session;
        Count++;
    }

    public void Remove(IDbSession session)
    {
        if (session.Previous is not null) session.Previous.Next = session.Next;
        else if (_first == session) _first = session.Next;
        else return;
        if (session.Next is not null) session.Next.Previous = session.Previous;
        session.Next = session.Previous = null;
        Count--;
    }

    /// <summary>Calls every session; one may leave the list while it is called.</summary>
    public void ForEach(Action<IDbSession> action)
    {
        for (IDbSession? session = _first; session is not null;)
        {
            IDbSession? next = session.Next;
            action(session);
            session = next;
        }
    }
}
