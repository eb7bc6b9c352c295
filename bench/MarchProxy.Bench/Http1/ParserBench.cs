using System.Diagnostics;
using System.Net;
using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Bench.Http1;

/// <summary>
/// Nanoseconds of the wire layer's pieces on one core: parsing typical heads, writing them for the next hop, following chunks.
/// Each figure is the median of eleven rounds.
/// </summary>
public static class ParserBench
{
    private const int Rounds = 11;
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(100);

    private static readonly byte[] s_wrk = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"u8.ToArray();

    private static readonly byte[] s_browser = Encoding.ASCII.GetBytes(
        "GET /catalogue/items/42?sort=price&page=3 HTTP/1.1\r\nHost: shop.example.com\r\nConnection: keep-alive\r\n"
        + "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n"
        + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"
        + "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n"
        + "Referer: https://shop.example.com/catalogue\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"
        + "Cookie: session=6f1ed002ab5595859014ebf0951522d9; theme=dark\r\n\r\n");

    private static readonly byte[] s_nginx = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
        + "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"69559900-d\"\r\nAccept-Ranges: bytes\r\n\r\n");

    public static void Run()
    {
        Request("wrk", s_wrk);
        Request("browser", s_browser);
        Response("nginx", s_nginx);
        Chunks();
    }

    private static void Request(string name, byte[] bytes)
    {
        var head = new RequestHead();
        var output = new OutBuffer(new byte[16 * 1024], 16 * 1024);
        var peer = new PeerAddress();
        peer.Set(IPAddress.Loopback);
        var ingress = new RequestRewrite(ForwardedPolicy.Ingress, HeaderChanges.None);
        var egress = new RequestRewrite(ForwardedPolicy.Egress, HeaderChanges.None);
        Measure($"parse request, {name} ({bytes.Length} bytes)", () => Parse(bytes, head));
        Measure($"write request, {name}, egress", () => Write(bytes, head, output, egress, peer));
        Measure($"write request, {name}, ingress", () => Write(bytes, head, output, ingress, peer));
    }

    private static void Parse(byte[] bytes, RequestHead head)
    {
        head.Reset();
        if (HeadParser.ParseRequest(bytes, head, HeadLimits.Default, out _) != ParseStatus.Ok) throw new InvalidOperationException();
    }

    private static void Write(byte[] bytes, RequestHead head, OutBuffer output, RequestRewrite rewrite, PeerAddress peer)
    {
        output.Clear();
        if (!HeadWriter.WriteRequest(output, head, bytes, rewrite, new RequestHop(peer, false, false))) throw new InvalidOperationException();
    }

    private static void Response(string name, byte[] bytes)
    {
        var head = new ResponseHead();
        var output = new OutBuffer(new byte[16 * 1024], 16 * 1024);
        var rewrite = new ResponseRewrite(true, HeaderChanges.None);
        var date = new HttpDate(DateTimeOffset.UnixEpoch);
        Measure($"parse response, {name} ({bytes.Length} bytes)", () =>
        {
            head.Reset();
            if (HeadParser.ParseResponse(bytes, head, HeadLimits.Default, out _) != ParseStatus.Ok) throw new InvalidOperationException();
            head.SetFraming(RequestMethod.Get);
        });
        Measure($"write response, {name}", () =>
        {
            output.Clear();
            HeadWriter.WriteResponse(output, head, bytes, rewrite, new ResponseHop(ConnectionOption.None, ResponseFraming.AsReceived), date);
        });
    }

    private static void Chunks()
    {
        byte[] bytes = new byte[8 * (4096 + 8) + 5];
        int at = 0;
        for (int i = 0; i < 8; i++)
        {
            "1000\r\n"u8.CopyTo(bytes.AsSpan(at));
            "\r\n"u8.CopyTo(bytes.AsSpan(at + 6 + 4096));
            at += 4096 + 8;
        }

        ChunkFrame.Last.CopyTo(bytes.AsSpan(at));
        Measure("follow 8 chunks of 4 KiB", () =>
        {
            var decoder = default(ChunkDecoder);
            if (decoder.Advance(bytes, out _) != ChunkStatus.End) throw new InvalidOperationException();
        });
    }

    private static void Measure(string what, Action once)
    {
        for (int i = 0; i < 200_000; i++) once();
        double[] rounds = [.. Enumerable.Range(0, Rounds).Select(_ => Round(once)).Order()];
        Console.WriteLine($"{what,-45} {rounds[Rounds / 2],8:F1} ns");
    }

    private static double Round(Action once)
    {
        long start = Stopwatch.GetTimestamp();
        long count = 0;
        while (Stopwatch.GetElapsedTime(start) < s_round)
        {
            for (int i = 0; i < 1000; i++) once();
            count += 1000;
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
    }
}
