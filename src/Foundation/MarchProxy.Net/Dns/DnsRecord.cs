using System.Runtime.InteropServices;

namespace MarchProxy.Net.Dns;

/// <summary>Where a resource record lies in a message; all of it is within bounds.</summary>
/// <param name="Owner">Offset of the owner's name, which is valid.</param>
/// <param name="Type">Its type; zero if its class is not IN.</param>
/// <param name="Ttl">Seconds, not negative.</param>
/// <param name="Data">Offset of the data.</param>
/// <param name="Size">Bytes of the data.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DnsRecord(int Owner, DnsType Type, int Ttl, int Data, int Size);
