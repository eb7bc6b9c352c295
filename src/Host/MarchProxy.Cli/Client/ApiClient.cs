using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;

namespace MarchProxy.Cli.Client;

/// <summary>The manager's API as the command line uses it. A refusal is an exception that holds the problem.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private Credentials _credentials;

    public ApiClient(Credentials credentials) => _credentials = credentials;

    /// <summary>Signs in and keeps what comes back.</summary>
    public static async Task LoginAsync(Uri url, string user, string password)
    {
        using var client = new ApiClient(new Credentials(url, "", null));
        JsonNode pair = (await client.SendAsync(HttpMethod.Post, "auth/login", JsonContent.Create(new { email = user, password })))!;
        new Credentials(url, pair["accessToken"]!.GetValue<string>(), pair["refreshToken"]!.GetValue<string>()).Save();
    }

    public Task<JsonNode?> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>Sends a request under <c>/api/v1/</c>; an access token that has ended is renewed once.</summary>
    /// <exception cref="ApiException">The manager refuses, or cannot be reached.</exception>
    public async Task<JsonNode?> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        byte[]? body = content is null ? null : await content.ReadAsByteArrayAsync();
        HttpResponseMessage response = await OnceAsync(method, path, body, content?.Headers.ContentType);
        if (response.StatusCode == HttpStatusCode.Unauthorized && _credentials.RefreshToken is not null && path != "auth/login" && await RefreshAsync())
        {
            response.Dispose();
            response = await OnceAsync(method, path, body, content?.Headers.ContentType);
        }

        using (response)
        {
            string text = await response.Content.ReadAsStringAsync();
            JsonNode? json = text.Length > 0 && response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true ? JsonNode.Parse(text) : null;
            return response.IsSuccessStatusCode ? json : throw new ApiException((int)response.StatusCode, json as JsonObject);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> OnceAsync(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type)
    {
        using var request = new HttpRequestMessage(method, new Uri(_credentials.Url, "/api/v1/" + path));
        if (_credentials.AccessToken.Length > 0) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _credentials.AccessToken);
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = type } };
        try
        {
            return await _http.SendAsync(request);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new SettingException($"The manager at {_credentials.Url} cannot be reached: {e.Message}");
        }
    }

    private async Task<bool> RefreshAsync()
    {
        using HttpResponseMessage response = await OnceAsync(HttpMethod.Post, "auth/refresh", System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { refreshToken = _credentials.RefreshToken }), new MediaTypeHeaderValue("application/json"));
        if (!response.IsSuccessStatusCode) return false;
        JsonNode pair = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        _credentials = _credentials with { AccessToken = pair["accessToken"]!.GetValue<string>(), RefreshToken = pair["refreshToken"]!.GetValue<string>() };
        _credentials.Save();
        return true;
    }
}

/// <summary>The manager refused; its problem details.</summary>
internal sealed class ApiException(int status, JsonObject? problem) : Exception(problem?["detail"]?.GetValue<string>() ?? $"The manager answered {status}.")
{
    public int Status => status;

    public JsonArray Faults => problem?["faults"] as JsonArray ?? [];
}
