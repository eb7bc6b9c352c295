#pragma warning disable
namespace MarchProxy.Net.Tls;
public enum TlsStatus { Ok, WantRead, WantWrite, Closed, Reset, Failed }
public sealed class TlsSession : IDisposable {
 public TlsStatus Handshake()=>TlsStatus.Failed; public TlsStatus Read(Span<byte> b, out int n){n=0;return TlsStatus.Failed;}
 public TlsStatus Write(ReadOnlySpan<byte> b, out int n){n=0;return TlsStatus.Failed;} public TlsStatus Shutdown()=>TlsStatus.Ok; public bool HasPendingInput=>false; public string? FailureReason=>null; public void Dispose(){} }
