namespace Metrics.Ingestors.Providers;

/// <summary>Instants on a grid.</summary>
public static class Instants
{
    /// <summary>The last multiple of the step since midnight that is not after the instant; the instant itself when the step is
    /// zero.</summary>
    public static DateTime Floor(this DateTime instant, TimeSpan step) =>
        step <= TimeSpan.Zero ? instant : new(instant.Ticks - instant.Ticks % step.Ticks, DateTimeKind.Utc);

    /// <summary>The first multiple of the step since midnight that is not before the instant; the instant itself when the step is
    /// zero.</summary>
    public static DateTime Ceiling(this DateTime instant, TimeSpan step) =>
        step <= TimeSpan.Zero ? instant : instant.AddTicks(step.Ticks - 1).Floor(step);
}
