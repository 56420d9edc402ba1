namespace Metrics.Domain.Factors;

/// <summary>What a file of factors says: one of the layouts below, told apart by its columns.</summary>
/// <remarks>Layouts: factors of places, regions, hardware, servers, models, and <c>Cloud_Region_Metadata.csv</c> of the Real-Time Cloud
/// project as it is.</remarks>
public sealed record FactorFile
{
    // The columns that no other layout has.
    private static readonly (string[] Mark, string Layout, Func<string, string, List<string>, FactorFile> Read)[] Layouts =
    [
        (["cloud-provider", "cloud-region"], "Real-Time Cloud", RealTimeCloud.Read),
        (["kind", "names"], string.Join(',', HardwareTable.Columns), (file, text, errors) =>
            new FactorFile { Hardware = HardwareTable.Read(file, text, errors) }
        ),
        (["kind", "place"], string.Join(',', FactorTable.Columns), (file, text, errors) =>
            new FactorFile { Factors = FactorTable.Read(file, text, errors) }
        ),
        (["provider", "vcpus"], string.Join(',', ServerTable.Columns), (file, text, errors) =>
            new FactorFile { Servers = ServerTable.Read(file, text, errors) }
        ),
        (["pattern"], string.Join(',', ModelTable.Columns), (file, text, errors) =>
            new FactorFile { Models = ModelTable.Read(file, text, errors) }
        ),
        (["name", "country"], string.Join(',', RegionTable.Columns), (file, text, errors) =>
            new FactorFile { Regions = RegionTable.Read(file, text, errors) }
        ),
    ];

    /// <summary>Factors of places.</summary>
    public IReadOnlyList<PlacedFactor> Factors { get; init; } = [];

    /// <summary>Regions.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [];

    /// <summary>Power of hardware; null when the file is of another layout.</summary>
    public HardwareTable? Hardware { get; init; }

    /// <summary>Servers; null when the file is of another layout.</summary>
    public ServerTable? Servers { get; init; }

    /// <summary>Models; null when the file is of another layout.</summary>
    public ModelTable? Models { get; init; }

    /// <summary>What a person should know of the file although it can be used: numbers that are older than they look.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The file has any fault; the exception lists all of them.</exception>
    public static FactorFile Read(string file, string text)
    {
        var header = TableText.Header(text);
        var read = Array.Find(Layouts, layout => layout.Mark.All(column => header.Contains(column, StringComparer.Ordinal))).Read;
        if (read is null)
            throw new FactorException([
                $"{file}: its columns are of no known layout; begin with one of these lines, or give Cloud_Region_Metadata.csv of "
                    + $"the Real-Time Cloud project: {string.Join(" or ", Layouts.Skip(1).Select(layout => layout.Layout))}",
            ]);
        var errors = new List<string>();
        var content = read(file, text, errors);
        errors.AddRange(PlacedFactor.Overlaps(content.Factors));
        return errors.Count == 0 ? content : throw new FactorException(errors);
    }
}
