using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Amazon.Runtime.Internal.Auth;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Signs requests to Amazon by Signature Version 4. Credentials come from the settings or the SDK's default chain, and those of a
/// role are renewed before they end.</summary>
/// <param name="settings">Checked settings.</param>
/// <param name="service">Name of the service in the signature: <c>monitoring</c>, <c>aps</c>.</param>
/// <param name="clock">The time of the signature.</param>
public sealed class AwsSigner(AwsSettings settings, string service, TimeProvider clock) : IRequestSigner, IDisposable
{
    /// <summary>Temporary credentials are renewed this long before they end.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim turn = new(1);
    private AWSCredentials? own;
    private (ImmutableCredentials Keys, DateTimeOffset Until)? assumed;

    /// <summary>How far the clock of Amazon is ahead of this machine's, as one of its answers told; zero until it mattered.</summary>
    public TimeSpan Skew { get; set; }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    /// <inheritdoc/>
    public void Forget()
    {
        assumed = null;
        own = null;
    }

    /// <inheritdoc/>
    public async ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var keys = await KeysAsync(cancellationToken);
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        Sign(request, body, keys.AccessKey, keys.SecretKey, keys.Token, clock.GetUtcNow() + Skew);
    }

    /// <summary>Adds <c>X-Amz-Date</c>, <c>X-Amz-Security-Token</c> where there is one, and <c>Authorization</c>.</summary>
    /// <returns>SHA-256 of the canonical request, in hexadecimal.</returns>
    internal string Sign(
        HttpRequestMessage request,
        ReadOnlySpan<byte> body,
        string accessKey,
        string secretKey,
        string? token,
        DateTimeOffset at
    )
    {
        request.Headers.Remove("X-Amz-Date");
        request.Headers.Remove("X-Amz-Security-Token");
        request.Headers.Remove("Authorization");
        request.Headers.Add("X-Amz-Date", at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
        if (!string.IsNullOrEmpty(token))
            request.Headers.Add("X-Amz-Security-Token", token);

        var address = request.RequestUri!;
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = address.IsDefaultPort ? address.Host : $"{address.Host}:{address.Port.ToString(CultureInfo.InvariantCulture)}",
        };
        if (request.Content?.Headers.ContentType is { } type)
            headers["content-type"] = type.ToString();
        foreach (var (name, values) in request.Headers.NonValidated)
            if (name.StartsWith("x-amz", StringComparison.OrdinalIgnoreCase))
                headers[name.ToLowerInvariant()] = values.ToString().Trim();

        var names = string.Join(';', headers.Keys);
        var canonical = string.Join(
            '\n',
            request.Method.Method,
            // Paths are escaped once more than they are sent.
            string.Join('/', address.AbsolutePath.Split('/').Select(Uri.EscapeDataString)),
            string.Join(
                '&',
                address.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(Pair).Order(StringComparer.Ordinal)
            ),
            string.Concat(headers.Select(header => $"{header.Key}:{header.Value}\n")),
            names,
            Convert.ToHexStringLower(SHA256.HashData(body))
        );
        var signature = AWS4Signer.ComputeSignature(accessKey, secretKey, settings.Region, at.UtcDateTime, service, names, canonical);
        request.Headers.TryAddWithoutValidation("Authorization", signature.ForAuthorizationHeader);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
    }

    private static string Pair(string pair)
    {
        var parts = pair.Split('=', 2);
        return $"{Escaped(parts[0])}={(parts.Length > 1 ? Escaped(parts[1]) : "")}";

        static string Escaped(string part) => Uri.EscapeDataString(Uri.UnescapeDataString(part));
    }

    private async Task<ImmutableCredentials> KeysAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (assumed is { } role && role.Until - Early > clock.GetUtcNow() + Skew)
                return role.Keys;
            if (settings.RoleArn is null)
                return await (own ??= Own()).GetCredentialsAsync();
            return await AssumeAsync(settings.RoleArn, cancellationToken);
        }
        catch (AmazonSecurityTokenServiceException exception)
        {
            // The message of STS names who asked for what, and no secret; the code is a word of the protocol.
            throw new SourceException(
                (int)exception.StatusCode >= 500 ? SourceErrorCode.ServerError : SourceErrorCode.Unauthorised,
                $"Acting as Aws:RoleArn '{settings.RoleArn}' was refused by STS ({exception.ErrorCode}): "
                    + $"{Redaction.Redact(exception.Message)}. Its trust policy must let these credentials use "
                    + $"`sts:AssumeRole`{(settings.ExternalId is null ? "" : " with Aws:ExternalId")}.",
                exception
            );
        }
        catch (Exception exception)
            when (exception is AmazonClientException or InvalidOperationException or IOException or HttpRequestException)
        {
            var where =
                settings.Profile is { } profile ? $"Aws:Profile '{profile}'"
                : settings.AccessKeyId is not null ? "Aws:AccessKeyId"
                : "the default chain (environment, shared files, web identity, container, instance)";
            throw new SourceException(
                SourceErrorCode.Unauthorised,
                $"No credentials of Amazon from {where}: {Redaction.Redact(exception.Message.ReplaceLineEndings(" "))} Set "
                    + $"Aws:Profile, give the machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
                exception
            );
        }
        finally
        {
            turn.Release();
        }
    }

    private AWSCredentials Own()
    {
        if (settings.AccessKeyId is { } key)
            return settings.SessionToken is { } token
                ? new SessionAWSCredentials(key, settings.SecretAccessKey, token)
                : new BasicAWSCredentials(key, settings.SecretAccessKey);
        if (settings.Profile is { } profile)
            return new CredentialProfileStoreChain().TryGetAWSCredentials(profile, out var found)
                ? found
                : throw new InvalidOperationException($"there is no profile '{profile}' in the shared configuration files.");
        return DefaultAWSCredentialsIdentityResolver.GetCredentials();
    }

    private async Task<ImmutableCredentials> AssumeAsync(string role, CancellationToken cancellationToken)
    {
        var config = new AmazonSecurityTokenServiceConfig { MaxErrorRetry = 2, Timeout = TimeSpan.FromSeconds(20) };
        if (settings.StsEndpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = settings.Region;
        }
        else
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(settings.Region);

        Amazon.SecurityToken.Model.Credentials given;
        if (settings.WebIdentityTokenFile is { } file)
        {
            using var nobody = new AmazonSecurityTokenServiceClient(new AnonymousAWSCredentials(), config);
            given = (
                await nobody.AssumeRoleWithWebIdentityAsync(
                    new AssumeRoleWithWebIdentityRequest
                    {
                        RoleArn = role,
                        RoleSessionName = settings.SessionName,
                        WebIdentityToken = (await File.ReadAllTextAsync(file, cancellationToken)).Trim(),
                    },
                    cancellationToken
                )
            ).Credentials;
        }
        else
        {
            using var client = new AmazonSecurityTokenServiceClient(own ??= Own(), config);
            given = (
                await client.AssumeRoleAsync(
                    new AssumeRoleRequest
                    {
                        RoleArn = role,
                        RoleSessionName = settings.SessionName,
                        ExternalId = settings.ExternalId,
                    },
                    cancellationToken
                )
            ).Credentials;
        }
        var until = given.Expiration is { } end ? new DateTimeOffset(end.ToUniversalTime()) : clock.GetUtcNow().AddMinutes(15);
        assumed = (new ImmutableCredentials(given.AccessKeyId, given.SecretAccessKey, given.SessionToken), until);
        return assumed.Value.Keys;
    }
}
