using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.Provisioning;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/databases/NAME/provision</c>: roles and databases on the server itself.</summary>
internal sealed class ProvisionEndpoints(Manager manager)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/api/v1/databases/{name}/provision").WithTags("databases");
        group.MapGet("", ListAsync).Needs(Permission.Read).WithName("listProvisioned").WithSummary("Roles that were made on the database's server, read from the server.").Produces<List<ProvisionedInfo>>().ProducesProblems(404, 422);
        group.MapPost("", MakeAsync).Needs(Permission.Write).WithName("provisionDatabase").WithSummary("Make a role on the database's server, and a database of its own where that is wanted; the password is shown this once.").Produces<ProvisionGiven>(201).ProducesProblems(404, 409, 422);
        group.MapDelete("/{id}", TakeAwayAsync).Needs(Permission.Write).WithName("unprovisionDatabase").WithSummary("Take a role that was made so away, with the database that was made for it.").Produces(200).ProducesProblems(404, 409, 422);
    }

    private async Task<IEnumerable<ProvisionedInfo>> ListAsync(HttpContext http, string name, string? cluster)
    {
        PostgresProvisioner provisioner = Provisioner(Find(cluster, name));
        return (await AskAsync(name, () => provisioner.ListAsync(http.RequestAborted))).Select(p => new ProvisionedInfo(p.Name, p.Mark));
    }

    private async Task<IResult> MakeAsync(HttpContext http, ProvisionRequest body, string name, string? cluster)
    {
        Database database = Find(cluster, name);
        Permit(http, database);
        if (!IsName(body.Name)) throw Wrong("name", $"\"{body.Name}\" is not a name for a role", "write up to 63 lower-case letters, digits and underscores, a letter first, and not pg_");
        bool own = body.Template switch { "read" or "write" => false, "database" => true, _ => throw Wrong("template", $"\"{body.Template}\" is not known", "write read, write or database") };
        PostgresProvisioner provisioner = Provisioner(database);
        string password = await AskAsync(name, () => provisioner.MakeAsync(new ProvisionOrder(body.Name, own, body.Template == "write", http.Who().Email), http.RequestAborted))
            ?? throw new ControlException(RefusalKind.Conflict, $"The server has a role or a database \"{body.Name}\" already.", new Fault("body", "name", "is taken", "choose another name"));
        await AuditAsync(http, database, "provision", body.Name, body.Template);
        http.Response.Headers.CacheControl = "no-store";
        DbServer primary = database.Servers.First(s => s.Role == DbServerRole.Primary);
        return Results.Json(new ProvisionGiven(body.Name, password, primary.Host, primary.Port, own ? body.Name : database.ServerDatabase), statusCode: 201);
    }

    private async Task TakeAwayAsync(HttpContext http, string name, string id, string? cluster)
    {
        Database database = Find(cluster, name);
        Permit(http, database);
        PostgresProvisioner provisioner = Provisioner(database);
        if (!await AskAsync(name, () => provisioner.TakeAwayAsync(id, http.RequestAborted))) throw new ControlException(RefusalKind.NotFound, $"No role \"{id}\" was made for the database {name}; others are not taken away.");
        await AuditAsync(http, database, "unprovision", id, "");
    }

    /// <summary>What the server says is told as a refusal: it is the operator's to mend.</summary>
    private static async Task<T> AskAsync<T>(string database, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (PostgresException e)
        {
            throw new ControlException(RefusalKind.Invalid, $"The server of {database} refuses: {e.MessageText}.", new Fault($"database/{database}", "credential", $"{e.SqlState}: {e.MessageText}", "the credential needs CREATEROLE, CREATEDB for databases, and to own what it grants"));
        }
        catch (NpgsqlException e)
        {
            throw new ControlException(RefusalKind.Invalid, $"The server of {database} cannot be had from the manager: {e.Message}", new Fault($"database/{database}", "servers", "cannot be had", "the manager itself must reach it to provision"));
        }
    }

    private Task AuditAsync(HttpContext http, Database database, string action, string role, string template) => manager.Store.WriteAuditAsync(
        new AuditRecord(0, manager.Time.GetUtcNow(), http.Who().Email, http.From(), action, database.Cluster, "databases", database.Name, null, System.Text.Json.JsonSerializer.Serialize(new { role, template }), "ok"));

    private PostgresProvisioner Provisioner(Database database) => database.Engine == DbEngine.PostgreSql
        ? new PostgresProvisioner(database, manager.Time)
        : throw new ControlException(RefusalKind.Invalid, $"database/{database.Name} is of {DbEngines.Name(database.Engine)}: provisioning is for postgresql.", new Fault(database.Reference, "engine", "is not provisioned", "make the user on the server by hand"));

    private Database Find(string? cluster, string name) =>
        manager.State.Cluster(cluster ?? "default")?.Find(Model.Intake.ResourceKind.Find("databases")!, name)?.Resource as Database
        ?? throw new ControlException(RefusalKind.NotFound, $"There is no database \"{name}\" in the cluster {cluster ?? "default"}.");

    private static void Permit(HttpContext http, Database database)
    {
        if (Roles.Refusal(http.Who(), database, database) is { } refusal) throw new ControlException(RefusalKind.Forbidden, $"{database.Reference}: {refusal}.", new Fault(database.Reference, "", refusal, "ask a maintainer"));
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 63 && name[0] is >= 'a' and <= 'z' && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_') && !name.StartsWith("pg_", StringComparison.Ordinal) && name is not ("postgres" or "public" or "none" or "template0" or "template1");

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Invalid, $"{field} {message}.", new Fault("body", field, message, mend));
}
