using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MarchProxy.Control.Storage;

/// <content>Backups: JSON lines that fit either database, whole or refused.</content>
internal sealed partial class SqlStore
{
    private const string Format = "marchproxy-backup";

    /// <summary>Every table in the order of an export, with its columns; a trailing * marks bytes. Flows are left out: they are a day old at most, and the planes tell them anew.</summary>
    private static readonly (string Table, string[] Columns)[] s_tables =
    [
        ("revision", ["only_row", "number"]),
        ("resources", ["cluster", "kind", "name", "document", "etag", "created_at", "updated_at", "updated_by"]),
        ("snapshots", ["cluster", "number", "version", "author", "created_at", "comment", "changes"]),
        ("audit", AuditColumns.Split(", ")),
        ("users", UserColumns.Split(", ")),
        ("refresh_tokens", ["hash*", "family", "email", "created_at", "expires_at", "used_at"]),
        ("cluster_keys", ["id", "cluster", "hash*", "created_at", "expires_at"]),
        ("proxies", ProxyColumns.Split(", ")),
        ("database_usage", ["cluster", "hour", "account", "tenant", "db", "connections", "queries", "denied", "row_count", "bytes_in", "bytes_out"]),
        ("settings", ["name", "value*"]),
    ];

    public Task ExportAsync(Stream output, CancellationToken cancellation = default) => GuardAsync(async () =>
    {
        await using DbConnection connection = await dialect.OpenAsync(cancellation);
        await using DbTransaction transaction = await dialect.BeginReadAsync(connection, cancellation);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        async Task LineAsync(object line)
        {
            byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(line), (byte)'\n'];
            hash.AppendData(bytes);
            await output.WriteAsync(bytes, cancellation);
        }

        await LineAsync(new { format = Format, version = 1, schema = s_migrations[^1].Name });
        foreach ((string table, string[] columns) in s_tables)
        {
            string order = table == "audit" ? " ORDER BY id" : "";
            await using DbCommand command = Command(connection, transaction, $"SELECT {Names(columns)} FROM {table}{order}", []);
            await using DbDataReader reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
            {
                object?[] row = new object?[columns.Length];
                for (int i = 0; i < row.Length; i++) row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i) is byte[] bytes ? Convert.ToBase64String(bytes) : reader.GetValue(i);
                await LineAsync(new { table, row });
            }
        }

        await output.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()) }), cancellation);
        await output.WriteAsync("\n"u8.ToArray(), cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    });

    public Task ImportAsync(Stream input, CancellationToken cancellation = default) => TransactAsync(
        async (connection, transaction) =>
        {
            bool empty = await NumberAsync(connection, transaction, "SELECT (SELECT COUNT(*) FROM resources) + (SELECT COUNT(*) FROM users) + (SELECT number FROM revision)", cancellation) == 0;
            if (!empty) throw new StoreException($"{Description} is not empty; restore into a new database or file.");
            await ExecuteAsync(connection, transaction, "DELETE FROM revision", cancellation);
            using var reader = new StreamReader(input, Encoding.UTF8);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            bool begun = false;
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                JsonElement json = Parse(line);
                if (json.TryGetProperty("sha256", out JsonElement told))
                {
                    if (told.GetString() != Convert.ToHexStringLower(hash.GetHashAndReset())) throw Broken("its checksum does not fit");
                    return true;
                }

                hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
                if (!begun) CheckHeader(json);
                else await InsertAsync(connection, transaction, json, cancellation);
                begun = true;
            }

            throw Broken("its end is missing");
        },
        cancellation);

    private static void CheckHeader(JsonElement json)
    {
        if (!json.TryGetProperty("format", out JsonElement format) || format.GetString() != Format) throw Broken("it does not begin as one");
        string? schema = json.TryGetProperty("schema", out JsonElement name) ? name.GetString() : null;
        if (schema != s_migrations[^1].Name) throw new StoreException($"The backup has the schema {schema}, this program {s_migrations[^1].Name}; restore with the program that wrote it, then migrate.");
    }

    private static async Task InsertAsync(DbConnection connection, DbTransaction transaction, JsonElement json, CancellationToken cancellation)
    {
        string? name = json.TryGetProperty("table", out JsonElement t) ? t.GetString() : null;
        (string table, string[] columns) = s_tables.FirstOrDefault(x => x.Table == name);
        if (table is null || !json.TryGetProperty("row", out JsonElement row) || row.ValueKind != JsonValueKind.Array || row.GetArrayLength() != columns.Length) throw Broken("a line is not a row");
        var parameters = columns.Select((column, i) => (Name(column), Value(row[i], column.EndsWith('*')))).ToArray();
        await ExecuteAsync(
            connection, transaction, $"INSERT INTO {table} ({Names(columns)}) VALUES ({string.Join(", ", columns.Select(c => "@" + Name(c)))})", cancellation, parameters);
    }

    private static object? Value(JsonElement value, bool bytes) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number => value.GetInt64(),
        _ => bytes ? value.GetBytesFromBase64() : value.GetString(),
    };

    private static JsonElement Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw Broken("a line is not JSON", e);
        }
    }

    private static string Name(string column) => column.TrimEnd('*');

    private static string Names(string[] columns) => string.Join(", ", columns.Select(Name));

    private static StoreException Broken(string why, Exception? inner = null) =>
        new($"The backup is not whole: {why}. Nothing was restored; take another copy.", inner!);
}
