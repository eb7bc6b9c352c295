namespace MarchProxy.Integration.Support;

/// <summary>The client that everybody has.</summary>
internal static class Curl
{
    /// <summary>The exit code, the head and body of the answer.</summary>
    public static Task<(int Code, string Output)> RunAsync(params string[] arguments) => Child.RunAsync("curl", ["-sS", "-i", "-m", "30", .. arguments]);

    public static string[] Through(Proxy proxy, string token = Proxy.Token) => ["-x", $"http://billing:{token}@{proxy["forward"]}"];
}
