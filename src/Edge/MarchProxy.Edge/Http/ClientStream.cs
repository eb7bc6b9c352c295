using MarchProxy.Edge.Http1;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>
/// A client's side of one exchange, over any HTTP. Heads cross this seam as HTTP/1.1 writes them, in both directions, so that there is one parser, one set
/// of rules against smuggling and one writer; content crosses it as pieces without framing, or as raw chunks where both sides are HTTP/1.1. All of it runs on
/// the loop that owns the connection; one reader and one writer at a time.
/// </summary>
internal abstract class ClientStream
{
    /// <summary>The connection that it came by.</summary>
    public abstract ClientConnection Connection { get; }

    /// <summary>1 or 2: what Via says, and whether other streams share the connection.</summary>
    public abstract int MajorVersion { get; }

    /// <summary>What the exchange has for the client and the stream has not sent yet; the exchange's own buffer.</summary>
    protected OutBuffer Output { get; private set; } = null!;

    /// <summary>Whether nothing can be sent or received any more.</summary>
    public abstract bool IsClosed { get; }

    /// <summary>Whether the connection takes no request after this one.</summary>
    public abstract bool IsLast { get; }

    /// <summary>Bytes of this and earlier requests used up so far; only the difference over an exchange has a meaning.</summary>
    public abstract long BytesTaken { get; }

    /// <summary>Bytes sent so far.</summary>
    public abstract long BytesSent { get; }

    /// <summary>Content bytes of the request read so far, without framing.</summary>
    public abstract long ContentBytes { get; }

    /// <summary>What is wrong with the content, after <see cref="ContentStatus.Malformed"/>.</summary>
    public abstract HttpError ContentError { get; }

    /// <summary>What was received and not used, the request's head in front.</summary>
    public abstract ReadOnlySpan<byte> Received { get; }

    /// <summary>Trailer fields as lines with their CRLF, once the last piece was read.</summary>
    public abstract ReadOnlyMemory<byte> Trailers { get; }

    /// <summary>The stream as bytes both ways, for what follows a switch of protocols or CONNECT.</summary>
    public abstract IByteStream Bytes { get; }

    /// <summary>Whether a switch of protocols is proven to be meant for this request; a client that asked for it itself looks for itself.</summary>
    public virtual bool Proves(ResponseHead response, ReadOnlySpan<byte> bytes) => true;

    /// <summary>Received bytes that belong to what follows a switch of protocols.</summary>
    public abstract ReadOnlyMemory<byte> TakeEarly();

    /// <summary>Lends the buffer that responses are gathered in, for the time of one exchange.</summary>
    public void Bind(OutBuffer output) => Output = output;

    /// <summary>Reads more of the head.</summary>
    /// <param name="deadline">The loop's time at which to give up.</param>
    /// <returns>Positive when there is more, zero at the end; -ETIMEDOUT, -ENOBUFS when the head has no room, or another negative error number.</returns>
    public abstract ValueTask<int> ReadMoreAsync(long deadline);

    /// <summary>Uses the head up: its bytes may be overwritten from here on.</summary>
    public abstract void ConsumeHead(int length);

    /// <summary>Prepares the reading of the request's content.</summary>
    /// <param name="request">The request.</param>
    /// <param name="raw">Whether chunks are handed on as they are.</param>
    public abstract void BeginContent(RequestHead request, bool raw);

    /// <summary>Looks for the next piece of the request's content. It is valid until <see cref="ConsumeContent"/>, which must follow.</summary>
    public abstract ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece);

    /// <summary>The piece was used.</summary>
    public abstract void ConsumeContent();

    /// <summary>Waits until <see cref="TryReadContent"/> may find something.</summary>
    public abstract ValueTask<int> ContentReadableAsync(long stallMs);

    /// <summary>Ends the wait of whoever reads content.</summary>
    public abstract void CancelRead();

    /// <summary>Sends the interim response that was written into the output.</summary>
    public abstract ValueTask<int> SendInterimAsync(long stallMs);

    /// <summary>Takes the head of the final response that was written into the output; it goes with the first content, or by <see cref="FlushAsync"/>.</summary>
    /// <param name="framing">How its content follows.</param>
    /// <returns>False when there is no room for it.</returns>
    public abstract bool BeginResponse(ContentFraming framing);

    /// <summary>Sends a piece of content behind what was gathered.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="last">Whether the content ends with it.</param>
    /// <param name="trailers">Trailer fields behind the last piece, as lines.</param>
    /// <param name="stallMs">Milliseconds without progress until -ETIMEDOUT.</param>
    public abstract ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs);

    /// <summary>Sends what was gathered: content comes late, or never.</summary>
    public abstract ValueTask<int> FlushAsync(long stallMs);

    /// <summary>Sends a whole response of our own that was written into the output, head and content.</summary>
    public abstract ValueTask<int> SendLocalAsync(bool close, long stallMs);

    /// <summary>The exchange is over, and the connection (or this stream) takes no other request.</summary>
    /// <param name="nothingComes">Whether the client said that it would send nothing more.</param>
    public abstract ValueTask CloseAsync(bool nothingComes);

    /// <summary>Ends with an error: the client must not take what it has for the whole.</summary>
    public abstract void Abort();

    /// <summary>Has <see cref="HttpExchange.ClientLeft"/> called, once, when the client leaves while nobody reads from it.</summary>
    /// <returns>Zero, or a negative error number.</returns>
    public abstract int WatchHangUp(HttpExchange exchange);

    /// <summary>The client's leaving is of no interest any more.</summary>
    public abstract void UnwatchHangUp();
}
