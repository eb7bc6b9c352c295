using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace MarchProxy.Control.Storage;

/// <content>The schema, brought up to date step by step.</content>
internal sealed partial class SqlStore
{
    private static readonly Migration[] s_migrations = [.. Migration.All()];

    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellation = default) => TransactAsync<IReadOnlyList<string>>(
        async (connection, transaction) =>
        {
            await dialect.LockMigrationsAsync(connection, transaction, cancellation);
            await ExecuteAsync(connection, transaction, "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)", cancellation);
            List<(string Name, string Checksum)> applied = await RowsAsync(
                connection, transaction, "SELECT name, checksum FROM schema_migrations ORDER BY name", row => (row.GetString(0), row.GetString(1)), cancellation);
            Check(applied);
            var done = new List<string>();
            foreach (Migration migration in s_migrations.Skip(applied.Count))
            {
                await ExecuteAsync(
                    connection, transaction,
                    migration.Sql.Replace("{identity}", dialect.IdentityColumn, StringComparison.Ordinal).Replace("{bytes}", dialect.BytesType, StringComparison.Ordinal), cancellation);
                await ExecuteAsync(
                    connection, transaction, "INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (@name, @checksum, @applied_at)", cancellation,
                    ("name", migration.Name), ("checksum", migration.Checksum), ("applied_at", TimeProvider.System.GetUtcNow()));
                done.Add(migration.Name);
            }

            return done;
        },
        cancellation);

    private void Check(List<(string Name, string Checksum)> applied)
    {
        for (int i = 0; i < applied.Count; i++)
        {
            if (i >= s_migrations.Length || applied[i].Name != s_migrations[i].Name)
            {
                throw new StoreException($"{Description} has the migration {applied[i].Name}, which this program does not know: the database is newer. Use a newer program, or restore a backup.");
            }

            if (applied[i].Checksum != s_migrations[i].Checksum)
            {
                throw new StoreException($"{Description}: the migration {applied[i].Name} was applied in another form. The database belongs to another build; use that one, or restore a backup.");
            }
        }
    }

    /// <summary>One numbered step, embedded in the program.</summary>
    private sealed record Migration(string Name, string Sql)
    {
        public string Checksum => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

        public static IEnumerable<Migration> All()
        {
            Assembly assembly = typeof(SqlStore).Assembly;
            foreach (string resource in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                string[] parts = resource.Split('.');
                yield return new Migration(parts[^2], reader.ReadToEnd().ReplaceLineEndings("\n"));
            }
        }
    }
}
