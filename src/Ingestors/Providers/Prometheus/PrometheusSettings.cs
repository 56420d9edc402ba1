using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>Settings of a source of <c>prometheus</c>: a server of one's own, or a managed service that one cloud's credentials are
/// for.</summary>
public sealed class PrometheusSettings : ServerSettings
{
    /// <summary>Label matchers added to every query, for instance <c>job="dcgm",cluster="a"</c>.</summary>
    public string? Selector { get; set; }

    /// <summary>For Prometheus of Amazon: which account and region, and as whom.</summary>
    public AwsSettings? Aws { get; set; }

    /// <summary>For Prometheus of Azure: which region, and as whom.</summary>
    public AzureSettings? Azure { get; set; }

    /// <summary>For Prometheus of Google: which region, and as whom.</summary>
    public GoogleSettings? Google { get; set; }

    /// <inheritdoc/>
    public override string? OwnPlace => Aws?.OwnPlace ?? Azure?.OwnPlace ?? Google?.OwnPlace;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var error in base.Validate())
            yield return error;
        if (
            Endpoint is { IsAbsoluteUri: true } endpoint
            && (endpoint.Query.Length > 0 || endpoint.AbsolutePath.Contains("/api/v1", StringComparison.Ordinal))
        )
            yield return "Endpoint is the server's address, for instance http://prometheus:9090, without /api/v1 and without a query.";
        if (Selector is { } selector && !IsMatcherList(selector))
            yield return $"Selector '{selector}' is no list of label matchers, for instance job=\"dcgm\",cluster=\"a\".";
        string[] clouds = [.. Given((nameof(Aws), Aws), (nameof(Azure), Azure), (nameof(Google), Google))];
        string[] ways = [.. Given((nameof(Username), Username), (nameof(BearerToken), BearerToken)), .. clouds];
        if (ways.Length > 1 && clouds.Length > 0)
            yield return $"{string.Join(" and ", ways)} exclude each other: give one.";
        // A metric that began is asked for ten minutes later at the latest.
        if (this is { Endpoint: not null, Overlap: { } overlap } && overlap < TimeSpan.FromMinutes(15) && !Dialect.Of(this).ListsNames)
            yield return "Overlap is at least fifteen minutes for CloudWatch, which does not list its metrics.";
        foreach (var error in Aws?.Validate() ?? [])
            yield return error;
        foreach (var error in Azure?.Validate() ?? [])
            yield return error;
        foreach (var error in Google?.Validate() ?? [])
            yield return error;
    }

    private static IEnumerable<string> Given(params (string Key, object? Value)[] settings) =>
        settings.Where(setting => setting.Value is not null).Select(setting => setting.Key);

    /// <summary>Whether the text is matchers alone: braces outside quotation marks would end the selector and begin another
    /// query.</summary>
    private static bool IsMatcherList(string text)
    {
        var quote = '\0';
        var equals = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote != '\0')
            {
                if (c == '\\' && quote != '`')
                    i++;
                else if (c == quote)
                    quote = '\0';
            }
            else if (c is '"' or '\'' or '`')
                quote = c;
            else if (c is '{' or '}' or '[' or ']' or '(' or ')' or '#')
                return false;
            else if (c == '=' || c == '!')
                equals = true;
        }
        return quote == '\0' && equals;
    }
}
