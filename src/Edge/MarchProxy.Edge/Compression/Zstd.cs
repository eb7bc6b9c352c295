using System.Buffers;
using System.Runtime.InteropServices;

namespace MarchProxy.Edge.Compression;

/// <summary>What a call of the compressor does with what it has.</summary>
internal enum ZstdEnd
{
    Continue,
    Flush,
    End,
}

/// <summary>The streaming compressor of libzstd.</summary>
internal sealed unsafe partial class Zstd : SafeHandle
{
    private const string Library = "libzstd.so.1";

    /// <summary>RFC 8878 section 3.1.1.1.2: 8 MiB is what every decoder takes; 1 MiB keeps memory small for many responses at a time.</summary>
    private const int WindowLog = 20;
    private const int LevelParameter = 100, WindowParameter = 101, ChecksumParameter = 201;
    private const int Room = 16 << 10;

    public Zstd(int level)
        : base(0, ownsHandle: true)
    {
        SetHandle(ZSTD_createCCtx());
        if (handle == 0) throw new InvalidOperationException("libzstd has no memory for a compressor.");
        ZSTD_CCtx_setParameter(handle, LevelParameter, level);
        ZSTD_CCtx_setParameter(handle, WindowParameter, WindowLog);
        ZSTD_CCtx_setParameter(handle, ChecksumParameter, 0);
    }

    /// <summary>Whether the host has the library.</summary>
    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Compresses all of the content.</summary>
    public void Compress(ReadOnlySpan<byte> content, ArrayBufferWriter<byte> output, ZstdEnd end)
    {
        fixed (byte* start = content)
        {
            var input = new Buffer { Start = start, Size = (nuint)content.Length };
            nuint left;
            do
            {
                Span<byte> free = output.GetSpan(Room);
                fixed (byte* to = free)
                {
                    var target = new Buffer { Start = to, Size = (nuint)free.Length };
                    left = ZSTD_compressStream2(handle, &target, &input, (int)end);
                    if (ZSTD_isError(left) != 0) throw new InvalidOperationException("libzstd refused to compress: " + Marshal.PtrToStringUTF8(ZSTD_getErrorName(left)));
                    output.Advance((int)target.Position);
                }
            }
            while (end == ZstdEnd.Continue ? input.Position < input.Size : left > 0);
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        ZSTD_freeCCtx(handle);
        return true;
    }

    [LibraryImport(Library)]
    private static partial nint ZSTD_createCCtx();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_CCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_compressStream2(nint context, Buffer* output, Buffer* input, int end);

    [LibraryImport(Library)]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport(Library)]
    private static partial nint ZSTD_getErrorName(nuint code);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }
}
