using Google.Protobuf;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;
using MarchProxy.Model.Secrets;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Cli.Tests.Hosting;

/// <summary>The last good configuration on disk, and the key that seals it.</summary>
public sealed class SnapshotCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-cache-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_saved_comes_back_and_is_readable_by_its_owner_alone()
    {
        var cache = new SnapshotCache(Path.Combine(_folder, "s"), new SecretBox(new byte[32]));
        Assert.Null(cache.Load());
        var resource = new DomainResource { Kind = "services", Name = "a", Json = ByteString.CopyFromUtf8("{\"name\":\"a\"}") };
        cache.Save("v1", [("r1", resource)]);
        cache.Save("v2", [("r2", resource)]);
        var loaded = cache.Load()!.Value;
        Assert.Equal("v2", loaded.Version);
        Assert.Equal(("r2", resource), Assert.Single(loaded.Resources));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(cache.Path));
    }

    [Fact]
    public void What_was_altered_cut_or_sealed_by_another_key_does_not_open()
    {
        string path = Path.Combine(_folder, "s");
        var cache = new SnapshotCache(path, new SecretBox(new byte[32]));
        cache.Save("v1", [("r1", new DomainResource { Kind = "services", Name = "a" })]);
        byte[] good = File.ReadAllBytes(path);
        Assert.Throws<SecretBoxException>(() => new SnapshotCache(path, new SecretBox([.. Enumerable.Repeat((byte)7, 32)])).Load());
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i] ^= 1;
            File.WriteAllBytes(path, bad);
            Assert.Throws<SecretBoxException>(() => cache.Load());
            File.WriteAllBytes(path, good[..i]);
            Assert.Throws<SecretBoxException>(() => cache.Load());
        }
    }

    [Fact]
    public void A_key_file_is_made_once_and_a_wrong_one_is_told()
    {
        string path = Path.Combine(_folder, "key");
        string sealedText = KeyFile.Open(path).Seal("secret");
        Assert.Equal("secret", KeyFile.Open(path).Open(sealedText));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        File.WriteAllText(path, "nonsense");
        Assert.Contains("put the right file back", Assert.Throws<SettingException>(() => KeyFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read or made", Assert.Throws<SettingException>(() => KeyFile.Open(Path.Combine(_folder, "none", "key"))).Message, StringComparison.Ordinal);
    }
}
