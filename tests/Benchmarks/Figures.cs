using System.Globalization;

namespace Metrics.Benchmarks;

/// <summary>Prints what was measured beside what is asked for.</summary>
public static class Figures
{
    /// <summary>One line: name, figure, what is asked for, and whether it is met.</summary>
    public static void AtLeast(string name, double figure, double asked, string unit) =>
        Print(name, figure, $"at least {Text(asked)}", figure >= asked, unit);

    /// <summary>One line: name, figure, what is asked for, and whether it is met.</summary>
    public static void Below(string name, double figure, double asked, string unit) =>
        Print(name, figure, $"below {Text(asked)}", figure < asked, unit);

    /// <summary>One line with a figure that nothing is asked of.</summary>
    public static void Show(string name, double figure, string unit) => Console.WriteLine($"  {name, -58} {Text(figure), 14} {unit}");

    /// <summary>The middle one of several runs: neither a pause of the machine nor a step of its clock decides.</summary>
    public static double Middle(int times, Func<double> rate) =>
        Enumerable.Range(0, times).Select(_ => rate()).Order().ElementAt(times / 2);

    private static void Print(string name, double figure, string asked, bool met, string unit) =>
        Console.WriteLine($"  {name, -58} {Text(figure), 14} {unit, -12} {asked}: {(met ? "met" : "NOT MET")}");

    private static string Text(double value) => value.ToString(Math.Abs(value) >= 1000 ? "#,0" : "0.###", CultureInfo.InvariantCulture);
}
