using System.Text.RegularExpressions;

namespace Metrics.Domain.Catalogue;

/// <summary>What a line of an AWS bill says about tokens of Amazon Bedrock: <c>EU-Qwen3-32B-output-tokens-batch</c>.</summary>
/// <param name="Model">The model as the bill spells it: <c>Qwen3-32B</c>.</param>
/// <param name="FunctionalUnit"><c>output-token</c> or <c>input-token</c>.</param>
public sealed partial record BedrockUsage(string Model, string FunctionalUnit)
{
    /// <summary>Reads a usage type: the region's code, the model, what is counted, and perhaps how it was bought. Null when it names no model or counts no tokens.</summary>
    public static BedrockUsage? Of(string usageType) =>
        Form().Match(usageType) is { Success: true } parts
            ? new BedrockUsage(parts.Groups["model"].Value, parts.Groups["basis"].Value + "-token")
            : null;

    // Regions are written as on every bill: USE1, EUW2, APN1, and EU for the first of Europe.
    [GeneratedRegex("^[A-Z]{2,4}[0-9]?-(?<model>.+?)-(?<basis>input|output)-tokens(-[a-z0-9-]+)?$")]
    private static partial Regex Form();
}
