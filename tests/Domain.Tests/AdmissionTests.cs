using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

public sealed class AdmissionTests
{
    private static readonly DateTime Now = Scene.At(0);
    private static readonly Series Power = Scene.Series("node_power", labels: ("node", "a"));

    [Fact]
    public void A_plausible_sample_is_admitted() =>
        Assert.Null(Admission.Validate(new Observation(Power, Sample.At(Now, 431.2)), Map.NodePower, Now));

    [Fact]
    public void Zero_is_admitted_because_it_is_a_measurement() =>
        Assert.Null(Admission.Validate(new Observation(Power, Sample.At(Now, 0)), Map.NodePower, Now));

    [Fact]
    public void A_metric_without_a_mapping_is_refused()
    {
        var rejection = Admission.Validate(new Observation(Scene.Series("fan_speed"), Sample.At(Now, 1)), null, Now);

        Assert.Equal(RejectionReason.UnmappedMetric, rejection?.Reason);
        Assert.Equal("No mapping of provider 'prometheus' explains fan_speed; add one to its *.metrics.json.", rejection?.Detail);
    }

    [Theory]
    [InlineData(double.NaN, RejectionReason.ImplausibleValue)]
    [InlineData(double.PositiveInfinity, RejectionReason.ImplausibleValue)]
    [InlineData(double.NegativeInfinity, RejectionReason.ImplausibleValue)]
    [InlineData(-0.001, RejectionReason.ImplausibleValue)]
    [InlineData(1.1e24, RejectionReason.OutOfRange)]
    [InlineData(double.MaxValue, RejectionReason.OutOfRange)]
    public void A_value_that_no_meter_shows_is_refused(double value, RejectionReason reason)
    {
        var rejection = Admission.Validate(new Observation(Power, Sample.At(Now, value)), Map.NodePower, Now);

        Assert.Equal(reason, rejection?.Reason);
        Assert.Equal("node_power{node=\"a\"}", rejection?.Subject);
        Assert.Equal(Scene.Source, rejection?.Source);
        Assert.Equal(Now, rejection?.At);
    }

    [Theory]
    [InlineData(double.NaN, true)]
    [InlineData(double.PositiveInfinity, false)]
    [InlineData(0, false)]
    public void The_mark_of_an_ended_series_says_nothing(double value, bool nothing) =>
        Assert.Equal(nothing, Admission.SaysNothing(Sample.At(Now, value)));

    [Fact]
    public void The_largest_value_is_admitted() =>
        Assert.Null(Admission.Validate(new Observation(Power, Sample.At(Now, 1e24)), Map.NodePower, Now));

    [Fact]
    public void The_detail_tells_the_value_in_a_plain_sentence() =>
        Assert.Equal(
            "The value -12.5 W is negative, which no meter can show.",
            Admission.Validate(new Observation(Power, Sample.At(Now, -12.5)), Map.NodePower, Now)?.Detail
        );

    [Theory]
    [InlineData(9223372036854775792.0, RejectionReason.ImplausibleValue)]
    [InlineData(9.3e18, RejectionReason.ImplausibleValue)]
    [InlineData(812345678901.0, null)]
    public void A_sentinel_is_no_value(double value, RejectionReason? reason) =>
        Assert.Equal(reason, Admission.Validate(new Observation(Power, Sample.At(Now, value)), Map.GpuEnergy, Now)?.Reason);

    [Theory]
    [InlineData(100, null)]
    [InlineData(100.5, RejectionReason.OutOfRange)]
    public void A_utilisation_above_the_whole_capacity_is_refused(double percent, RejectionReason? reason) =>
        Assert.Equal(reason, Admission.Validate(new Observation(Power, Sample.At(Now, percent)), Map.Busy, Now)?.Reason);

    [Fact]
    public void A_ratio_that_is_really_a_percentage_is_refused() =>
        Assert.Equal(RejectionReason.OutOfRange, Admission.Validate(new Observation(Power, Sample.At(Now, 35)), Map.BusyCpus, Now)?.Reason);

    [Theory]
    [InlineData(2, null)]
    [InlineData(2.01, RejectionReason.FutureTimestamp)]
    [InlineData(60 * 24 * 365, RejectionReason.FutureTimestamp)]
    public void A_time_ahead_of_the_clock_is_refused_beyond_two_minutes(double minutesAhead, RejectionReason? reason) =>
        Assert.Equal(reason, Admission.Validate(new Observation(Power, Sample.At(Scene.At(minutesAhead), 1)), Map.NodePower, Now)?.Reason);

    [Theory]
    [InlineData(1970)]
    [InlineData(1999)]
    [InlineData(2100)]
    [InlineData(9000)]
    public void A_year_that_cannot_be_meant_is_refused(int year)
    {
        var then = new DateTime(year, 6, 1, 0, 0, 0, DateTimeKind.Utc);

        Assert.Equal(
            RejectionReason.ImplausibleTimestamp,
            Admission.Validate(new Observation(Power, Sample.At(then, 1)), Map.NodePower, Now)?.Reason
        );
    }

    [Fact]
    public void An_amount_without_an_interval_is_refused() =>
        Assert.Equal(
            RejectionReason.WrongInterval,
            Admission.Validate(new Observation(Power, Sample.At(Now, 1)), Map.NodeEnergy, Now)?.Reason
        );

    [Fact]
    public void A_level_with_an_interval_is_refused()
    {
        var sample = new Sample(Scene.At(-1), Now, 1);

        Assert.Equal(RejectionReason.WrongInterval, Admission.Validate(new Observation(Power, sample), Map.NodePower, Now)?.Reason);
        Assert.Equal(RejectionReason.WrongInterval, Admission.Validate(new Observation(Power, sample), Map.NodeCounter, Now)?.Reason);
    }

    [Fact]
    public void A_level_that_a_provider_averaged_over_a_period_has_an_interval()
    {
        var averaged = Scene.Series("node_power", period: TimeSpan.FromMinutes(1), labels: ("node", "a"));

        Assert.Null(Admission.Validate(new Observation(averaged, new Sample(Scene.At(-1), Now, 1)), Map.NodePower, Now));
    }

    [Fact]
    public void An_interval_that_ends_before_it_starts_is_refused() =>
        Assert.Equal(
            RejectionReason.WrongInterval,
            Admission.Validate(new Observation(Power, new Sample(Now, Scene.At(-1), 1)), Map.NodeEnergy, Now)?.Reason
        );

    [Fact]
    public void An_amount_over_more_than_an_hour_is_too_coarse_for_the_grid() =>
        Assert.Equal(
            RejectionReason.SpanTooLong,
            Admission.Validate(new Observation(Power, new Sample(Scene.At(-61), Now, 1)), Map.NodeEnergy, Now)?.Reason
        );

    [Theory]
    [InlineData("node", "a\0b")]
    [InlineData("no\0de", "a")]
    public void A_label_with_a_NUL_is_malformed(string name, string value)
    {
        var rejection = Admission.Validate(
            new Observation(Scene.Series("node_power", labels: (name, value)), Sample.At(Now, 1)),
            Map.NodePower,
            Now
        );

        Assert.Equal(RejectionReason.Malformed, rejection?.Reason);
        Assert.DoesNotContain('\0', rejection!.Subject + rejection.Detail);
    }
}
