using System.Runtime.InteropServices;

namespace MarchProxy.Edge.Tests.Http1;

/// <summary>Readable memory between two pages that are not: a read past either end of a span placed here kills the process.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;

    private readonly nuint _page = (nuint)Environment.SystemPageSize;
    private readonly byte* _start;

    public GuardedMemory()
    {
        _start = (byte*)MemoryMap(0, 3 * _page, ReadWrite, PrivateAnonymous, -1, 0);
        if (_start == (byte*)-1 || Protect(_start, _page, 0) != 0 || Protect(_start + 2 * _page, _page, 0) != 0) throw new InvalidOperationException("The guarded pages could not be mapped.");
    }

    /// <summary>A copy that ends where the readable memory ends.</summary>
    public ReadOnlySpan<byte> AtEnd(ReadOnlySpan<byte> bytes) => Place(bytes, (int)_page - bytes.Length);

    /// <summary>A copy that begins where the readable memory begins.</summary>
    public ReadOnlySpan<byte> AtStart(ReadOnlySpan<byte> bytes) => Place(bytes, 0);

    public void Dispose() => Unmap(_start, 3 * _page);

    private Span<byte> Place(ReadOnlySpan<byte> bytes, int offset)
    {
        var target = new Span<byte>(_start + _page + offset, bytes.Length);
        bytes.CopyTo(target);
        return target;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint MemoryMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(byte* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(byte* address, nuint length);
}
