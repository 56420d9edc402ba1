using System.Net.Http.Headers;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Adds Google's bearer token, and the project that pays where one is given. The library keeps a token until shortly before it
/// expires.</summary>
/// <param name="settings">Checked settings.</param>
public sealed class GoogleSigner(GoogleSettings settings) : IRequestSigner
{
    /// <summary>The one scope that reading needs.</summary>
    public const string Scope = "https://www.googleapis.com/auth/monitoring.read";

    private volatile ITokenAccessWithHeaders? credential;

    /// <inheritdoc/>
    public void Forget() => credential = null;

    /// <inheritdoc/>
    public async ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var whose = settings.CredentialsFile is { } file ? $"Google:CredentialsFile '{file}'" : "The application default credentials";
        try
        {
            var own = credential ??= await OpenAsync(cancellationToken);
            var token = await own.GetAccessTokenWithHeadersForRequestAsync(null, cancellationToken);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.AccessToken);
            foreach (var (name, values) in token.Headers)
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, values);
            }
        }
        catch (TokenResponseException exception)
        {
            // The description is free text; the code is a word of the protocol.
            var code =
                exception.Error?.Error is { } word && word.Length <= 40 && word.All(c => char.IsAsciiLetterLower(c) || c == '_')
                    ? word
                    : "no reason";
            var status = (int?)exception.StatusCode;
            if (status >= 500)
                throw new SourceException(
                    SourceErrorCode.ServerError,
                    $"The token endpoint of Google answered {status}; it is asked again later.",
                    exception
                );
            if (status == 429)
                throw new SourceException(
                    SourceErrorCode.Throttled,
                    "The token endpoint of Google was asked too often; it is asked again later.",
                    exception
                );
            throw new SourceException(
                SourceErrorCode.Unauthorised,
                $"{whose} were refused by the token endpoint ({code}). Check that the key or login is not revoked or expired and "
                    + $"that the clock of this host is right{Acting()}.",
                exception
            );
        }
        catch (HttpRequestException exception)
        {
            throw new SourceException(
                SourceErrorCode.Unreachable,
                $"{whose} need a token, and its endpoint does not answer. Check token_uri and the network.",
                exception
            );
        }
        catch (Exception exception) when (exception is not OperationCanceledException and not SourceException)
        {
            // Messages of the library may quote what it read.
            throw new SourceException(
                SourceErrorCode.Unauthorised,
                $"{whose} cannot be used. Set Google:CredentialsFile, or sign in with gcloud auth application-default login{Acting()}.",
                exception
            );
        }
    }

    private string Acting() =>
        settings.Impersonate is { } account ? $"; acting as Google:Impersonate '{account}' needs roles/iam.serviceAccountTokenCreator" : "";

    private async Task<ITokenAccessWithHeaders> OpenAsync(CancellationToken cancellationToken)
    {
        var own = settings.CredentialsFile is { } file
            ? GoogleSettings.Open(file)
            : await GoogleCredential.GetApplicationDefaultAsync(cancellationToken);
        if (settings.Impersonate is { } account)
            own = own.CreateScoped("https://www.googleapis.com/auth/cloud-platform")
                .Impersonate(new ImpersonatedCredential.Initializer(account) { Scopes = [Scope] });
        else
            own = own.CreateScoped(Scope);
        if (settings.QuotaProject is { } project)
            own = own.CreateWithQuotaProject(project);
        return own;
    }
}
