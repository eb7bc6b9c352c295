using ArticDbm.Proxy.Identity;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Tests.Identity;

public sealed class PasswordProofsTests
{
    [Fact]
    public async Task A_password_is_known_again_until_it_changes()
    {
        using var proofs = new PasswordProofs();
        var account = DbPassword.Seal(new DbAccount { Name = "app", Password = "right" });
        Assert.False((await proofs.CheckAsync(account, "wrong")).Proven);
        Assert.True((await proofs.CheckAsync(account, "right")).Proven);
        Assert.True(proofs.CheckAsync(account, "right").IsCompletedSuccessfully);
        Assert.False((await proofs.CheckAsync(account, "wrong")).Proven);
        DbAccount changed = DbPassword.Seal(new DbAccount { Name = "app", Password = "other" });
        Assert.False((await proofs.CheckAsync(changed, "right")).Proven);
        Assert.True((await proofs.CheckAsync(changed, "other")).Proven);
        Assert.False((await proofs.CheckAsync(null, "right")).Proven);
    }
}
