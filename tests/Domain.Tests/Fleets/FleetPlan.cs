using System.Globalization;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>All that a fleet is made from. The same plan makes the same fleet, to the bit.</summary>
/// <param name="Seed">What the dice begin with.</param>
/// <param name="Troubles">What is switched on.</param>
/// <param name="Machines">How many machines, at least one.</param>
/// <param name="Hours">How many hours, at least one.</param>
internal sealed record FleetPlan(ulong Seed, Trouble Troubles, int Machines, int Hours)
{
    /// <summary>A plan of the size that the seed says.</summary>
    public static FleetPlan Of(ulong seed, Trouble troubles)
    {
        var dice = new Dice(seed, 0);
        return new FleetPlan(seed, troubles, dice.Int(1, 3), dice.Chance(0.8) ? 1 : 2);
    }

    /// <summary>A plan with up to three kinds, and none in one of eight.</summary>
    public static FleetPlan Any(ulong seed)
    {
        var dice = new Dice(seed, 1);
        var troubles = Trouble.None;
        for (var more = dice.Int(0, 7) is 0 ? 0 : dice.Int(1, 3); more > 0; more--)
            troubles |= dice.Pick(TroubleKinds.All);
        return Of(seed, troubles);
    }

    /// <summary>Smaller plans, the smallest first: what fails in one of them fails for a simpler reason.</summary>
    public IEnumerable<FleetPlan> Smaller()
    {
        for (var machines = 1; machines < Machines; machines++)
            yield return this with
            {
                Machines = machines,
            };
        if (Hours > 1)
            yield return this with
            {
                Hours = 1,
            };
        foreach (var kind in Troubles.Kinds())
            yield return this with
            {
                Troubles = Troubles & ~kind,
            };
    }

    /// <summary>The smallest plan that still fails.</summary>
    public FleetPlan Shrink(Func<FleetPlan, bool> fails)
    {
        var plan = this;
        while (plan.Smaller().FirstOrDefault(fails) is { } smaller)
            plan = smaller;
        return plan;
    }

    /// <summary>As <see cref="Parse"/> reads it: <c>17/Glitch+Replicas/2/1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Seed}/{Troubles.Text()}/{Machines}/{Hours}");

    /// <summary>The plan of a failure that was printed.</summary>
    public static FleetPlan Parse(string text)
    {
        var parts = text.Split('/');
        return new FleetPlan(
            ulong.Parse(parts[0], CultureInfo.InvariantCulture),
            parts[1].Split('+').Select(Enum.Parse<Trouble>).Aggregate((all, kind) => all | kind),
            int.Parse(parts[2], CultureInfo.InvariantCulture),
            int.Parse(parts[3], CultureInfo.InvariantCulture)
        );
    }
}

/// <summary>Dice that fall the same on every machine (splitmix64). Each machine of a fleet has its own, so that a fleet with fewer machines
/// has the first of them unchanged.</summary>
internal sealed class Dice(ulong seed, ulong stream)
{
    private ulong state = Mix(seed * 0x9E3779B97F4A7C15 + Mix(stream + 0x632BE59BD9B4E019));

    /// <summary>The next 64 bits.</summary>
    public ulong Next() => Mix(state += 0x9E3779B97F4A7C15);

    /// <summary>From 0, included, to 1, excluded.</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number between two.</summary>
    public double Real(double from, double to) => from + (to - from) * Unit();

    /// <summary>A whole number from one to another, both included.</summary>
    public int Int(int from, int to) => from + (int)(Next() % (ulong)(to - from + 1));

    /// <summary>Whether something of this probability happens.</summary>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> of) => of[Int(0, of.Count - 1)];

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
