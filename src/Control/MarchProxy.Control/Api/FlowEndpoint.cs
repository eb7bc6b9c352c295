using System.Buffers.Text;
using System.Globalization;
using System.Text;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Egress;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/flows</c>: who asked for what in the last 24 hours, and what was said.</summary>
internal sealed class FlowEndpoint(Manager manager)
{
    private const int DefaultLimit = 100, MaxLimit = 1000;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/flows", ListAsync).Needs(Permission.Read).WithTags("flows").WithName("listFlows")
        .WithSummary("The egress flows of the last 24 hours, the latest first.").Produces<FlowPage>().ProducesProblems(400, 404);

    private async Task<FlowPage> ListAsync(string? cluster, string? source, string? host, string? decision, int? limit, string? cursor, CancellationToken cancellation)
    {
        string name = cluster ?? "default";
        if (manager.State.Cluster(name) is null) throw new ControlException(RefusalKind.NotFound, $"There is no cluster {name}.");
        int most = limit ?? DefaultLimit;
        if (most is < 1 or > MaxLimit) throw Wrong("limit", $"{most} is not from 1 to {MaxLimit}", "ask for fewer, and follow next");
        Func<StoredFlow, bool> fits = decision switch
        {
            null => static _ => true,
            "allow" => static c => c.Allowed > 0,
            "deny" => static c => c.Denied > 0,
            "report" => static c => c.Reported > 0,
            _ => throw Wrong("decision", $"\"{decision}\" is not known", "write allow, deny or report"),
        };
        (DateTimeOffset At, string Flow)? after = Decode(cursor);
        List<(Flow Flow, StoredFlow Count)> all =
        [
            .. (await manager.Flows.LatestAsync(name, cancellation)).Where(f =>
                fits(f.Count) && (source is null || f.Flow.Source.Split(',').Contains(source)) && (host is null || f.Flow.Host.Contains(host, StringComparison.OrdinalIgnoreCase))),
        ];
        List<(Flow Flow, StoredFlow Count)> page = [.. all.Where(f => after is not { } last || IsAfter(f.Count, last)).Take(most + 1)];
        bool more = page.Count > most;
        if (more) page.RemoveAt(most);
        return new FlowPage([.. page.Select(f => FlowInfo.Of(f.Flow, f.Count))], more ? Encode(page[^1].Count) : null, all.Count);
    }

    private static bool IsAfter(StoredFlow flow, (DateTimeOffset At, string Flow) last) =>
        flow.LastSeen < last.At || (flow.LastSeen == last.At && string.CompareOrdinal(flow.Flow, last.Flow) > 0);

    private static string Encode(StoredFlow last) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{last.LastSeen.UtcTicks} {last.Flow}")));

    private static (DateTimeOffset At, string Flow)? Decode(string? cursor)
    {
        if (cursor is null) return null;
        try
        {
            string[] parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(' ', 2);
            if (parts.Length == 2 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long ticks) && ticks >= 0 && ticks <= DateTime.MaxValue.Ticks) return (new DateTimeOffset(ticks, TimeSpan.Zero), parts[1]);
        }
        catch (FormatException)
        {
        }

        throw Wrong("cursor", "is not one that this list gave", "begin again without it");
    }

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Malformed, $"{field}: {message}.", new Fault("query", field, message, mend));
}
