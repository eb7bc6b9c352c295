using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Services: one kind of proof, complete.</summary>
internal static class ServiceValidator
{
    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var certificates = set.Certificates.Select(c => (c.Cluster, c.Name)).ToHashSet();
        foreach (Service service in set.Services)
        {
            ServiceAuth auth = service.Auth;
            void Error(string field, string message, string mend) => diagnostics.Error(service.Position, service.Reference, field, message, mend);
            if (auth.Token is not null && (auth.Secret is not null || auth.Jwks is not null)) Error("auth", "token and jwt exclude each other", "keep one of them");
            if (auth.Type == AuthType.Token && auth.Token is null) Error("auth.token", "is missing", "write token: env:NAME with 32 random bytes in base64 in it");
            if (auth.Type != AuthType.Token && auth.Token is not null) Error("auth.type", "a token stands there but the type is not token", "write type: token");
            bool hmac = auth.Algorithm.StartsWith("HS", StringComparison.Ordinal);
            if (auth.Type == AuthType.Jwt && hmac && string.IsNullOrEmpty(auth.Secret)) Error("auth.secret", "is missing", "write secret: env:NAME");
            if (auth.PreviousSecret is not null && (auth.Type != AuthType.Jwt || !hmac)) Error("auth.previousSecret", "only HS256, HS384 and HS512 have a shared secret", "take it out");
            if (auth.PreviousSecret is not null && auth.PreviousUntil is null) Error("auth.previousUntil", "is missing", "write until when tokens of the previous secret hold");
            if (auth.Type == AuthType.Jwt && !hmac && string.IsNullOrEmpty(auth.Jwks)) Error("auth.jwks", "is missing", $"{auth.Algorithm} needs a JWKS file or URL");
            if (auth.Type != AuthType.Mtls && !auth.Names.IsEmpty) Error("auth.names", "names stand there but the type is not mtls", "write type: mtls, or take names out");
            if (auth.Type == AuthType.Jwt && !hmac && auth.Jwks is { Length: > 0 } jwks && !jwks.StartsWith("https://", StringComparison.Ordinal) && !jwks.StartsWith("http://", StringComparison.Ordinal) && !Path.IsPathRooted(jwks)) Error("auth.jwks", $"\"{jwks}\" is neither a URL nor a whole path", "write https://... or /path/to/jwks.json, readable by the proxies");
            if (service.Tls is not null && service.Protocol != "https") Error("tls", $"the service speaks {service.Protocol}", "write protocol: https, or take tls out");
            foreach (string protocol in (service.Tls?.Alpn ?? []).Where(p => p is not ("h2" or "http/1.1"))) Error("tls.alpn", $"\"{protocol}\" is not spoken to services", "write alpn: [h2, http/1.1], or one of them");
            if (service.Tls is { Certificate.Length: > 0 } tls && !certificates.Contains((service.Cluster, tls.Certificate)))
            {
                string? near = Suggestion.For(tls.Certificate, certificates.Where(c => c.Cluster == service.Cluster).Select(c => c.Name));
                Error("tls.certificate", $"there is no certificate \"{tls.Certificate}\"", near is null ? "add it under certificates" : $"did you mean {near}?");
            }

            if (service.Tls?.InsecureSkipVerify == true) diagnostics.Warning(service.Position, service.Reference, "tls.insecureSkipVerify", "anybody in between can read and change what is sent", "name the CA under tls.ca instead");
            if (service.ProxyProtocol && service.Protocol is not ("http" or "https" or "tcp")) Error("proxyProtocol", $"a service that speaks {service.Protocol} takes no PROXY header", "take it out");
            if (service.Health is { Type: "http" or "https" } health && !health.Path.StartsWith('/')) Error("health.path", $"\"{health.Path}\" does not begin with a slash", $"write /{health.Path}");
            if (service.Collection.Length > 0 && !NameValidator.IsLabel(service.Collection)) Error("collection", $"\"{service.Collection}\" is not a DNS label", "write lower-case letters, digits and dashes");
        }
    }
}
