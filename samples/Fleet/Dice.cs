namespace Metrics.Fleet;

/// <summary>Random numbers that are the same on every machine and in every version of the runtime (SplitMix64).</summary>
/// <param name="seed">Equal seeds throw equal numbers.</param>
/// <remarks>Only operations that IEEE 754 rounds exactly are used, here and in <see cref="Day"/>: a logarithm or a sine may differ in its
/// last digit between machines.</remarks>
public sealed class Dice(ulong seed)
{
    private ulong state = seed;

    /// <summary>64 random bits.</summary>
    public ulong Bits()
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Evenly spread over [0, 1).</summary>
    public double Even() => (Bits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Bell-shaped with mean 0 and deviation 1, never beyond 3.5: four even numbers added.</summary>
    public double Bell() => (Even() + Even() + Even() + Even() - 2) * 1.7320508075688772;
}
