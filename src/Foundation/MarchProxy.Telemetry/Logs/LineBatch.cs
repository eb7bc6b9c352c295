namespace MarchProxy.Telemetry.Logs;

/// <summary>The lines of one loop until they fill a block or are flushed.</summary>
/// <param name="writer">Who writes them out.</param>
public sealed class LineBatch(LogWriter writer)
{
    private LineBlock _block = writer.Rent();

    /// <summary>Adds a line.</summary>
    /// <param name="line">With its line break; longer than a block it is cut.</param>
    public void Append(ReadOnlySpan<byte> line)
    {
        if (line.Length > LineBlock.Size - _block.Length) Flush();
        if (line.Length > LineBlock.Size) line = line[..LineBlock.Size];
        line.CopyTo(_block.Bytes.AsSpan(_block.Length));
        _block.Length += line.Length;
        _block.Lines++;
    }

    /// <summary>Hands the lines on.</summary>
    public void Flush()
    {
        if (_block.Length == 0) return;
        writer.Hand(_block);
        _block = writer.Rent();
    }
}
