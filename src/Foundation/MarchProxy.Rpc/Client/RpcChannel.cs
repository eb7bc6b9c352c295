using System.Net;
using Google.Protobuf;
using MarchProxy.Rpc.Wire;

namespace MarchProxy.Rpc.Client;

/// <summary>How a channel behaves.</summary>
public sealed record RpcChannelOptions
{
    /// <summary>The usual ones.</summary>
    public static RpcChannelOptions Default { get; } = new();

    /// <summary>A message that comes in. Default 64 MiB.</summary>
    public int MaxReceiveBytes { get; init; } = 64 << 20;

    /// <summary>A message that goes out. Default 4 MiB.</summary>
    public int MaxSendBytes { get; init; } = 4 << 20;

    /// <summary>Silence after which the peer is asked whether it is there. Default 20 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For its answer; then the connection is given up. Default 10 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For a connection. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>What one call adds.</summary>
public sealed record RpcCallOptions
{
    /// <summary>How long it may take; null for ever.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Fields to send with it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Compress what goes out.</summary>
    public bool Gzip { get; init; }
}

/// <summary>Calls gRPC methods of one address over HTTP/2; over <c>http://</c> with prior knowledge.</summary>
public sealed class RpcChannel : IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly Uri _address;

    /// <summary>Makes a channel; connections are opened when they are needed, and again when they are lost.</summary>
    /// <param name="address">http://HOST:PORT or https://HOST:PORT.</param>
    /// <param name="options">How it behaves.</param>
    /// <param name="configure">Changes the handler below, for example its TLS.</param>
    public RpcChannel(Uri address, RpcChannelOptions? options = null, Action<SocketsHttpHandler>? configure = null)
    {
        _address = address;
        Options = options ?? RpcChannelOptions.Default;
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = Options.KeepAlive,
            KeepAlivePingTimeout = Options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = Options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            UseProxy = false,
            AllowAutoRedirect = false,
        };
        configure?.Invoke(handler);
        _http = new HttpMessageInvoker(handler);
    }

    internal RpcChannelOptions Options { get; }

    /// <summary>One message out, one back.</summary>
    /// <exception cref="RpcException">The call ended with another status than ok.</exception>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, TRequest request, RpcCallOptions? options = null, CancellationToken cancellation = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using RpcCall<TRequest, TResponse> call = Call(method, options, cancellation);
        await call.TryWriteAsync(request);
        await call.CompleteAsync();
        return await call.OneAsync();
    }

    /// <summary>One message out, many back.</summary>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        RpcMethod<TRequest, TResponse> method, TRequest request, RpcCallOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using RpcCall<TRequest, TResponse> call = Call(method, options, cancellation);
        await call.TryWriteAsync(request);
        await call.CompleteAsync();
        await foreach (TResponse response in call.ReadAllAsync()) yield return response;
    }

    /// <summary>A call whose messages are sent and read one by one: of a client stream, or both ways.</summary>
    public RpcCall<TRequest, TResponse> Call<TRequest, TResponse>(RpcMethod<TRequest, TResponse> method, RpcCallOptions? options = null, CancellationToken cancellation = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        RpcCallOptions chosen = options ?? new RpcCallOptions();
        var content = new OpenContent();
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, method.Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TE.ParseAdd("trailers");
        request.Headers.TryAddWithoutValidation(Headers.AcceptEncoding, "identity,gzip");
        if (chosen.Gzip) request.Headers.TryAddWithoutValidation(Headers.Encoding, "gzip");
        if (chosen.Deadline is { } deadline) request.Headers.TryAddWithoutValidation(Headers.Timeout, Headers.FormatTimeout(deadline));
        foreach ((string name, string value) in chosen.Metadata) request.Headers.TryAddWithoutValidation(name, value);
        return new RpcCall<TRequest, TResponse>(_http, request, content, method, chosen, Options, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
