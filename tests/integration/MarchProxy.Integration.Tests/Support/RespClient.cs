using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Integration.Support;

/// <summary>A client of Redis' protocol that says and sees every byte: replies come as text, arrays in brackets.</summary>
internal sealed class RespClient : IDisposable
{
    private readonly TcpClient _tcp = new();
    private BufferedStream _stream = null!;

    public static async Task<RespClient> ConnectAsync(int port, string? user = null, string password = "")
    {
        var client = new RespClient();
        client._tcp.NoDelay = true;
        await client._tcp.ConnectAsync("127.0.0.1", port);
        client._stream = new BufferedStream(client._tcp.GetStream(), 64 << 10);
        if (user is not null) Assert.Equal("OK", await client.AskAsync("AUTH", user, password));
        return client;
    }

    public static byte[] Command(params string[] words) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"*{words.Length}\r\n") + string.Concat(words.Select(w => string.Create(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(w)}\r\n{w}\r\n"))));

    public async Task SendAsync(byte[] bytes) => await _tcp.GetStream().WriteAsync(bytes);

    public async Task<string> AskAsync(params string[] words)
    {
        await SendAsync(Command(words));
        return await ReadAsync();
    }

    /// <summary>The next reply.</summary>
    /// <exception cref="EndOfStreamException">The connection is over.</exception>
    public async Task<string> ReadAsync()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await Task.Run(Read, timeout.Token).WaitAsync(timeout.Token);
    }

    public void Dispose() => _tcp.Dispose();

    private string Read()
    {
        string line = Line();
        switch (line[0])
        {
            case '$' or '=':
                int length = int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
                if (length < 0) return "(nil)";
                var bytes = new byte[length + 2];
                _stream.ReadExactly(bytes);
                return Encoding.UTF8.GetString(bytes, 0, length);
            case '*' or '~' or '>' or '%':
                int count = int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture) * (line[0] == '%' ? 2 : 1);
                return count < 0 ? "(nil)" : (line[0] == '>' ? "push" : "") + "[" + string.Join(' ', Enumerable.Range(0, count).Select(_ => Read())) + "]";
            case '_':
                return "(nil)";
            case '-':
                return line;
            default:
                return line[1..];
        }
    }

    private string Line()
    {
        var line = new StringBuilder();
        while (true)
        {
            int c = _stream.ReadByte();
            if (c < 0) throw new EndOfStreamException();
            if (c == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)c);
        }
    }
}
