using System.Text;

namespace ArticDbm.Protocols.Redis;

/// <summary>A reply read as a whole, for the few that the proxy itself asks for.</summary>
public sealed class RespValue
{
    private const int MaxDepth = 16;

    private RespValue()
    {
    }

    /// <summary>Of a string, error or number.</summary>
    public string? Text { get; private init; }

    /// <summary>Of an array, set or map.</summary>
    public IReadOnlyList<RespValue>? Items { get; private init; }

    /// <summary>Its number, when it is one.</summary>
    public long? Number => long.TryParse(Text, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Reads one reply that is whole.</summary>
    /// <param name="data">The reply.</param>
    /// <param name="value">What it says.</param>
    public static bool TryRead(ReadOnlySpan<byte> data, out RespValue? value)
    {
        int at = 0;
        return Read(data, ref at, MaxDepth, out value) && at == data.Length;
    }

    private static bool Read(ReadOnlySpan<byte> data, ref int at, int depth, out RespValue? value)
    {
        value = null;
        if (at >= data.Length || depth == 0) return false;
        byte type = data[at];
        switch (type)
        {
            case (byte)'$' or (byte)'=':
                if (RespNumber.Read(data, at + 1, out long length, out at) != RespStatus.Ok) return false;
                if (length < 0)
                {
                    value = new RespValue();
                    return true;
                }

                if (length > data.Length - at - 2) return false;
                value = new RespValue { Text = Encoding.UTF8.GetString(data.Slice(at, (int)length)) };
                at += (int)length + 2;
                return true;
            case (byte)'*' or (byte)'~' or (byte)'%':
                if (RespNumber.Read(data, at + 1, out long count, out at) != RespStatus.Ok || count > data.Length) return false;
                var items = new List<RespValue>();
                for (long i = type == (byte)'%' ? 2 * count : count; i > 0; i--)
                {
                    if (!Read(data, ref at, depth - 1, out RespValue? item)) return false;
                    items.Add(item!);
                }

                value = new RespValue { Items = items };
                return true;
            default:
                int end = data[at..].IndexOf((byte)'\r');
                if (end < 0 || at + end + 2 > data.Length) return false;
                value = new RespValue { Text = Encoding.UTF8.GetString(data.Slice(at + 1, end - 1)) };
                at += end + 2;
                return true;
        }
    }
}
