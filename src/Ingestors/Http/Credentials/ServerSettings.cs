using System.Net.Http.Headers;
using System.Text;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>What a server of one's own has besides: a name and password, or a token.</summary>
public abstract class ServerSettings : HttpSourceSettings
{
    /// <summary>Name for HTTP basic authentication.</summary>
    public string? Username { get; set; }

    /// <summary>Password for HTTP basic authentication.</summary>
    public string? Password { get; set; }

    /// <summary>Token sent as <c>Authorization: Bearer</c>.</summary>
    public string? BearerToken { get; set; }

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        if (Endpoint is null)
            yield return "Endpoint is missing: give the server's http or https address.";
        if (Username is not null && BearerToken is not null)
            yield return "Username and BearerToken exclude each other: give one.";
        if (Username is null && Password is not null)
            yield return "Password is given without Username.";
        if (Username?.Contains(':', StringComparison.Ordinal) == true)
            yield return "Username holds a colon, which basic authentication cannot send.";
        if (BearerToken is { } token && (token.Length == 0 || token.Any(c => c is <= ' ' or > '~')))
            yield return "BearerToken is empty or holds a blank or control character.";
        foreach (var error in base.Validate())
            yield return error;
    }

    /// <summary>Adds the credentials to requests; null where none are given.</summary>
    internal IRequestSigner? Signer() =>
        Username is { } name ? new HeaderSigner(new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{Password}"))))
        : BearerToken is { } token ? new HeaderSigner(new("Bearer", token))
        : null;

    private sealed class HeaderSigner(AuthenticationHeaderValue header) : IRequestSigner
    {
        public ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = header;
            return ValueTask.CompletedTask;
        }
    }
}
