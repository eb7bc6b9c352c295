namespace MarchProxy.Model.Routing;

/// <summary>A request's header fields and query, for routes with conditions on them. Whichever HTTP it came by, it shows itself like this.</summary>
public interface IRequestFields
{
    /// <summary>The query without its question mark.</summary>
    ReadOnlySpan<byte> Query { get; }

    /// <summary>The first field of a name.</summary>
    /// <param name="lowerName">The name, in lower case.</param>
    /// <param name="value">Its value.</param>
    bool TryGetField(ReadOnlySpan<byte> lowerName, out ReadOnlySpan<byte> value);
}
