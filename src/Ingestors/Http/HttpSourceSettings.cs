using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Metrics.Domain.Messages;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Http;

/// <summary>What sources on a network have besides: an address, certificates and limits.</summary>
public abstract class HttpSourceSettings : SourceSettings
{
    /// <summary>Address of the server; for <c>exporter</c> the whole URL of its metrics page, for a cloud null unless it is not the cloud's
    /// own.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>Longest time one request may take. Default <see cref="Transport.DefaultTimeout"/>.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>PEM file of authorities that may have signed the server's certificate.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>PEM file of our certificate, for servers that ask for one.</summary>
    public string? ClientCertificateFile { get; set; }

    /// <summary>PEM file of the key of our certificate.</summary>
    public string? ClientKeyFile { get; set; }

    /// <summary>Most bytes of one response, after decompression.</summary>
    public long MaxBytes { get; set; } = 256L * 1024 * 1024;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        if (Endpoint is { } endpoint)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme != Uri.UriSchemeHttp && endpoint.Scheme != Uri.UriSchemeHttps)
                yield return $"Endpoint '{Redaction.Redact(endpoint.OriginalString)}' is not an http or https address.";
            else
            {
                if (endpoint.UserInfo.Length > 0)
                    yield return "Endpoint holds a name or password: move them to Username and Password.";
                if (endpoint.Scheme == Uri.UriSchemeHttp && (CertificateAuthorityFile ?? ClientCertificateFile) is not null)
                    yield return "CertificateAuthorityFile and ClientCertificateFile need an https Endpoint.";
            }
        }
        if (ClientCertificateFile is null != ClientKeyFile is null)
            yield return "ClientCertificateFile and ClientKeyFile go together: give both.";
        if (Timeout is { } limit && (limit <= TimeSpan.Zero || limit > TimeSpan.FromHours(1)))
            yield return "Timeout lies between 0 and 1 hour.";
        if (MaxBytes < 1024)
            yield return "MaxBytes is at least 1024.";
        foreach (var error in base.Validate())
            yield return error;
        if (CertificateAuthorityFile is { } authority && Unreadable(() => Authorities()) is { } badAuthority)
            yield return $"CertificateAuthorityFile '{authority}' cannot be used: {badAuthority} Give a PEM file of certificates.";
        if (
            this is { ClientCertificateFile: { } certificate, ClientKeyFile: { } key }
            && Unreadable(() => ClientCertificate()!) is { } badClient
        )
            yield return $"ClientCertificateFile '{certificate}' and ClientKeyFile '{key}' cannot be used: {badClient} "
                + "Give the PEM files of a certificate and its unencrypted key.";
    }

    /// <summary>The certificates of <see cref="CertificateAuthorityFile"/>; null where none is given.</summary>
    internal X509Certificate2Collection? Authorities()
    {
        if (CertificateAuthorityFile is not { } file)
            return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("It holds no certificate.");
    }

    /// <summary>The certificate of <see cref="ClientCertificateFile"/> with its key; null where none is given.</summary>
    internal X509Certificate2? ClientCertificate()
    {
        if (this is not { ClientCertificateFile: { } certificateFile, ClientKeyFile: { } keyFile })
            return null;
        var certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        // Windows cannot use a key that lives in memory only.
        return OperatingSystem.IsWindows()
            ? X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null)
            : certificate;
    }

    private static string? Unreadable(Func<object?> load)
    {
        try
        {
            (load() as IDisposable)?.Dispose();
            return null;
        }
        catch (Exception exception)
            when (exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }
}
