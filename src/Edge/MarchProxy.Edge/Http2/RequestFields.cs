using System.Text;
using MarchProxy.Model.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace MarchProxy.Edge.Http2;

/// <summary>A Kestrel request as routes see it.</summary>
internal sealed class RequestFields(IHttpRequestFeature request) : IRequestFields
{
    public ReadOnlySpan<byte> Query => request.QueryString.Length > 1 ? Encoding.Latin1.GetBytes(request.QueryString[1..]) : default;

    public bool TryGetField(ReadOnlySpan<byte> lowerName, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!request.Headers.TryGetValue(Encoding.ASCII.GetString(lowerName), out Microsoft.Extensions.Primitives.StringValues values) || values.Count == 0) return false;
        value = Encoding.Latin1.GetBytes(values[0] ?? "");
        return true;
    }
}
