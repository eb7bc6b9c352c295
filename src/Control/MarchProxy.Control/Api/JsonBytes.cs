using Microsoft.AspNetCore.Http;

namespace MarchProxy.Control.Api;

/// <summary>JSON that is written already.</summary>
internal sealed class JsonBytes(ReadOnlyMemory<byte> body, int status = 200) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "application/json";
        httpContext.Response.ContentLength = body.Length;
        return httpContext.Response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
    }
}
