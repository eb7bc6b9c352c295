using System.Data.Common;

namespace MarchProxy.Control.Storage;

/// <content>People, keys, planes and settings.</content>
internal sealed partial class SqlStore
{
    private const string UserColumns = "email, password_hash, role, cluster, must_change, failed_logins, locked_until, created_at, updated_at";
    private const string ProxyColumns = "cluster, name, kind, host, version, capabilities, registered_at, last_seen, running_version, nack_version, nack_reason, nack_at";

    public async Task<IReadOnlyList<StoredUser>> UsersAsync(CancellationToken cancellation = default) =>
        await ReadAsync($"SELECT {UserColumns} FROM users ORDER BY email", User, cancellation);

    public async Task<StoredUser?> UserAsync(string email, CancellationToken cancellation = default) =>
        (await ReadAsync($"SELECT {UserColumns} FROM users WHERE email = @email", User, cancellation, ("email", email))).FirstOrDefault();

    public Task PutUserAsync(StoredUser user, CancellationToken cancellation = default) => WriteAsync(
        $"""
        INSERT INTO users ({UserColumns})
        VALUES (@email, @password_hash, @role, @cluster, @must_change, @failed_logins, @locked_until, @created_at, @updated_at)
        ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role, cluster = excluded.cluster, must_change = excluded.must_change,
          failed_logins = excluded.failed_logins, locked_until = excluded.locked_until, updated_at = excluded.updated_at
        """,
        cancellation, ("email", user.Email), ("password_hash", user.PasswordHash), ("role", user.Role), ("cluster", user.Cluster), ("must_change", user.MustChangePassword),
        ("failed_logins", user.FailedLogins), ("locked_until", user.LockedUntil), ("created_at", user.CreatedAt), ("updated_at", user.UpdatedAt));

    public async Task<bool> DeleteUserAsync(string email, CancellationToken cancellation = default) =>
        await WriteAsync("DELETE FROM users WHERE email = @email", cancellation, ("email", email)) > 0;

    public Task AddRefreshTokenAsync(StoredRefreshToken token, CancellationToken cancellation = default) => WriteAsync(
        "INSERT INTO refresh_tokens (hash, family, email, created_at, expires_at, used_at) VALUES (@hash, @family, @email, @created_at, @expires_at, @used_at)", cancellation,
        ("hash", token.Hash), ("family", token.Family), ("email", token.Email), ("created_at", token.CreatedAt), ("expires_at", token.ExpiresAt), ("used_at", token.UsedAt));

    public async Task<StoredRefreshToken?> RefreshTokenAsync(byte[] hash, CancellationToken cancellation = default) => (await ReadAsync(
        "SELECT hash, family, email, created_at, expires_at, used_at FROM refresh_tokens WHERE hash = @hash",
        row => new StoredRefreshToken(Bytes(row, 0), row.GetString(1), row.GetString(2), Time(row, 3), Time(row, 4), MaybeTime(row, 5)), cancellation, ("hash", hash))).FirstOrDefault();

    public async Task<bool> UseRefreshTokenAsync(byte[] hash, DateTimeOffset at, CancellationToken cancellation = default) =>
        await WriteAsync("UPDATE refresh_tokens SET used_at = @used_at WHERE hash = @hash AND used_at IS NULL", cancellation, ("hash", hash), ("used_at", at)) > 0;

    public Task RevokeFamilyAsync(string family, CancellationToken cancellation = default) =>
        WriteAsync("DELETE FROM refresh_tokens WHERE family = @family", cancellation, ("family", family));

    public Task PurgeRefreshTokensAsync(DateTimeOffset before, CancellationToken cancellation = default) =>
        WriteAsync("DELETE FROM refresh_tokens WHERE expires_at < @expires_at", cancellation, ("expires_at", before));

