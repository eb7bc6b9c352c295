using System.Security.Cryptography;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Changes;

/// <summary>
/// Secrets are never shown again, so that whoever reads an object, changes it and writes it back leaves them out: those are kept. A token that a new service does
/// not bring is made.
/// </summary>
internal static class KeptSecrets
{
    /// <summary>Fills in what was left out.</summary>
    /// <returns>The resource, and the token that was made for it.</returns>
    public static (Resource Resource, string? Token) Fill(Resource wanted, Resource? before)
    {
        switch (wanted)
        {
            case Certificate { Key.Length: 0 } certificate when before is Certificate old:
                return (certificate with { Key = old.Key }, null);
            case Service { Auth: { Type: AuthType.Token, Token: null } auth } service:
                ServiceAuth? kept = (before as Service)?.Auth;
                if (kept?.Token is not null)
                {
                    return (service with { Auth = auth with { Token = kept.Token, PreviousToken = auth.PreviousToken ?? kept.PreviousToken, PreviousUntil = auth.PreviousUntil ?? kept.PreviousUntil } }, null);
                }

                string token = NewToken();
                return (service with { Auth = auth with { Token = SecretHash.Of(token) } }, token);
            case Service { Auth: { Type: AuthType.Jwt, Secret: null, Jwks: null } auth } service when before is Service { Auth: { Type: AuthType.Jwt, Secret: { } secret } shown }:
                return (service with { Auth = auth with { Secret = secret, PreviousSecret = auth.PreviousSecret ?? shown.PreviousSecret, PreviousUntil = auth.PreviousUntil ?? shown.PreviousUntil } }, null);
            case DbAccount account:
                return (DbPassword.Seal(WithKeys(account, before as DbAccount), before as DbAccount), null);
            case Database { Credential: { Password: null, User.Length: > 0 } credential } database when before is Database { Credential: { Password: { } password } known } && known.User == credential.User:
                return (database with { Credential = credential with { Password = password } }, null);
            case Route { Affinity: { Secret: null } affinity } route when before is Route { Affinity.Secret: { } secret }:
                return (route with { Affinity = affinity with { Secret = secret } }, null);
            default:
                return (wanted, null);
        }
    }

    /// <summary>The service with a new token; the present one holds for an overlap.</summary>
    public static (Service Service, string Token) Rotate(Service service, DateTimeOffset until)
    {
        string token = NewToken();
        return (service with { Auth = service.Auth with { Token = SecretHash.Of(token), PreviousToken = service.Auth.Token, PreviousUntil = until } }, token);
    }

    /// <summary>An edit names the keys that it changes; those that it leaves out are kept, since they are made and ended one by one. What planes counted stays counted.</summary>
    private static DbAccount WithKeys(DbAccount account, DbAccount? before) => before is null || before.Keys.IsEmpty ? account : account with
    {
        Keys =
        [
            .. account.Keys.Select(k => k.Secret is null && before.Keys.FirstOrDefault(b => b.Name == k.Name) is { } known ? k with { Uses = known.Uses } : k),
            .. before.Keys.Where(b => account.Keys.All(k => k.Name != b.Name)),
        ],
    };

    private static string NewToken() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
}
