using System.Runtime.InteropServices;

namespace MarchProxy.Net.Interop;

/// <summary><c>struct iovec</c>.</summary>
internal unsafe struct IoVec
{
    public byte* Base;
    public nuint Length;
}

/// <summary><c>struct msghdr</c>.</summary>
internal unsafe struct MsgHdr
{
    public byte* Name;
    public uint NameLength;
    public IoVec* Vectors;
    public nuint VectorCount;
    public byte* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary><c>struct mmsghdr</c>: a message and the bytes it carried.</summary>
internal struct MMsgHdr
{
    public MsgHdr Header;
    public uint Length;
}

/// <summary><c>struct linger</c>.</summary>
internal struct Linger
{
    public int OnOff;
    public int Seconds;
}

/// <summary>The part of <c>struct statx</c> (the same on every architecture) that is looked at.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatX
{
    [FieldOffset(28)]
    public ushort Mode;
}
