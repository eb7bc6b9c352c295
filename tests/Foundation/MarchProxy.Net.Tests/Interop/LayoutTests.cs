using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MarchProxy.Net.Interop;

namespace MarchProxy.Net.Tests.Interop;

/// <summary>The kernel's structures on 64-bit Linux; epoll_event is the one that differs between x86-64 and the rest.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Message_structures_have_the_kernels_sizes_and_offsets()
    {
        Assert.Equal(16, Unsafe.SizeOf<IoVec>());
        Assert.Equal(56, Unsafe.SizeOf<MsgHdr>());
        Assert.Equal(64, Unsafe.SizeOf<MMsgHdr>());
        Assert.Equal(8, Unsafe.SizeOf<Linger>());
        Assert.Equal(256, Unsafe.SizeOf<StatX>());
        Assert.Equal(16, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.Vectors)));
        Assert.Equal(48, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.Flags)));
        Assert.Equal(56, (int)Marshal.OffsetOf<MMsgHdr>(nameof(MMsgHdr.Length)));
    }

    [Fact]
    public void An_epoll_event_is_packed_on_x64_and_aligned_elsewhere()
    {
        EpollEvent ev = EpollEvent.Create(0x80000001, 0x1122334455667788);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<EpollEvent>(in ev));
        int offset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
        Assert.Equal(0x80000001, BitConverter.ToUInt32(bytes));
        Assert.Equal(0x1122334455667788UL, BitConverter.ToUInt64(bytes[offset..]));
    }
}
