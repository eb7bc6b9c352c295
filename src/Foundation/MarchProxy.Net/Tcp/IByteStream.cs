namespace MarchProxy.Net.Tcp;

/// <summary>
/// Bytes both ways, each direction ending by itself: a connection, or one stream of a connection that carries many. Belongs to one loop; results are
/// counts, or negative <see cref="Errno"/> values.
/// </summary>
public interface IByteStream
{
    /// <summary>The peer.</summary>
    Endpoint Remote { get; }

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Where to; not empty.</param>
    /// <returns>Bytes read; 0 when the peer has ended its side; or a negative error number.</returns>
    int TryReceive(Span<byte> buffer);

    /// <summary>Waits until <see cref="TryReceive"/> may find something.</summary>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    ValueTask<int> ReadableAsync(long timeoutMs);

    /// <summary>Sends everything, waiting for room when the peer reads slowly.</summary>
    /// <param name="data">What to send.</param>
    /// <param name="stallMs">Milliseconds without any progress until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    ValueTask<int> SendAllAsync(ReadOnlyMemory<byte> data, long stallMs);

    /// <summary>Ends our side of the stream; the peer's goes on.</summary>
    void ShutdownSend();

    /// <summary>Ends with an error that the peer sees.</summary>
    void Abort();

    /// <summary>Ends. Whoever waits gets -ECANCELED.</summary>
    void Close();
}
