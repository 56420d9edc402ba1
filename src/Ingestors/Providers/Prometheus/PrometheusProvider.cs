using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>Provider <c>prometheus</c>: reads raw samples of the catalogue's metrics through a Prometheus server's HTTP API.</summary>
public sealed class PrometheusProvider : IProvider
{
    /// <inheritdoc/>
    public string Name => "prometheus";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Dialect.AllRights;

    /// <inheritdoc/>
    public string? PlaceOf(SourceSettings settings) =>
        settings.Aws?.Region is { Length: > 0 } aws ? $"aws/{aws}"
        : settings.Azure?.Region is { Length: > 0 } azure ? $"azure/{azure}"
        : settings.Google?.Region is { Length: > 0 } google ? $"gcp/{google}"
        : null;

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        foreach (var fault in Transport.Check(settings))
            yield return fault;
        if (
            settings.Endpoint is { IsAbsoluteUri: true } endpoint
            && (endpoint.Query.Length > 0 || endpoint.AbsolutePath.Contains("/api/v1", StringComparison.Ordinal))
        )
            yield return "Endpoint is the server's address, for instance http://prometheus:9090, without /api/v1 and without a query.";
        if (settings.Selector is { } selector && !IsMatcherList(selector))
            yield return $"Selector '{selector}' is no list of label matchers, for instance job=\"dcgm\",cluster=\"a\".";
        var ways = new[]
        {
            ("Username", settings.Username is not null),
            ("BearerToken", settings.BearerToken is not null),
            ("Aws", settings.Aws is not null),
            ("Azure", settings.Azure is not null),
            ("Google", settings.Google is not null),
        };
        if (ways.Count(way => way.Item2) > 1 && ways.Skip(2).Any(way => way.Item2))
            yield return $"{string.Join(" and ", ways.Where(way => way.Item2).Select(way => way.Item1))} exclude each other: give one.";
        // A metric that began is asked for ten minutes later at the latest.
        if (
            settings is { Endpoint: not null, Overlap: { } overlap }
            && overlap < TimeSpan.FromMinutes(15)
            && !Dialect.Of(settings).ListsNames
        )
            yield return "Overlap is at least fifteen minutes for CloudWatch, which does not list its metrics.";
        foreach (var fault in settings.Aws?.Check() ?? [])
            yield return fault;
        foreach (var fault in settings.Azure?.Check() ?? [])
            yield return fault;
        foreach (var fault in settings.Google?.Check() ?? [])
            yield return fault;
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new PrometheusSource(settings, catalogue, clock);

    /// <summary>Whether the text is matchers alone: braces outside quotation marks would end the selector and begin another query.</summary>
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
