using System.Text;

namespace MarchProxy.Edge.Tests.Http1;

/// <summary>Random heads and chunk streams, mostly almost right: valid parts, known obfuscations, now and then a changed byte.</summary>
internal sealed class Samples(int seed)
{
    private static readonly string[] s_requestLines =
    [
        "GET / HTTP/1.1", "GET /a/b?c=d HTTP/1.1", "POST /x HTTP/1.1", "HEAD / HTTP/1.0", "GET http://a/ HTTP/1.1", "GET http://a:81?x HTTP/1.1",
        "CONNECT a:443 HTTP/1.1", "OPTIONS * HTTP/1.1", "OPTIONS http://a HTTP/1.1", "TRACE / HTTP/1.1", "X-Y /z HTTP/1.0", "GET / HTTP/2.0",
        "PRI * HTTP/2.0", "GET  / HTTP/1.1", "GET /a#b HTTP/1.1", "GET https://u@a/ HTTP/1.1", "GET /%20~!$&'()*+,;=:@ HTTP/1.1", "", "CONNECT a HTTP/1.1",
    ];

    private static readonly string[] s_statusLines =
    [
        "HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204", "HTTP/1.1 304 Not Modified", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 100 Continue",
        "HTTP/1.1 600 x", "HTTP/2.0 200 OK", "HTTP/1.1 2x0 OK", "",
    ];

    private static readonly string[] s_fields =
    [
        "Host: a", "Host: a", "Host: a", "Host: a", "Host: a:81", "Host: [::1]:80", "Host: b c", "Host:", "Accept: */*", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) caf\u00e9",
        "Content-Length: 5", "Content-Length: 0", "content-length: +5", "Content-Length: 5, 5", "Transfer-Encoding: chunked", "transfer-encoding: gzip, chunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Connection: close", "Connection: keep-alive, x-one", "Connection: upgrade", "Connection: a b",
        "Upgrade: websocket", "TE: trailers, gzip", "Expect: 100-continue", "Expect: other", "X-One: 1", "X-Two:\t2 \t", "X-Three:", "X Four: 4", " folded", "X-Forwarded-For: 1.2.3.4",
        "X-Very-Long-Field-Name-That-Needs-More-Than-One-Vector-Load: value", "Cookie: a=b; c=d; e=ffffffffffffffffffffffffffffffffffffffffffffff", "NoColon",
        "Via: 1.1 marchproxy", "Sec-Fetch-Mode: navigate", "Accept-Encoding: gzip, deflate, br", ": x", "Date: Sun, 06 Nov 1994 08:49:37 GMT", "Proxy-Authorization: Basic eDp5",
    ];

    private static readonly string[] s_chunkParts =
    [
        "5\r\nhello\r\n", "1\r\nx\r\n", "a\r\n0123456789\r\n", "14;a=b;c=\"d\\\"e\"\r\n01234567890123456789\r\n", "0005\r\n\r\n\r\n\n\r\n", "0\r\n\r\n", "0\r\nX-T: 1\r\n\r\n",
        "0\r\nX-T: 1\r\nAnother: two\r\n\r\n", "5 \r\nhello\r\n", "0x5\r\nhello\r\n", "5\nhello\n", "5\r\nhello", "0\r\nHost: a\r\n\r\n", "ffffffffffffffff\r\n", "5;a\r\nhello\r\n",
    ];

    private readonly Random _random = new(seed);

    public Random Random => _random;

    public byte[] Request() => Mutate(Head(s_requestLines));

    public byte[] Response() => Mutate(Head(s_statusLines));

    public byte[] Chunks()
    {
        var text = new StringBuilder();
        for (int parts = _random.Next(1, 8); parts > 0; parts--) text.Append(s_chunkParts[_random.Next(s_chunkParts.Length)]);
        text.Append("0\r\n\r\nGET /next");
        return Mutate(text.ToString());
    }

    public byte[] Noise()
    {
        byte[] bytes = new byte[_random.Next(0, 200)];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Lengths, each at least 1, into which the input is cut.</summary>
    public IEnumerable<int> Cuts(int length)
    {
        bool bytewise = _random.Next(4) == 0;
        while (length > 0)
        {
            int cut = bytewise ? 1 : Math.Min(length, _random.Next(1, 40));
            length -= cut;
            yield return cut;
        }
    }

    private string Head(string[] startLines)
    {
        var text = new StringBuilder();
        if (_random.Next(10) == 0) text.Append("\r\n");
        text.Append(startLines[_random.Next(startLines.Length)]).Append("\r\n");
        if (_random.Next(4) > 0) text.Append("Host: a\r\n");
        for (int fields = _random.Next(0, 7); fields > 0; fields--) text.Append(s_fields[_random.Next(s_fields.Length)]).Append("\r\n");
        return text.Append("\r\nbody").ToString();
    }

    private byte[] Mutate(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        if (_random.Next(3) > 0) return bytes;
        for (int changes = _random.Next(1, 4); changes > 0 && bytes.Length > 0; changes--)
        {
            int at = _random.Next(bytes.Length);
            switch (_random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    bytes[at] = "\r\n\0 \t:;,\u00ff0"u8[_random.Next(10)];
                    break;
                case 2:
                    bytes = [.. bytes[..at], .. bytes[(at + 1)..]];
                    break;
                default:
                    bytes = [.. bytes[..at], bytes[at], .. bytes[at..]];
                    break;
            }
        }

        return bytes;
    }
}
