using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary>The permission that an endpoint needs; null for those that anybody may call.</summary>
/// <param name="Permission">The permission.</param>
public sealed record EndpointPermission(Permission? Permission);

/// <summary>Who may call what: each endpoint names its permission, and one place checks it.</summary>
public static class Authorization
{
    private static readonly object s_key = new();

    /// <summary>Demands a permission.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder builder, Permission permission)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new EndpointPermission(permission));

    /// <summary>Lets anybody call it.</summary>
    public static TBuilder ForAnybody<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new EndpointPermission(null));

    /// <summary>Who asks; only of endpoints that need a permission.</summary>
    public static Principal Who(this HttpContext http) => (Principal)http.Items[s_key]!;

    /// <summary>Who asks, as the audit trail tells it.</summary>
    public static Actor Actor(this HttpContext http) => new(http.Who().Email, http.From());

    /// <summary>The address that a request comes from.</summary>
    public static string From(this HttpContext http) => http.Connection.RemoteIpAddress?.ToString() ?? "";

    internal static void Check(HttpContext http, AccessTokens tokens)
    {
        Endpoint? endpoint = http.GetEndpoint();
        EndpointPermission? needed = endpoint?.Metadata.GetMetadata<EndpointPermission>();

        // What is no route of ours is the framework's own answer: 404, 405, 415.
        if (endpoint is not RouteEndpoint) return;
        if (needed is null) throw new InvalidOperationException($"{endpoint.DisplayName} names no permission.");
        if (needed.Permission is not { } permission) return;
        string header = http.Request.Headers.Authorization.ToString();
        Principal who = (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? tokens.Verify(header.AsSpan(7).Trim()) : null)
            ?? throw new ControlException(RefusalKind.Unauthenticated, header.Length == 0 ? "Sign in first: POST /api/v1/auth/login." : "The access token is not valid, or has ended; refresh it or sign in again.");
        if (who.MustChangePassword && permission != Permission.Self) throw new ControlException(RefusalKind.Forbidden, "The password must be changed first: POST /api/v1/auth/password.");
        if (!Roles.Holds(who.Role, permission)) throw new ControlException(RefusalKind.Forbidden, $"The role {who.Role} does not hold the permission {permission.ToString().ToLowerInvariant()}.");
        http.Items[s_key] = who;
    }
}
