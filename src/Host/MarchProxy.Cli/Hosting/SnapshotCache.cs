using System.IO.Compression;
using Google.Protobuf;
using MarchProxy.Model.Secrets;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Cli.Hosting;

/// <summary>
/// The last good configuration on disk: a delta response as it would come from a manager, compressed and sealed. Written beside and renamed, so that a crash leaves the old one
/// or the new one; one that was altered does not open.
/// </summary>
internal sealed class SnapshotCache(string path, SecretBox box)
{
    public string Path => path;

    public (string Version, IReadOnlyList<(string Version, DomainResource Resource)> Resources)? Load()
    {
        if (!File.Exists(path)) return null;
        using var gzip = new GZipStream(new MemoryStream(box.Open(File.ReadAllBytes(path))), CompressionMode.Decompress);
        DeltaDiscoveryResponse saved = DeltaDiscoveryResponse.Parser.ParseFrom(gzip);
        return (saved.SystemVersionInfo, [.. saved.Resources.Select(r => (r.Version, DomainResource.Parser.ParseFrom(r.Resource_.Value)))]);
    }

    public void Save(string version, IEnumerable<(string Version, DomainResource Resource)> resources)
    {
        var response = new DeltaDiscoveryResponse { SystemVersionInfo = version };
        foreach ((string own, DomainResource resource) in resources)
        {
            response.Resources.Add(new Resource
            {
                Name = $"{resource.Kind}/{resource.Name}",
                Version = own,
                Resource_ = new Google.Protobuf.WellKnownTypes.Any { TypeUrl = DiscoveryMethods.DomainType, Value = resource.ToByteString() },
            });
        }

        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true)) response.WriteTo(gzip);
        string fresh = path + ".new";
        using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            file.Write(box.Seal(stream.ToArray()));
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
