using System.Text;

namespace ArticDbm.Protocols.Postgres;

/// <summary>The messages that we write ourselves, to clients and to servers.</summary>
public static class PgMessages
{
    /// <summary>The name of a statement or portal that never is: closing it does nothing and is answered.</summary>
    private const string Nobody = "marchproxy_none";

    /// <summary>An error, with its blame: the code is PostgreSQL's SQLSTATE.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="severity">ERROR, which leaves the session usable, or FATAL, which ends it.</param>
    /// <param name="sqlState">Five characters.</param>
    /// <param name="message">A sentence.</param>
    /// <param name="detail">More, or null.</param>
    /// <param name="hint">What would mend it, or null.</param>
    public static void Error(PgWriter writer, string severity, string sqlState, string message, string? detail = null, string? hint = null)
    {
        writer.Begin(BackendMessage.ErrorResponse).Byte((byte)'S').Text(severity).Byte((byte)'V').Text(severity).Byte((byte)'C').Text(sqlState).Byte((byte)'M').Text(message);
        if (detail is not null) writer.Byte((byte)'D').Text(detail);
        if (hint is not null) writer.Byte((byte)'H').Text(hint);
        writer.Byte(0).End();
    }

    /// <summary>ReadyForQuery.</summary>
    public static void Ready(PgWriter writer, byte status) => writer.Begin(BackendMessage.ReadyForQuery).Byte(status).End();

    /// <summary>ParameterStatus.</summary>
    public static void Parameter(PgWriter writer, string name, string value) => writer.Begin(BackendMessage.ParameterStatus).Text(name).Text(value).End();

    /// <summary>BackendKeyData.</summary>
    public static void Key(PgWriter writer, int process, int secret) => writer.Begin(BackendMessage.BackendKeyData).Int32(process).Int32(secret).End();

    /// <summary>AuthenticationOk.</summary>
    public static void AuthenticationOk(PgWriter writer) => writer.Begin(BackendMessage.Authentication).Int32(0).End();

    /// <summary>AuthenticationSASL, with the mechanisms offered.</summary>
    public static void Sasl(PgWriter writer, params ReadOnlySpan<string> mechanisms)
    {
        writer.Begin(BackendMessage.Authentication).Int32(10);
        foreach (string mechanism in mechanisms) writer.Text(mechanism);
        writer.Byte(0).End();
    }

    /// <summary>AuthenticationSASLContinue.</summary>
    public static void SaslContinue(PgWriter writer, string data) => writer.Begin(BackendMessage.Authentication).Int32(11).Bytes(Encoding.UTF8.GetBytes(data)).End();

    /// <summary>AuthenticationSASLFinal.</summary>
    public static void SaslFinal(PgWriter writer, string data) => writer.Begin(BackendMessage.Authentication).Int32(12).Bytes(Encoding.UTF8.GetBytes(data)).End();

    /// <summary>The start of a session with a server.</summary>
    public static void Startup(PgWriter writer, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        writer.BeginUntyped().Int32(PgStartup.Version30);
        foreach ((string name, string value) in parameters) writer.Text(name).Text(value);
        writer.Byte(0).End();
    }

    /// <summary>SSLRequest.</summary>
    public static void SslRequest(PgWriter writer) => writer.BeginUntyped().Int32(80877103).End();

    /// <summary>CancelRequest.</summary>
    public static void Cancel(PgWriter writer, int process, int secret) => writer.BeginUntyped().Int32(80877102).Int32(process).Int32(secret).End();

    /// <summary>A simple query.</summary>
    public static void Query(PgWriter writer, string sql) => writer.Begin(FrontendMessage.Query).Text(sql).End();

    /// <summary>Close of a statement that never is: a server answers it by CloseComplete, in its turn.</summary>
    public static void CloseNobody(PgWriter writer) => writer.Begin(FrontendMessage.Close).Byte((byte)'S').Text(Nobody).End();

    /// <summary>A password in clear.</summary>
    public static void Password(PgWriter writer, string password) => writer.Begin(FrontendMessage.Password).Text(password).End();

    /// <summary>The first step of SASL.</summary>
    public static void SaslInitial(PgWriter writer, string mechanism, string data)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(data);
        writer.Begin(FrontendMessage.Password).Text(mechanism).Int32(bytes.Length).Bytes(bytes).End();
    }

    /// <summary>A later step of SASL.</summary>
    public static void SaslResponse(PgWriter writer, string data) => writer.Begin(FrontendMessage.Password).Bytes(Encoding.UTF8.GetBytes(data)).End();

    /// <summary>Terminate.</summary>
    public static void Terminate(PgWriter writer) => writer.Begin(FrontendMessage.Terminate).End();
}
