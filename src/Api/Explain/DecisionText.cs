using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;

namespace Metrics.Api.Explain;

/// <summary>Decisions of the normaliser as sentences with their numbers. It prints what was decided and concludes nothing.</summary>
internal static class DecisionText
{
    /// <summary>Most terms of a sum that are written out.</summary>
    public const int MostTerms = 60;

    /// <summary>How the energy of a resource was found.</summary>
    /// <param name="decision">What was decided.</param>
    /// <param name="inside">Accelerator joules of the facts of all who share it; null when they are unknown.</param>
    /// <param name="missing">Why something of these facts is null.</param>
    public static string Energy(EnergyDecision decision, double? inside, MissingReasons missing)
    {
        if (decision.Measure == Measures.Rack)
            return $"{Measures.Rack} = {Made(decision, decision.Joules)}; it holds servers and stands beside them";
        if (decision.Measure == Measures.Server)
            return $"{Measures.Server} = {Server(decision, decision.WithinServer!.Value)}"
                + (
                    decision.Rule == EnergyRule.Estimate && inside is { } boards ? $"; {Measures.Accelerator} = {Number(boards)} of it" : ""
                );
        var made = Made(decision, decision.Joules);
        if (decision.WithinServer is not { } within)
            return $"{Measures.Accelerator} = {made}; the server's energy is unknown: "
                + (missing == MissingReasons.None ? "nobody meters it" : missing.Text());
        if (decision is { ServerScale: 1, ServerTime: 1, Rule: EnergyRule.Metered })
            return $"{Measures.Accelerator} = {Measures.Server} = {made}";
        return $"{Measures.Accelerator} = {made}"
            + (
                decision.ServerScale == 1
                    ? ""
                    : $"; {Measures.Server} = {Number(within)}: the boards told more than their server, and the server is believed"
            )
            + (
                decision.ServerTime == 1
                    ? ""
                    : $"; {Measures.Server} = {Number(within)}: the server is known for {Number(decision.ServerTime)} of their time"
            );
    }

    /// <summary>What the energy can be at least and at most; null when nothing states it.</summary>
    public static string? Bounds(EnergyDecision decision)
    {
        if (decision.Estimate is { } estimate)
            return $"from {Number(estimate.Bounds.Low)} J, with the least parameters and bits for {Number(TokenEnergyRange.Batch.High)} "
                + $"requests at a time, to {Number(estimate.Bounds.High)} J, with the most for {Number(TokenEnergyRange.Batch.Low)}";
        if (decision.Model is not { } model)
            return decision.Meters.Count > 0 && decision.Meters.All(meter => meter.Accuracy is not null || meter.Model is not null)
                ? string.Join("; ", decision.Meters.Select(Bounds))
                : null;
        var times = Times(model);
        var count = model.Boards * model.Servers;
        var (idle, max, seconds) = (model.Power.Idle.Watts, model.Power.Max.Watts, model.Seconds);
        return model is { Server: { } type, VirtualCpu: { } cpu }
            ? $"at rest {times}({Cores(type)} x {Number(cpu.Power.Idle.Watts)} W + {Memory(type)}) x {Number(seconds)} s = "
                + $"{Number(count * idle * seconds)} J, at full load {times}({Cores(type)} x {Number(cpu.Power.Max.Watts)} W + "
                + $"{Memory(type)}) x {Number(seconds)} s = {Number(count * max * seconds)} J"
            : $"at rest {times}{Number(idle)} W x {Number(seconds)} s = {Number(count * idle * seconds)} J, at full load "
                + $"{times}{Number(max)} W x {Number(seconds)} s = {Number(count * max * seconds)} J";
    }

