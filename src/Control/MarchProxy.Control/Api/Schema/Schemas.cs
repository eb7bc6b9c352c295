using MarchProxy.Model.Intake;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MarchProxy.Control.Api.Schema;

/// <summary>Which shape belongs to which kind, for the OpenAPI document.</summary>
internal static class Schemas
{
    public static Type Of(ResourceKind kind) => kind.Plural switch
    {
        "clusters" => typeof(ClusterBody),
        "services" => typeof(ServiceBody),
        "mappings" => typeof(MappingBody),
        "routes" => typeof(RouteBody),
        "listeners" => typeof(ListenerBody),
        "certificates" => typeof(CertificateBody),
        "databases" => typeof(DatabaseBody),
        "accounts" => typeof(DbAccountBody),
        "grants" => typeof(GrantBody),
        "securityPolicies" => typeof(SecurityPolicyBody),
        _ => throw new NotSupportedException($"{kind.Plural} have no schema."),
    };

    public static Type PageOf(ResourceKind kind) => typeof(Page<>).MakeGenericType(Of(kind));

    /// <summary>Names the problems that an endpoint answers with, and those that any does.</summary>
    public static TBuilder ProducesProblems<TBuilder>(this TBuilder builder, params ReadOnlySpan<int> statuses)
        where TBuilder : IEndpointConventionBuilder
    {
        foreach (int status in (int[])[.. statuses, 401, 403]) builder.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(Problem), ["application/problem+json"]));
        return builder;
    }
}

/// <summary>A page of a list.</summary>
/// <param name="Items">The objects.</param>
/// <param name="Next">The cursor of the next page; left out on the last.</param>
/// <param name="Total">How many there are in all; left out when a filter was given.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next, int? Total);
