using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Energy of a request to a language model behind an API that reports none, estimated from its output tokens.</summary>
/// <remarks>
/// <para>
/// The formula and its constants are those that EcoLogits publishes: a fit of the ML.ENERGY measurements of open models on
/// H100 accelerators (https://ecologits.ai, methodology "LLM inference"; mlco2/ecologits). The defaults are those of its
/// code of March 2026: a batch of 64 and 164 kg for an accelerator. Later code has 273 kg. That, and a batch of which only
/// bounds are known, is written
/// <c>EcoLogits with { Batch = new Bounds(4, 16), AcceleratorEmbodied = Mass.FromKilograms(273) }</c>.
/// </para>
/// <para>
/// Only output tokens count. Not included: input tokens as such, training, networks, devices. An estimate is never
/// ranked beside what was measured unless asked for: its evidence is <see cref="Evidence.Estimated"/>.
/// </para>
/// </remarks>
public sealed record TokenEnergyModel
{
    // Watt-hours of one accelerator for each output token: alpha x e^(beta x batch) x active parameters (10^9) + gamma.
    private const double EnergyAlpha = 1.1665273170451914e-6;
    private const double EnergyBeta = -0.011205921025579175;
    private const double EnergyGamma = 4.052928146734005e-5;

    // Seconds for each output token: alpha x active parameters (10^9) + beta x batch + gamma.
    private const double LatencyAlpha = 0.0006785088094353663;
    private const double LatencyBeta = 0.0003119310311688259;
    private const double LatencyGamma = 0.019473717579473387;

    // Memory for the weights and what is computed with them, over the weights alone.
    private const double MemoryOverhead = 1.2;

    /// <summary>With the constants of EcoLogits' releases with a fixed batch.</summary>
    public static TokenEnergyModel EcoLogits { get; } = new();

    /// <summary>Requests that a server handles at the same time; at least 1. Default 64.</summary>
    public Bounds Batch
    {
        get;
        init => field = value.Low >= 1 ? value : throw OutOfRange(nameof(Batch), value, "is at least one request");
    } = Bounds.Exactly(64);

    /// <summary>Bits of each parameter of the model, from 1 to 64. Default 16.</summary>
    public double BitsPerParameter
    {
        get;
        init => field = value is >= 1 and <= 64 ? value : throw OutOfRange(nameof(BitsPerParameter), value, "is from 1 to 64 bits");
    } = 16;

    /// <summary>Memory of one accelerator in gigabytes, at least 1. Default 80, as an H100 has.</summary>
    public double AcceleratorGigabytes
    {
        get;
        init =>
            field = value is >= 1 and < double.PositiveInfinity
                ? value
                : throw OutOfRange(nameof(AcceleratorGigabytes), value, "is at least one gigabyte");
    } = 80;

    /// <summary>Accelerators in one server. Default 8.</summary>
    public int AcceleratorsPerServer
    {
        get;
        init => field = value >= 1 ? value : throw OutOfRange(nameof(AcceleratorsPerServer), value, "is at least one");
    } = 8;

    /// <summary>Power of one server without its accelerators. Default 1,200 W.</summary>
    public Power ServerPower
    {
        get;
        init =>
            field = value.Watts is >= 0 and < double.PositiveInfinity
                ? value
                : throw OutOfRange(nameof(ServerPower), value, "is finite and not negative");
    } = Power.FromWatts(1200);

    /// <summary>Embodied emissions of one server without its accelerators. Default 5,700 kg.</summary>
    public Mass ServerEmbodied
    {
        get;
        init => field = NotNegative(value, nameof(ServerEmbodied));
    } = Mass.FromKilograms(5700);

    /// <summary>Embodied emissions of one accelerator. Default 164 kg.</summary>
    public Mass AcceleratorEmbodied
    {
        get;
        init => field = NotNegative(value, nameof(AcceleratorEmbodied));
    } = Mass.FromKilograms(164);