    /// <summary>How the idle part of a workload was found; null when it is unknown.</summary>
    /// <param name="idle">What was decided.</param>
    /// <param name="joules">The workload's joules.</param>
    /// <param name="result">Its idle joules.</param>
    /// <param name="who"><c> of chat</c> where several share the resource, else empty.</param>
    public static string? Idle(IdleDecision? idle, double joules, double result, string who) =>
        idle?.Rule switch
        {
            null => null,
            IdleRule.Nothing => $"{Measures.Idle}{who} = 0: nobody reserves the hardware of an API",
            IdleRule.Work when idle.Busy > 0 => $"{Measures.Idle}{who} = 0: work was done in the period, and nothing tells the load",
            IdleRule.Work => $"{Measures.Idle}{who} = {Number(result)}: no work was done in the period, and nothing tells the load",
            _ => $"{Measures.Idle}{who} = {AtRest(idle, joules, result)}; "
                + $"{(idle.Rule == IdleRule.Accelerators ? "the load is the mean of the accelerators' that it held" : Load(idle.Load))}",
        };

    private static string AtRest(IdleDecision idle, double joules, double result)
    {
        if (idle.Watts is not { } watts)
            return $"{Number(joules)} x (1 - {Number(idle.Busy)}) = {Number(result)}";
        var drawn = idle.Seconds * (1 - idle.Busy) * watts;
        var by = idle.WattsBy switch
        {
            IdlePower.Seen => "the least seen at no load",
            IdlePower.Table => "by the table of hardware",
            _ => "the least seen at any load",
        };
        return $"{Number(idle.Seconds)} s x (1 - {Number(idle.Busy)}) x {Number(watts)} W ({by}) = {Number(drawn)}"
            + (Math.Abs(drawn - result) <= 1e-9 * drawn ? "" : $", and no more than what it drew: {Number(result)}");
    }

    /// <summary>TE x TiR / EL, and its part for one of the accelerators; null when nothing falls to it.</summary>
    public static string? Embodied(EnergyDecision decision)
    {
        var isAccelerator = decision.Measure == Measures.Accelerator;
        if (decision.Embodied is not { } made)
            return null;
        if (!isAccelerator && made.Accelerators > 0)
            return $"{Measures.Embodied} = 0: its accelerators carry the making of the whole machine, in equal parts";
        return $"{Measures.Embodied} = {Number(made.Hardware.Total.Grams)} g (TE x RR / ToR) x {Number(made.Seconds)} s / "
            + $"{Number(made.Hardware.Lifespan.TotalSeconds)} s (TiR / EL)"
            + (made.Machines == 1 ? "" : $" x {Number(made.Machines)} servers")
            + $" = {Number(made.Grams)}"
            + (isAccelerator ? $", / {Number(made.Accelerators)} accelerators = {Number(made.Grams / made.Accelerators)}" : "")
            + $", by {made.Factor}";
    }

    /// <summary>What gave a workload its share.</summary>
    public static string By(ShareDecision share, string cover) =>
        share.Keys.Count == 0 ? $"what the cover {cover} leaves" : string.Join("; ", share.Keys.Select(key => By(key, share.Workload)));

    /// <summary>What a rule set aside, with the numbers that it compared.</summary>
    public static string Rule(CoverDecision decision)
    {
        var (shown, against) = ($"{Number(decision.Shown)} {decision.Unit}", $"{Number(decision.Against)} {decision.Unit}");
        return decision.Rule switch
        {
            CoverRule.LessThanItsParts => $"it showed {shown}, and what is in it at least {against}: it is not believed",
            CoverRule.KeepsItsMeaning =>
                $"its meter is silent in these {against} and speaks in others of the hour: what is in it does not stand in for it",
            CoverRule.UnreadBoards => $"{shown} of {against} are read: what the others drew, and their part of the rest, is nobody's",
            CoverRule.UnknownSlice => $"no table says what share of the board its slice is: nobody gets a part of {against}",
            CoverRule.DeadLoad => $"its load was told as none while it drew {shown}, more than {against}, which only work "
                + "makes it draw: the load is not believed",
            CoverRule.DeadBoard => "it showed no energy at all: a board that answers draws power, so it is not believed",
            _ => throw new ArgumentOutOfRangeException(nameof(decision), decision.Rule, "There is no such rule."),
        };
    }

