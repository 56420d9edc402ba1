using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>What a data centre reports of a year, and the four indicators made of it.</summary>
/// <remarks>Source: Delegated Regulation (EU) 2024/1364, Annexes II and III; ISO/IEC 30134-2 (PUE), -9 (WUE), -6 (ERF), -3 (REF).</remarks>
public sealed record DataCentreIndicators
{
    /// <summary>The indicators of a data centre.</summary>
    /// <param name="total">Total energy consumption of the data centre (E_DC).</param>
    /// <param name="it">Energy consumption of its IT equipment (E_IT); above zero and at most the total.</param>
    /// <param name="waterInput">Total water input (W_IN); null when unknown.</param>
    /// <param name="reused">Waste heat reused outside (E_REUSE); null when unknown.</param>
    /// <param name="renewable">Renewable energy consumption (E_RES-TOT), at most the total; null when unknown.</param>
    /// <exception cref="ArgumentOutOfRangeException">An amount is not finite, negative, or more than what it is a part of; the message
    /// names it.</exception>
    public DataCentreIndicators(Energy total, Energy it, Water? waterInput = null, Energy? reused = null, Energy? renewable = null)
    {
        Total = total.Joules is >= 0 and < double.PositiveInfinity
            ? total
            : throw OutOfRange(nameof(total), total, "is a finite amount, not negative");
        It =
            it.Joules > 0 && it <= total
                ? it
                : throw OutOfRange(nameof(it), it, "is above zero and at most the total: a data centre holds its IT");
        WaterInput = waterInput is null or { Litres: >= 0 and < double.PositiveInfinity }
            ? waterInput
            : throw OutOfRange(nameof(waterInput), waterInput, "is a finite amount, not negative");
        Reused = reused is null or { Joules: >= 0 and < double.PositiveInfinity }
            ? reused
            : throw OutOfRange(nameof(reused), reused, "is a finite amount, not negative");
        Renewable =
            renewable is null || (renewable.Value.Joules >= 0 && renewable <= total)
                ? renewable
                : throw OutOfRange(nameof(renewable), renewable, "is from zero to the total");
    }

    /// <summary>Total energy consumption (E_DC).</summary>
    public Energy Total { get; }

    /// <summary>Energy consumption of IT equipment (E_IT).</summary>
    public Energy It { get; }

    /// <summary>Total water input (W_IN); null when unknown.</summary>
    public Water? WaterInput { get; }

    /// <summary>Waste heat reused (E_REUSE); null when unknown.</summary>
    public Energy? Reused { get; }

    /// <summary>Renewable energy consumption (E_RES-TOT); null when unknown.</summary>
    public Energy? Renewable { get; }

    /// <summary>Power usage effectiveness: E_DC / E_IT, at least 1.</summary>
    public double PowerUsageEffectiveness => Total.Joules / It.Joules;

    /// <summary>Water usage effectiveness: W_IN / E_IT, in litres per kilowatt-hour; null when the water is unknown.</summary>
    public double? WaterUsageEffectiveness => WaterInput?.Litres / It.KilowattHours;

    /// <summary>Energy reuse factor: E_REUSE / E_DC; null when the reuse is unknown.</summary>
    public double? EnergyReuseFactor => Reused?.Joules / Total.Joules;

    /// <summary>Renewable energy factor: E_RES-TOT / E_DC, from 0 to 1; null when the renewable energy is unknown.</summary>
    public double? RenewableEnergyFactor => Renewable?.Joules / Total.Joules;

    private static ArgumentOutOfRangeException OutOfRange(string name, object? value, string rule) => new(name, value, $"'{name}' {rule}.");
}
