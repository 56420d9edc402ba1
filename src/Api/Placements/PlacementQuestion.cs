using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Placements;

/// <summary>What was asked, understood. Times are whole UTC hours; those left out are null until the data says what they are.</summary>
internal sealed record PlacementQuestion(string Unit, string? Model, Boundary Boundary, DateTime? From, DateTime? To, double MinCoverage, Evidence Evidence)
{
    /// <summary>Longest period of one question: every hour of it is read.</summary>
    public const int MostDays = 31;

    private static readonly string[] Names = ["unit", "model", "boundary", "from", "to", "minCoverage", "evidence"];

    private static readonly string[] WithOffset = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mmzzz"];

    // 'Z' as a letter, and a day alone: both mean UTC.
    private static readonly string[] InUtc = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd"];

    /// <summary>Reads the query; every fault is added, each with what would be right, and then there is no question.</summary>
    public static PlacementQuestion? Read(IQueryCollection query, List<string> faults)
    {
        foreach (var name in query.Keys.Where(key => !Names.Contains(key, StringComparer.OrdinalIgnoreCase)))
            faults.Add($"'{Shorten(name)}' is not a parameter. Parameters are: {string.Join(", ", Names)}.");

        var unit = One("unit");
        if (unit is null) faults.Add($"'unit' is missing: say what work is counted in. Units are: {Units}.");
        else if (!FunctionalUnit.Known.ContainsKey(unit)) faults.Add($"'{Shorten(unit)}' is not a functional unit. Units are: {Units}.");

        var boundary = Boundary.Facility;
        if (One("boundary") is { } named && !TryName(named, out boundary))
            faults.Add($"'{Shorten(named)}' is not a boundary. Boundaries are: {string.Join(", ", Enum.GetValues<Boundary>().Select(Word))}.");

        var evidence = new ComparisonTerms().WorstEvidence;
        if (One("evidence") is { } worst && !TryName(worst, out evidence))
            faults.Add($"'{Shorten(worst)}' is not evidence. The worst accepted is one of: {string.Join(", ", Enum.GetValues<Evidence>().Select(Word))}.");

        var coverage = ComparisonTerms.UsualCoverage;
        if (One("minCoverage") is { } share && !(double.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out coverage) && coverage is >= 0 and <= 1))
            faults.Add($"minCoverage '{Shorten(share)}' is not a share from 0 to 1, for instance 0.9.");

        var (from, to) = (Time("from"), Time("to"));
        return faults.Count > 0 ? null : new PlacementQuestion(unit!, One("model"), boundary, from, to, coverage, evidence);

        // A parameter without a value is one left out: forms send it so.
        string? One(string name)
        {
            var values = query[name];
            if (values.Count > 1)
            {
                var fault = $"'{name}' is given {values.Count} times; give it once.";
                if (!faults.Contains(fault)) faults.Add(fault);
            }
            return string.IsNullOrWhiteSpace(values.FirstOrDefault()) ? null : values[0];
        }

        DateTime? Time(string name)
        {
            if (One(name) is not { } text) return null;
            if (!DateTimeOffset.TryParseExact(text, WithOffset, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
                && !DateTimeOffset.TryParseExact(text, InUtc, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time))
            {
                faults.Add($"{name} '{Shorten(text)}' is not a time. Write 2026-02-01T00:00:00Z, 2026-02-01T02:00:00%2B02:00 (a + in an address is %2B) or 2026-02-01.");
                return null;
            }
            if (time.UtcTicks % TimeSpan.TicksPerHour == 0) return time.UtcDateTime;
            faults.Add($"{name} '{Shorten(text)}' is not a whole hour of UTC, and the sums are kept by the hour.");
            return null;
        }
    }

    /// <summary>The boundary or evidence as the API writes it.</summary>
    public static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Units => string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal));

    // By name alone: Enum.TryParse would take numbers too.
    private static bool TryName<T>(string text, out T value) where T : struct, Enum
    {
        foreach (var known in Enum.GetValues<T>())
        {
            if (!string.Equals(Word(known), text, StringComparison.OrdinalIgnoreCase)) continue;
            value = known;
            return true;
        }
        value = default;
        return false;
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