    /// <summary>Why no fact was made of a reading; null when one was.</summary>
    public static string? WhyNot(UnusedDecision? decision) =>
        decision?.Rule switch
        {
            null => null,
            UnusedRule.SameWork => "another mapping counts the same work at this endpoint",
            UnusedRule.SameReading => $"it tells the same as {decision.Series}, which is taken",
            UnusedRule.BetterMeter => $"the {Word(decision.Component)} is told by {decision.Mapping!.Id}, which has the better evidence or "
                + "covers more of the period",
            UnusedRule.LoadNotAsked => "a meter reads the energy, so the load is not asked for it",
            UnusedRule.InsidePackage => "it lies inside the CPU package and is never added to it",
            UnusedRule.InsideCover => $"the {Word(decision.Component)} of the same machine covers the boundary, and holds it",
            UnusedRule.OtherLevel => "it is a share of its server's energy, and the shares are told on another level",
            _ => "no boundary takes this component in this period",
        };

    private static string By(ShareKey key, string workload)
    {
        var numbers = $"{Number(key.Part)} {key.Unit} of {Number(key.Of)} {key.Unit}";
        return key.Rule switch
        {
            ShareRule.AcceleratorTime => $"the time that it held accelerators of the machine: {numbers}",
            _ when workload == Workload.Unattributed.Name => "what nobody claims",
            ShareRule.Series => "its own series of the resource, by their labels",
            ShareRule.OtherSeries => "its own series of the resource, by the labels of a meter that reads the same",
            ShareRule.Load => "its own series of the resource's load, by their labels",
            ShareRule.Boards => $"what the boards drew that are read one by one: {numbers}",
            ShareRule.Work => $"the work that it did on the machine: {numbers}",
            ShareRule.PodEnergy => $"the energy of its pods, containers or processes on the machine: {numbers}",
            ShareRule.CpuTime => $"the CPU time of its pods, containers or processes on the machine: {numbers}",
            _ => "what nobody claims",
        };
    }

    /// <summary>A member of an enumeration as its word in the API.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>The shortest text that reads back as the number.</summary>
    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Server(EnergyDecision decision, double result)
    {
        if (decision.Rule == EnergyRule.Estimate)
            return Estimate(decision.Estimate!, result);
        if (decision.Model is not null || decision.JoulesOfAccelerators is not { } inside)
            return Made(decision, result);
        return $"({Terms(decision)}) - {Number(inside)} of its accelerators, which have facts of their own = {Number(result)}";
    }

    private static string Made(EnergyDecision decision, double result)
    {
        if (decision.Model is not { } model)
            return Terms(decision) is var terms && terms == Number(result) ? terms : $"{terms} = {Number(result)}";
        var times = Times(model);
        if (model is { Server: { } type, VirtualCpu: { } cpu })
            return $"{times}({Cores(type)} x ({Number(cpu.Power.Idle.Watts)} W + {Number(model.Busy)} x ({Number(cpu.Power.Max.Watts)} "
                + $"W - {Number(cpu.Power.Idle.Watts)} W)) + {Memory(type)}) x {Number(model.Seconds)} s = {Number(result)}, without "
                + $"accelerators; {Load(model)}; by {model.Factor} and {cpu.FactorName}";
        var (idle, max) = (model.Power.Idle.Watts, model.Power.Max.Watts);
        return $"{times}({Number(idle)} W x {Number(model.Seconds)} s + ({Number(max)} W - {Number(idle)} W) x "
            + $"{Number(model.Busy * model.Seconds)} s at full load) = {Number(result)}, {Load(model)}, by {model.Factor}"
            + (model.Limit is { } limit ? $" and the power limit of {Number(limit.Watts)} W that it reports" : "");
    }

