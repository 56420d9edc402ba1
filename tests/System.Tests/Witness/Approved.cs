using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace Metrics.SystemTests.Witness;

/// <summary>
/// Files of <c>tests/System.Tests/Approved</c>: what the product told when somebody last looked at it.
/// A change of it is a difference of one of them.
/// </summary>
/// <remarks>
/// With <c>METRICS_APPROVE=1</c> in the environment they are written.
/// Else what differs lies beside the test results as <c>NAME.received.EXTENSION</c>.
/// </remarks>
internal static class Approved
{
    private const int Shown = 12;

    private static readonly string Project = Path.GetFullPath(Path.Combine(Here(), ".."));
    private static readonly string Folder = Path.Combine(Project, "Approved");
    private static readonly string Results = Path.Combine(Project, "TestResults", "Witness");

    private static bool Approving => Environment.GetEnvironmentVariable("METRICS_APPROVE") == "1";

    /// <summary>Compares all files of a group; one that is approved and did not come fails too.</summary>
    /// <param name="group">A folder of approved files.</param>
    /// <param name="received">Texts by file name, by engine; one without an engine has the key "".</param>
    public static void Check(string group, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> received)
    {
        var files = Files(received);
        if (Approving)
            Approve(group, files);
        else
        {
            var faults = Compare(Read(group), received, group);
            var where = Path.Combine("TestResults", "Witness", group);
            faults.Add($"What was received lies in {where}; METRICS_APPROVE=1 approves it.");
            Assert.True(faults.Count == 1, string.Join("\n\n", faults));
        }
    }

    /// <summary>Texts of one origin, as <see cref="Check"/> wants them.</summary>
    public static Dictionary<string, IReadOnlyDictionary<string, string>> Single(IReadOnlyDictionary<string, string> files) =>
        new(StringComparer.Ordinal) { [""] = files };

    /// <summary>Every difference between approved and received files, with the first lines that differ.</summary>
    /// <param name="approved">
    /// Texts by file name. A file of one engine has the engine's name before its extension, and goes before that of all.
    /// </param>
    /// <param name="received">Texts by file name, by engine.</param>
    /// <param name="group">Where received files are written; null: nowhere.</param>
    public static List<string> Compare(
        IReadOnlyDictionary<string, string> approved,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> received,
        string? group
    )
    {
        var faults = new List<string>();
        var met = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (engine, files) in received)
        {
            foreach (var (name, text) in files)
            {
                var own = Named(name, engine);
                var expected = approved.ContainsKey(own) ? own : name;
                met.Add(expected);
                if (!approved.TryGetValue(expected, out var known))
                    faults.Add($"{own} is new.");
                else if (Difference(known, text) is { } difference)
                    faults.Add($"{own} differs from {expected}:\n{difference}");
                else
                    continue;
                if (group is null)
                    continue;
                Write(Path.Combine(Results, group, Received(own)), text);
            }
        }
        var missing = approved.Keys.Where(name => !met.Contains(name)).Order(StringComparer.Ordinal);
        faults.AddRange(missing.Select(name => $"{name} is approved and did not come."));
        return faults;
    }

    /// <summary>The first lines that differ; null when none does.</summary>
    public static string? Difference(string approved, string received)
    {
        if (approved == received)
            return null;
        var (before, now) = (approved.Split('\n'), received.Split('\n'));
        var told = new StringBuilder();
        var differing = 0;
        for (var i = 0; i < Math.Max(before.Length, now.Length); i++)
        {
            var (old, fresh) = (before.ElementAtOrDefault(i), now.ElementAtOrDefault(i));
            if (old == fresh || ++differing > Shown)
                continue;
            var same = old is null || fresh is null ? 0 : old.Zip(fresh).TakeWhile(pair => pair.First == pair.Second).Count();
            var at = Math.Max(0, same - 80);
            told.Append(CultureInfo.InvariantCulture, $"  line {i + 1}, from column {at + 1}\n");
            told.Append(CultureInfo.InvariantCulture, $"    approved {Excerpt(old, at)}\n    received {Excerpt(fresh, at)}\n");
        }
        told.Append(CultureInfo.InvariantCulture, $"  {differing} lines differ; {before.Length} were approved, {now.Length} received.");
        return told.ToString();
    }

    private static string Excerpt(string? line, int from) =>
        line is null ? "(no such line)"
        : line.Length - from > 240 ? line.Substring(from, 240) + " ..."
        : line[from..];

    /// <summary>Engines that tell the same share a file, so that it is seen at once where they do not.</summary>
    private static Dictionary<string, string> Files(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> received)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in received.Values.SelectMany(one => one.Keys).Distinct(StringComparer.Ordinal))
        {
            var texts = received.Select(engine => (Engine: engine.Key, Text: engine.Value.GetValueOrDefault(name))).ToList();
            if (texts is [{ Text: { } first }, ..] && texts.TrueForAll(one => one.Text == first))
                files[name] = first;
            else
                foreach (var (engine, text) in texts)
                    if (text is not null)
                        files[Named(name, engine)] = text;
        }
        return files;
    }

    private static void Approve(string group, Dictionary<string, string> files)
    {
        var folder = Path.Combine(Folder, group);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        foreach (var (name, text) in files)
            Write(Path.Combine(folder, name), text);
    }

    private static Dictionary<string, string> Read(string group)
    {
        var folder = Path.Combine(Folder, group);
        return Directory.Exists(folder)
            ? Directory
                .EnumerateFiles(folder)
                .ToDictionary(
                    path => Path.GetFileName(path),
                    path => File.ReadAllText(path).ReplaceLineEndings("\n"),
                    StringComparer.Ordinal
                )
            : new(StringComparer.Ordinal);
    }

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private static string Named(string name, string engine) => engine.Length == 0 ? name : Marked(name, engine);

    private static string Received(string name) => Marked(name, "received");

    private static string Marked(string name, string mark) => $"{Path.GetFileNameWithoutExtension(name)}.{mark}{Path.GetExtension(name)}";

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
