using System.Security.Cryptography;
using System.Text;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using Microsoft.AspNetCore.Identity;

namespace MarchProxy.Control.Identity;

/// <summary>What a sign-in gives.</summary>
/// <param name="AccessToken">For the <c>Authorization: Bearer</c> header.</param>
/// <param name="ExpiresIn">Seconds that it holds.</param>
/// <param name="RefreshToken">For the next one; used once.</param>
/// <param name="MustChangePassword">Whether nothing else is allowed before the password is changed.</param>
public sealed record TokenPair(string AccessToken, int ExpiresIn, string RefreshToken, bool MustChangePassword);

/// <summary>
/// People who sign in: passwords by ASP.NET Core Identity's hasher, lockout that grows, refresh tokens that are used once. A refresh token that comes a second
/// time was stolen from one side or the other: the whole sign-in ends.
/// </summary>
public sealed class Accounts(IControlStore store, AccessTokens tokens, TimeProvider time)
{
    private const int FreeTries = 5, MinPassword = 10, MaxPassword = 256;
    private static readonly TimeSpan s_refreshLifetime = TimeSpan.FromDays(14);
    private static readonly TimeSpan s_longestLock = TimeSpan.FromHours(1);
    private readonly PasswordHasher<StoredUser> _hasher = new();
    private readonly string _nobody = new PasswordHasher<StoredUser>().HashPassword(null!, "nobody has this password");

