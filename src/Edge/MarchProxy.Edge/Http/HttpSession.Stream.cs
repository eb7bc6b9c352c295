using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>The session as its requests' side of an exchange.</summary>
internal sealed partial class HttpSession
{
    /// <summary>A piece of content that is joined with what goes before it into one send when it is at most this long; longer ones go by two vectors.</summary>
    private const int JoinBytes = 2048;

    private static readonly Action<object?> s_clientLeft = static state => ((HttpExchange)state!).ClientLeft();

    // Made for the first request with content: most connections have none.
    private Http1Content? _content;
    private ContentFraming _framing;

    /// <inheritdoc/>
    public override int MajorVersion => 1;

    /// <inheritdoc/>
    public override bool IsClosed => Client.IsClosed;

    /// <inheritdoc/>
    public override long BytesTaken => Client.BytesReceived - _input.Length;

    /// <inheritdoc/>
    public override long BytesSent => Client.BytesSent;

    /// <inheritdoc/>
    public override long ContentBytes => _content?.Bytes ?? 0;

    /// <inheritdoc/>
    public override HttpError ContentError => _content?.Error ?? HttpError.None;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => _input.Pending;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => _content?.Trailers ?? default;

    /// <inheritdoc/>
    public override IByteStream Bytes => Client;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly()
    {
        ReadOnlyMemory<byte> early = _input.Memory;
        _input.Consume(early.Length);
        return early;
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public override async ValueTask<int> ReadMoreAsync(long deadline)
    {
        while (true)
        {
            int n = TryFill();
            if (n != -Errno.EAGAIN) return n;
            long left = deadline - _edge.Loop.NowMs;
            int ready = left <= 0 ? -Errno.ETIMEDOUT : await Client.ReadableAsync(left);
            if (ready < 0) return ready;
        }
    }

    /// <inheritdoc/>
    public override void ConsumeHead(int length) => _input.Consume(length);

    /// <inheritdoc/>
    public override void BeginContent(RequestHead request, bool raw) => (_content ??= new Http1Content()).Begin(request, raw);

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece) => _content!.TryRead(ref _input, Client, _edge.Loop, out piece);

    /// <inheritdoc/>
    public override void ConsumeContent() => _content!.Consume(ref _input);

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs)
    {
        if (_input.IsEmpty) _input.Release();
        return Client.ReadableAsync(stallMs);
    }

    /// <inheritdoc/>
    public override void CancelRead() => Client.CancelRead();

    /// <inheritdoc/>
    public override ValueTask<int> SendInterimAsync(long stallMs) => FlushAsync(stallMs);

    /// <inheritdoc/>
    public override bool BeginResponse(ContentFraming framing)
    {
        _framing = framing;
        return true;
    }

    /// <inheritdoc/>
    public override ValueTask<int> FlushAsync(long stallMs)
    {
        if (Output.Length == 0) return default;
        ReadOnlyMemory<byte> gathered = Gathered();
        return Client.SendAllAsync(gathered, stallMs);
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        if (_framing == ContentFraming.Pieces) return SendChunkAsync(piece, last, trailers, stallMs);
        if (piece.IsEmpty) return last ? FlushAsync(stallMs) : default;
        if (piece.Length <= JoinBytes && Output.Length > 0 && Output.EnsureRoom(piece.Length))
        {
            Output.Append(piece.Span);
            return FlushAsync(stallMs);
        }

        ReadOnlyMemory<byte> head = Gathered();
        return head.IsEmpty ? Client.SendAllAsync(piece, stallMs) : Client.SendAllAsync(head, piece, stallMs);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> SendLocalAsync(bool close, long stallMs)
    {
        int result = await FlushAsync(stallMs);
        if (result < 0) return result;
        if (close) await Client.LingerAndCloseAsync();
        return 0;
    }

    /// <inheritdoc/>
    public override ValueTask CloseAsync(bool nothingComes)
    {
        // A client that said it would send nothing more, and has not, loses nothing by an immediate close.
        if (!nothingComes || !_input.IsEmpty || Client.Tls is not null || Client.HasNews) return Client.LingerAndCloseAsync();
        Client.Close();
        return default;
    }

    /// <inheritdoc/>
    public override void Abort() => Client.Abort();

    /// <inheritdoc/>
    public override int WatchHangUp(HttpExchange exchange)
    {
        Client.OnHangUp = s_clientLeft;
        Client.HangUpState = exchange;
        return Client.Watch();
    }

    /// <inheritdoc/>
    public override void UnwatchHangUp()
    {
        Client.OnHangUp = null;
        Client.HangUpState = null;
    }

    // RFC 9112 section 7.1
    private ValueTask<int> SendChunkAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        int around = ChunkFrame.MaxSizeLine + ChunkFrame.End.Length + ChunkFrame.Last.Length + trailers.Length;
        bool joined = piece.Length <= JoinBytes;
        if (!Output.EnsureRoom(around + (joined ? piece.Length : 0))) return new ValueTask<int>(-Errno.ENOBUFS);
        if (!piece.IsEmpty) Output.Commit(ChunkFrame.WriteSize(Output.Free, piece.Length));
        if (!joined) return SendLongChunkAsync(piece, last, trailers, stallMs);
        if (!piece.IsEmpty)
        {
            Output.Append(piece.Span);
            Output.Append(ChunkFrame.End);
        }

        if (last) AppendLast(trailers.Span);
        return FlushAsync(stallMs);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendLongChunkAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        int sent = await Client.SendAllAsync(Gathered(), piece, stallMs);
        if (sent < 0) return sent;
        Output.Append(ChunkFrame.End);
        if (!last) return 0;
        AppendLast(trailers.Span);
        return await FlushAsync(stallMs);
    }

    private void AppendLast(ReadOnlySpan<byte> trailers)
    {
        Output.Append(ChunkFrame.LastSize);
        Output.Append(trailers);
        Output.Append(ChunkFrame.End);
    }

    /// <summary>What is gathered, taken out; its bytes stay where they are until the next are written.</summary>
    private ReadOnlyMemory<byte> Gathered()
    {
        ReadOnlyMemory<byte> gathered = Output.Array.AsMemory(Output.Start, Output.Length);
        Output.Clear();
        return gathered;
    }
}
