using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http;

/// <summary>Field lines that a route adds to a response beside what its upstream says: what is left of a limit, the mark of an address. An exchange keeps one and uses it again.</summary>
internal sealed class ResponseAdditions : ExchangeFilter
{
    private int _limit, _remaining, _reset;

    /// <summary>Tells what is left of the route's limit.</summary>
    /// <param name="limit">Requests a second.</param>
    /// <param name="remaining">How many may still come at once.</param>
    /// <param name="reset">Seconds until all may again.</param>
    public void TellLimit(int limit, int remaining, int reset) => (_limit, _remaining, _reset) = (limit, remaining, reset);

    /// <inheritdoc/>
    public override bool OnResponseHead(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit)
    {
        if (_limit > 0)
        {
            var value = new ByteWriter(stackalloc byte[64]);
            value.Append("\"route\";q="u8);
            value.AppendNumber(_limit);
            value.Append(";w=1"u8);
            edit.Add("RateLimit-Policy"u8, value.Written);
            value = new ByteWriter(stackalloc byte[64]);
            value.Append("\"route\";r="u8);
            value.AppendNumber(_remaining);
            value.Append(";t="u8);
            value.AppendNumber(_reset);
            edit.Add("RateLimit"u8, value.Written);
        }

        exchange.MarkAddress(edit);
        return false;
    }

    /// <inheritdoc/>
    public override void OnEnd(bool whole) => _limit = 0;
}
