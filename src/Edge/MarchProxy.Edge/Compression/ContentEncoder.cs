using System.Buffers;
using System.IO.Compression;

namespace MarchProxy.Edge.Compression;

/// <summary>Compresses one response's content, piece by piece. Each piece is at most a block, so that no call holds a loop longer than about a millisecond.</summary>
internal abstract class ContentEncoder : IDisposable
{
    /// <summary>What has been compressed and not yet sent.</summary>
    public ArrayBufferWriter<byte> Output { get; } = new(16 << 10);

    /// <summary>Whether something was written since the last flush: what a client waits for.</summary>
    public bool HasUnflushed { get; private set; }

    public static ContentEncoder Make(ContentCoding coding, int level) => coding switch
    {
        ContentCoding.Brotli => new BrotliContent(level),
        ContentCoding.Zstd => new ZstdContent(level),
        _ => new GzipContent(level),
    };

    /// <summary>Adds content.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty) return;
        HasUnflushed = true;
        Encode(content);
    }

    /// <summary>Has all that was added come out, at the cost of some bytes.</summary>
    public void Flush()
    {
        HasUnflushed = false;
        FlushAll();
    }

    /// <summary>Ends the content.</summary>
    public void Finish()
    {
        HasUnflushed = false;
        End();
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    protected abstract void Encode(ReadOnlySpan<byte> content);

    protected abstract void FlushAll();

    protected abstract void End();
}

/// <summary>gzip (RFC 1952), by the framework's stream on our buffer.</summary>
internal sealed class GzipContent : ContentEncoder
{
    private readonly GZipStream _stream;

    public GzipContent(int level) => _stream = new GZipStream(new Sink(Output), new ZLibCompressionOptions { CompressionLevel = level });

    public override void Dispose() => _stream.Dispose();

    protected override void Encode(ReadOnlySpan<byte> content) => _stream.Write(content);

    protected override void FlushAll() => _stream.Flush();

    protected override void End() => _stream.Dispose();

    /// <summary>Writes into the buffer.</summary>
    private sealed class Sink(ArrayBufferWriter<byte> output) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => output.Write(buffer);
    }
}

/// <summary>Brotli (RFC 7932).</summary>
internal sealed class BrotliContent(int level) : ContentEncoder
{
    /// <summary>256 KiB of window: half of nginx's, since each response under way holds several times as much.</summary>
    private const int WindowBits = 18;
    private const int Room = 16 << 10;
    private BrotliEncoder _encoder = new(level, WindowBits);

    public override void Dispose() => _encoder.Dispose();

    protected override void Encode(ReadOnlySpan<byte> content) => Compress(content, last: false);

    protected override void FlushAll()
    {
        OperationStatus status;
        do
        {
            status = _encoder.Flush(Output.GetSpan(Room), out int written);
            Output.Advance(written);
        }
        while (status == OperationStatus.DestinationTooSmall);
    }

    protected override void End() => Compress(default, last: true);

    private void Compress(ReadOnlySpan<byte> content, bool last)
    {
        OperationStatus status;
        do
        {
            status = _encoder.Compress(content, Output.GetSpan(Room), out int consumed, out int written, last);
            content = content[consumed..];
            Output.Advance(written);
        }
        while (status == OperationStatus.DestinationTooSmall || !content.IsEmpty);
    }
}

/// <summary>Zstandard (RFC 8878), by the system's library.</summary>
internal sealed class ZstdContent : ContentEncoder
{
    private readonly Zstd _context;

    public ZstdContent(int level) => _context = new Zstd(level);

    public override void Dispose() => _context.Dispose();

    protected override void Encode(ReadOnlySpan<byte> content) => _context.Compress(content, Output, ZstdEnd.Continue);

    protected override void FlushAll() => _context.Compress(default, Output, ZstdEnd.Flush);

    protected override void End() => _context.Compress(default, Output, ZstdEnd.End);
}
