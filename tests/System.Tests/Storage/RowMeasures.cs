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

        public double CoveredSeconds
        {
            get => (double)row["CoveredSeconds"]!;
            set => row["CoveredSeconds"] = value;
        }
    }
}
