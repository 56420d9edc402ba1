using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>The rooms of the domain stand in one order: each knows those before it and none after it.</summary>
public sealed partial class DomainRoomsTests
{
    private static readonly string[] Rooms = ["Messages", "Quantities", "Observations", "Factors", "Catalogue", "Facts", "Normalisation"];

    [Fact]
    public void A_room_knows_only_rooms_before_it()
    {
        var arrows = Arrows(Sources());

        // The control of the reading itself: the arrows that are known to be there are seen.
        Assert.Contains(("Normalisation", "Facts"), arrows.Select(arrow => (arrow.From, arrow.To)));
        Assert.Contains(("Catalogue", "Factors"), arrows.Select(arrow => (arrow.From, arrow.To)));
        Assert.Equal(Rooms.Order(StringComparer.Ordinal), Sources().Select(source => source.Room).Distinct().Order(StringComparer.Ordinal));
        Assert.Empty(Backward(arrows));
    }

    [Theory]
    [InlineData("using Metrics.Domain.Normalisation;")]
    [InlineData("var reach = Normalisation.Normaliser.Revision;")]
    [InlineData("var name = Metrics.Domain.Normalisation.Normaliser.Revision;")]
    public void An_arrow_back_is_seen(string line) =>
        Assert.Equal(["Observations/Broken.cs knows Normalisation"], Backward(Arrows([.. Sources(), ("Observations", "Broken.cs", line)])));

    [Fact]
    public void A_comment_is_no_arrow() =>
        Assert.Empty(Backward(Arrows([("Observations", "Commented.cs", "/// <see cref=\"Normalisation.Normaliser\"/> reads it")])));

    private static IEnumerable<string> Backward(IEnumerable<(string From, string File, string To)> arrows) =>
        arrows
            .Where(arrow => Array.IndexOf(Rooms, arrow.To) > Array.IndexOf(Rooms, arrow.From))
            .Select(arrow => $"{arrow.From}/{arrow.File} knows {arrow.To}");

    /// <summary>What each file names of other rooms: by a using, or by a name that begins with the room's.</summary>
    private static List<(string From, string File, string To)> Arrows(IEnumerable<(string Room, string File, string Text)> sources) =>
        [
            .. sources
                .SelectMany(source =>
                    source
                        .Text.Split('\n')
                        .Where(line =>
                            !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
                            && !line.StartsWith("namespace ", StringComparison.Ordinal)
                        )
                        .SelectMany(line => RoomName().Matches(line).Select(match => match.Groups["room"].Value))
                        .Select(room => (From: source.Room, source.File, To: room))
                )
                .Where(arrow => arrow.From != arrow.To)
                .Distinct(),
        ];

    private static (string Room, string File, string Text)[] Sources([CallerFilePath] string here = "")
    {
        var domain = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../src/Model/Domain"));
        return
        [
            .. Rooms.SelectMany(room =>
                Directory
                    .EnumerateFiles(Path.Combine(domain, room), "*.cs")
                    .Select(file => (room, Path.GetFileName(file), File.ReadAllText(file)))
            ),
        ];
    }

    [GeneratedRegex(
        @"^using Metrics\.Domain\.(?<room>\w+);|(?<![\w.])(Metrics\.Domain\.|Domain\.)?(?<room>Messages|Quantities|Observations|"
            + @"Factors|Catalogue|Facts|Normalisation)\.[A-Z]\w*"
    )]
    private static partial Regex RoomName();
}
