using System.Text;

namespace ArticDbm.Protocols.Postgres;

/// <summary>An ErrorResponse as it was read.</summary>
/// <param name="Severity">ERROR, FATAL or PANIC.</param>
/// <param name="SqlState">Its SQLSTATE.</param>
/// <param name="Message">Its message.</param>
public readonly record struct PgError(string Severity, string SqlState, string Message)
{
    /// <summary>Reads the body of an ErrorResponse: fields of a type byte and a text, ended by a zero.</summary>
    /// <param name="body">The body.</param>
    public static PgError Read(ReadOnlySpan<byte> body)
    {
        string severity = "", state = "", message = "";
        while (!body.IsEmpty && body[0] != 0)
        {
            byte field = body[0];
            int end = body.IndexOf((byte)0);
            string value = Encoding.UTF8.GetString(end < 0 ? body[1..] : body[1..end]);
            if (field == (byte)'V' || (field == (byte)'S' && severity.Length == 0)) severity = value;
            else if (field == (byte)'C') state = value;
            else if (field == (byte)'M') message = value;
            if (end < 0) break;
            body = body[(end + 1)..];
        }

        return new PgError(severity, state, message);
    }
}
