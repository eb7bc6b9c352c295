namespace MarchProxy.Net.Loop;

/// <summary>Something that stands in a loop's <see cref="SessionList{T}"/>; the list alone sets its neighbours.</summary>
/// <typeparam name="T">What the list holds.</typeparam>
public interface ISessionNode<T>
    where T : class, ISessionNode<T>
{
    /// <summary>The next in the loop's list.</summary>
    T? Next { get; set; }

    /// <summary>The one before in the loop's list.</summary>
    T? Previous { get; set; }
}

/// <summary>The sessions of a loop, so that it can drain them: adding and removing allocates nothing. Used on its loop alone.</summary>
/// <typeparam name="T">A session.</typeparam>
public sealed class SessionList<T>
    where T : class, ISessionNode<T>
{
    private T? _first;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Puts a session in.</summary>
    /// <param name="session">One that is in no list.</param>
    public void Add(T session)
    {
        session.Next = _first;
        if (_first is not null) _first.Previous = session;
        _first = session;
        Count++;
    }

    /// <summary>Takes a session out; one that is not in does no harm.</summary>
    /// <param name="session">The session.</param>
    public void Remove(T session)
    {
        if (session.Previous is not null) session.Previous.Next = session.Next;
        else if (_first == session) _first = session.Next;
        else return;
        if (session.Next is not null) session.Next.Previous = session.Previous;
        session.Next = session.Previous = null;
        Count--;
    }

    /// <summary>Calls every session; one may leave the list while it is called.</summary>
    /// <param name="action">What is done with each.</param>
    public void ForEach(Action<T> action)
    {
        for (T? session = _first; session is not null;)
        {
            T? next = session.Next;
            action(session);
            session = next;
        }
    }
}
