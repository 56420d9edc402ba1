namespace Metrics.Domain.Quantities;

/// <summary>Names of enumerations as tables, columns and the API write them: <c>GridIntensity</c> is <c>grid_intensity</c>.</summary>
public static class SnakeCase
{
    /// <summary>The word of a value.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => Of(value.ToString());

    /// <summary>A name in lower case, each capital letter after the first as an underscore and its small one.</summary>
    public static string Of(string name) =>
        string.Concat(
            name.Select(
                (letter, at) =>
                    char.IsAsciiLetterUpper(letter) ? $"{(at == 0 ? "" : "_")}{char.ToLowerInvariant(letter)}" : letter.ToString()
            )
        );

    /// <summary>Each value of an enumeration by its word.</summary>
    /// <param name="except">Values that have no word.</param>
    public static IReadOnlyDictionary<string, T> Values<T>(params T[] except)
        where T : struct, Enum => Enum.GetValues<T>().Except(except).ToDictionary(Of, StringComparer.Ordinal);
}
