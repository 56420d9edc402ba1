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
    /// <summary>How a result names it: <c>model:*llama3*70b*@...</c>.</summary>
    public string FactorName => $"model:{Pattern}@{Version}";
}

/// <summary>Sizes of language models, by the names under which APIs sell them.</summary>
public sealed class ModelTable(IReadOnlyList<KnownModel> models)
{
    /// <summary>The table that comes with the product.</summary>
    public static ModelTable Published { get; } = new([]);

    /// <summary>Every model, in the order in which they are tried.</summary>
    public IReadOnlyList<KnownModel> All => models;

    /// <summary>The first model whose pattern the name matches; null when none does, and then its energy is unknown.</summary>
    public KnownModel? Find(string name)
    {
#pragma warning disable CA1308 // Patterns are written in lower case.
        var lower = name.ToLowerInvariant();
#pragma warning restore CA1308
        foreach (var model in models)
            if (Glob.Matches(model.Pattern, lower)) return model;
        return null;
    }

    /// <summary>This table, and for names that it lacks another one.</summary>
    public ModelTable Over(ModelTable other) => new([.. models, .. other.All]);
}
