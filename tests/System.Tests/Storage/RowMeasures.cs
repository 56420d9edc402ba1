using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Schema.Tables;

namespace Metrics.Tests;

/// <summary>The measures of a stored row by their names, so that tests read as the API does.</summary>
internal static class RowMeasures
{
    extension(IntensityRow row)
    {
        public double? Units
        {
            get => (double?)row["Units"];
            set => row["Units"] = value;
        }

        public double? AcceleratorJoules
        {
            get => (double?)row["AcceleratorJoules"];
            set => row["AcceleratorJoules"] = value;
        }

        public double? ServerJoules
        {
            get => (double?)row["ServerJoules"];
            set => row["ServerJoules"] = value;
        }

        public double? FacilityJoules
        {
            get => (double?)row["FacilityJoules"];
            set => row["FacilityJoules"] = value;
        }

        public double? RackJoules
        {
            get => (double?)row["RackJoules"];
            set => row["RackJoules"] = value;
        }

        public double? IdleJoules
        {
            get => (double?)row["IdleJoules"];
            set => row["IdleJoules"] = value;
        }

        public double? LowJoules
        {
            get => (double?)row["LowJoules"];
            set => row["LowJoules"] = value;
        }

        public double? HighJoules
        {
            get => (double?)row["HighJoules"];
            set => row["HighJoules"] = value;
        }

        public double? OperationalGrams
        {
            get => (double?)row["OperationalGrams"];
            set => row["OperationalGrams"] = value;
        }

        public double? MarginalGrams
        {
            get => (double?)row["MarginalGrams"];
            set => row["MarginalGrams"] = value;
        }

        public double? MarketBasedGrams
        {
            get => (double?)row["MarketBasedGrams"];
            set => row["MarketBasedGrams"] = value;
        }

        public double? EmbodiedGrams
        {
            get => (double?)row["EmbodiedGrams"];
            set => row["EmbodiedGrams"] = value;
        }

        public double? WaterLitres
        {
            get => (double?)row["WaterLitres"];
            set => row["WaterLitres"] = value;
        }

        public double? KnownJoules
        {
            get => (double?)row["KnownJoules"];
            set => row["KnownJoules"] = value;
        }

        public double MeasuredJoules
        {
            get => (double)row["MeasuredJoules"]!;
            set => row["MeasuredJoules"] = value;
        }
    }

    /// <summary>The row with the sums that ratios divide, as the roll-up leaves them of time in which energy and work are known.</summary>
    /// <param name="row">The row with its plain sums.</param>
    /// <param name="seconds">The time of which they are known; the deployment was there for all of the row's.</param>
    public static T Matched<T>(this T row, double seconds = 3600)
        where T : IntensityRow
    {
        var told = MeasureValues.Of(Measures.All, at => (double?)row[Measures.All[at].Name]);
        row["PresentSeconds"] = (row.PeriodEnd - row.PeriodStart).TotalSeconds;
        row["WorkSeconds"] = row.Units is null ? 0 : seconds;
        row["IdleOfJoules"] = row.IdleJoules is null ? null : row.ServerJoules ?? row.AcceleratorJoules;
        foreach (var boundary in Enum.GetValues<Boundary>())
            row[Measures.SecondsOf(boundary).Name] = told[Measures.Of(boundary)] is null ? 0 : seconds;
        foreach (var sums in MatchedSums.All)
        {
            if (row.Units is null || (sums.OnlyWithoutServer && row.ServerJoules is not null) || sums.Of.Evaluate(told) is not { } amount)
                continue;
            (row[sums.Amount.Name], row[sums.Units.Name], row[sums.Seconds.Name]) = (amount, row.Units, seconds);
            // Bounds in proportion to those of the widest boundary; what was embodied is certain.
            var certain = sums == MatchedSums.Sci ? row.EmbodiedGrams ?? 0 : 0;
            if (
                sums is { Low: { } low, High: { } high }
                && (row.FacilityJoules ?? row.ServerJoules ?? row.AcceleratorJoules) is > 0 and var widest
                && (row.LowJoules, row.HighJoules) is ({ } least, { } most)
            )
                (row[low.Name], row[high.Name]) = (
                    (amount - certain) * least / widest + certain,
                    (amount - certain) * most / widest + certain
                );
        }
        return row;
    }
}