    private static string Estimate(EstimateDecision estimate, double result) =>
        $"({Number(estimate.Low)} + {Number(estimate.High)}) / 2 = {Number(result)}, for {Number(estimate.Tokens)} output "
        + "tokens"
        + (estimate.Bits is { } bits ? $" in {Number(bits)} bits" : "")
        + (estimate.TokensPerSecond is { } rate ? $" at {Number(rate)} tokens/s" : "")
        + $" by {estimate.Factor}";

    private static string Bounds(MeterReading meter)
    {
        if (meter.Model is { } model)
            return $"at rest {Number(model.Low)} J, at full load {Number(model.High)} J, by {meter.Mapping.Id}";
        var (read, accuracy) = (meter.Joules.Sum(), meter.Accuracy!.Value);
        return $"from {Number(read)} x {Number(accuracy.Low)} = {Number(read * accuracy.Low)} J to {Number(read)} x "
            + $"{Number(accuracy.High)} = {Number(read * accuracy.High)} J, by the accuracy of such meters";
    }

    private static string Terms(EnergyDecision decision)
    {
        var terms = decision.Meters.SelectMany(meter => meter.Joules).ToList();
        return terms.Count == 0
            ? Number(decision.Joules)
            : string.Join(" + ", terms.Take(MostTerms).Select(Number)) + (terms.Count > MostTerms ? " + ..." : "");
    }

    private static string Times(PowerDecision model) =>
        model.Servers != 1 ? $"{Number(model.Servers)} servers x "
        : model.Boards != 1 ? $"{Number(model.Boards)} x "
        : "";

    private static string Cores(ServerType type) => $"{type.VirtualCpus.ToString(CultureInfo.InvariantCulture)} vCPU";

    private static string Memory(ServerType type) => $"{Number(type.MemoryGigabytes)} GB x {Number(ServerType.WattsPerGigabyte)} W";

    private static string Load(PowerDecision model) =>
        model.UsualSeconds == 0 ? Load(model.Load)
        : model.Load is null
            ? $"the load {Number(UsualLoad.Value)} is the usual one ({UsualLoad.FactorName}), because nothing tells how busy the "
                + "host was and all its accelerators are read"
        : $"{Load(model.Load)}, and the usual {Number(UsualLoad.Value)} ({UsualLoad.FactorName}) for the "
            + $"{Number(model.UsualSeconds)} s for which nothing tells it: together {Number(model.Busy)}";

    private static string Load(LoadReading? load)
    {
        if (load is null)
            return "the load is read";
        var parts = load.Parts;
        var many = parts.Count.ToString(CultureInfo.InvariantCulture);
        var isPlain = parts.All(part => part is { Servers: 1, Slice: 1, Scaled: false });
        if (isPlain && parts.Count == 1)
            return $"the load is {Number(parts[0].FullLoadSeconds)} s at full load / {Number(parts[0].Seconds)} s = {Number(load.Busy)}";
        if (isPlain && parts.All(part => part.Seconds == parts[0].Seconds))
            return $"the load is ({Joined(part => Number(part.FullLoadSeconds))}) s at full load / {many} parts / "
                + $"{Number(parts[0].Seconds)} s = {Number(load.Busy)}";
        if (parts.Any(part => part.Slice == 1))
            return $"the load is the mean of {Joined(Whole, part => part.Slice == 1)} = {Number(load.Busy)}";
        return $"the load is {Joined(part => $"{Number(part.Busy)} x {Number(part.Slice)} of the board")} = {Number(load.Busy)}";

        static string Whole(LoadPart part) =>
            part.Servers == 1 ? Number(part.Busy) : $"{Number(part.Busy)} of {Number(part.Servers)} servers";

        string Joined(Func<LoadPart, string> text, Func<LoadPart, bool>? when = null)
        {
            var shown = parts.Where(part => when is null || when(part)).ToList();
            return string.Join(" + ", shown.Take(MostTerms).Select(text)) + (shown.Count > MostTerms ? " + ..." : "");
        }
    }
}
