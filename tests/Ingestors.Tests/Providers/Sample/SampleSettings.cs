using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Tests.Providers.Sample;

/// <summary>Settings of a source of <c>sample</c>: what sources on a network have, and a site and a key of its own.</summary>
public sealed class SampleSettings : HttpSourceSettings
{
    /// <summary>Which building is read.</summary>
    public string? Site { get; set; }

    /// <summary>Key sent as <c>X-Sample-Key</c>.</summary>
    public string? SampleKey { get; set; }

    /// <inheritdoc/>
    public override string? OwnPlace => Site is { } site ? $"onprem/{site}" : null;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        if (Endpoint is null)
            yield return "Endpoint is missing: give the meter's http or https address.";
        if (string.IsNullOrWhiteSpace(Site))
            yield return "Site is missing: give the name of a building.";
        foreach (var error in base.Validate())
            yield return error;
    }
}
