using System.Buffers.Binary;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;

namespace MarchProxy.Edge.Http2;

/// <summary>Frames that are not content.</summary>
internal abstract partial class Http2Connection
{
    private long _peerInitialWindow = 65_535;

    // RFC 9113 section 6.2
    private Http2Error OnHeaders(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "headers";
        if (frame.StreamId == 0) return Http2Error.ProtocolError;
        if (frame.Has(FrameFlags.Padded))
        {
            if (payload.IsEmpty || payload[0] >= payload.Length) return payload.IsEmpty ? Http2Error.FrameSizeError : Http2Error.ProtocolError;
            payload = payload[1..^payload[0]];
        }

        if (frame.Has(FrameFlags.Priority))
        {
            if (payload.Length < 5) return Http2Error.FrameSizeError;
            payload = payload[5..];
        }

        if (frame.Has(FrameFlags.EndHeaders)) return Told(OnSection(frame.StreamId, payload, frame.Has(FrameFlags.EndStream)), ref fault);
        _section ??= new OutBuffer(new byte[FrameHeader.MaxFrame], MaxSection);
        _section.Clear();
        _section.EnsureRoom(payload.Length);
        _section.Append(payload);
        _continuing = frame.StreamId;
        _continuations = 0;
        _continuedEnds = frame.Has(FrameFlags.EndStream);
        return Http2Error.NoError;
    }

    // RFC 9113 section 6.10; a flood of these is CVE-2024-27316 and its like.
    private Http2Error OnContinuation(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "continuation-flood";
        if (_continuing == 0) return Http2Error.ProtocolError;
        if (++_continuations > MaxContinuations || !_section!.EnsureRoom(payload.Length)) return Http2Error.EnhanceYourCalm;
        _section.Append(payload);
        if (!frame.Has(FrameFlags.EndHeaders)) return Http2Error.NoError;
        int id = _continuing;
        _continuing = 0;
        Http2Error error = Told(OnSection(id, _section.Written, _continuedEnds), ref fault);
        _section = null;
        return error;
    }

    private static Http2Error Told(Http2Error error, ref string fault)
    {
        fault = error switch { Http2Error.CompressionError => "compression", Http2Error.EnhanceYourCalm => "header-bomb", _ => "headers" };
        return error;
    }

    // RFC 9113 section 6.4
    private Http2Error OnReset(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "rst-stream";
        if (payload.Length != 4) return Http2Error.FrameSizeError;
        if (frame.StreamId == 0 || IsIdle(frame.StreamId)) return Http2Error.ProtocolError;
        if (!Streams.TryGetValue(frame.StreamId, out Http2Stream? stream) || stream.IsReset) return Spare(out fault);
        stream.Break((Http2Error)BinaryPrimitives.ReadInt32BigEndian(payload), -Net.Errno.ECONNRESET);
        fault = "rapid-reset";
        return Calm.Reset(Edge.Loop.NowMs) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
    }

    private Http2Error Spare(out string fault)
    {
        fault = "control-flood";
        return Calm.Control(Edge.Loop.NowMs) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
    }

    // RFC 9113 section 6.9
    private Http2Error OnWindowUpdate(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "window-update";
        if (payload.Length != 4) return Http2Error.FrameSizeError;
        long increment = BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFFFFFF;
        if (frame.StreamId == 0)
        {
            if (increment == 0) return Http2Error.ProtocolError;
            _sendWindow += increment;
            if (_sendWindow > int.MaxValue) return Http2Error.FlowControlError;
            ScheduleFlush();
            return Http2Error.NoError;
        }

        if (IsIdle(frame.StreamId)) return Http2Error.ProtocolError;
        if (!Streams.TryGetValue(frame.StreamId, out Http2Stream? stream) || stream.IsReset) return Http2Error.NoError;
        stream.SendWindow += increment;
        Http2Error error = increment == 0 ? Http2Error.ProtocolError : stream.SendWindow > int.MaxValue ? Http2Error.FlowControlError : Http2Error.NoError;
        if (error != Http2Error.NoError)
        {
            Offend(stream, error);
            return Http2Error.NoError;
        }

        // Updates of a few bytes each would have us send as many frames.
        if (stream.SendWindow > 0) stream.WakeWriter();
        return increment >= 256 ? Http2Error.NoError : Spare(out fault);
    }

    // RFC 9113 section 6.5
    private Http2Error OnSettings(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "settings";
        if (frame.StreamId != 0) return Http2Error.ProtocolError;
        if (frame.Has(FrameFlags.Ack)) return payload.IsEmpty ? Http2Error.NoError : Http2Error.FrameSizeError;
        if (payload.Length % 6 != 0) return Http2Error.FrameSizeError;
        _settingsSeen = true;
        for (; !payload.IsEmpty; payload = payload[6..])
        {
            fault = "settings-flood";
            if (!Calm.Control(Edge.Loop.NowMs)) return Http2Error.EnhanceYourCalm;
            fault = "settings";
            Http2Error error = Apply((Http2Setting)BinaryPrimitives.ReadUInt16BigEndian(payload), BinaryPrimitives.ReadUInt32BigEndian(payload[2..]));
            if (error != Http2Error.NoError) return error;
        }

        fault = "settings-flood";
        if (!Calm.Control(Edge.Loop.NowMs)) return Http2Error.EnhanceYourCalm;
        WriteFrame(FrameType.Settings, FrameFlags.Ack, 0, default);
        OnSettled();
        return Http2Error.NoError;
    }

    private Http2Error Apply(Http2Setting setting, uint value)
    {
        switch (setting)
        {
            case Http2Setting.HeaderTableSize:
                _encoder.SetMaxTableSize(value);
                return Http2Error.NoError;
            case Http2Setting.InitialWindowSize:
                if (value > int.MaxValue) return Http2Error.FlowControlError;
                long change = value - _peerInitialWindow;
                _peerInitialWindow = value;
                foreach (Http2Stream stream in Streams.Values)
                {
                    stream.SendWindow += change;
                    if (stream.SendWindow > int.MaxValue) return Http2Error.FlowControlError;
                }

                if (change > 0) WakeAll();
                return Http2Error.NoError;
            case Http2Setting.MaxFrameSize:
                return value is >= 16384 and <= 16777215 ? Http2Error.NoError : Http2Error.ProtocolError;
            default:
                return OnSetting(setting, value);
        }
    }

    // RFC 9113 section 6.7
    private Http2Error OnPing(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "ping";
        if (frame.StreamId != 0) return Http2Error.ProtocolError;
        if (payload.Length != 8) return Http2Error.FrameSizeError;
        if (frame.Has(FrameFlags.Ack))
        {
            if (PingUnanswered) OnPong();
            PingUnanswered = false;
            return Http2Error.NoError;
        }

        fault = "ping-flood";
        if (!Calm.Control(Edge.Loop.NowMs)) return Http2Error.EnhanceYourCalm;
        WriteFrame(FrameType.Ping, FrameFlags.Ack, 0, payload);
        return Http2Error.NoError;
    }

    /// <summary>Whether a PING of ours waits for its answer.</summary>
    protected bool PingUnanswered { get; private set; }

    /// <summary>Our PING was answered: the peer has had what was sent before it.</summary>
    protected virtual void OnPong()
    {
    }

    /// <summary>Asks whether the peer is still there.</summary>
    protected void WritePing()
    {
        PingUnanswered = true;
        WriteFrame(FrameType.Ping, 0, 0, "march-px"u8);
    }
}
