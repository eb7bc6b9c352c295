using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http;

/// <summary>
/// Something that sits in the middle of one exchange, between upstream and client, whatever HTTP either speaks: it may watch or refuse the request's content,
/// change the response's head, and watch or replace the response's content. It is added by <see cref="HttpExchange.AddFilter"/> while the route is judged;
/// of several, each sees what the one before it made. Everything runs on the exchange's loop and must not block it. An exchange without filters copies no
/// content and decodes no chunks.
/// </summary>
internal abstract class ExchangeFilter
{
    /// <summary>Whether it looks at the request's content: then it is handed over piece by piece, without framing.</summary>
    public virtual bool SeesRequestContent => false;

    /// <summary>A piece of the request's content is about to go to the upstream.</summary>
    /// <param name="piece">Valid during the call.</param>
    /// <param name="last">Whether the content ends with it.</param>
    /// <returns>An answer to give instead of going on, or null.</returns>
    public virtual LocalResponse? OnRequestContent(ReadOnlySpan<byte> piece, bool last) => null;

    /// <summary>The final response's head is here.</summary>
    /// <param name="exchange">The exchange: request, route, record.</param>
    /// <param name="response">The head, by offsets.</param>
    /// <param name="bytes">What the offsets lead into.</param>
    /// <param name="edit">Takes the changes.</param>
    /// <returns>Whether it wants the response's content too.</returns>
    public virtual bool OnResponseHead(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit) => false;

    /// <summary>A piece of the response's content is about to go to the client.</summary>
    /// <param name="piece">Valid during the call.</param>
    /// <param name="last">Whether the content ends with it.</param>
    /// <returns>What goes on instead, valid until the next call; may be empty. With the last piece, everything that was held back.</returns>
    public virtual ReadOnlyMemory<byte> OnResponseContent(ReadOnlyMemory<byte> piece, bool last) => piece;

    /// <summary>Nothing more is here now, and the client waits: what was held back should go.</summary>
    /// <returns>What goes on, valid until the next call; may be empty.</returns>
    public virtual ReadOnlyMemory<byte> OnResponsePause() => default;

    /// <summary>The exchange is over; called once. The filter belongs to the exchange no longer.</summary>
    /// <param name="whole">Whether the response came whole and was sent whole.</param>
    public virtual void OnEnd(bool whole)
    {
    }
}