    /// <summary>Makes the first administrator where there is no account.</summary>
    /// <param name="given">The password to use; null for a random one.</param>
    /// <returns>The password that was made, to be shown once; null when there are accounts or one was given.</returns>
    public async Task<string?> EnsureAdminAsync(string? given)
    {
        if ((await store.UsersAsync()).Count > 0) return null;
        string password = given ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(15)).Replace('+', 'x').Replace('/', 'y');
        DateTimeOffset now = time.GetUtcNow();
        var admin = new StoredUser("admin", "", Roles.Admin, null, MustChangePassword: false, 0, null, now, now);
        await store.PutUserAsync(admin with { PasswordHash = _hasher.HashPassword(admin, password) });
        return given is null ? password : null;
    }

    /// <summary>Signs somebody in.</summary>
    /// <param name="email">The account.</param>
    /// <param name="password">Its password.</param>
    /// <param name="from">The address that it comes from.</param>
    /// <exception cref="ControlException">Wrong, locked or unknown: told the same way, after the same work.</exception>
    public async Task<TokenPair> LoginAsync(string email, string password, string from)
    {
        DateTimeOffset now = time.GetUtcNow();
        StoredUser? user = await store.UserAsync(email);
        bool locked = user?.LockedUntil > now;
        PasswordVerificationResult result = password.Length > MaxPassword ? PasswordVerificationResult.Failed : _hasher.VerifyHashedPassword(user!, user?.PasswordHash ?? _nobody, password);
        if (user is null || locked || result == PasswordVerificationResult.Failed)
        {
            if (user is not null && !locked) await store.PutUserAsync(Failed(user, now));
            await AuditAsync(email, from, "login", locked ? "locked" : "wrong name or password");
            throw new ControlException(RefusalKind.Unauthenticated, "The name or the password is wrong, or the account is locked for a while.");
        }

        StoredUser good = user with { FailedLogins = 0, LockedUntil = null };
        if (result == PasswordVerificationResult.SuccessRehashNeeded) good = good with { PasswordHash = _hasher.HashPassword(good, password) };
        if (good != user) await store.PutUserAsync(good);
        await AuditAsync(email, from, "login", "ok");
        await store.PurgeRefreshTokensAsync(now);
        return await IssueAsync(good, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
    }

    /// <summary>Exchanges a refresh token for a new pair.</summary>
    /// <param name="refreshToken">The token.</param>
    /// <param name="from">The address that it comes from.</param>
    /// <exception cref="ControlException">It is not ours, over, or was used before.</exception>
    public async Task<TokenPair> RefreshAsync(string refreshToken, string from)
    {
        byte[] hash = Hash(refreshToken);
        StoredRefreshToken? stored = await store.RefreshTokenAsync(hash);
        if (stored is null || stored.ExpiresAt <= time.GetUtcNow()) throw new ControlException(RefusalKind.Unauthenticated, "The sign-in has ended; sign in again.");
        if (!await store.UseRefreshTokenAsync(hash, time.GetUtcNow()))
        {
            await store.RevokeFamilyAsync(stored.Family);
            await AuditAsync(stored.Email, from, "refresh", "a refresh token came a second time; the sign-in was ended");
            throw new ControlException(RefusalKind.Unauthenticated, "This refresh token was used before, so the sign-in was ended; sign in again.");
        }

        StoredUser user = await store.UserAsync(stored.Email) ?? throw new ControlException(RefusalKind.Unauthenticated, "The account is gone.");
        return await IssueAsync(user, stored.Family);
    }

    /// <summary>Ends a sign-in.</summary>
    /// <param name="refreshToken">Its refresh token.</param>
    public async Task LogoutAsync(string refreshToken)
    {
        if (await store.RefreshTokenAsync(Hash(refreshToken)) is { } stored) await store.RevokeFamilyAsync(stored.Family);
    }

    /// <summary>Changes one's password.</summary>
    /// <param name="email">Whose.</param>
    /// <param name="current">The present one.</param>
    /// <param name="next">The new one.</param>
    /// <param name="from">The address that it comes from.</param>
    /// <exception cref="ControlException">The present one is wrong, or the new one too weak.</exception>
    public async Task ChangePasswordAsync(string email, string current, string next, string from)
    {
        StoredUser user = await store.UserAsync(email) ?? throw new ControlException(RefusalKind.Unauthenticated, "The account is gone.");
        if (_hasher.VerifyHashedPassword(user, user.PasswordHash, current) == PasswordVerificationResult.Failed)
        {
            await AuditAsync(email, from, "password", "the present password was wrong");
            throw new ControlException(RefusalKind.Invalid, "The present password is wrong.", new Fault("account", "currentPassword", "is wrong", "write the one that you signed in with"));
        }

        Demand(next);
        await store.PutUserAsync(user with { PasswordHash = _hasher.HashPassword(user, next), MustChangePassword = false, UpdatedAt = time.GetUtcNow() });
        await AuditAsync(email, from, "password", "ok");
    }

    /// <summary>Makes an account, or changes its role or password.</summary>
    /// <param name="email">Whose.</param>
    /// <param name="role">Its role.</param>
    /// <param name="cluster">Where the role holds; null for everywhere.</param>
    /// <param name="password">A new password, which must be changed at the first sign-in; null keeps the present one.</param>
    /// <exception cref="ControlException">A value is wrong.</exception>
    public async Task<StoredUser> PutAsync(string email, string role, string? cluster, string? password)
    {
        if (email.Length is 0 or > 254 || email.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))) throw Wrong("email", "is empty, too long or holds blanks", "write a name or an e-mail address");
        if (!Roles.All.Contains(role)) throw Wrong("role", $"\"{role}\" is not a role", $"write {string.Join(", ", Roles.All)}");
        StoredUser? before = await store.UserAsync(email);
        if (before is null && password is null) throw Wrong("password", "is missing", "give the account a first password");
        if (password is not null) Demand(password);
        DateTimeOffset now = time.GetUtcNow();
        StoredUser user = before is null ? new StoredUser(email, "", role, cluster, true, 0, null, now, now) : before with { Role = role, Cluster = cluster, UpdatedAt = now };
        if (password is not null) user = user with { PasswordHash = _hasher.HashPassword(user, password), MustChangePassword = true, FailedLogins = 0, LockedUntil = null };
        await store.PutUserAsync(user);
        return user;
    }

    private static void Demand(string password)
    {
        if (password.Length is < MinPassword or > MaxPassword) throw Wrong("password", $"has {password.Length} characters", $"use {MinPassword} to {MaxPassword}; length counts more than odd signs");
    }

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Invalid, $"{field} {message}.", new Fault("account", field, message, mend));

    private static StoredUser Failed(StoredUser user, DateTimeOffset now)
    {
        int failed = user.FailedLogins + 1;
        double minutes = failed < FreeTries ? 0 : Math.Pow(2, Math.Min(failed - FreeTries, 10));
        return user with { FailedLogins = failed, LockedUntil = minutes == 0 ? null : now + TimeSpan.FromMinutes(Math.Min(minutes, s_longestLock.TotalMinutes)) };
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private async Task<TokenPair> IssueAsync(StoredUser user, string family)
    {
        string refresh = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        DateTimeOffset now = time.GetUtcNow();
        await store.AddRefreshTokenAsync(new StoredRefreshToken(Hash(refresh), family, user.Email, now, now + s_refreshLifetime, null));
        string access = tokens.Issue(new Principal(user.Email, user.Role, user.Cluster, user.MustChangePassword));
        return new TokenPair(access, (int)AccessTokens.Lifetime.TotalSeconds, refresh, user.MustChangePassword);
    }

    private Task AuditAsync(string actor, string from, string action, string result) =>
        store.WriteAuditAsync(new AuditRecord(0, time.GetUtcNow(), actor.Length > 254 ? actor[..254] : actor, from, action, "", "users", actor.Length > 254 ? "" : actor, null, null, result));
}
