using System.Net;

namespace MarchProxy.Edge.Kestrel;

/// <summary>
/// What Kestrel "listens" on for connections that a loop has accepted itself and hands over. No socket is bound; it is an
/// <see cref="IPEndPoint"/> since Kestrel wants to print one.
/// </summary>
public sealed class HandOverEndPoint() : IPEndPoint(IPAddress.None, 0)
{
    /// <inheritdoc/>
    public override string ToString() => "handed-over";

    /// <inheritdoc/>
    public override bool Equals(object? comparand) => ReferenceEquals(this, comparand);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
