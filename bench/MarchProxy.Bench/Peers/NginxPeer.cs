using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>nginx with one worker, upstream keep-alive and a buffered access log.</summary>
internal sealed class NginxPeer(TestBed bed) : Peer("nginx", bed)
{
    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [HttpPort, HttpsPort];

    public override string Version() => Tool.Run("nginx", "-v").FirstLine.Replace("nginx version: ", "", StringComparison.Ordinal);

    private const string StreamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

    /// <summary>UDP needs a module of its own; where it is not installed, all but UDP is measured.</summary>
    private Dictionary<string, string> WithStream()
    {
        Dictionary<string, string> values = Values();
        values["STREAM"] = File.Exists(StreamModule)
            ? $"load_module {StreamModule};\nstream {{ access_log off; server {{ listen 127.0.0.1:{values["UDP"]} udp; proxy_pass 127.0.0.1:{values["ECHO"]}; proxy_timeout 60s; }} }}"
            : "";
        return values;
    }

    protected override Server Launch() => new(Name, OutputFile, "nginx",
        "-p", Folder, "-c", Template.Write("Peers/nginx.conf", Path.Combine(Folder, "nginx.conf"), WithStream()), "-e", Path.Combine(Folder, "error.log"));
}
