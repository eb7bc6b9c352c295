using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using MarchProxy.Rpc.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Rpc.Server;

/// <summary>gRPC methods as endpoints of Kestrel.</summary>
public static class RpcEndpoints
{
    /// <summary>One message in, one out.</summary>
    public static IEndpointConventionBuilder MapUnary<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, RpcMethod<TRequest, TResponse> method, Func<TRequest, RpcServerCall, Task<TResponse>> handler, RpcServerOptions? options = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        routes.Map(method, options, streams: false, async (reader, writer, call) => await writer.WriteAsync(await handler(await OneAsync(reader, method, call), call), call.Cancellation));

    /// <summary>One message in, many out.</summary>
    public static IEndpointConventionBuilder MapServerStream<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, RpcMethod<TRequest, TResponse> method, Func<TRequest, RpcWriter<TResponse>, RpcServerCall, Task> handler, RpcServerOptions? options = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        routes.Map(method, options, streams: true, async (reader, writer, call) => await handler(await OneAsync(reader, method, call), writer, call));

    /// <summary>Many messages in, one out.</summary>
    public static IEndpointConventionBuilder MapClientStream<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, RpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, RpcServerCall, Task<TResponse>> handler, RpcServerOptions? options = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        routes.Map(method, options, streams: true, async (reader, writer, call) => await writer.WriteAsync(await handler(AllAsync(reader, method, call.Cancellation), call), call.Cancellation));

    /// <summary>Many messages in, many out, each side at its own pace.</summary>
    public static IEndpointConventionBuilder MapDuplex<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, RpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, RpcWriter<TResponse>, RpcServerCall, Task> handler, RpcServerOptions? options = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        routes.Map(method, options, streams: true, (reader, writer, call) => handler(AllAsync(reader, method, call.Cancellation), writer, call));

    /// <summary>Answers calls of methods that nobody serves with UNIMPLEMENTED; map it last.</summary>
    public static IEndpointConventionBuilder MapUnknownMethods(this IEndpointRouteBuilder routes) => routes.MapPost("/{service}/{method}", (HttpContext http) =>
    {
        if (!IsGrpc(http)) return Results.NotFound();
        Finish(http, new RpcStatus(RpcCode.Unimplemented, $"There is no method {http.Request.Path}."));
        return Results.Empty;
    }).ExcludeFromDescription();

    private static IEndpointConventionBuilder Map<TRequest, TResponse>(
        this IEndpointRouteBuilder routes, RpcMethod<TRequest, TResponse> method, RpcServerOptions? options, bool streams, Func<MessageReader, RpcWriter<TResponse>, RpcServerCall, Task> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        RpcServerOptions chosen = options ?? RpcServerOptions.Default;
        return routes.MapPost(method.Path, http => ServeAsync(http, method, chosen, streams, serve));
    }

    private static async Task ServeAsync<TRequest, TResponse>(
        HttpContext http, RpcMethod<TRequest, TResponse> method, RpcServerOptions options, bool streams, Func<MessageReader, RpcWriter<TResponse>, RpcServerCall, Task> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        if (!IsGrpc(http))
        {
            http.Response.StatusCode = 415;
            return;
        }

        string encoding = http.Request.Headers[Headers.Encoding].ToString();
        if (encoding is not ("" or "identity" or "gzip"))
        {
            http.Response.Headers[Headers.AcceptEncoding] = "identity,gzip";
            Finish(http, new RpcStatus(RpcCode.Unimplemented, $"The encoding {encoding} is not supported."));
            return;
        }

        TimeSpan? timeout = Headers.TryParseTimeout(http.Request.Headers[Headers.Timeout].ToString(), out TimeSpan asked) ? asked : null;
        using CancellationTokenSource? deadline = timeout is { } time ? new CancellationTokenSource(time, options.Time) : null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, deadline?.Token ?? default);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        bool gzip = options.Gzip && http.Request.Headers[Headers.AcceptEncoding].ToString().Contains("gzip", StringComparison.Ordinal);
        http.Response.ContentType = Headers.ContentType;
        http.Response.Headers[Headers.AcceptEncoding] = "identity,gzip";
        if (gzip) http.Response.Headers[Headers.Encoding] = "gzip";
        var call = new RpcServerCall(http, timeout is null ? null : options.Time.GetUtcNow() + timeout, either.Token);
        RpcStatus status;
        try
        {
            if (streams) await http.Response.StartAsync(either.Token);
            await serve(new MessageReader(http.Request.BodyReader, options.MaxReceiveBytes, encoding == "gzip"), new RpcWriter<TResponse>(http, options.MaxSendBytes, gzip), call);
            status = RpcStatus.Ok;
        }
        catch (RpcException e)
        {
            status = e.Status;
        }
        catch (Exception) when (deadline?.IsCancellationRequested == true)
        {
            status = new RpcStatus(RpcCode.DeadlineExceeded, "The deadline has passed.");
        }
        catch (Exception e) when (http.RequestAborted.IsCancellationRequested || e is OperationCanceledException or IOException)
        {
            // A reset stream is told to the reader before it is told to the request.
            status = new RpcStatus(RpcCode.Cancelled, "The call was cancelled.");
        }
        catch (Exception e)
        {
            options.OnDefect?.Invoke(method.Path, e);
            status = new RpcStatus(RpcCode.Unknown, "The handler failed.");
        }

        if (!http.RequestAborted.IsCancellationRequested) Finish(http, status);
    }

    private static void Finish(HttpContext http, RpcStatus status)
    {
        http.Response.ContentType ??= Headers.ContentType;
        http.Response.AppendTrailer(Headers.Status, ((int)status.Code).ToString(CultureInfo.InvariantCulture));
        if (status.Message.Length > 0) http.Response.AppendTrailer(Headers.Message, Headers.Escape(status.Message));
    }

    private static bool IsGrpc(HttpContext http) =>
        HttpProtocol.IsHttp2(http.Request.Protocol) && http.Request.ContentType is { } type
        && (type.Equals(Headers.ContentType, StringComparison.OrdinalIgnoreCase) || type.StartsWith(Headers.ContentType + "+proto", StringComparison.OrdinalIgnoreCase) || type.StartsWith(Headers.ContentType + ";", StringComparison.OrdinalIgnoreCase));

    private static async ValueTask<TRequest> OneAsync<TRequest, TResponse>(MessageReader reader, RpcMethod<TRequest, TResponse> method, RpcServerCall call)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        TRequest one = await reader.ReadAsync(method.RequestParser, call.Cancellation) ?? throw new RpcException(RpcCode.Internal, "The request has no message.");
        return await reader.ReadAsync(method.RequestParser, call.Cancellation) is null ? one : throw new RpcException(RpcCode.Internal, "The request has more than one message.");
    }

    private static async IAsyncEnumerable<TRequest> AllAsync<TRequest, TResponse>(
        MessageReader reader, RpcMethod<TRequest, TResponse> method, [EnumeratorCancellation] CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        while (await reader.ReadAsync(method.RequestParser, cancellation) is { } message) yield return message;
    }
}
