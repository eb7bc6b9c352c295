using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MarchProxy.Net.Interop;

/// <summary>
/// <c>struct epoll_event</c>. The kernel packs it on x86-64 (12 bytes) and aligns it elsewhere (16 bytes), so it is laid out by hand:
/// read and write through <see cref="EpollBuffer"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct EpollEvent
{
    private uint _events;
    private uint _a;
    private uint _b;
    private uint _c;

    /// <summary>An event for <c>epoll_ctl</c>.</summary>
    public static EpollEvent Create(uint events, ulong data)
    {
        var result = default(EpollEvent);
        result._events = events;
        if (EpollBuffer.Packed) Unsafe.WriteUnaligned(ref Unsafe.As<uint, byte>(ref result._a), data);
        else Unsafe.WriteUnaligned(ref Unsafe.As<uint, byte>(ref result._b), data);
        _ = result._c;
        return result;
    }
}

/// <summary>The array that <c>epoll_wait</c> fills.</summary>
internal sealed unsafe class EpollBuffer(int capacity)
{
    internal static readonly bool Packed = RuntimeInformation.ProcessArchitecture is Architecture.X64;
    private static readonly int Stride = Packed ? 12 : 16;
    private static readonly int DataOffset = Packed ? 4 : 8;
    private readonly byte[] _bytes = GC.AllocateArray<byte>(capacity * 16, pinned: true);

    public int Capacity => capacity;

    public EpollEvent* Pointer => (EpollEvent*)Unsafe.AsPointer(ref _bytes[0]);

    public uint Events(int index) => Unsafe.ReadUnaligned<uint>(ref _bytes[index * Stride]);

    public ulong Data(int index) => Unsafe.ReadUnaligned<ulong>(ref _bytes[(index * Stride) + DataOffset]);
}
