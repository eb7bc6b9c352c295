using System.IO.Pipelines;

namespace MarchProxy.Edge.Kestrel;

/// <summary>One side's view of two pipes.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;
}
