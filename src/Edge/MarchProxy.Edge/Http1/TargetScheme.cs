namespace MarchProxy.Edge.Http1;

/// <summary>The scheme of an absolute-form target.</summary>
internal enum TargetScheme : byte
{
    None,
    Http,
    Https,
}