    /// <summary>Time the hardware is expected to serve. Default three years of 365 days.</summary>
    public TimeSpan Lifespan
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw OutOfRange(nameof(Lifespan), value, "is longer than no time");
    } = TimeSpan.FromDays(3 * 365);

    /// <summary>How many accelerators hold a model: as many as its memory needs, rounded up to a power of two.</summary>
    /// <param name="totalParameters">All parameters, as a count; above zero, at most 10^15.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is out of range.</exception>
    public int Accelerators(double totalParameters)
    {
        if (totalParameters is not (> 0 and <= ModelSize.MostParameters))
            throw OutOfRange(nameof(totalParameters), totalParameters, "is a count above zero, at most 10^15");
        var gigabytes = MemoryOverhead * (totalParameters / 1e9) * BitsPerParameter / 8;
        var needed = Math.Ceiling(gigabytes / AcceleratorGigabytes);
        var accelerators = 1;
        while (accelerators < needed)
            accelerators *= 2;
        return accelerators;
    }

    /// <summary>Energy, emissions and water of requests. Without a factor what depends on it is null, never zero.</summary>
    /// <param name="model">How large the model is.</param>
    /// <param name="outputTokens">Tokens generated by one request; finite, not negative.</param>
    /// <param name="timing">What is known of the time it took.</param>
    /// <param name="site">Factors of the place that answers.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of tokens is out of range.</exception>
    public TokenEstimate Estimate(ModelSize model, double outputTokens, RequestTiming timing, SiteFactors site)
    {
        if (outputTokens is not (>= 0 and < double.PositiveInfinity))
            throw OutOfRange(nameof(outputTokens), outputTokens, "is a finite count, not negative");

        // A larger batch shares the hardware among more requests, so it makes the low bound.
        var low = Request(model.ActiveParameters.Low, model.TotalParameters.Low, Batch.High, outputTokens, timing, site);
        var high = Request(model.ActiveParameters.High, model.TotalParameters.High, Batch.Low, outputTokens, timing, site);
        return new TokenEstimate(low, high);
    }

    private RequestEstimate Request(
        double activeParameters,
        double totalParameters,
        double batch,
        double tokens,
        RequestTiming timing,
        SiteFactors site
    )
    {
        var billions = activeParameters / 1e9;
        var accelerators = Accelerators(totalParameters);
        var modelled = LatencyAlpha * billions + LatencyBeta * batch + LatencyGamma;
        var seconds = tokens * (timing.TokensPerSecond is { } rate ? 1 / rate : modelled) + (timing.SecondsToFirstToken ?? 0);
        // A client sees its network and its queue too: what it measured only ever shortens the time.
        if (timing.Seconds < seconds)
            seconds = timing.Seconds.Value;

        var wattHours = tokens * (EnergyAlpha * Math.Exp(EnergyBeta * batch) * billions + EnergyGamma);
        var accelerator = Energy.FromKilowattHours(wattHours / 1000) * accelerators;
        var share = (double)accelerators / AcceleratorsPerServer;
        var host = ServerPower.Over(seconds) * (share / batch);
        var hardware = ServerEmbodied * share + AcceleratorEmbodied * accelerators;
        return new RequestEstimate
        {
            OutputTokens = tokens,
            Accelerators = accelerators,
            Seconds = seconds,
            Accelerator = accelerator,
            Host = host,
            Facility = site.Pue is { } pue ? (accelerator + host) * pue : null,
            Operational = site.Pue is { } overhead ? site.Grid?.Of((accelerator + host) * overhead) : null,
            Embodied = hardware * (seconds / (Lifespan.TotalSeconds * batch)),
            Water = site.Water?.Of(accelerator + host, site.Pue),
        };
    }

    private static Mass NotNegative(Mass value, string name) =>
        value.Grams is >= 0 and < double.PositiveInfinity ? value : throw OutOfRange(name, value, "is finite and not negative");

    private static ArgumentOutOfRangeException OutOfRange(string name, object value, string rule) => new(name, value, $"'{name}' {rule}.");
}

/// <summary>How large a language model is. Who does not publish a size is described by bounds.</summary>
public sealed record ModelSize
{
    internal const double MostParameters = 1e15;

    /// <summary>A size by its parameters, as counts: 7.3e9, not 7.3.</summary>
    /// <param name="active">Parameters that take part in each token.</param>
    /// <param name="total">All parameters; as many, or more in a mixture of experts.</param>
    /// <exception cref="ArgumentException">A count is below a million or above 10^15, as billions given instead of a count are, or more
    /// parameters are active than there are.</exception>
    public ModelSize(Bounds active, Bounds total)
    {
        if (active.Low < 1e6 || total.High > MostParameters)
            throw new ArgumentException(
                $"Parameters are counts from a million to 10^15; got {active.Low} active to {total.High} in all. Write 7.3e9 for "
                    + "7.3 billion.",
                nameof(active)
            );
        if (active.Low > total.Low || active.High > total.High)
            throw new ArgumentException(
                $"A model has at least the parameters that are active; got {active.Low} to {active.High} of {total.Low} to {total.High}.",
                nameof(active)
            );
        ActiveParameters = active;
        TotalParameters = total;
    }

    /// <summary>Parameters that take part in each token.</summary>
    public Bounds ActiveParameters { get; }

    /// <summary>All parameters.</summary>
    public Bounds TotalParameters { get; }
}

