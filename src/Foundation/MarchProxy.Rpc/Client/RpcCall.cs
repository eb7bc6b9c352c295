using System.IO.Pipelines;
using Google.Protobuf;
using MarchProxy.Rpc.Wire;

namespace MarchProxy.Rpc.Client;

/// <summary>A call that is under way: messages go out and come in, each side at its own pace. Dispose it: that cancels what is not over.</summary>
public sealed class RpcCall<TRequest, TResponse> : IAsyncDisposable
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly OpenContent _content;
    private readonly RpcMethod<TRequest, TResponse> _method;
    private readonly RpcCallOptions _call;
    private readonly RpcChannelOptions _channel;
    private readonly CancellationTokenSource? _deadline;
    private readonly CancellationTokenSource _either;
    private readonly CancellationToken _caller;
    private readonly Task<HttpResponseMessage> _response;
    private MessageReader? _reader;
    private PipeReader? _pipe;

    internal RpcCall(
        HttpMessageInvoker http, HttpRequestMessage request, OpenContent content, RpcMethod<TRequest, TResponse> method, RpcCallOptions call, RpcChannelOptions channel, CancellationToken cancellation)
    {
        _content = content;
        _method = method;
        _call = call;
        _channel = channel;
        _caller = cancellation;
        _deadline = call.Deadline is { } deadline ? new CancellationTokenSource(deadline) : null;
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _deadline?.Token ?? default);
        _response = SendAsync(http, request);
    }

    /// <summary>Sends a message.</summary>
    /// <param name="message">The message.</param>
    /// <exception cref="RpcException">The call is over.</exception>
    public async Task WriteAsync(TRequest message)
    {
        byte[] frame = MessageWriter.Frame(message, _channel.MaxSendBytes, _call.Gzip);
        try
        {
            Stream stream = await _content.StreamAsync.WaitAsync(_either.Token);
            await stream.WriteAsync(frame, _either.Token);
            await stream.FlushAsync(_either.Token);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw await WhyAsync(e);
        }
    }

    /// <summary>Says that no further message follows.</summary>
    public Task CompleteAsync()
    {
        _content.End();
        return Task.CompletedTask;
    }

    /// <summary>Every message until the call is over.</summary>
    /// <exception cref="RpcException">It ended with another status than ok.</exception>
    public async IAsyncEnumerable<TResponse> ReadAllAsync()
    {
        while (await ReadAsync() is { } message) yield return message;
    }

    /// <summary>The next message; null when the call ended well.</summary>
    /// <exception cref="RpcException">It ended with another status than ok.</exception>
    public async Task<TResponse?> ReadAsync()
    {
        try
        {
            HttpResponseMessage response = await _response;
            _reader ??= await OpenAsync(response);
            if (_reader is not null && await _reader.ReadAsync(_method.ResponseParser, _either.Token) is { } message) return message;
            Demand(response);
            return null;
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Explain(e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _either.CancelAsync();
        _content.End();
        try
        {
            (await _response).Dispose();
        }
        catch (Exception e) when (e is RpcException or HttpRequestException or OperationCanceledException or IOException)
        {
        }

        if (_pipe is not null) await _pipe.CompleteAsync();
        _either.Dispose();
        _deadline?.Dispose();
    }

    internal async Task TryWriteAsync(TRequest message)
    {
        try
        {
            await WriteAsync(message);
        }
        catch (RpcException)
        {
            // The answer tells why.
        }
    }

    internal async Task<TResponse> OneAsync()
    {
        TResponse one = await ReadAsync() ?? throw new RpcException(RpcCode.Internal, "The answer has no message.");
        return await ReadAsync() is null ? one : throw new RpcException(RpcCode.Internal, "The answer has more than one message.");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker http, HttpRequestMessage request)
    {
        try
        {
            return await http.SendAsync(request, _either.Token);
        }
        catch (Exception e)
        {
            RpcException why = Explain(e);
            _content.Fail(why);
            throw why;
        }
    }

    private async Task<MessageReader?> OpenAsync(HttpResponseMessage response)
    {
        if ((int)response.StatusCode != 200 && Headers.Read(name => Field(response, name)) is null)
        {
            throw new RpcException(Headers.FromHttp((int)response.StatusCode), $"The answer is HTTP {(int)response.StatusCode}, not gRPC.");
        }

        if (response.Content.Headers.ContentType?.MediaType?.StartsWith(Headers.ContentType, StringComparison.OrdinalIgnoreCase) != true) throw new RpcException(RpcCode.Unknown, "The answer is not gRPC.");
        string? encoding = Field(response, Headers.Encoding);
        if (encoding is not (null or "identity" or "gzip")) throw new RpcException(RpcCode.Internal, $"The answer has the encoding {encoding}, which was not offered.");
        _pipe = PipeReader.Create(await response.Content.ReadAsStreamAsync(_either.Token));
        return new MessageReader(_pipe, _channel.MaxReceiveBytes, encoding == "gzip");
    }

    /// <summary>The status stands after the messages, or at the head of an answer without any.</summary>
    private static void Demand(HttpResponseMessage response)
    {
        RpcStatus status = Headers.Read(name => response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null)
            ?? Headers.Read(name => Field(response, name))
            ?? new RpcStatus(RpcCode.Unknown, "The answer ended without a status.");
        if (status.Code == RpcCode.Ok) return;

        // An answer without messages carries its trailers as its head.
        bool atHead = !response.TrailingHeaders.Contains(Headers.Status);
        throw new RpcException(status.Code, status.Message)
        {
            Trailers = (atHead ? response.Headers : response.TrailingHeaders).ToDictionary(h => h.Key.ToLowerInvariant(), h => string.Join(',', h.Value)),
        };
    }

    private static string? Field(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;

    /// <summary>A write fails since the call is over: its status tells more than the write's own fault.</summary>
    private async Task<RpcException> WhyAsync(Exception fault)
    {
        if (_either.IsCancellationRequested || !_response.IsCompleted) return Explain(fault);
        try
        {
            HttpResponseMessage response = await _response;
            Demand(response);
        }
        catch (RpcException e)
        {
            return e;
        }

        return Explain(fault);
    }

    private RpcException Explain(Exception e) => e switch
    {
        RpcException rpc => rpc,
        _ when _deadline?.IsCancellationRequested == true => new RpcException(RpcCode.DeadlineExceeded, "The deadline has passed.", e),
        OperationCanceledException when _caller.IsCancellationRequested || _either.IsCancellationRequested => new RpcException(RpcCode.Cancelled, "The call was cancelled.", e),
        _ => new RpcException(RpcCode.Unavailable, "The peer cannot be reached, or the connection was lost: " + e.Message, e),
    };
}