    public async Task<IReadOnlyList<StoredClusterKey>> ClusterKeysAsync(CancellationToken cancellation = default) => await ReadAsync(
        "SELECT id, cluster, hash, created_at, expires_at FROM cluster_keys ORDER BY created_at, id",
        row => new StoredClusterKey(row.GetString(0), row.GetString(1), Bytes(row, 2), Time(row, 3), MaybeTime(row, 4)), cancellation);

    public Task AddClusterKeyAsync(StoredClusterKey key, CancellationToken cancellation = default) => WriteAsync(
        "INSERT INTO cluster_keys (id, cluster, hash, created_at, expires_at) VALUES (@id, @cluster, @hash, @created_at, @expires_at)", cancellation,
        ("id", key.Id), ("cluster", key.Cluster), ("hash", key.Hash), ("created_at", key.CreatedAt), ("expires_at", key.ExpiresAt));

    public Task ExpireClusterKeysAsync(string cluster, string? exceptId, DateTimeOffset at, CancellationToken cancellation = default) => WriteAsync(
        "UPDATE cluster_keys SET expires_at = @expires_at WHERE cluster = @cluster AND id <> @except AND (expires_at IS NULL OR expires_at > @expires_at)", cancellation,
        ("cluster", cluster), ("except", exceptId ?? ""), ("expires_at", at));

    public Task ExpireClusterKeyAsync(string id, DateTimeOffset at, CancellationToken cancellation = default) =>
        WriteAsync("UPDATE cluster_keys SET expires_at = @expires_at WHERE id = @id", cancellation, ("id", id), ("expires_at", at));

    public async Task<IReadOnlyList<StoredProxy>> ProxiesAsync(CancellationToken cancellation = default) => await ReadAsync(
        $"SELECT {ProxyColumns} FROM proxies ORDER BY cluster, name",
        row => new StoredProxy(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), Time(row, 6), Time(row, 7), MaybeText(row, 8), MaybeText(row, 9),
            MaybeText(row, 10), MaybeTime(row, 11)),
        cancellation);

    public Task PutProxyAsync(StoredProxy proxy, CancellationToken cancellation = default) => WriteAsync(
        $"""
        INSERT INTO proxies ({ProxyColumns})
        VALUES (@cluster, @name, @kind, @host, @version, @capabilities, @registered_at, @last_seen, @running_version, @nack_version, @nack_reason, @nack_at)
        ON CONFLICT (cluster, name) DO UPDATE SET kind = excluded.kind, host = excluded.host, version = excluded.version, capabilities = excluded.capabilities, last_seen = excluded.last_seen,
          running_version = excluded.running_version, nack_version = excluded.nack_version, nack_reason = excluded.nack_reason, nack_at = excluded.nack_at
        """,
        cancellation, ("cluster", proxy.Cluster), ("name", proxy.Name), ("kind", proxy.Kind), ("host", proxy.Host), ("version", proxy.Version), ("capabilities", proxy.Capabilities),
        ("registered_at", proxy.RegisteredAt), ("last_seen", proxy.LastSeen), ("running_version", proxy.RunningVersion), ("nack_version", proxy.NackVersion), ("nack_reason", proxy.NackReason),
        ("nack_at", proxy.NackAt));

    public async Task<bool> DeleteProxyAsync(string cluster, string name, CancellationToken cancellation = default) =>
        await WriteAsync("DELETE FROM proxies WHERE cluster = @cluster AND name = @name", cancellation, ("cluster", cluster), ("name", name)) > 0;

    public async Task<byte[]?> SettingAsync(string name, CancellationToken cancellation = default) =>
        (await ReadAsync("SELECT value FROM settings WHERE name = @name", row => Bytes(row, 0), cancellation, ("name", name))).FirstOrDefault();

    public Task PutSettingAsync(string name, byte[] value, CancellationToken cancellation = default) => WriteAsync(
        "INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", cancellation, ("name", name), ("value", value));

    private static StoredUser User(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), MaybeText(row, 3), row.GetInt64(4) != 0, (int)row.GetInt64(5), MaybeTime(row, 6), Time(row, 7), Time(row, 8));
}
