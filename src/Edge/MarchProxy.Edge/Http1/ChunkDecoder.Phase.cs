using System.Runtime.CompilerServices;

namespace MarchProxy.Edge.Http1;

internal partial struct ChunkDecoder
{
    /// <summary>What the next byte is; those from <see cref="TrailerStart"/> on belong to the trailer section.</summary>
    private enum Phase : byte
    {
        Size,
        ExtensionStart,
        ExtensionName,
        ValueStart,
        ExtensionValue,
        Quoted,
        Escaped,
        QuotedEnd,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Failed,
        Done,
        TrailerStart,
        TrailerName,
        TrailerValue,
        TrailerLf,
        EndLf,
    }

    [InlineArray(Length)]
    private struct NameBytes
    {
        public const int Length = 24;
        private byte _first;
    }
}
