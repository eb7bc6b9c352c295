using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MarchProxy.Control.Tests.Support;

namespace MarchProxy.Control.Tests.Api;

/// <summary>Hostile strings through every string that the OpenAPI document has: path, query and each field of each body.</summary>
public sealed class InjectionTests : IAsyncLifetime
{
    private static readonly string[] s_hostile =
    [
        "'; DROP TABLE resource; --", "\" OR \"1\"=\"1", "1) UNION SELECT secret FROM account--", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..\\..\\x", "/etc/passwd", "a\0b", "%00", "\r\nX-Injected: 1",
        "{{7*7}}", "${jndi:ldap://x}", "$(id)", "`id`", "<script>alert(1)</script>", "😀\u202e\ufeff", "\ud800x", "*", "-1", "NaN", "9999999999999999999", "env:PATH", "file:/etc/hostname", "default", "",
    ];

    private ManagerRig _rig = null!;
    private JsonNode _document = null!;

    public async Task InitializeAsync()
    {
        _rig = await ManagerRig.StartAsync();
        await _rig.ApplyAsync("services: [{ name: kept, addresses: [kept.test] }]");
        using var client = new HttpClient();
        _document = JsonNode.Parse(await client.GetStringAsync(new Uri(_rig.Server.Address, "/openapi/v1.json")))!;
    }

    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task No_string_of_any_operation_is_more_than_a_string(int seed)
    {
        var random = new Random(seed);
        int sent = 0;
        foreach ((string path, JsonNode? methods) in _document["paths"]!.AsObject())
        {
            // These would lock the tests' own account out or end its sign-in.
            if (path.StartsWith("/api/v1/auth/", StringComparison.Ordinal)) continue;
            foreach ((string method, JsonNode? operation) in methods!.AsObject())
            {
                for (int round = 0; round < 12; round++, sent++)
                {
                    using HttpRequestMessage request = Request(path, method, operation!, random, out string told);
                    using HttpResponseMessage response = await _rig.Http.SendAsync(request);
                    string text = await response.Content.ReadAsStringAsync();
                    Assert.True((int)response.StatusCode < 500, $"{told}: {text}");
                    Assert.False(response.Headers.Contains("X-Injected"), told);
                    Assert.DoesNotContain("root:x:0", text, StringComparison.Ordinal);

                    // A NUL in a path does not come past the HTTP server.
                    if (told.Split('?')[0].Contains("%00", StringComparison.Ordinal)) continue;
                    if ((int)response.StatusCode >= 400) Assert.True(response.Content.Headers.ContentType?.MediaType == "application/problem+json", $"{told}: {response.StatusCode} {text}");
                }
            }
        }

        Assert.True(sent > 500, sent.ToString(CultureInfo.InvariantCulture));
        (HttpStatusCode status, JsonNode? kept) = await _rig.SendAsync("GET", "services/kept");
        Assert.Equal((HttpStatusCode.OK, "kept.test"), (status, kept!["addresses"]![0]!.ToString()));
    }

    private HttpRequestMessage Request(string path, string method, JsonNode operation, Random random, out string told)
    {
        var query = new StringBuilder();
        foreach (JsonNode? parameter in operation["parameters"]?.AsArray() ?? [])
        {
            string name = parameter!["name"]!.ToString();
            string value = Pick(random);

            // An empty segment is another path, and "." and ".." are taken away by the client.
            if (parameter["in"]!.ToString() == "path") path = path.Replace($"{{{name}}}", Escape(value.Length == 0 ? "x'" : value), StringComparison.Ordinal);
            else if (random.Next(2) == 0) query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Escape(value));
        }

        told = $"{method} {path}{query}";
        var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), new Uri(_rig.Server.Address, path + query));
        if (operation["requestBody"]?["content"]?.AsObject() is { Count: > 0 } content)
        {
            (string type, JsonNode? shape) = content.ElementAt(random.Next(content.Count));
            string body = Body(shape!["schema"], random, 0)?.ToJsonString() ?? "null";
            told += " " + body;
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        return request;
    }

    /// <summary>A body of a schema's shape whose every string is hostile.</summary>
    private JsonNode? Body(JsonNode? schema, Random random, int depth)
    {
        if (schema is null || depth > 8) return null;
        if (schema["$ref"]?.ToString() is { } reference) schema = _document["components"]!["schemas"]![reference.Split('/')[^1]]!;
        if (schema["oneOf"] is JsonArray choices) return Body(choices[^1], random, depth + 1);
        string type = schema["type"] is JsonArray types ? types.Select(t => t!.ToString()).First(t => t != "null") : schema["type"]?.ToString() ?? "object";
        return type switch
        {
            "string" => Pick(random),
            "integer" => random.Next(-1, 5),
            "number" => random.NextDouble(),
            "boolean" => random.Next(2) == 0,
            "array" => new JsonArray(Body(schema["items"], random, depth + 1), Body(schema["items"], random, depth + 1)),
            _ => Members(schema, random, depth),
        };
    }

    private JsonObject Members(JsonNode schema, Random random, int depth)
    {
        var made = new JsonObject();
        foreach ((string name, JsonNode? member) in schema["properties"]?.AsObject() ?? [])
        {
            if (random.Next(3) != 0) made[name] = Body(member, random, depth + 1);
        }

        if (schema["additionalProperties"] is JsonObject values) made[Pick(random)] = Body(values, random, depth + 1);
        return made;
    }

    private static string Pick(Random random) => s_hostile[random.Next(s_hostile.Length)];

    private static string Escape(string value) => string.Concat(Encoding.UTF8.GetBytes(value).Select(b => b is >= (byte)'a' and <= (byte)'z' ? ((char)b).ToString() : "%" + b.ToString("X2", CultureInfo.InvariantCulture)));
}
