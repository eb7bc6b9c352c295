namespace MarchProxy.Edge.Loops;

/// <summary>Something that a client's connection is busy with; a loop keeps its sessions in a list so that it can drain them.</summary>
internal interface IEdgeSession
{
    /// <summary>The next in the loop's list.</summary>
    IEdgeSession? Next { get; set; }

    /// <summary>The one before in the loop's list.</summary>
    IEdgeSession? Previous { get; set; }

    /// <summary>Tells the client to turn elsewhere with what comes next, where its protocol can; what is on its way is taken yet.</summary>
    void Announce()
    {
    }

    /// <summary>Ends as soon as nothing is lost by it.</summary>
    void Drain();

    /// <summary>Ends now.</summary>
    void Kill();
}

/// <summary>The sessions of a loop: adding and removing allocates nothing.</summary>
internal sealed class SessionList
{
    private IEdgeSession? _first;

    public int Count { get; private set; }

    public void Add(IEdgeSession session)
    {
        session.Next = _first;
        if (_first is not null) _first.Previous = session;
        _first = session;
        Count++;
    }

    public void Remove(IEdgeSession session)
    {
        if (session.Previous is not null) session.Previous.Next = session.Next;
        else if (_first == session) _first = session.Next;
        else return;
        if (session.Next is not null) session.Next.Previous = session.Previous;
        session.Next = session.Previous = null;
        Count--;
    }

    /// <summary>Calls every session; one may leave the list while it is called.</summary>
    public void ForEach(Action<IEdgeSession> action)
    {
        for (IEdgeSession? session = _first; session is not null;)
        {
            IEdgeSession? next = session.Next;
            action(session);
            session = next;
        }
    }
}
