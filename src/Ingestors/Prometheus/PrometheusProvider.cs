using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Prometheus;

/// <summary>Provider <c>prometheus</c>: reads raw samples of the catalogue's metrics through a Prometheus server's HTTP API.</summary>
public sealed class PrometheusProvider : IProvider
{
    /// <inheritdoc/>
    public string Name => "prometheus";

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        foreach (var fault in Transport.Check(settings)) yield return fault;
        if (settings.Endpoint is { IsAbsoluteUri: true } endpoint && (endpoint.Query.Length > 0 || endpoint.AbsolutePath.Contains("/api/v1", StringComparison.Ordinal)))
            yield return "Endpoint is the server's address, for instance http://prometheus:9090, without /api/v1 and without a query.";
        if (settings.Selector is { } selector && !IsMatcherList(selector))
            yield return $"Selector '{selector}' is no list of label matchers, for instance job=\"dcgm\",cluster=\"a\".";
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock) => new PrometheusSource(settings, catalogue, clock);

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
                if (c == '\\' && quote != '`') i++;
                else if (c == quote) quote = '\0';
            }
            else if (c is '"' or '\'' or '`') quote = c;
            else if (c is '{' or '}' or '[' or ']' or '(' or ')' or '#') return false;
            else if (c == '=' || c == '!') equals = true;
        }
        return quote == '\0' && equals;
    }
}
