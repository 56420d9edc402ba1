using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Metrics.SystemTests.Access;

/// <summary>An identity provider on loopback: its description, its public key, and tokens put together by hand, sound or not.</summary>
public sealed class Issuer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly RSA key = RSA.Create(2048);
    private readonly RSA other = RSA.Create(2048);

    private Issuer(WebApplication app) => this.app = app;

    public string Address => app.Urls.Single();

    public static async Task<Issuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var issuer = new Issuer(app);
        app.MapGet("/.well-known/openid-configuration", () =>
            Results.Json(new Dictionary<string, object> { ["issuer"] = issuer.Address, ["jwks_uri"] = $"{issuer.Address}/keys" })
        );
        app.MapGet("/keys", () =>
        {
            var parameters = issuer.key.ExportParameters(false);
            return Results.Json(
                new
                {
                    keys = new[]
                    {
                        new
                        {
                            kty = "RSA",
                            use = "sig",
                            kid = "one",
                            alg = "RS256",
                            n = Text(parameters.Modulus!),
                            e = Text(parameters.Exponent!),
                        },
                    },
                }
            );
        });
        await app.StartAsync();
        return issuer;
    }

    /// <summary>A token that is right but for what is changed.</summary>
    public string Token(
        string roles = "[\"energy-analyst\"]",
        string? audience = "metrics",
        string? issuer = null,
        int endsIn = 600,
        string algorithm = "RS256",
        bool foreignKey = false,
        string kid = "one",
        bool withEnd = true
    )
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var end = withEnd ? $",\"exp\":{now + endsIn}" : "";
        var head = Text(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{kid}}"}"""));
        var body = Text(
            Encoding.UTF8.GetBytes(
                $$"""
                {"iss":"{{issuer ?? Address}}","aud":"{{audience}}","sub":"ada","iat":{{now - 3600}},"nbf":{{now - 3600}}{{end}},
                "realm_access":{ "roles": {{roles}} } }
                """.ReplaceLineEndings("")
            )
        );
        var signed = Encoding.ASCII.GetBytes($"{head}.{body}");
        var signature = algorithm switch
        {
            "RS256" => (foreignKey ? other : key).SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            // The public key as everybody can fetch it, taken for a shared secret.
            "HS256" => HMACSHA256.HashData(Encoding.UTF8.GetBytes(key.ExportSubjectPublicKeyInfoPem()), signed),
            _ => [],
        };
        return $"{head}.{body}.{Text(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        key.Dispose();
        other.Dispose();
    }

    private static string Text(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
