using CsCheck;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Xunit;

namespace Metrics.SystemTests.Drill;

/// <summary>Which span is read next, whatever the clock and the reads before did.</summary>
public sealed class WindowTests
{
    private static readonly DateTime Noon = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);

    private static readonly Gen<Cadence> Cadences = Gen.Select(
        Gen.Int[0, 1800],
        Gen.Int[0, 10_800],
        Gen.Int[1, 86_400],
        Gen.Int[60, 86_400],
        (settle, overlap, lookback, longest) =>
            new Cadence(
                TimeSpan.FromSeconds(settle),
                TimeSpan.FromSeconds(overlap),
                TimeSpan.FromSeconds(lookback),
                TimeSpan.FromSeconds(longest)
            )
    );

    /// <summary>How far the clock goes to the next tick, and whether the read there ends with a commit that moves the watermark.</summary>
    internal static readonly Gen<(TimeSpan Step, bool Committed)[]> Ticks = Gen.Select(
        Gen.Frequency(
            (12, Gen.Int[1, 600]),
            (3, Gen.Int[600, 20_000]),
            (1, Gen.Const(86_400)),
            (1, Gen.Const(-86_400)),
            (2, Gen.Int[-3_600, -1])
        ),
        Gen.Frequency((3, Gen.Const(true)), (1, Gen.Const(false))),
        (seconds, committed) => (TimeSpan.FromSeconds(seconds), committed)
    ).Array[1, 60];

    [Fact]
    public void Windows_tile_never_skip_and_never_reach_past_what_has_settled() =>
        Gen.Select(Cadences, Ticks)
            .Sample(
                (cadence, ticks) =>
                {
                    var first = Noon - cadence.Lookback;
                    DateTime? watermark = null;
                    var (now, covered) = (Noon, first);
                    foreach (var (step, committed) in ticks)
                    {
                        now += step;
                        if (Window.Next(cadence, watermark, Noon, now) is not { } window)
                            continue;
                        if (window.Start != (watermark is { } read ? read - cadence.Overlap : first))
                            return false;
                        if (window.End > now - cadence.Settle || window.Length > cadence.MaxWindow + cadence.Overlap)
                            return false;
                        if (!committed)
                            continue;
                        // It begins at or before the end of what was read: no instant lies between.
                        if (window.Start > covered)
                            return false;
                        if (window.End > covered)
                            covered = window.End;
                        // As a commit does: forward only. A clock that went back leaves it where it is.
                        if (watermark is null || window.End > watermark)
                            watermark = window.End;
                        if (watermark != covered)
                            return false;
                    }
                    return true;
                },
                iter: 20_000
            );

    [Fact]
    public void A_window_of_now_less_an_interval_leaves_holes() =>
        // The same ticks, and the floating window that other readers use: the first stop loses what passed meanwhile.
        Assert.ThrowsAny<CsCheckException>(() =>
            Ticks.Sample(
                ticks =>
                {
                    var (now, covered) = (Noon, Noon - TimeSpan.FromMinutes(10));
                    foreach (var (step, committed) in ticks)
                    {
                        now += step;
                        var window = new Interval(now - TimeSpan.FromMinutes(10), now);
                        if (!committed)
                            continue;
                        if (window.Start > covered)
                            return false;
                        if (window.End > covered)
                            covered = window.End;
                    }
                    return true;
                },
                iter: 20_000
            )
        );

    [Theory]
    [InlineData(7200, true)]
    [InlineData(0, false)]
    public void Late_data_is_read_with_an_overlap_as_long_as_its_delay_and_lost_without(int overlap, bool all)
    {
        var cadence = new Cadence(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(overlap), TimeSpan.FromHours(1), TimeSpan.FromHours(1));
        void Property() =>
            Ticks.Sample(
                ticks =>
                {
                    DateTime? watermark = null;
                    var (now, shown) = (Noon, Noon);
                    var read = new HashSet<DateTime>();
                    foreach (var (step, committed) in ticks.Append((TimeSpan.FromHours(1), true)))
                    {
                        now += step;
                        if (now > shown)
                            shown = now;
                        if (Window.Next(cadence, watermark, Noon, now) is not { } window || !committed)
                            continue;
                        for (var at = Minute(window.Start); at < window.End; at += TimeSpan.FromMinutes(1))
                            if (shown >= Seen(at))
                                read.Add(at);
                        if (watermark is null || window.End > watermark)
                            watermark = window.End;
                    }
                    // What is older than the overlap can come no more.
                    for (var at = Minute(Noon - cadence.Lookback); at < watermark - TimeSpan.FromHours(2); at += TimeSpan.FromMinutes(1))
                        if (!read.Contains(at))
                            return false;
                    return true;
                },
                iter: 2_000
            );

        if (all)
            Property();
        else
            Assert.ThrowsAny<CsCheckException>(Property);

        static DateTime Minute(DateTime from) =>
            new((from.Ticks + TimeSpan.TicksPerMinute - 1) / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, DateTimeKind.Utc);

        // Every seventh minute comes two hours late.
        static DateTime Seen(DateTime at) => at.AddMinutes(at.Minute % 7 == 0 ? 120 : 0);
    }
}
