using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MarchProxy.Cli.Hosting;

/// <summary><c>up --demo</c>: two origins, a policy for them, and a client that asks for what it may and what it may not.</summary>
internal static class Demo
{
    public static async Task<int> RunAsync(EdgeHostOptions options, CancellationToken cancellation)
    {
        await using WebApplication orders = await OriginAsync("orders");
        await using WebApplication shop = await OriginAsync("shop");
        string folder = Directory.CreateTempSubdirectory("marchproxy-demo-").FullName;
        string token = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        Environment.SetEnvironmentVariable("DEMO_TOKEN", token);
        string file = Path.Combine(folder, "resources.yaml");
        await File.WriteAllTextAsync(file, Resources(Port(orders), Port(shop)), cancellation);
        try
        {
            return await EdgeHost.RunAsync(options, host => new FileConfig(host, file), host => StartedAsync(host, token, options, cancellation), cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task StartedAsync(EdgeHost host, string token, EdgeHostOptions options, CancellationToken cancellation)
    {
        string forward = host.Edge.Listeners["forward"], web = host.Edge.Listeners["web"];
        Console.Error.WriteLine($"""

            The demo runs. Forward proxy: {forward}   ingress: {web}   health and metrics: {options.AdminListen}
            Try:
              curl -x http://billing:{token}@{forward} http://orders.test/
              curl -x http://billing:{token}@{forward} http://elsewhere.test/
              curl -H 'Host: shop.test' http://{web}/
            Access lines follow on standard output. Ctrl-C ends it.

            """);
        _ = ClientAsync(forward, web, token, cancellation);
        return Task.CompletedTask;
    }

    /// <summary>Three requests every two seconds: allowed, denied, and through the ingress.</summary>
    private static async Task ClientAsync(string forward, string web, string token, CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy("http://" + forward) { Credentials = new NetworkCredential("billing", token) }, PreAuthenticate = true };
        using var proxied = new HttpClient(handler);
        using var direct = new HttpClient();
        proxied.DefaultRequestHeaders.Add("Proxy-Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("billing:" + token)));
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2));
        try
        {
            do
            {
                foreach (string url in new[] { "http://orders.test/list", "http://elsewhere.test/" })
                {
                    using HttpResponseMessage answer = await proxied.GetAsync(new Uri(url), cancellation);
                }

                using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{web}/cart") { Headers = { Host = "shop.test" } };
                using HttpResponseMessage response = await direct.SendAsync(request, cancellation);
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException)
        {
            // The edge drains: the demo's own client has nothing more to show.
        }
    }

    private static async Task<WebApplication> OriginAsync(string name)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.Run(context => context.Response.WriteAsync($"{name} answers {context.Request.Method} {context.Request.Path}\n"));
        await app.StartAsync();
        return app;
    }

    private static int Port(WebApplication app) =>
        new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    private static string Resources(int orders, int shop) => string.Create(CultureInfo.InvariantCulture, $$"""
        services:
          - name: billing
            auth: { type: token, token: "env:DEMO_TOKEN" }
          - name: orders
            addresses: [orders.test]
            resolve: { orders.test: [127.0.0.1] }
            allowAddresses: [127.0.0.0/8]
            ports: "{{orders}}"
          - name: shop
            addresses: [127.0.0.1]
            ports: "{{shop}}"
        mappings:
          - name: billing-to-orders
            sources: [billing]
            destinations: [orders]
            protocols: [http]
            ports: "80"
            portMap: { "80": {{orders}} }
        routes:
          - name: shop
            hosts: [shop.test]
            paths: [{ prefix: / }]
            backends: [{ service: shop }]
        listeners:
          - { name: forward, address: 127.0.0.1, port: 8080, purpose: forward-proxy }
          - { name: web, address: 127.0.0.1, port: 8081, purpose: ingress, protocol: http }
        """);
}
