using System.IO.Pipelines;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Kestrel;

/// <summary>Runs the socket side of a pipe on its loop, while the application side stays on the thread pool.</summary>
internal sealed class LoopScheduler(EventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state) => loop.Post(action, state);
}