/// <summary>What is known of the time that a request took; what is not known is modelled.</summary>
/// <param name="Seconds">From the request to the end of the answer as its client measured it, an upper limit; or null.</param>
/// <param name="TokensPerSecond">Output tokens per second; above zero, or null to model it by the size of the model.</param>
/// <param name="SecondsToFirstToken">Time until the first token; or null for none.</param>
/// <exception cref="ArgumentOutOfRangeException">A time is not finite or negative, or a rate is not above zero.</exception>
public sealed record RequestTiming(double? Seconds = null, double? TokensPerSecond = null, double? SecondsToFirstToken = null)
{
    /// <summary>Nothing is known.</summary>
    public static RequestTiming Unknown { get; } = new();

    /// <summary>Seconds of the whole request, an upper limit.</summary>
    public double? Seconds { get; } =
        Seconds is null or (>= 0 and < double.PositiveInfinity)
            ? Seconds
            : throw new ArgumentOutOfRangeException(nameof(Seconds), Seconds, "A time is finite and not negative.");

    /// <summary>Output tokens per second.</summary>
    public double? TokensPerSecond { get; } =
        TokensPerSecond is null or (> 0 and < double.PositiveInfinity)
            ? TokensPerSecond
            : throw new ArgumentOutOfRangeException(nameof(TokensPerSecond), TokensPerSecond, "A rate is finite and above zero.");

    /// <summary>Seconds until the first token.</summary>
    public double? SecondsToFirstToken { get; } =
        SecondsToFirstToken is null or (>= 0 and < double.PositiveInfinity)
            ? SecondsToFirstToken
            : throw new ArgumentOutOfRangeException(nameof(SecondsToFirstToken), SecondsToFirstToken, "A time is finite and not negative.");
}

/// <summary>Factors of the place that answers requests. What is unknown is null, and what depends on it too.</summary>
/// <param name="Pue">Facility energy over IT energy; at least 1.</param>
/// <param name="Grid">Emissions of its electricity.</param>
/// <param name="Water">Water of its cooling and its electricity.</param>
/// <exception cref="ArgumentOutOfRangeException">The PUE is below 1 or not finite.</exception>
public sealed record SiteFactors(double? Pue = null, CarbonIntensity? Grid = null, WaterFactors? Water = null)
{
    /// <summary>No factor is known.</summary>
    public static SiteFactors Unknown { get; } = new();

    /// <summary>Facility energy over IT energy.</summary>
    public double? Pue { get; } =
        Pue is null or (>= 1 and < double.PositiveInfinity)
            ? Pue
            : throw new ArgumentOutOfRangeException(
                nameof(Pue),
                Pue,
                "A PUE is facility energy over IT energy and so at least 1; leave it out when it is unknown."
            );
}

/// <summary>What a request took, estimated.</summary>
/// <param name="Low">With the least parameters and the largest batch that the model may have.</param>
/// <param name="High">With the most parameters and the smallest batch.</param>
public sealed record TokenEstimate(RequestEstimate Low, RequestEstimate High)
{
    /// <summary>Always estimated: a published factor for each token.</summary>
    public Evidence Evidence { get; } = Evidence.Estimated;

    /// <summary>Whether both bounds are the same, which says that the inputs were exact, not that the estimate is.</summary>
    public bool IsExact => Low == High;
}

/// <summary>One bound of what a request took.</summary>
public sealed record RequestEstimate
{
    /// <summary>Tokens that it generated.</summary>
    public required double OutputTokens { get; init; }

    /// <summary>Accelerators that hold the model.</summary>
    public required int Accelerators { get; init; }

    /// <summary>Time that it took to generate.</summary>
    public required double Seconds { get; init; }

    /// <summary>Energy of all its accelerators (boundary accelerator).</summary>
    public required Energy Accelerator { get; init; }

    /// <summary>Energy of the rest of the server.</summary>
    public required Energy Host { get; init; }

    /// <summary>IT energy: accelerators and the rest of the server (boundary server).</summary>
    public Energy Server => Accelerator + Host;

    /// <summary>IT energy x PUE (boundary facility); null without a PUE.</summary>
    public required Energy? Facility { get; init; }

    /// <summary>Emissions of the facility's energy; null without a PUE or an intensity of the grid.</summary>
    public required Mass? Operational { get; init; }

    /// <summary>The part of making the hardware that falls to the request.</summary>
    public required Mass Embodied { get; init; }

    /// <summary>Operational and embodied emissions; null when the operational ones are.</summary>
    public Mass? Total => Operational is { } operational ? operational + Embodied : null;

    /// <summary>Water of the site and of its electricity; null when a factor is unknown.</summary>
    public required Water? Water { get; init; }

    /// <summary>Facility energy for each output token; null without a PUE and without tokens.</summary>
    public EnergyIntensity? PerOutputToken => EnergyIntensity.Of(Facility, OutputTokens, "output-token");
}
