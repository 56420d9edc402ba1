using System.Net.Http.Headers;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Adds a token of Microsoft Entra for one audience. Microsoft's library gets it; it is kept here until shortly before it
/// expires.</summary>
/// <param name="settings">Valid settings of the source, for its certificates.</param>
/// <param name="azure">As whom.</param>
/// <param name="scope">Audience and <c>/.default</c>.</param>
/// <param name="clock">Tokens expire on it.</param>
public sealed class AzureSigner(HttpSourceSettings settings, AzureSettings azure, string scope, TimeProvider clock)
    : IRequestSigner,
        IDisposable
{
    /// <summary>Tokens are renewed this long before they end.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim turn = new(1);
    private HttpClient? client;
    private TokenCredential? credential;
    private AccessToken? token;
    private bool anew;

    /// <inheritdoc/>
    public void Dispose()
    {
        turn.Dispose();
        client?.Dispose();
    }

    /// <inheritdoc/>
    public void Forget() => anew = true;

    /// <inheritdoc/>
    public async ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (anew || token is not { } known || known.ExpiresOn - Early <= clock.GetUtcNow())
            {
                // A credential keeps tokens of its own: after a refusal it has to begin again too.
                if (anew)
                    credential = null;
                token = await (credential ??= Open()).GetTokenAsync(new TokenRequestContext([scope]), cancellationToken);
                anew = false;
            }
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value.Token);
        }
        catch (AuthenticationFailedException exception)
        {
            var (code, because) = Because(exception);
            throw new SourceException(code, $"{Whose()} got no token for {scope[..^"/.default".Length]}: {because}", exception);
        }
        catch (Exception exception) when (exception is not OperationCanceledException and not SourceException)
        {
            // Messages of the library may quote what it read.
            throw new SourceException(
                SourceErrorCode.Unauthorised,
                $"{Whose()} cannot be used. Check the section Azure and the file or identity that it names.",
                exception
            );
        }
        finally
        {
            turn.Release();
        }
    }

    private string Whose() =>
        azure.ClientSecret is not null ? $"Azure:ClientSecret of the application '{azure.ClientId}'"
        : azure.CertificateFile is { } file ? $"Azure:CertificateFile '{file}'"
        : azure.TokenFile is { } tokenFile ? $"Azure:TokenFile '{tokenFile}'"
        : azure.ManagedIdentity ? "The managed identity of this machine"
        : "The default chain (environment, workload identity, managed identity, az login)";

    /// <summary>Code, and a sentence for people. Of what Entra says only the number is told: its text names accounts and
    /// requests.</summary>
    private (SourceErrorCode Code, string Because) Because(AuthenticationFailedException exception)
    {
        if (exception is CredentialUnavailableException)
            return (
                SourceErrorCode.Unauthorised,
                "there are no credentials. Set Azure:Tenant, Azure:ClientId and one of Azure:ClientSecret, Azure:CertificateFile "
                    + "and Azure:TokenFile, or give the machine a managed identity."
            );
        var number = "";
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is HttpRequestException)
                return (
                    SourceErrorCode.Unreachable,
                    $"{azure.LoginAddress.Host} does not answer. Check the network, Azure:Authority and Azure:Cloud."
                );
            if (number.Length == 0 && inner.Message.IndexOf("AADSTS", StringComparison.Ordinal) is var at and >= 0)
                number = new string([.. inner.Message[(at + 6)..].TakeWhile(char.IsAsciiDigit)]);
        }
        var mend = number switch
        {
            "7000215" => "the secret is not the application's. Set Azure:ClientSecret to the secret's value, not to its id.",
            "7000222" => "the secret has expired. Make a new one and set Azure:ClientSecret.",
            "700016" => "the tenant has no such application. Check Azure:ClientId and Azure:Tenant.",
            "90002" or "900023" => "there is no such tenant. Check Azure:Tenant and Azure:Cloud.",
            "700024" or "50013" => "the assertion is not in time or not signed as it should be. Check the clock of this host and the file.",
            "700027" => "the certificate is not the application's. Upload it, or check Azure:CertificateFile.",
            "70021" or "700213" => "no federated credential of the application fits the token. Check its issuer, subject and audience.",
            _ => "Microsoft Entra refused. Check Azure:Tenant, Azure:ClientId and what they are given with, and the clock of this host.",
        };
        return (SourceErrorCode.Unauthorised, number.Length == 0 ? mend : $"AADSTS{number}: {mend}");
    }

    private TokenCredential Open()
    {
        // An authority of one's own is not in Microsoft's list of them, and may stand behind a certificate of one's own.
        var own = azure.Authority is not null;
        var pipeline = own ? new HttpClientTransport(client ??= new HttpClient(Transport.Handler(settings))) : new HttpClientTransport();
        if (azure.ClientSecret is { } secret)
            return new ClientSecretCredential(
                azure.Tenant,
                azure.ClientId,
                secret,
                new ClientSecretCredentialOptions
                {
                    AuthorityHost = azure.LoginAddress,
                    DisableInstanceDiscovery = own,
                    Transport = pipeline,
                    Retry = { MaxRetries = 1 },
                }
            );
        if (azure.CertificateFile is { } certificate)
            return new ClientCertificateCredential(
                azure.Tenant,
                azure.ClientId,
                certificate,
                new ClientCertificateCredentialOptions
                {
                    AuthorityHost = azure.LoginAddress,
                    DisableInstanceDiscovery = own,
                    Transport = pipeline,
                    Retry = { MaxRetries = 1 },
                }
            );
        if (azure.TokenFile is { } file)
            return new WorkloadIdentityCredential(
                new WorkloadIdentityCredentialOptions
                {
                    AuthorityHost = azure.LoginAddress,
                    DisableInstanceDiscovery = own,
                    Transport = pipeline,
                    Retry = { MaxRetries = 1 },
                    TenantId = azure.Tenant,
                    ClientId = azure.ClientId,
                    TokenFilePath = file,
                }
            );
        if (azure.ManagedIdentity)
            return new ManagedIdentityCredential(
                azure.ClientId is { } identity ? ManagedIdentityId.FromUserAssignedClientId(identity) : ManagedIdentityId.SystemAssigned
            );
        var options = new DefaultAzureCredentialOptions
        {
            AuthorityHost = azure.LoginAddress,
            DisableInstanceDiscovery = own,
            ManagedIdentityClientId = azure.ClientId,
            WorkloadIdentityClientId = azure.ClientId,
        };
        if (azure.Tenant is { } tenant)
            options.TenantId = tenant;
        return new DefaultAzureCredential(options);
    }
}
