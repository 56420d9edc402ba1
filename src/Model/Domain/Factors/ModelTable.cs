using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>A language model behind an API, with its size.</summary>
/// <param name="Pattern">Glob that the name matches, whole and without case: <c>*llama3*70b*</c>.</param>
/// <param name="Size">Its parameters, with bounds where nobody publishes them.</param>
/// <param name="Source">Who published the size, where.</param>
/// <param name="Licence">SPDX identifier, or another short name.</param>
/// <param name="Version">The edition of the row, as <see cref="Factor.Version"/>.</param>
public sealed record KnownModel(string Pattern, ModelSize Size, string Source, string Licence, string Version)
{
    /// <summary>Whether its maker published the size (<c>published</c>) or somebody else assumes it (<c>assumed</c>).</summary>
    public string Method { get; init; } = "published";

    /// <summary>Bits of each parameter as its maker publishes the weights, 1 to 64; null when nobody does.</summary>
    public double? Bits { get; init; }

    /// <summary>Output tokens a second of one answer as they are published; null when nobody does.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>How a result names it: <c>model:*llama3*70b*@...</c>.</summary>
    public string FactorName => $"model:{Pattern}@{Version}";
}

/// <summary>Sizes of language models, by the names under which APIs sell them.</summary>
public sealed class ModelTable(IReadOnlyList<KnownModel> models)
{
    // Tables that were written before there were these go on.
    private static readonly string[] Optional = ["bits", "tokens_per_second"];

    internal static readonly string[] Columns =
    [
        "pattern",
        "active_low",
        "active_high",
        "total_low",
        "total_high",
        .. Optional,
        "method",
        "source",
        "licence",
        "version",
    ];

    private static readonly NumberRule Count = new(
        1e6,
        ModelSize.MostParameters,
        "",
        "write the parameters as a count, 7.3e9 for 7.3 billion",
        "model"
    );

    private static readonly NumberRule BitRule = new(1, 64, "", "write the bits of one parameter, 16 or 4.25", "bits");

    private static readonly NumberRule Rate = new(0, 1e6, "/s", "write the output tokens a second of one answer", "rate", Above: true);

    /// <summary>The table that comes with the product.</summary>
    public static ModelTable Published { get; } = Read("models.csv", TableText.Published("models.csv"));

    /// <summary>Reads a table, or lists everything wrong with it.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The table has any fault; the exception lists all of them.</exception>
    public static ModelTable Read(string file, string text)
    {
        var errors = new List<string>();
        var table = Read(file, text, errors);
        return errors.Count == 0 ? table : throw new FactorException(errors);
    }

    internal static ModelTable Read(string file, string text, List<string> errors)
    {
        var models = new List<KnownModel>();
        foreach (var row in TableText.Own(file, text, Columns, Optional, errors).Rows())
        {
            var before = row.ErrorCount;
            var pattern = row.Text("pattern");
            if (pattern is not null && pattern.Any(char.IsAsciiLetterUpper))
                row.AddError(
                    $"pattern: '{MessageText.Show(pattern)}' has a capital letter; names are compared in lower case, so write it so"
                );
            var (activeLow, activeHigh) = (row.Number("active_low", Count), row.Number("active_high", Count));
            var (totalLow, totalHigh) = (row.Number("total_low", Count), row.Number("total_high", Count));
            if (activeLow > activeHigh || totalLow > totalHigh)
                row.AddError("a low bound is above its high bound; exchange them");
            else if (activeLow > totalLow || activeHigh > totalHigh)
                row.AddError("more parameters are active than there are; write active parameters of at most the total");
            var (bits, rate) = (row.OptionalNumber("bits", BitRule), row.OptionalNumber("tokens_per_second", Rate));
            var method = row.Text("method");
            if (method is not (null or "published" or "assumed"))
                row.AddError($"method: '{MessageText.Show(method)}' is not one of: published, assumed; use one of them");
            var (source, licence, version) = (row.Text("source"), row.Text("licence"), row.Version("version"));
            var earlier = models.FirstOrDefault(model => model.Pattern == pattern);
            if (earlier is not null)
                row.AddError($"pattern: '{MessageText.Show(pattern!)}' is given twice; the first one counts, so keep one");
            if (row.ErrorCount > before)
                continue;
            models.Add(
                new KnownModel(
                    pattern!,
                    new ModelSize(new Bounds(activeLow!.Value, activeHigh!.Value), new Bounds(totalLow!.Value, totalHigh!.Value)),
                    source!,
                    licence!,
                    version!
                )
                {
                    Method = method!,
                    Bits = bits,
                    TokensPerSecond = rate,
                }
            );
        }
        return new ModelTable(models);
    }

    /// <summary>Every model, in the order in which they are tried.</summary>
    public IReadOnlyList<KnownModel> All => models;

    /// <summary>The first model whose pattern the name matches; null when none does, and then its energy is unknown.</summary>
    public KnownModel? Find(string name)
    {
#pragma warning disable CA1308 // Patterns are written in lower case.
        var lower = name.ToLowerInvariant();
#pragma warning restore CA1308
        foreach (var model in models)
            if (Glob.Matches(model.Pattern, lower))
                return model;
        return null;
    }

    /// <summary>This table, and for names that it lacks another one.</summary>
    public ModelTable Over(ModelTable other) => new([.. models, .. other.All]);
}
