namespace MarchProxy.Net.Tls;

/// <summary>The CA's latest word that a certificate is not revoked, as it is shown to clients; replaced from any thread.</summary>
public sealed class OcspStaple
{
    private volatile Word? _word;

    /// <summary>Until when it may be shown; null when there is none.</summary>
    public DateTimeOffset? Until => _word?.Until;

    /// <summary>Replaces it.</summary>
    /// <param name="response">The response as it came, in DER.</param>
    /// <param name="until">Until when it holds.</param>
    public void Set(byte[] response, DateTimeOffset until) => _word = new Word(response, until);

    /// <summary>Shows none from now on.</summary>
    public void Clear() => _word = null;

    /// <summary>What may be shown; null when there is nothing, or it holds no longer.</summary>
    /// <param name="now">The time.</param>
    public byte[]? Find(DateTimeOffset now) => _word is { } word && word.Until > now ? word.Response : null;

    private sealed record Word(byte[] Response, DateTimeOffset Until);
}
