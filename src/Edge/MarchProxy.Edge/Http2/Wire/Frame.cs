using System.Buffers.Binary;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Types of frames (RFC 9113 section 6).</summary>
internal enum FrameType : byte
{
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
}

/// <summary>Flags of frames.</summary>
internal static class FrameFlags
{
    public const byte EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8, Priority = 0x20;
}

/// <summary>Error codes (RFC 9113 section 7).</summary>
internal enum Http2Error
{
    NoError,
    ProtocolError,
    InternalError,
    FlowControlError,
    SettingsTimeout,
    StreamClosed,
    FrameSizeError,
    RefusedStream,
    Cancel,
    CompressionError,
    ConnectError,
    EnhanceYourCalm,
    InadequateSecurity,
    Http11Required,
}

/// <summary>Settings (RFC 9113 section 6.5.2, RFC 8441 section 3).</summary>
internal enum Http2Setting
{
    HeaderTableSize = 1,
    EnablePush = 2,
    MaxConcurrentStreams = 3,
    InitialWindowSize = 4,
    MaxFrameSize = 5,
    MaxHeaderListSize = 6,
    EnableConnectProtocol = 8,
}

/// <summary>
/// A frame's header (RFC 9113 section 4.1):
/// <code>
/// Length (24), Type (8), Flags (8), Reserved (1), Stream Identifier (31)
/// </code>
/// </summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, byte Flags, int StreamId)
{
    public const int Size = 9;

    /// <summary>The frame size that everybody must take, and that we never exceed or announce more than.</summary>
    public const int MaxFrame = 16384;

    public bool Has(byte flag) => (Flags & flag) != 0;

    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        (bytes[0] << 16) | (bytes[1] << 8) | bytes[2], (FrameType)bytes[3], bytes[4], (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes[5..]) & 0x7FFFFFFF));

    public static void Write(Span<byte> target, int length, FrameType type, byte flags, int streamId)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, ((uint)length << 8) | (byte)type);
        target[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(target[5..], streamId);
    }
}
