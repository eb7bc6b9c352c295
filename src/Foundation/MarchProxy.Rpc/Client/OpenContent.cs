using System.Net;
using System.Net.Http.Headers;

namespace MarchProxy.Rpc.Client;

/// <summary>A request body that stays open while messages are written to it.</summary>
internal sealed class OpenContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public OpenContent() => Headers.ContentType = new MediaTypeHeaderValue(Wire.Headers.ContentType);

    /// <summary>The body, once the connection is there.</summary>
    public Task<Stream> StreamAsync => _stream.Task;

    /// <summary>Ends the body.</summary>
    public void End() => _done.TrySetResult();

    /// <summary>Lets whoever waits for the body know that it never comes.</summary>
    public void Fail(Exception e)
    {
        _stream.TrySetException(e);
        _ = _stream.Task.Exception;
        _done.TrySetResult();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            // The head must go out before the first message: a server may speak first.
            await stream.FlushAsync(cancellationToken);
        }
        catch (Exception e)
        {
            // A server that answers without reading ends the stream before the body has begun; nothing else would wake a waiting writer.
            Fail(e);
            throw;
        }

        _stream.TrySetResult(stream);
        await _done.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}
