using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Upstream;

/// <summary>What waiting for a response head came to.</summary>
internal enum ResponseOutcome : byte
{
    /// <summary>A head is here, perhaps an interim one.</summary>
    Head,

    /// <summary>The upstream ended without a byte.</summary>
    ClosedSilently,

    /// <summary>The upstream says that it has not looked at the request: any request may be sent again.</summary>
    Unprocessed,

    /// <summary>The upstream failed in the middle of its head.</summary>
    Failed,

    /// <summary>It took too long.</summary>
    TimedOut,

    /// <summary>The head is not well-formed.</summary>
    Malformed,

    /// <summary>The head is larger than allowed.</summary>
    TooLarge,

    /// <summary>No buffer is left.</summary>
    Overload,
}

/// <summary>
/// An upstream's side of one exchange, over any HTTP; heads and content cross it as they do <see cref="ClientStream"/>. A response that is stored, not
/// fetched, is one of these too: give it to the exchange and everything behind the head works as with a server's.
/// </summary>
internal abstract class UpstreamStream
{
    /// <summary>The address that is asked.</summary>
    public abstract Endpoint Remote { get; }

    /// <summary>Major version of what is spoken to it.</summary>
    public abstract int MajorVersion { get; }

    /// <summary>Whether it was closed on our side, or can no longer be used.</summary>
    public abstract bool IsClosed { get; }

    /// <summary>What was received and not used, the response's head in front.</summary>
    public abstract ReadOnlySpan<byte> Received { get; }

    /// <summary>Whether the message ended with its head although no field told so.</summary>
    public abstract bool EndedWithHead { get; }

    /// <summary>Trailer fields as lines with their CRLF, once the last piece was read.</summary>
    public abstract ReadOnlyMemory<byte> Trailers { get; }

    /// <summary>The stream as bytes both ways, for what follows a switch of protocols.</summary>
    public abstract IByteStream Bytes { get; }

    /// <summary>Received bytes that belong to what follows a switch of protocols; valid until <see cref="Release"/>.</summary>
    public abstract ReadOnlyMemory<byte> TakeEarly();

    /// <summary>Sends a request's head.</summary>
    /// <param name="head">As HTTP/1.1 writes it.</param>
    /// <param name="content">How content follows.</param>
    /// <param name="stallMs">Milliseconds without progress until -ETIMEDOUT.</param>
    public abstract ValueTask<int> SendHeadAsync(OutBuffer head, ContentFraming content, long stallMs);

    /// <summary>Sends a piece of the request's content.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="last">Whether the content ends with it.</param>
    /// <param name="trailers">Trailer fields behind the last piece, as lines.</param>
    /// <param name="stallMs">Milliseconds without progress until -ETIMEDOUT.</param>
    public abstract ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs);

    /// <summary>Waits for a head and parses it.</summary>
    /// <param name="head">Reset, then filled.</param>
    /// <param name="deadline">The loop's time at which to give up.</param>
    public abstract ValueTask<ResponseOutcome> ReadHeadAsync(ResponseHead head, long deadline);

    /// <summary>Uses the head up that was read last.</summary>
    public abstract void ConsumeHead();

    /// <summary>Prepares the reading of the response's content.</summary>
    /// <param name="response">The response.</param>
    /// <param name="raw">Whether chunks are handed on as they are; only an HTTP/1.1 upstream has such.</param>
    public abstract void BeginContent(ResponseHead response, bool raw);

    /// <summary>Looks for the next piece of content. It is valid until <see cref="ConsumeContent"/>, which must follow.</summary>
    public abstract ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece);

    /// <summary>The piece was used.</summary>
    public abstract void ConsumeContent();

    /// <summary>Waits until <see cref="TryReadContent"/> may find something.</summary>
    public abstract ValueTask<int> ContentReadableAsync(long stallMs);

    /// <summary>The exchange is over: a connection goes back to its pool, or is closed.</summary>
    /// <param name="reusable">Whether request and response were whole.</param>
    public abstract void Release(bool reusable);

    /// <summary>Gives up: whoever waits gets -ECANCELED.</summary>
    public abstract void Close();
}
