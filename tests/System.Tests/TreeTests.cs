using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Metrics.Domain.Facts;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>What the tree promises to who reads it: narrow pages, and documents that name files that are there.</summary>
[Trait("Suite", "Quick")]
public sealed partial class TreeTests
{
    private const int WidestLine = 140;

    /// <summary>The table, the generated migration, its description and the snapshot of each of two engines, and one that computes it or
    /// has it in a contract.</summary>
    private const int MostFilesOfAName = 8;

    private static readonly string Root = Repository();

    [Fact]
    public void No_line_of_code_or_of_SQL_is_wider_than_140_columns()
    {
        var files = Written("src", "*.cs")
            .Concat(Written("tests", "*.cs"))
            .Concat(Written("samples", "*.cs"))
            .Concat(Written("src", "*.sql"))
            .ToList();
        Assert.True(files.Count > 300, $"Only {files.Count} files were looked at.");
        Assert.Empty(files.SelectMany(file => Wide(Path.GetRelativePath(Root, file), File.ReadAllLines(file))));
    }

    [Fact]
    public void A_line_of_141_columns_would_be_found() =>
        Assert.Equal(["a.cs:2: 141 columns"], Wide("a.cs", [new string('x', WidestLine), new string('x', WidestLine + 1)]));

    [Fact]
    public void The_name_of_a_measure_stands_in_the_table_and_hardly_anywhere_else()
    {
        var files = Written("src", "*.*").Concat(Written("migrations", "*.cs")).Where(IsText).ToDictionary(Relative, File.ReadAllText);
        Assert.True(files.Count > 300, $"Only {files.Count} files were looked at.");
        var named = Measures.All.Where(HasNameOfItsOwn).ToDictionary(measure => measure, measure => FilesWith(measure, files));
        Assert.True(named.Count > 10, $"Only {named.Count} names were looked for.");
        // The migrations and snapshots of both engines, of what tables hold, and else the table of measures: a name that is not found there
        // was looked for in a wrong way.
        Assert.All(named, entry => Assert.InRange(entry.Value.Count, entry.Key.Held == MeasureHolders.Passing ? 1 : 6, int.MaxValue));
        var over = named
            .Where(entry => entry.Value.Count > MostFilesOfAName)
            .Select(entry => $"{entry.Key} stands in {entry.Value.Count} files: {string.Join(", ", entry.Value)}")
            .ToList();
        Assert.True(over.Count == 0, string.Join('\n', over));
    }

    [Theory]
    [InlineData("row[\"LowJoules\"]", true)]
    [InlineData("SELECT sum(h.low_joules) FROM intensity_hours h", true)]
    [InlineData("public double? LowJoules { get; init; }", true)]
    [InlineData("LowJoulesPerUnit, ck_facts_low_joules_2, lowJoules, Measures.Low", false)]
    public void A_name_is_found_in_both_of_its_spellings_and_no_other(string text, bool found) =>
        Assert.Equal(found, FilesWith(Measures.Low, new Dictionary<string, string> { ["a.cs"] = text }).Count == 1);

    [Fact]
    public void A_name_in_one_file_too_many_would_be_found() =>
        Assert.Equal(
            MostFilesOfAName + 1,
            FilesWith(Measures.Low, Enumerable.Range(0, MostFilesOfAName + 1).ToDictionary(file => $"{file}.cs", _ => "low_joules")).Count
        );

    [Theory]
    [InlineData("docs/architecture.md", 25)]
    [InlineData("docs/developing.md", 8)]
    [InlineData("CONTRIBUTING.md", 8)]
    public void A_document_names_files_that_are_there(string document, int atLeast)
    {
        var named = Named(File.ReadAllText(Path.Combine(Root, document)));
        Assert.True(named.Count >= atLeast, $"Only {named.Count} files are named: {string.Join(", ", named)}");
        Assert.DoesNotContain(named, path => !Path.Exists(Path.Combine(Root, path)));
    }

