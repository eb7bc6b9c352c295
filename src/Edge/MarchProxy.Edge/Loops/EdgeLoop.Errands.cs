using MarchProxy.Edge.Http;

namespace MarchProxy.Edge.Loops;

/// <content>What is done without a client, and what of it may be at a time.</content>
internal sealed partial class EdgeLoop
{
    /// <summary>Copies and renewals under way on one loop; more are dropped and counted. As many as a mirror that hangs for its five seconds may hold at 200 requests a second.</summary>
    private const int MaxErrands = 1000;

    /// <summary>Compressors at a time on one loop, each up to a megabyte; above it responses go as they are.</summary>
    private const int MaxEncoders = 256;

    private int _errands, _encoders;

    /// <summary>Does something beside, after what the loop does now; false when there is too much already.</summary>
    /// <param name="errand">What.</param>
    /// <param name="origin">The connection whose request it was.</param>
    /// <param name="head">The request's head.</param>
    /// <param name="content">The request's content.</param>
    public bool TryRun(Errand errand, ClientConnection origin, byte[] head, byte[] content)
    {
        if (_errands >= MaxErrands || IsDraining || !TakesRequests) return false;
        _errands++;
        long timeout = errand.Timeout > TimeSpan.Zero ? (long)errand.Timeout.TotalMilliseconds : Settings.ResponseHeadMs + Settings.BodyStallMs;
        var client = new DetachedClient(this, origin.Detach(), head, content, Loop.NowMs + timeout);
        Loop.Post(() => _ = RunAsync(errand, client));
        return true;
    }

    /// <summary>Whether there may be one more compressor; then <see cref="ReturnEncoder"/> must follow.</summary>
    public bool TryRentEncoder()
    {
        if (_encoders >= MaxEncoders) return false;
        _encoders++;
        return true;
    }

    public void ReturnEncoder() => _encoders--;

    private async Task RunAsync(Errand errand, DetachedClient client)
    {
        try
        {
            HttpExchange exchange = RentExchange(client);
            exchange.Errand = errand;
            await exchange.RunAsync();
            ReturnExchange(exchange);
        }
        catch (Exception e)
        {
            errand.Fill?.Abandon();
            ReportDefect(e);
        }
        finally
        {
            _errands--;
        }
    }
}
