using System.Security.Cryptography;
using System.Text;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Control.State;

/// <summary>A resource that the manager keeps, with what the API and the planes need of it. Never changes.</summary>
public sealed class Entry
{
    private byte[]? _body;

    /// <summary>Makes one.</summary>
    public Entry(Resource resource, DateTimeOffset createdAt, DateTimeOffset updatedAt, string updatedBy)
    {
        Resource = resource;
        Kind = ResourceKind.Of(resource);
        Content = ResourceWriter.ToJson(resource);
        Digest = ContentDigest.Of(resource);
        CreatedAt = createdAt;
        UpdatedAt = updatedAt;
        UpdatedBy = updatedBy;
        byte[] seal = [.. Content.Span, .. BitConverter.GetBytes(updatedAt.UtcTicks), .. Encoding.UTF8.GetBytes(updatedBy)];
        ETag = Convert.ToHexStringLower(SHA256.HashData(seal).AsSpan(0, 8));
    }

    /// <summary>The resource.</summary>
    public Resource Resource { get; }

    /// <summary>Its kind.</summary>
    public ResourceKind Kind { get; }

    /// <summary>As the writer writes it, secrets included.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>A hash of the content: what planes know it by.</summary>
    public ContentDigest Digest { get; }

    /// <summary>Changes with every edit.</summary>
    public string ETag { get; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset UpdatedAt { get; }

    /// <summary>Who changed it.</summary>
    public string UpdatedBy { get; }

    /// <summary>Its name.</summary>
    public string Name => Resource.Name;

    /// <summary>What names it.</summary>
    public ResourceKey Key => new(Resource.Cluster, Kind.Plural, Resource.Name);

    /// <summary>As the API shows it: without secrets, with who and when. Made once.</summary>
    public ReadOnlyMemory<byte> Body => _body ??= EntryJson.Body(this);
}
