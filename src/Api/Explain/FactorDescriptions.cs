using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Normalisation;

namespace Metrics.Api.Explain;

/// <summary>The factors that facts name, described.</summary>
/// <param name="trace">Has those of the places.</param>
/// <param name="book">Where the rows of tables are looked up by name.</param>
internal sealed class FactorDescriptions(Trace trace, FactorBook book)
{
    private readonly Dictionary<string, Factor> ofPlaces = trace
        .Accounts.Values.Select(account => account.By)
        .DistinctBy(factor => factor.Name)
        .ToDictionary(factor => factor.Name, StringComparer.Ordinal);

    /// <summary>What is known of a factor.</summary>
    public ExplainedFactor Describe(string name)
    {
        if (ofPlaces.GetValueOrDefault(name) is { } known)
            return new ExplainedFactor
            {
                Name = name,
                Value = known.Value,
                Unit = known.Unit,
                Text = known.Range is { } range ? $"from {Number(range.Low)} to {Number(range.High)}" : null,
                Source = known.Source,
                Licence = known.Licence.Length == 0 ? null : known.Licence,
                Vintage = Year(known.Vintage),
            };
        if (name == UsualLoad.FactorName)
            return new ExplainedFactor
            {
                Name = name,
                Value = UsualLoad.Value,
                Unit = "1",
                Text = "the usual load of a host of which only the accelerators are read",
                Source = UsualLoad.Source,
                Licence = UsualLoad.Licence,
                Vintage = Year(UsualLoad.Vintage),
            };
        if (book.Hardware.All.FirstOrDefault(row => row.FactorName == name) is { } hardware)
            return new ExplainedFactor
            {
                Name = name,
                Text = $"{Number(hardware.Power.Idle.Watts)} W idle, {Number(hardware.Power.Max.Watts)} W at full load",
                Source = hardware.Source,
                Licence = hardware.Licence,
                Vintage = Year(hardware.Vintage),
            };
        if (book.Servers.All.FirstOrDefault(server => server.FactorName == name) is { } type)
            return new ExplainedFactor
            {
                Name = name,
                Text = Text(type),
                Source = type.Source,
                Licence = type.Licence,
                Vintage = type.Version,
            };
        return book.Models.All.FirstOrDefault(model => model.FactorName == name) is { } size
            ? new ExplainedFactor
            {
                Name = name,
                Text = $"{Number(size.Size.ActiveParameters.Low)} to {Number(size.Size.ActiveParameters.High)} active parameters",
                Source = size.Source,
                Licence = size.Licence,
                Vintage = size.Version,
            }
            : new ExplainedFactor { Name = name };
    }

    private static string Text(ServerType type)
    {
        var boards = type.Accelerator is { } board ? $"{Number(type.Accelerators)} x {board}" : "no accelerator";
        var making = type.Embodied is { } made
            ? $"{Number(made.Total.Kilograms)} kg embodied in what is reserved, over {Number(made.Lifespan.TotalDays / 365)} "
                + $"years ({type.Method})"
            : "embodied emissions unknown";
        return $"{type.VirtualCpus} vCPU {type.MicroArchitecture}, {Number(type.MemoryGigabytes)} GB, {boards}, {making}";
    }

    private static string? Year(int? year) => year?.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => DecisionText.Number(value);
}