    [Fact]
    public void A_file_that_is_not_there_would_be_found() =>
        Assert.Contains(Named("See `src/Api/Nothing.cs`."), path => !Path.Exists(Path.Combine(Root, path)));

    [Fact]
    public void The_index_of_decisions_has_each_page_with_its_title()
    {
        var index = File.ReadAllText(Path.Combine(Root, "docs", "decisions", "README.md"));
        foreach (var page in Directory.EnumerateFiles(Path.Combine(Root, "docs", "decisions"), "0*.md"))
            Assert.Contains($"[{Path.GetFileName(page)[..3]}]({Path.GetFileName(page)})", index, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_of_a_page_leads_to_a_file_and_to_a_heading_of_it()
    {
        var pages = Directory
            .EnumerateFiles(Root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories))
            .ToList();
        var links = pages.SelectMany(page => Link().Matches(File.ReadAllText(page)).Select(match => (Page: page, match.Groups[1].Value)));
        var (looked, dead) = (0, new List<string>());
        foreach (var (page, link) in links.Where(link => !link.Value.Contains("://", StringComparison.Ordinal)))
        {
            looked++;
            if (!Leads(page, link))
                dead.Add($"{Relative(page)}: {link}");
        }
        Assert.True(looked > 100, $"Only {looked} links were looked at.");
        Assert.Empty(dead);
    }

    [Theory]
    [InlineData("normalisation.md#nine-rules", true)]
    [InlineData("normalisation.md#ten-rules", false)]
    [InlineData("abnormalisation.md", false)]
    [InlineData("#nine-rules", false)]
    public void A_link_that_leads_nowhere_would_be_found(string link, bool leads) =>
        Assert.Equal(leads, Leads(Path.Combine(Root, "docs", "placements.md"), link));

    private static bool Leads(string page, string link)
    {
        var parts = link.Split('#');
        var target = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        return Path.Exists(target)
            && (
                parts.Length == 1
                || File.ReadAllLines(target).Any(line => line.StartsWith('#') && Anchor(line.TrimStart('#').Trim()) == parts[1])
            );
    }

    // As GitHub makes them: lower case, without punctuation, blanks as hyphens.
    private static string Anchor(string heading) =>
#pragma warning disable CA1308
        string.Concat(
            heading
                .ToLowerInvariant()
                .Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')
                .Select(letter => letter == ' ' ? '-' : letter)
        );
#pragma warning restore CA1308

    /// <summary>Files that somebody wrote: no build outputs, no packages of others.</summary>
    private static IEnumerable<string> Written(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin" or "node_modules"));

    private static bool IsText(string path) => Path.GetExtension(path) is ".cs" or ".sql" or ".json" or ".csv" or ".html" or ".js";

    private static string Relative(string path) => Path.GetRelativePath(Root, path);

    /// <summary>One word is a word of the language too, as Units is: it stands everywhere.</summary>
    private static bool HasNameOfItsOwn(Measure measure) => measure.Column.Contains('_', StringComparison.Ordinal);

    private static List<string> FilesWith(Measure measure, IReadOnlyDictionary<string, string> files)
    {
        var name = new Regex($@"(?<!\w)(?:{measure.Name}|{measure.Column})(?!\w)", RegexOptions.CultureInvariant);
        return [.. files.Where(file => name.IsMatch(file.Value)).Select(file => file.Key).Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Wide(string file, IReadOnlyList<string> lines) =>
        lines.Index().Where(line => line.Item.Length > WidestLine).Select(line => $"{file}:{line.Index + 1}: {line.Item.Length} columns");

    /// <summary>Paths from the root in backticks, patterns and placeholders left out.</summary>
    private static List<string> Named(string markdown) =>
        [
            .. PathInCode()
                .Matches(markdown)
                .Select(match => match.Groups[1].Value)
                .Where(path => !path.Contains('*'))
                .Distinct(StringComparer.Ordinal),
        ];

    private static string Repository([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`((?:src|tests|docs|migrations|samples|\.github)/[\w./-]+)`")]
    private static partial Regex PathInCode();
}
