using System.Security.Cryptography.X509Certificates;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using Npgsql;

namespace MarchProxy.Control.Provisioning;

/// <summary>What is to be made on a server.</summary>
/// <param name="Name">The role's name, and the database's where one is made.</param>
/// <param name="WithDatabase">Whether the role gets a database of its own.</param>
/// <param name="Writes">Whether it may write; in a database of its own it may do everything.</param>
/// <param name="By">Who asked.</param>
internal sealed record ProvisionOrder(string Name, bool WithDatabase, bool Writes, string By);

/// <summary>A role that was made by us.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mark">What its comment on the server says: by whom, and when.</param>
internal sealed record Provisioned(string Name, string Mark);

/// <summary>
/// Makes roles and databases on a PostgreSQL server by the credential of a database, and takes them away. What was made bears a comment on the server itself: nothing else is ever taken away. The
/// server quotes every name and text (<c>format</c> with %I and %L); it is given the password's verifier and never sees the password.
/// </summary>
internal sealed class PostgresProvisioner(Database database, TimeProvider time)
{
    private const string Mark = "marchproxy: provisioned";
    private const int TimeoutSeconds = 15;

    /// <summary>Makes a role, and a database where that is wanted.</summary>
    /// <returns>Its password, which nobody can be shown again; null when the name is taken.</returns>
    /// <exception cref="NpgsqlException">The server cannot be had, or refuses; nothing is left behind.</exception>
    public async Task<string?> MakeAsync(ProvisionOrder order, CancellationToken cancellation)
    {
        string password = State.AccessDesk.NewSecret(), verifier = DbPassword.Seal(new DbAccount { Name = order.Name, Password = password }, null).Verifiers!.Scram;
        string mark = FormattableString.Invariant($"{Mark} for {database.Name} by {order.By} at {time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}");
        await using NpgsqlDataSource source = Open();
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation))
        {
            if (await IsThereAsync(connection, order, cancellation)) return null;
            await RunAsync(connection, "CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD %L", [order.Name, verifier], cancellation);
            await RunAsync(connection, "COMMENT ON ROLE %I IS %L", [order.Name, mark], cancellation);
            if (!order.WithDatabase) await GrantAsync(connection, order, cancellation);
            await transaction.CommitAsync(cancellation);
        }

        if (!order.WithDatabase) return password;
        try
        {
            // A database cannot be made within a transaction, so the role goes again when it cannot be made. Who makes it for another must be a member of that role for the moment.
            await RunAsync(connection, "GRANT %I TO CURRENT_USER", [order.Name], cancellation);
            await RunAsync(connection, "CREATE DATABASE %I OWNER %I", [order.Name, order.Name], cancellation);
            await RunAsync(connection, "COMMENT ON DATABASE %I IS %L", [order.Name, mark], cancellation);
            await RunAsync(connection, "REVOKE CONNECT ON DATABASE %I FROM PUBLIC", [order.Name], cancellation);
            await RunAsync(connection, "REVOKE %I FROM CURRENT_USER", [order.Name], cancellation);
            return password;
        }
        catch (NpgsqlException)
        {
            await TakeAwayAsync(order.Name, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Takes a role of ours away, with the database that was made for it and what it was granted.</summary>
    /// <returns>False when there is none of ours of that name.</returns>
    /// <exception cref="NpgsqlException">The server cannot be had, or refuses.</exception>
    public async Task<bool> TakeAwayAsync(string name, CancellationToken cancellation)
    {
        await using NpgsqlDataSource source = Open();
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        if (!(await ListAsync(connection, cancellation)).Any(p => p.Name == name)) return false;
        await using (var own = new NpgsqlCommand($"SELECT count(*) FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') LIKE '{Mark}%'", connection) { Parameters = { new() { Value = name } } })
        {
            if ((long)(await own.ExecuteScalarAsync(cancellation))! > 0) await RunAsync(connection, "DROP DATABASE %I WITH (FORCE)", [name], cancellation);
        }

        await RunAsync(connection, "GRANT %I TO CURRENT_USER", [name], cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);

        // What it has made in the database stays, and is the credential's from then on.
        await RunAsync(connection, "REASSIGN OWNED BY %I TO CURRENT_USER", [name], cancellation);
        await RunAsync(connection, "DROP OWNED BY %I", [name], cancellation);
        await RunAsync(connection, "DROP ROLE %I", [name], cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>The roles that were made by us for this database.</summary>
    /// <exception cref="NpgsqlException">The server cannot be had.</exception>
    public async Task<IReadOnlyList<Provisioned>> ListAsync(CancellationToken cancellation)
    {
        await using NpgsqlDataSource source = Open();
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        return await ListAsync(connection, cancellation);
    }

    private async Task<IReadOnlyList<Provisioned>> ListAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE $1 ORDER BY 1", connection)
        {
            Parameters = { new() { Value = $"{Mark} for {database.Name.Replace("_", "\\_", StringComparison.Ordinal)} by %" } },
        };
        var all = new List<Provisioned>();
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) all.Add(new Provisioned(reader.GetString(0), reader.GetString(1)));
        return all;
    }

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, ProvisionOrder order, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM (SELECT rolname FROM pg_roles WHERE rolname = $1 UNION ALL SELECT datname FROM pg_database WHERE datname = $1 AND $2) taken", connection)
        {
            Parameters = { new() { Value = order.Name }, new() { Value = order.WithDatabase } },
        };
        return (long)(await command.ExecuteScalarAsync(cancellation))! > 0;
    }

    /// <summary>The template of a role without a database of its own: tables and sequences of the schema public, those that come too.</summary>
    private async Task GrantAsync(NpgsqlConnection connection, ProvisionOrder order, CancellationToken cancellation)
    {
        string tables = order.Writes ? "SELECT, INSERT, UPDATE, DELETE" : "SELECT", sequences = order.Writes ? "USAGE, SELECT" : "SELECT";
        await RunAsync(connection, "GRANT CONNECT ON DATABASE %I TO %I", [database.ServerDatabase, order.Name], cancellation);
        await RunAsync(connection, "GRANT USAGE ON SCHEMA public TO %I", [order.Name], cancellation);
        await RunAsync(connection, $"GRANT {tables} ON ALL TABLES IN SCHEMA public TO %I", [order.Name], cancellation);
        await RunAsync(connection, $"GRANT {sequences} ON ALL SEQUENCES IN SCHEMA public TO %I", [order.Name], cancellation);
        await RunAsync(connection, $"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {tables} ON TABLES TO %I", [order.Name], cancellation);
        await RunAsync(connection, $"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {sequences} ON SEQUENCES TO %I", [order.Name], cancellation);
    }

    /// <summary>Runs a statement whose names and texts the server itself has quoted.</summary>
    private static async Task RunAsync(NpgsqlConnection connection, string format, string[] arguments, CancellationToken cancellation)
    {
        await using var quote = new NpgsqlCommand("SELECT format($1, VARIADIC $2)", connection) { Parameters = { new() { Value = format }, new() { Value = arguments } } };
        var statement = (string)(await quote.ExecuteScalarAsync(cancellation))!;
#pragma warning disable CA2100 // The server has quoted every part that is not written here.
        await using var command = new NpgsqlCommand(statement, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlDataSource Open()
    {
        DbServer primary = database.Servers.First(s => s.Role == DbServerRole.Primary);
        var builder = new NpgsqlDataSourceBuilder
        {
            ConnectionStringBuilder =
            {
                Host = primary.Host,
                Port = primary.Port,
                Database = database.ServerDatabase,
                Username = database.Credential.User,
                Password = database.Credential.Password,
                ApplicationName = "marchproxy provisioning",
                Pooling = false,
                Timeout = TimeoutSeconds,
                CommandTimeout = TimeoutSeconds,
                IncludeErrorDetail = false,
                SslMode = database.Tls.Mode switch { DbTlsMode.Disable => SslMode.Disable, DbTlsMode.Require => SslMode.Require, DbTlsMode.VerifyFull => SslMode.VerifyFull, _ => SslMode.Prefer },
            },
        };
        if (database.Tls.Ca.Length > 0)
        {
            builder.UseRootCertificatesCallback(() =>
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPem(database.Tls.Ca);
                return roots;
            });
        }

        if (database.Tls.ServerName.Length > 0) builder.UseSslClientAuthenticationOptionsCallback(options => options.TargetHost = database.Tls.ServerName);
        return builder.Build();
    }
}
