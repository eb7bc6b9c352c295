using Google.Protobuf;
using MarchProxy.Rpc.Wire;
using Microsoft.AspNetCore.Http;

namespace MarchProxy.Rpc.Server;

/// <summary>Sends the messages of a stream, one at a time; a slow reader holds the writer back.</summary>
public sealed class RpcWriter<T>
    where T : class, IMessage<T>
{
    private readonly HttpContext _http;
    private readonly int _maxBytes;
    private readonly bool _gzip;
    private int _writing;

    internal RpcWriter(HttpContext http, int maxBytes, bool gzip)
    {
        _http = http;
        _maxBytes = maxBytes;
        _gzip = gzip;
    }

    /// <summary>Sends a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellation">Ends the waiting for a slow reader.</param>
    /// <exception cref="InvalidOperationException">Another message is being sent.</exception>
    /// <exception cref="RpcException">The message is too large.</exception>
    public async ValueTask WriteAsync(T message, CancellationToken cancellation = default)
    {
        if (Interlocked.Exchange(ref _writing, 1) != 0) throw new InvalidOperationException("A message of this stream is being sent; await it first.");
        try
        {
            await _http.Response.BodyWriter.WriteAsync(MessageWriter.Frame(message, _maxBytes, _gzip), cancellation);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }
}
