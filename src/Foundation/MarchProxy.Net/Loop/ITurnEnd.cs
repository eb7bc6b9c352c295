namespace MarchProxy.Net.Loop;

/// <summary>Somebody who finishes his work at the end of a loop's turn; see <see cref="EventLoop.AtTurnEnd"/>.</summary>
public interface ITurnEnd
{
    /// <summary>The turn's events, posts and timers are done.</summary>
    void OnTurnEnd();
}
