using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Between what the energy of an output token lies when nothing is known but the size of the model: not the boards, not how many
/// requests share them, not how well they are used.</summary>
/// <remarks>
/// <para>
/// To write one token for each of its requests a board reads the weights once and multiplies and adds twice for each active parameter. The
/// most is that reading alone, by boards of the older kind, for the fewest requests; the least is reading and arithmetic, by boards of the
/// newer kind, for the most requests. In both, boards reach half of what their maker states. How many boards hold the model cancels out.
/// </para>
/// <para>
/// The formula of the value (<see cref="TokenEnergyModel"/>) is a fit, and for small models in small batches it lies above: the range
/// holds it in the same batches too. Every number here holds for all models; none is fitted to one. Measured points are compared in
/// <c>docs/factors.md</c>.
/// </para>
/// </remarks>
public static class TokenEnergyRange
{
    /// <summary>Requests that share the boards: the fewest of EcoLogits' releases, and the most that ML.ENERGY measured.</summary>
    public static Bounds Batch { get; } = new(4, 4096);

    // The largest batch of EcoLogits' releases: its fit says nothing beyond.
    private static readonly Bounds FitBatch = new(4, 64);

    // Part that is reached of what makers state.
    private const double Reached = 0.5;

    // H100 SXM: bytes a second and watts of the board; a DGX H100 is rated at 10.2 kW for eight.
    private const double OlderBytes = 3.35e12;
    private const double OlderBoard = 700;
    private const double OlderServer = 10_200.0 / 8;

    // B200 SXM: bytes and 8-bit operations a second, watts of the board; beside it the 1.2 kW for eight of EcoLogits.
    private const double NewerBytes = 8e12;
    private const double NewerOperations = 4.5e15;
    private const double NewerBoard = 1000;
    private const double NewerServer = NewerBoard + 1200.0 / 8;

    /// <summary>Bits of each parameter that may be in use: a model of 16 is served in 8 too; where nothing is published, 4 to 16.</summary>
    /// <param name="published">Bits of the published weights; null when nobody publishes them.</param>
    public static Bounds BitsOf(double? published) => published is { } bits ? new(Math.Min(bits, 8), bits) : new(4, 16);

    /// <summary>Joules of tokens, of the accelerators and of the servers.</summary>
    /// <param name="model">How large the model is.</param>
    /// <param name="bits">Bits of its published weights; null when nobody publishes them.</param>
    /// <param name="outputTokens">How many; finite, not negative.</param>
    /// <param name="timing">What is known of the time; what is not is the formula's.</param>
    public static (Bounds Accelerator, Bounds Server) Of(ModelSize model, double? bits, double outputTokens, RequestTiming timing)
    {
        var width = BitsOf(bits);
        var (few, many) = (model.TotalParameters.Low * width.Low / 8, model.TotalParameters.High * width.High / 8);
        var least = outputTokens * (few / NewerBytes / Batch.High + 2 * model.ActiveParameters.Low / NewerOperations) / Reached;
        var most = outputTokens * many / OlderBytes / Batch.Low / Reached;

        var fit = TokenEnergyModel.EcoLogits with { Batch = FitBatch };
        var low = (fit with { BitsPerParameter = width.Low }).Estimate(model, outputTokens, timing, SiteFactors.Unknown).Low;
        var high = (fit with { BitsPerParameter = width.High }).Estimate(model, outputTokens, timing, SiteFactors.Unknown).High;
        return (
            new(Math.Min(least * NewerBoard, low.Accelerator.Joules), Math.Max(most * OlderBoard, high.Accelerator.Joules)),
            new(Math.Min(least * NewerServer, low.Server.Joules), Math.Max(most * OlderServer, high.Server.Joules))
        );
    }
}
