using Metrics.Domain.Catalogue;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

public class BedrockUsageTests
{
    [Theory(DisplayName = "F10 the usage type of a bill names the model and the tokens")]
    [InlineData("EU-Qwen3-32B-output-tokens-batch", "Qwen3-32B", "output-token")]
    [InlineData("EUW2-Qwen3-VL-235B-A22B-input-tokens", "Qwen3-VL-235B-A22B", "input-token")]
    [InlineData("USE1-Nova-output-tokens", "Nova", "output-token")]
    public void A_usage_type_names_the_model_and_the_tokens(string usageType, string model, string unit) =>
        Assert.Equal(new BedrockUsage(model, unit), BedrockUsage.Of(usageType));

    [Theory(DisplayName = "F10 a usage type without a model is none")]
    [InlineData("generic-tokens-usage")]
    [InlineData("EU-output-tokens")]
    [InlineData("EU-Qwen3-32B-images")]
    [InlineData("")]
    public void A_usage_type_without_model_or_tokens_is_none(string usageType) => Assert.Null(BedrockUsage.Of(usageType));
}
