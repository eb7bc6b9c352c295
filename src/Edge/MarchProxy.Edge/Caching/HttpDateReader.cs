using System.Text;

namespace MarchProxy.Edge.Caching;

/// <summary>Reads the three forms of an HTTP date (RFC 9110 section 5.6.7).</summary>
internal static class HttpDateReader
{
    private static readonly byte[][] s_months = [.. new[] { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }.Select(Encoding.ASCII.GetBytes)];

    /// <summary>Seconds since 1970; false when the text is no date.</summary>
    /// <param name="text">The field's value.</param>
    /// <param name="now">Now, in the same unit: a year of two digits is at most 50 years ahead of it.</param>
    /// <param name="seconds">The result.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, long now, out long seconds)
    {
        seconds = 0;
        int comma = text.IndexOf((byte)',');
        if (comma == 3) return TryFixdate(text, out seconds);
        return comma > 3 ? TryRfc850(text[(comma + 1)..], now, out seconds) : TryAsctime(text, out seconds);
    }

    // IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT: Sun, 06 Nov 1994 08:49:37 GMT
    private static bool TryFixdate(ReadOnlySpan<byte> text, out long seconds)
    {
        seconds = 0;
        return text.Length == 29 && text[4] == ' ' && text[7] == ' ' && text[11] == ' ' && text[16] == ' ' && text[25..].SequenceEqual(" GMT"u8)
            && Number(text[5..7], out int day) && Number(text[12..16], out int year) && Make(year, text[8..11], day, text[17..25], out seconds);
    }

    // rfc850-date = day-name-l "," SP date2 SP time-of-day SP GMT: Sunday, 06-Nov-94 08:49:37 GMT
    private static bool TryRfc850(ReadOnlySpan<byte> text, long now, out long seconds)
    {
        seconds = 0;
        if (text.Length != 23 || text[0] != ' ' || text[3] != '-' || text[7] != '-' || text[10] != ' ' || !text[19..].SequenceEqual(" GMT"u8)) return false;
        if (!Number(text[1..3], out int day) || !Number(text[8..10], out int short2)) return false;
        int thisYear = DateTimeOffset.FromUnixTimeSeconds(now).Year, year = (thisYear / 100 * 100) + short2;
        if (year > thisYear + 50) year -= 100;
        return Make(year, text[4..7], day, text[11..19], out seconds);
    }

    // asctime-date = day-name SP date3 SP time-of-day SP year: Sun Nov  6 08:49:37 1994
    private static bool TryAsctime(ReadOnlySpan<byte> text, out long seconds)
    {
        seconds = 0;
        if (text.Length != 24 || text[3] != ' ' || text[7] != ' ' || text[10] != ' ' || text[19] != ' ') return false;
        return Number(text[8] == ' ' ? text[9..10] : text[8..10], out int day) && Number(text[20..], out int year) && Make(year, text[4..7], day, text[11..19], out seconds);
    }

    private static bool Make(int year, ReadOnlySpan<byte> monthName, int day, ReadOnlySpan<byte> time, out long seconds)
    {
        seconds = 0;
        int month = 0;
        while (month < 12 && !monthName.SequenceEqual(s_months[month])) month++;
        if (month == 12 || year < 1 || time[2] != ':' || time[5] != ':') return false;
        if (!Number(time[..2], out int hour) || !Number(time[3..5], out int minute) || !Number(time[6..8], out int second)) return false;
        if (hour > 23 || minute > 59 || second > 60 || day < 1 || day > DateTime.DaysInMonth(year, month + 1)) return false;
        seconds = new DateTimeOffset(year, month + 1, day, hour, minute, 0, TimeSpan.Zero).ToUnixTimeSeconds() + second;
        return true;
    }

    private static bool Number(ReadOnlySpan<byte> digits, out int value)
    {
        value = 0;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            value = (value * 10) + digit - '0';
        }

        return digits.Length > 0;
    }
}
