using System.Buffers.Binary;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <content>Cancel requests: they come on a connection of their own, with the key that we gave, and go to the server that works for that session now.</content>
internal sealed partial class PgSession
{
    private const long CancelMs = 5_000;

    /// <summary>Takes a cancel request's key.</summary>
    private static void Cancel(DbLoop from, ReadOnlySpan<byte> key)
    {
        if (key.Length != 8 || !from.Shared.Cancels.TryGetValue(BinaryPrimitives.ReadInt64BigEndian(key), out PgSession? session)) return;
        session.Db.Loop.Post(static s => ((PgSession)s!).CancelNow(), session);
    }

    private void CancelNow()
    {
        if (_server is { } server && _expected.Ready > 0) Cancel(Db, server);
        else CancelWait();
    }

    private static void Cancel(DbLoop db, PgServer server) => _ = CancelAsync(db, server);

    private static async Task CancelAsync(DbLoop db, PgServer server)
    {
        server.CancelsUnderWay++;
        try
        {
            Endpoint remote = server.Connection.Remote;
            ConnectResult result = await TcpConnector.ConnectAsync(db.Loop, remote, CancelMs);
            if (result.Connection is not { } connection) return;
            var request = new PgWriter();
            PgMessages.Cancel(request, server.Process, server.Secret);
            byte[] nothing = new byte[16];

            // The server closes once it has passed the cancel on: only then may the connection serve somebody else.
            if (await connection.SendAllAsync(request.Written, CancelMs) >= 0)
            {
                while (connection.TryReceive(nothing) == -Errno.EAGAIN && await connection.ReadableAsync(CancelMs) == 0) continue;
            }

            connection.Close();
        }
        catch (Exception e)
        {
            db.ReportDefect(e);
        }
        finally
        {
            server.CancelsUnderWay--;
        }
    }
}
