namespace MarchProxy.Edge.Http1;

/// <summary>
/// Walks the members of a comma-separated field value, white space trimmed and empty members skipped
/// (RFC 9110 section 5.6.1.2). Quoted strings are not understood: use it for lists of tokens.
/// </summary>
internal ref struct ListMembers(ReadOnlySpan<byte> value)
{
    private ReadOnlySpan<byte> _rest = value;

    public ReadOnlySpan<byte> Current { get; private set; }

    public bool MoveNext()
    {
        while (!_rest.IsEmpty)
        {
            int comma = _rest.IndexOf((byte)',');
            ReadOnlySpan<byte> member = comma < 0 ? _rest : _rest[..comma];
            _rest = comma < 0 ? default : _rest[(comma + 1)..];
            while (member.Length > 0 && IsBlank(member[0])) member = member[1..];
            while (member.Length > 0 && IsBlank(member[^1])) member = member[..^1];
            if (member.IsEmpty) continue;
            Current = member;
            return true;
        }

        return false;
    }

    private static bool IsBlank(byte b) => b is (byte)' ' or (byte)'\t';
}
