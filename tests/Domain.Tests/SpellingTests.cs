using Metrics.Domain.Messages;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Names that are near to others, and long texts in short.</summary>
public sealed class SpellingTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("flaw", "lawn", 2)]
    [InlineData("Energy", "ENERGY", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    public void The_distance_counts_characters_inserted_removed_or_replaced(string from, string to, int expected)
    {
        Assert.Equal(expected, Spelling.Distance(from, to));
        Assert.Equal(expected, Spelling.Distance(to, from));
    }

    [Fact]
    public void Of_long_texts_the_first_hundred_characters_are_compared()
    {
        Assert.Equal(0, Spelling.Distance(new string('a', 100) + "b", new string('a', 100) + "c"));
        Assert.Equal(1, Spelling.Distance(new string('a', 99) + "b", new string('a', 99) + "c"));
    }

    [Fact]
    public void Known_names_that_are_near_are_named_the_nearest_first()
    {
        string[] known = ["eu-west-1", "eu-west-2", "eu-west-3", "us-east-1"];

        Assert.Equal("; near: 'eu-west-1', 'eu-west-2', 'eu-west-3'", Spelling.Near("eu-wst-1", known));
        Assert.Equal("", Spelling.Near("ap-south-9", known));
        Assert.Equal(" Did you mean 'us-east-1'?", Spelling.DidYouMean("us-est-1", ["us-east-1", "eu-north-1"]));
        Assert.Equal("", Spelling.DidYouMean("ap-south-9", known));
        // One letter for another is no misspelling when there is but one.
        Assert.Equal("", Spelling.DidYouMean("c", ["a", "b"]));
        Assert.Equal(" Did you mean 'ab'?", Spelling.DidYouMean("ac", ["ab", "xy"]));
    }

    [Fact]
    public void A_text_that_is_shortened_ends_with_dots_and_never_within_a_character()
    {
        Assert.Equal("abc", Spelling.Shorten("abc", 3));
        Assert.Equal("abc...", Spelling.Shorten("abcd", 3));
        Assert.Equal("ab...", Spelling.Shorten("ab\U0001F600d", 3));
    }
}
