using System.Text.RegularExpressions;
using CsCheck;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

public class GlobTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "anything at all", true)]
    [InlineData("?", "", false)]
    [InlineData("?", "a", true)]
    [InlineData("?*", "", false)]
    [InlineData("?*", "abc", true)]
    [InlineData("llm-*", "llm-0", true)]
    [InlineData("llm-*", "llm", false)]
    [InlineData("llm-?", "llm-10", false)]
    [InlineData("*mmio*", "/sys/class/powercap/intel-rapl-mmio:0", true)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXbYbZ", false)]
    [InlineData("Stop", "stop", false)]
    [InlineData("a.c", "abc", false)]
    [InlineData("[ab]", "a", false)]
    [InlineData("***", "", true)]
    public void A_glob_matches_the_whole_text(string pattern, string text, bool expected) =>
        Assert.Equal(expected, Glob.Matches(pattern, text));

    [Fact]
    public void A_glob_says_what_the_same_regular_expression_says() =>
        Gen.Select(Gen.Char["ab*?"].Array[0, 8], Gen.Char["ab"].Array[0, 12])
            .Sample(
                (pattern, text) =>
                {
                    var expression =
                        "^"
                        + Regex
                            .Escape(new string(pattern))
                            .Replace(@"\*", ".*", StringComparison.Ordinal)
                            .Replace(@"\?", ".", StringComparison.Ordinal)
                        + "$";
                    return Glob.Matches(new string(pattern), new string(text)) == Regex.IsMatch(new string(text), expression);
                }
            );

    [Fact]
    public void Many_stars_do_not_multiply_the_work()
    {
        // A recursive matcher would try more ways than there are atoms; this one ends before the test runner notices.
        var pattern = string.Concat(Enumerable.Repeat("*a", 500)) + "b";
        Assert.False(Glob.Matches(pattern, new string('a', 20_000)));
    }
}
