using Microsoft.AspNetCore.Http;

namespace MarchProxy.Rpc.Server;

/// <summary>Limits of the methods of a server.</summary>
public sealed record RpcServerOptions
{
    /// <summary>The usual ones.</summary>
    public static RpcServerOptions Default { get; } = new();

    /// <summary>A message that comes in. Default 4 MiB, as every gRPC library.</summary>
    public int MaxReceiveBytes { get; init; } = 4 << 20;

    /// <summary>A message that goes out. Default 64 MiB: a snapshot may be large, and whoever asks sets its own bound.</summary>
    public int MaxSendBytes { get; init; } = 64 << 20;

    /// <summary>Compress what goes out to those who take gzip. Default off: on one host it costs more than it saves.</summary>
    public bool Gzip { get; init; }

    /// <summary>Told of exceptions that a handler did not mean; the caller learns nothing of them.</summary>
    public Action<string, Exception>? OnDefect { get; init; }

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A call as its handler sees it.</summary>
public sealed class RpcServerCall
{
    internal RpcServerCall(HttpContext http, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        Http = http;
        Deadline = deadline;
        Cancellation = cancellation;
    }

    /// <summary>The request below.</summary>
    public HttpContext Http { get; }

    /// <summary>When the caller gives up; null for never.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>Ends with the deadline, the caller's leaving, or the server's stop.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>A field that the caller sent, or null.</summary>
    /// <param name="name">Its name.</param>
    public string? Header(string name) => Http.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>The bytes of a field whose name ends in <c>-bin</c>, or null.</summary>
    /// <param name="name">Its name.</param>
    public byte[]? BinaryHeader(string name)
    {
        if (Header(name) is not { } text) return null;
        try
        {
            return Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException e)
        {
            throw new RpcException(RpcCode.Internal, $"{name} is not base64.", e);
        }
    }

    /// <summary>Adds a field after the messages.</summary>
    /// <param name="name">Lower case.</param>
    /// <param name="value">Printable ASCII.</param>
    public void SetTrailer(string name, string value) => Http.Response.AppendTrailer(name, value);
}
