using System.Text.Json;
using Google.Apis.Auth.OAuth2;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Section <c>Google</c> of a source: which project and region, and as whom. What is left out comes from the application default
/// credentials.</summary>
public sealed class GoogleSettings
{
    /// <summary>Id of the project whose metrics are read.</summary>
    public string? Project { get; set; }

    /// <summary>Region, for instance <c>europe-west4</c>, or <c>global</c>.</summary>
    public string? Region { get; set; }

    /// <summary>JSON file of a service account's key, of workload identity federation, of a user or of an impersonation; null: the
    /// application default credentials.</summary>
    public string? CredentialsFile { get; set; }

    /// <summary>E-mail address of a service account to act as.</summary>
    public string? Impersonate { get; set; }

    /// <summary>Project that requests are counted against; credentials of a user need one.</summary>
    public string? QuotaProject { get; set; }

    /// <summary>Domain of the cloud where it is not <c>googleapis.com</c>.</summary>
    public string? UniverseDomain { get; set; }

    /// <summary>Address of Cloud Monitoring in this universe.</summary>
    public Uri MonitoringAddress => new($"https://monitoring.{UniverseDomain ?? "googleapis.com"}/");

    /// <summary>The region as a name of a place; null where none is given.</summary>
    internal string? OwnPlace => Region is { Length: > 0 } region ? $"gcp/{region}" : null;

    /// <summary>Every error of the section, one sentence each. Opens the credentials file.</summary>
    public IEnumerable<string> Validate()
    {
        if (UniverseDomain is { } universe && Uri.CheckHostName(universe) != UriHostNameType.Dns)
            yield return "Google:UniverseDomain is no domain name, for instance googleapis.com.";
        if (Impersonate is { } account && (!account.Contains('@', StringComparison.Ordinal) || account.Any(c => c <= ' ')))
            yield return "Google:Impersonate is the e-mail address of a service account.";
        if (QuotaProject is { } quota && !IsName(quota))
            yield return "Google:QuotaProject is no id of a project.";
        if (CredentialsFile is { } file)
        {
            string? error = null;
            try
            {
                Open(file);
            }
            catch (Exception unusable) when (unusable is not OutOfMemoryException)
            {
                // What the parser says may quote the file, and the file is a secret.
                error = unusable is IOException or UnauthorizedAccessException
                    ? "it cannot be opened"
                    : "it is no credentials file or its key is damaged";
            }
            if (error is not null)
                yield return $"Google:CredentialsFile '{file}' cannot be used: {error}. Give the JSON file of a service account's key, of "
                    + $"workload identity federation or of a user.";
        }
    }

    /// <summary>The credentials of a file, of the kind that it says it is.</summary>
    internal static GoogleCredential Open(string file)
    {
        var text = File.ReadAllText(file);
        using var document = JsonDocument.Parse(text);
        // Only what is written for programs: a file that names another kind may send us anywhere.
        var type = document.RootElement.GetProperty("type").GetString();
        if (
            type
            is not (
                JsonCredentialParameters.ServiceAccountCredentialType
                or JsonCredentialParameters.AuthorizedUserCredentialType
                or JsonCredentialParameters.ExternalAccountCredentialType
                or JsonCredentialParameters.ExternalAccountAuthorizedUserCredentialType
                or JsonCredentialParameters.ImpersonatedServiceAccountCredentialType
            )
        )
            throw new FormatException("The kind of credentials is not known.");
        return CredentialFactory.FromJson(text, type);
    }

    /// <summary>Whether the text can be a project's id, with the domain that old ones have.</summary>
    internal static bool IsName(string text) =>
        text.Length is > 0 and <= 100 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':');
}
