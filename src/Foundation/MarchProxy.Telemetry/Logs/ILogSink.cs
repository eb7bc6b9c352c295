namespace MarchProxy.Telemetry.Logs;

/// <summary>Where log lines end up.</summary>
public interface ILogSink
{
    /// <summary>How metrics name it: file, stdout, syslog.</summary>
    string Name { get; }

    /// <summary>Writes whole lines; called by the sink's own thread alone. What it throws is counted, and the lines are lost.</summary>
    /// <param name="lines">One or more lines, each with its line break.</param>
    void Write(ReadOnlySpan<byte> lines);

    /// <summary>Opens anew what may have been moved away (logrotate).</summary>
    void Reopen();
}

/// <summary>A block of lines on its way from a loop to the writer.</summary>
internal sealed class LineBlock
{
    /// <summary>64 KiB: some 180 lines, one system call.</summary>
    public const int Size = 64 << 10;

    public readonly byte[] Bytes = new byte[Size];
    public int Length;
    public int Lines;

    /// <summary>Sinks that have yet to write it.</summary>
    public int Owners;
}
