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
            FunctionalUnit.Known.Values.Select(unit => unit.Unit).Distinct().Order(StringComparer.Ordinal));
    }
}
