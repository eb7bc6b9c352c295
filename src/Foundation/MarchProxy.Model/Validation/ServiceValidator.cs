using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Services: one kind of proof, complete.</summary>
internal static class ServiceValidator
{
    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        foreach (Service service in set.Services)
        {
            ServiceAuth auth = service.Auth;
            void Error(string field, string message, string mend) => diagnostics.Error(service.Position, service.Reference, field, message, mend);
            if (auth.Token is not null && (auth.Secret is not null || auth.Jwks is not null)) Error("auth", "token and jwt exclude each other", "keep one of them");
            if (auth.Type == AuthType.Token && auth.Token is null) Error("auth.token", "is missing", "write token: env:NAME with 32 random bytes in base64 in it");
            if (auth.Type != AuthType.Token && auth.Token is not null) Error("auth.type", "a token stands there but the type is not token", "write type: token");
            bool hmac = auth.Algorithm.StartsWith("HS", StringComparison.Ordinal);
            if (auth.Type == AuthType.Jwt && hmac && string.IsNullOrEmpty(auth.Secret)) Error("auth.secret", "is missing", "write secret: env:NAME");
            if (auth.Type == AuthType.Jwt && !hmac && string.IsNullOrEmpty(auth.Jwks)) Error("auth.jwks", "is missing", $"{auth.Algorithm} needs a JWKS file or URL");
            if (service.Collection.Length > 0 && !NameValidator.IsLabel(service.Collection)) Error("collection", $"\"{service.Collection}\" is not a DNS label", "write lower-case letters, digits and dashes");
        }
    }
}
