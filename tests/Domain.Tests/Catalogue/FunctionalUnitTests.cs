using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

public class FunctionalUnitTests
{
    [Theory]
    [InlineData("output-token", "{token}")]
    [InlineData("input-token", "{token}")]
    [InlineData("cached-input-token", "{token}")]
    [InlineData("token", "{token}")]
    [InlineData("request", "{request}")]
    [InlineData("inference", "{inference}")]
    [InlineData("image", "{image}")]
    [InlineData("audio-second", "{audio-second}")]
    [InlineData("video-second", "{video-second}")]
    [InlineData("page", "{page}")]
    [InlineData("character", "{character}")]
    [InlineData("workflow", "{workflow}")]
    public void A_functional_unit_is_counted_in_its_unit(string name, string unit) => Assert.Equal(unit, FunctionalUnit.Known[name].Unit);

    [Fact]
    public void Every_unit_of_work_counts_something_and_every_functional_unit_has_a_unit_of_work()
    {
        Assert.Equal(12, FunctionalUnit.Known.Count);
        Assert.Equal(
            Unit.Known.Values.Where(unit => unit.Quantity == Quantity.Work).Select(unit => unit.Symbol).Order(StringComparer.Ordinal),
            FunctionalUnit.Known.Values.Select(unit => unit.Unit).Distinct().Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("output-token", "output", "token")]
    [InlineData("input-token", "input", "token")]
    [InlineData("cached-input-token", "cached-input", "input-token")]
    [InlineData("token", "total", null)]
    [InlineData("request", null, null)]
    [InlineData("image", null, null)]
    public void Tokens_have_a_basis_and_are_held_by_wider_ones(string name, string? basis, string? partOf) =>
        Assert.Equal((basis, partOf), (FunctionalUnit.Known[name].TokenBasis, FunctionalUnit.Known[name].PartOf));

    [Fact]
    public void No_two_units_of_tokens_have_the_same_basis() =>
        Assert.Equal(
            ["cached-input", "input", "output", "total"],
            FunctionalUnit.Known.Values.Select(unit => unit.TokenBasis).OfType<string>().Order(StringComparer.Ordinal)
        );

    [Fact]
    public void A_unit_is_part_of_a_known_one_and_never_of_itself()
    {
        foreach (var unit in FunctionalUnit.Known.Values)
        {
            var seen = new HashSet<string>();
            for (var at = unit; at is not null; at = at.PartOf is { } wider ? FunctionalUnit.Known[wider] : null)
                Assert.True(seen.Add(at.Name), at.Name);
        }
    }

    [Theory]
    [InlineData("output-token", "large language model")]
    [InlineData("image", "image generation")]
    [InlineData("video-second", "video generation")]
    [InlineData("workflow", "agentic system")]
    [InlineData("page", "optical character recognition")]
    [InlineData("inference", "classical machine learning")]
    [InlineData("character", "translation, text to speech")]
    [InlineData("audio-second", "speech recognition")]
    [InlineData("request", null)]
    public void SCI_for_AI_names_the_unit_of_a_task(string name, string? task)
    {
        Assert.Equal(task, FunctionalUnit.Known[name].Task);
        Assert.Equal(task is null, FunctionalUnit.Known[name].Clause is null);
    }
}
