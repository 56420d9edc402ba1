namespace Metrics.Ingestors.Providers;

/// <summary>What every source has: section <c>Metrics:Sources:{id}</c>. Each provider binds it to a type of its own, with what its sources
/// have besides. Null takes the provider's default.</summary>
public class SourceSettings
{
    /// <summary>Key of the section: the source's id.</summary>
    public string Id { get; set; } = "";

    /// <summary>Which reader: a name of <see cref="KnownProviders.All"/>.</summary>
    public string Provider { get; set; } = "";

    /// <summary>Where the source stands: a name from <c>Metrics:Places</c>.</summary>
    public string? Place { get; set; }

    /// <summary>What its machines are where their labels do not tell: an instance type or a server that the table of servers knows
    /// (<c>p5.48xlarge</c>, <c>DGX H100</c>).</summary>
    public string? Hardware { get; set; }

    /// <summary>Time between two reads.</summary>
    public TimeSpan? Every { get; set; }

    /// <summary>Age at which the source's data no longer changes.</summary>
    public TimeSpan? Settle { get; set; }

    /// <summary>How much before the watermark is read again.</summary>
    public TimeSpan? Overlap { get; set; }

    /// <summary>How far before the first registration reading begins.</summary>
    public TimeSpan? Lookback { get; set; }

    /// <summary>Most series that one read may bring.</summary>
    public int MaxSeries { get; set; } = 50_000;

    /// <summary>Where the source stands, for <see cref="Place"/>, when its settings tell it; null when only the operator knows.</summary>
    public virtual string? OwnPlace => null;

    /// <summary>Every error of the settings, one sentence each that begins with the key; empty when they can be used.</summary>
    public virtual IEnumerable<string> Validate()
    {
        if (MaxSeries < 1)
            yield return "MaxSeries is at least 1.";
    }
}
