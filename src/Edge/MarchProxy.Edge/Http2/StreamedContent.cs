using System.IO.Pipelines;
using System.Net;

namespace MarchProxy.Edge.Http2;

/// <summary>A request's content as it comes: what is here goes on at once, so that both sides of a stream can talk in turn.</summary>
internal sealed class StreamedContent(PipeReader reader, long? length) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // Before the first byte the head must go: a client may wait for the answer's before it sends.
        await stream.FlushAsync(cancellationToken);
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            foreach (ReadOnlyMemory<byte> part in read.Buffer) await stream.WriteAsync(part, cancellationToken);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return;
            await stream.FlushAsync(cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }
}
