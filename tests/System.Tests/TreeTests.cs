using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>What the tree promises to who reads it: narrow pages, and documents that name files that are there.</summary>
[Trait("Suite", "Quick")]
public sealed partial class TreeTests
{
    private const int WidestLine = 140;

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

    /// <summary>Files that somebody wrote: no build outputs, no packages of others.</summary>
    private static IEnumerable<string> Written(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin" or "node_modules"));

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

    [GeneratedRegex(@"`((?:src|tests|docs|migrations|samples|\.github)/[\w./-]+)`")]
    private static partial Regex PathInCode();
}
