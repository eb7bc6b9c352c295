using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Databases;

/// <summary>Secrets of an account beside its password.</summary>
public sealed class DbKeyTests
{
    private const string First = "a key of sixteen", Second = "another of sixteen";

    [Fact]
    public void All_secrets_of_an_account_share_its_salt_and_each_proves_itself_alone()
    {
        DbAccount account = DbPassword.Seal(new DbAccount { Name = "a", Password = "secret", Keys = [new DbKey { Name = "k", Secret = First }, new DbKey { Name = "l", Secret = Second }] }, null);
        Assert.True(DbPassword.ShareSalt(account));
        Assert.Equal(["secret", First, Second], account.Proofs.Select(p => new[] { "secret", First, Second }.Single(s => DbPassword.Matches(p.Verifiers, s))));
        Assert.All(account.Keys, k => Assert.Null(k.Secret));
    }

    [Fact]
    public void A_new_password_keeps_the_salt_and_what_did_not_change_keeps_its_proof()
    {
        DbAccount before = DbPassword.Seal(new DbAccount { Name = "a", Password = "secret", Keys = [new DbKey { Name = "k", Secret = First }] }, null);
        DbAccount same = DbPassword.Seal(new DbAccount { Name = "a", Password = "secret", Keys = [new DbKey { Name = "k", Secret = First }] }, before);
        Assert.Equal((before.Verifiers, before.Keys[0].Verifiers), (same.Verifiers, same.Keys[0].Verifiers));
        DbAccount other = DbPassword.Seal(new DbAccount { Name = "a", Password = "changed", Keys = [new DbKey { Name = "k" }] }, before);
        Assert.NotEqual(before.Verifiers, other.Verifiers);
        Assert.Equal(before.Keys[0].Verifiers, other.Keys[0].Verifiers);
        Assert.True(DbPassword.ShareSalt(other));
    }

    [Fact]
    public void Files_say_what_a_key_is_and_faults_name_the_mend()
    {
        DbAccount app = Secrets.Compile("""
            databases: [{ name: shop, engine: postgresql, servers: [{ host: db.test }], credential: { user: u, password: p } }]
            accounts: [{ name: app, keys: [{ name: ci, key: "a key of sixteen", expiresAt: 2030-01-01T00:00:00Z, maxUses: 3, database: shop, reason: builds }] }]
            """).Databases.FindAccount("app")!;
        DbKey key = Assert.Single(app.Keys);
        Assert.Equal(("ci", 3, "shop", "builds", true), (key.Name, key.MaxUses, key.Database, key.Reason, key.IsTemporary));
        Assert.True(DbPassword.Matches(key.Verifiers!, First));
        Assert.False(key.IsUsedUp(2));
        Assert.True(key.IsUsedUp(3));
        string faults = string.Join('\n', Secrets.Findings("accounts: [{ name: app, keys: [{ name: ci, key: short }, { name: ci, key: \"a key of sixteen\", database: none }, { name: X_ }] }]"));
        foreach (string told in new[] { "has 5 characters", "more than once", "there is no database \"none\"", "\"X_\" is not a DNS label", "of X_ is missing" }) Assert.Contains(told, faults, StringComparison.Ordinal);
    }
}
