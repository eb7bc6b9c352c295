using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>A client that is not there: it asks by a head and content that were copied, and whatever it is sent is dropped. Copies of requests and renewals of stored responses are asked for by one.</summary>
internal sealed class DetachedClient(EdgeLoop edge, ClientConnection connection, byte[] head, byte[] content, long deadline) : ClientStream
{
    private int _used;
    private bool _closed;
    private ReadOnlyMemory<byte> _content;

    /// <inheritdoc/>
    public override ClientConnection Connection => connection;

    /// <inheritdoc/>
    public override int MajorVersion => 1;

    /// <inheritdoc/>
    public override bool IsClosed => _closed;

    /// <inheritdoc/>
    public override bool IsLast => true;

    /// <inheritdoc/>
    public override long BytesTaken => 0;

    /// <inheritdoc/>
    public override long BytesSent => 0;

    /// <inheritdoc/>
    public override long ContentBytes => content.Length;

    /// <inheritdoc/>
    public override HttpError ContentError => HttpError.None;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => head.AsSpan(_used);

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => default;

    /// <inheritdoc/>
    public override IByteStream Bytes => throw new NotSupportedException("Nobody is there to speak another protocol.");

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly() => default;

    /// <inheritdoc/>
    public override ValueTask<int> ReadMoreAsync(long deadline) => new(0);

    /// <inheritdoc/>
    public override void ConsumeHead(int length) => _used += length;

    /// <inheritdoc/>
    public override void BeginContent(RequestHead request, bool raw)
    {
        if (!raw)
        {
            _content = content;
            return;
        }

        var chunks = new MemoryStream(content.Length + 32);
        if (content.Length > 0)
        {
            Span<byte> size = stackalloc byte[ChunkFrame.MaxSizeLine];
            chunks.Write(size[..ChunkFrame.WriteSize(size, content.Length)]);
            chunks.Write(content);
            chunks.Write(ChunkFrame.End);
        }

        chunks.Write(ChunkFrame.LastSize);
        chunks.Write(ChunkFrame.End);
        _content = chunks.ToArray();
    }

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece)
    {
        piece = _content;
        return ContentStatus.Last;
    }

    /// <inheritdoc/>
    public override void ConsumeContent() => _content = default;

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs) => new(-Errno.ECANCELED);

    /// <inheritdoc/>
    public override void CancelRead()
    {
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendInterimAsync(long stallMs) => Drop();

    /// <inheritdoc/>
    public override bool BeginResponse(ContentFraming framing)
    {
        Output.Clear();
        return true;
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs) => Drop();

    /// <inheritdoc/>
    public override ValueTask<int> FlushAsync(long stallMs) => Drop();

    /// <inheritdoc/>
    public override ValueTask<int> SendLocalAsync(bool close, long stallMs) => Drop();

    /// <inheritdoc/>
    public override ValueTask CloseAsync(bool nothingComes)
    {
        _closed = true;
        return default;
    }

    /// <inheritdoc/>
    public override void Abort() => _closed = true;

    /// <inheritdoc/>
    public override int WatchHangUp(HttpExchange exchange) => 0;

    /// <inheritdoc/>
    public override void UnwatchHangUp()
    {
    }

    /// <summary>Takes anything until the time is up: a response without end must not be read without end.</summary>
    private ValueTask<int> Drop()
    {
        Output.Clear();
        return new ValueTask<int>(edge.Loop.NowMs > deadline ? -Errno.ETIMEDOUT : 0);
    }
}
