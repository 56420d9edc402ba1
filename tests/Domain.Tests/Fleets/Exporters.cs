using Metrics.Domain.Observations;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>Writes what each exporter says of the truth, and makes wrong what is switched on.</summary>
internal sealed class Exporters(Fleet fleet)
{
    private const string Provider = "prometheus";
    private const double Uint64 = 18446744073709551615d;
    private const double Uint32 = 4294967295;
    private const double RaplRange = 262143.32885;
    private const double HoursFrom = Fleet.Lead;

    private readonly Trouble troubles = fleet.Plan.Troubles;

    private double HoursTo => fleet.Seconds - Fleet.Lead;

    public void Write()
    {
        for (var number = 0; number < fleet.Machines.Count; number++)
        {
            var dice = new Dice(fleet.Plan.Seed, 1000 + (ulong)number);
            var choice = new Choice(dice, fleet.Machines[number], troubles, fleet.Plan);
            fleet.Slowest = Math.Max(fleet.Slowest, Math.Max(choice.Interval, choice.WallInterval));
            foreach (var view in Views(fleet.Machines[number]))
                Write(dice, fleet.Machines[number], choice, view);
        }
        if (troubles.Has(Trouble.Layers))
            WriteLayers(new Dice(fleet.Plan.Seed, 3));
        Spoil(new Dice(fleet.Plan.Seed, 4));
    }

    private List<View> Views(Machine machine) =>
        troubles.Has(Trouble.TwoSources) ? [new View(machine.Source, []), new View($"{machine.Source}-again", [])]
        : troubles.Has(Trouble.Replicas)
            ? [new View(machine.Source, [("prometheus_replica", "a")]), new View(machine.Source, [("prometheus_replica", "b")])]
        : troubles.Has(Trouble.TwoJobs) ? [new View(machine.Source, [("job", "pods")]), new View(machine.Source, [("job", "services")])]
        : [new View(machine.Source, [])];

    private void Write(Dice dice, Machine machine, Choice choice, View view)
    {
        var times = Times(dice, choice.Interval);
        foreach (var board in machine.Boards.Where(board => board.Read))
        {
            if (choice.BoardEnergy)
                WriteBoard(
                    machine,
                    board,
                    choice,
                    view,
                    times,
                    choice.Smi ? "nvidia_smi_energy_joules_total" : "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
                );
            if (choice.BoardPower)
                WriteBoard(machine, board, choice, view, times, choice.Smi ? "nvidia_smi_power_draw_watts" : "DCGM_FI_DEV_POWER_USAGE");
            if (choice.Load)
                WriteBoard(machine, board, choice, view, times, "DCGM_FI_DEV_GPU_UTIL");
        }
        if (machine.HasWall)
            WriteWall(dice, machine, choice, view);
        if (choice.Parts)
            WriteParts(dice, machine, choice, view);
        foreach (var pod in machine.Pods)
            WriteEngine(dice, machine, pod, choice, view);
    }

    private void WriteBoard(Machine machine, Board board, Choice choice, View view, double[] times, string metric)
    {
        var (counts, ones) = metric switch
        {
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" => (true, Uint64),
            "nvidia_smi_energy_joules_total" => (true, Uint64 / 1000),
            "DCGM_FI_DEV_GPU_UTIL" => (false, Uint64),
            _ => (false, choice.Ones ? Uint32 / 1000 : 65535),
        };
        if (board.Holds.Exists(hold => hold.Profile is not null || hold.Together))
        {
            foreach (var hold in board.Holds)
                Read(Begin(hold), times, hold.Profile is null ? null : hold.LoadAt);
            return;
        }
        var holders = new Dictionary<Pod, Tape>();
        Tape? unheld = null;
        foreach (var second in times)
        {
            var hold = board.Holds.Find(hold => hold.From <= second && second < hold.To);
            Tape tape;
            if (hold?.Pod is not { } pod)
                tape = unheld ??= Begin(null);
            else if (!holders.TryGetValue(pod, out tape!))
                holders.Add(pod, tape = Begin(hold));
            Add(tape, second, null);
        }

        Tape Begin(Hold? hold)
        {
            var smi = metric.StartsWith("nvidia_smi", StringComparison.Ordinal);
            List<(string, string)> labels = smi
                ? [("uuid", board.Uuid), ("name", board.Model), ("instance", $"{machine.Name}:9835")]
                : [("UUID", board.Uuid), ("gpu", $"{board.Number}"), ("modelName", board.Model), ("Hostname", machine.Name)];
            if (hold?.Pod is { } pod)
                labels.AddRange([("pod", pod.Name), ("namespace", "inference")]);
            if (hold?.Profile is { } profile)
                labels.AddRange([("GPU_I_PROFILE", profile), ("GPU_I_ID", $"{hold.Slice}")]);
            return New(
                view,
                metric,
                labels,
                metric.EndsWith("UTIL", StringComparison.Ordinal) ? About.Load : About.Boards,
                counts,
                ones,
                machine,
                choice.Interval,
                board,
                null
            );
        }

        void Read(Tape tape, double[] at, Func<double, double>? load)
        {
            foreach (var second in at)
                Add(tape, second, load);
        }

        void Add(Tape tape, double second, Func<double, double>? load) =>
            tape.Add(
                second,
                metric switch
                {
                    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" => Math.Floor(8.1e11 + board.Gain * board.Joules(0, second) * 1000),
                    "nvidia_smi_energy_joules_total" => Math.Round(8.1e8 + board.Gain * board.Joules(0, second), 3),
                    "DCGM_FI_DEV_GPU_UTIL" => Math.Round(
                        100 * Math.Min(1, load?.Invoke(second) ?? board.Load(Math.Floor(second), Math.Floor(second) + 1))
                    ),
                    _ => Math.Round(board.Gain * board.Watts(second), 3),
                }
            );
    }

    private void WriteWall(Dice dice, Machine machine, Choice choice, View view)
    {
        var times = Times(dice, choice.WallInterval);
        var (metric, labels) = choice.Wall switch
        {
            0 => ("ipmi_dcmi_power_consumption_watts", new List<(string, string)> { ("instance", $"{machine.Name}:9290") }),
            1 => ("redfish_chassis_power_average_consumed_watts", [("instance", machine.Name), ("chassis_id", "1")]),
            2 => ("idrac_power_control_consumed_watts", [("instance", $"{machine.Name}:9348"), ("name", "System Power Control")]),
            3 => ("hw_host_energy_joules_total", [("host_name", machine.Name)]),
            _ => ("redfish_chassis_power_powersupply_power_input_watts", [("instance", machine.Name)]),
        };
        var counter = choice.Wall == 3;
        for (var supply = 0; supply < (choice.Wall == 4 ? 2 : 1); supply++)
        {
            List<(string, string)> own = choice.Wall == 4 ? [.. labels, ("power_supply", $"PSU{supply}")] : labels;
            var part =
                choice.Wall != 4 ? 1
                : supply == 0 ? 0.52
                : 0.48;
            var tape = New(
                view,
                metric,
                own,
                About.Wall,
                counter,
                counter ? Uint64 / 1e6 : 65535,
                machine,
                choice.WallInterval,
                null,
                null
            );
            foreach (var second in times)
                tape.Add(
                    second,
                    counter
                        ? Math.Round(5e6 + choice.WallGain * machine.WallJoules(0, second), 3)
                        : Math.Round(part * choice.WallGain * machine.WallJoules(Math.Floor(second), Math.Floor(second) + 1), 1)
                );
        }
    }

    private void WriteParts(Dice dice, Machine machine, Choice choice, View view)
    {
        var times = Times(dice, choice.Interval);
        var kepler = choice.Kepler;
        for (var socket = 0; socket < (kepler ? 1 : 2); socket++)
        {
            Write(
                "package",
                kepler ? 1
                    : socket == 0 ? 0.55
                    : 0.45,
                machine.CpuJoules,
                socket
            );
            Write("dram", kepler ? 1 : 0.5, machine.MemoryJoules, socket);
        }

        void Write(string zone, double part, Func<double, double, double> joules, int socket)
        {
            var tape = kepler
                ? New(
                    view,
                    "kepler_node_cpu_joules_total",
                    [("zone", zone), ("node_name", machine.Name)],
                    About.Parts,
                    true,
                    Uint64 / 1e6,
                    machine,
                    choice.Interval,
                    null,
                    null
                )
                : New(
                    view,
                    $"node_rapl_{zone}_joules_total",
                    [("index", $"{socket}"), ("instance", $"{machine.Name}:9100")],
                    About.Parts,
                    true,
                    Uint64 / 1e6,
                    machine,
                    choice.Interval,
                    null,
                    null
                );
            foreach (var second in times)
            {
                var value = 1234.5 + part * joules(0, second);
                tape.Add(second, Math.Round(troubles.Has(Trouble.Wrap) ? value % RaplRange : value, 6));
            }
        }
    }

    private void WriteEngine(Dice dice, Machine machine, Pod pod, Choice choice, View view)
    {
        var times = Times(dice, choice.Interval);
        List<(string, string)> labels =
        [
            ("model_name", "org/m"),
            ("pod", pod.Name),
            ("namespace", "inference"),
            ("instance", $"{pod.Name}:8000"),
        ];
        if (pod.PrefillOf is not null || pod.Decodes)
        {
            var role = pod.PrefillOf is not null ? "prefill" : "decode";
            if (choice.RoleLabel is { } label)
                labels.Add((label, role));
        }
        var counted = pod.PrefillOf ?? pod;
        var (output, input, requests) = pod.Engine switch
        {
            Engine.Vllm => ("vllm:generation_tokens_total", "vllm:prompt_tokens_total", "vllm:request_success_total"),
            Engine.Sglang => ("sglang:generation_tokens_total", "sglang:prompt_tokens_total", "sglang:num_requests_total"),
            _ => ("tgi_request_generated_tokens_sum", "tgi_request_input_length_sum", "tgi_request_success"),
        };
        // A prefill engine answers each request with its first token.
        Count(output, labels, pod.PrefillOf is null ? 1 : 1 / counted.OutputPerRequest);
        Count(input, labels, counted.InputPerOutput);
        Count(requests, pod.Engine == Engine.Vllm ? [.. labels, ("finished_reason", "stop")] : labels, 1 / counted.OutputPerRequest);

        void Count(string metric, List<(string, string)> own, double each)
        {
            var tape = New(view, metric, own, About.Engine, true, Uint64, machine, choice.Interval, null, pod);
            foreach (var second in times)
                if (second >= pod.From && second < pod.To)
                    tape.Add(second, Math.Floor((pod.Before + counted.Rate * pod.Busy.At(second)) * each));
        }
    }

    /// <summary>A client, a gateway and a router in front of all engines of a workload at a place.</summary>
    private void WriteLayers(Dice dice)
    {
        foreach (
            var served in fleet
                .Machines.SelectMany(machine => machine.Pods.Select(pod => (Machine: machine, Pod: pod)))
                .Where(served => served.Pod is { Workload: >= 0, PrefillOf: null })
                .GroupBy(served => (served.Machine.Site.Place, served.Pod.Workload))
        )
        {
            var (first, pods) = (served.First().Machine, served.Select(one => one.Pod).ToList());
            var chosen = dice.Int(1, 7);
            if ((chosen & 1) != 0)
                Layer(
                    "client",
                    [
                        ("gen_ai_client_token_usage_sum", [("gen_ai_token_type", "output"), ("gen_ai_operation_name", "chat")], 0),
                        ("gen_ai_client_token_usage_sum", [("gen_ai_token_type", "input"), ("gen_ai_operation_name", "chat")], 1),
                        ("gen_ai_client_operation_duration_seconds_count", [("gen_ai_operation_name", "chat")], 2),
                    ]
                );
            if ((chosen & 2) != 0)
                Layer(
                    "gateway",
                    [
                        ("litellm_output_tokens_metric_total", [("model", "org/m")], 0),
                        ("litellm_input_tokens_metric_total", [("model", "org/m")], 1),
                        ("litellm_requests_metric_total", [("model", "org/m")], 2),
                    ]
                );
            if ((chosen & 4) != 0)
                Layer(
                    "router",
                    [
                        ("inference_objective_output_tokens_sum", [("model_name", "org/m")], 0),
                        ("inference_objective_input_tokens_sum", [("model_name", "org/m")], 1),
                        ("inference_objective_request_total", [("model_name", "org/m")], 2),
                    ]
                );

            void Layer(string name, (string Metric, (string, string)[] Labels, int Unit)[] counters)
            {
                var (interval, lag, before) = (dice.Pick([15.0, 30, 60]), dice.Real(0, 2), dice.Real(0, 1e6));
                var times = Times(dice, interval);
                foreach (var (metric, labels, unit) in counters)
                {
                    var pod = $"w{served.Key.Workload}-{name}-0";
                    var tape = New(
                        new View(first.Source, []),
                        metric,
                        [.. labels, ("pod", pod), ("namespace", "edge"), ("instance", $"{pod}:4000")],
                        About.Layer,
                        true,
                        Uint64,
                        null,
                        interval,
                        null,
                        null
                    );
                    foreach (var second in times)
                    {
                        var count = before;
                        foreach (var one in pods)
                            count +=
                                one.Rate
                                * one.Busy.At(second - lag)
                                * (
                                    unit == 0 ? 1
                                    : unit == 1 ? one.InputPerOutput
                                    : 1 / one.OutputPerRequest
                                );
                        tape.Add(second, Math.Floor(count));
                    }
                }
            }
        }
    }

    /// <summary>Makes wrong what is switched on, once each.</summary>
    private void Spoil(Dice dice)
    {
        if (troubles.Has(Trouble.Gaps))
        {
            var about = dice.Pick<About>([About.Boards, About.Wall, About.Parts, About.Engine]);
            if (Group(dice, about) is { Count: > 0 } silent)
                Silence(silent, Trouble.Gaps, dice.Real(360, 2400));
        }
        if (troubles.Has(Trouble.WallPauses) && Group(dice, About.Wall) is { Count: > 0 } wall)
            Silence(wall, Trouble.WallPauses, dice.Real(600, 1800));
        if (troubles.Has(Trouble.Glitch) && Any(dice, tape => tape.Counts) is var (tape, at))
        {
            tape[at] = (tape[at].Second, 0);
            fleet.Faults.Add(new Fault(Trouble.Glitch, [tape]));
        }
        if (
            troubles.Has(Trouble.Reset) && Any(dice, tape => tape.Counts && tape.About is About.Engine or About.Boards) is var (begun, anew)
        )
        {
            // A process that begins anew does so for all that it counts, whoever reads it.
            var from = anew > 0 ? begun[anew - 1].Second : begun[anew].Second;
            List<Tape> all = [.. fleet.Tapes.Where(one => one.Counts && one.About == begun.About && IsOfOne(one, begun))];
            foreach (var same in all.GroupBy(one => one.Series.Metric))
            {
                var before = same.First().At(from);
                foreach (var one in same)
                    one.Change(from + 1e-3, value => Math.Max(0, value - before));
            }
            fleet.Faults.Add(new Fault(Trouble.Reset, all));
        }
        if (troubles.Has(Trouble.DeadWall) && Group(dice, About.Wall) is { Count: > 0 } dead)
            Die(dead, Trouble.DeadWall, dice.Chance(0.7) ? 0 : dice.Real(0, HoursTo - 600));
        if (troubles.Has(Trouble.DeadBoard) && Any(dice, tape => tape is { About: About.Boards, Board: not null }) is var (board, _))
            Die([.. fleet.Tapes.Where(one => one.Board == board.Board && one.About == About.Boards)], Trouble.DeadBoard, 0);
        // Nothing contradicts a load of none of a board that draws little.
        if (
            troubles.Has(Trouble.DeadLoad)
            && Any(dice, tape =>
                tape.About == About.Load && !tape.Board!.Dead && tape.Board.Load(HoursFrom, HoursTo) > 0.35 * (HoursTo - HoursFrom)
            )
                is var (load, _)
        )
            Die([.. fleet.Tapes.Where(one => one.Board == load.Board && one.About == About.Load)], Trouble.DeadLoad, 0);
        if (troubles.Has(Trouble.Sentinel) && Any(dice, tape => tape.About != About.Layer) is var (ones, sample))
        {
            ones[sample] = (ones[sample].Second, ones.AllOnes);
            fleet.Faults.Add(new Fault(Trouble.Sentinel, [ones]));
        }
        if (troubles.Has(Trouble.Skew))
        {
            var seconds = dice.Real(2, 20) * (dice.Chance(0.5) ? 1 : -1);
            foreach (var one in Group(dice, dice.Pick<About>([About.Boards, About.Wall, About.Engine])))
                one.Shift(seconds);
        }

        void Silence(List<Tape> tapes, Trouble kind, double length)
        {
            length = Math.Max(length, 3.5 * tapes.Max(one => one.Interval));
            // The sample that ends it lies within the hours, so that it is told of them.
            var latest = HoursTo - length - 2 * tapes.Max(one => one.Interval);
            var from = dice.Real(HoursFrom, Math.Max(HoursFrom, latest));
            fleet.Silences.Add((from, from + length));
            foreach (var one in tapes)
                one.Silence(from, from + length);
            // What a counter rose by in the meantime it tells afterwards.
            List<Tape> levels = [.. tapes.Where(one => !one.Counts && one.Count > 0)];
            if (levels.Count > 0)
                fleet.Faults.Add(new Fault(kind, levels));
        }

        void Die(List<Tape> tapes, Trouble kind, double from)
        {
            foreach (var one in tapes)
            {
                var last = Enumerable.Range(0, one.Count).Where(i => one[i].Second >= from).Select(i => one[i].Value).FirstOrDefault();
                one.Change(from, _ => one.Counts ? last : 0);
                if (one is { About: About.Boards, Board: { } board })
                    board.Dead = true;
                else if (one is { About: About.Wall, Machine: { } machine })
                    machine.WallDies = true;
            }
            // What was wrong with them before is not seen any more.
            fleet.Faults.RemoveAll(fault => fault.Kind is Trouble.Glitch or Trouble.Reset && fault.Tapes.All(tapes.Contains));
            fleet.Faults.Add(new Fault(kind, [.. tapes.Where(one => one.Count > 0)]));
        }
    }

    private static bool IsOfOne(Tape one, Tape other) => one.Pod == other.Pod && one.Board == other.Board && one.Machine == other.Machine;

    /// <summary>All that one exporter says of one machine, or of one pod.</summary>
    private List<Tape> Group(Dice dice, About about)
    {
        List<Tape> of = [.. fleet.Tapes.Where(tape => tape.About == about)];
        if (of.Count == 0)
            return of;
        var one = dice.Pick(of);
        return [.. of.Where(tape => tape.Machine == one.Machine && tape.Pod == one.Pod && tape.Series.Source == one.Series.Source)];
    }

    /// <summary>A series, and a sample of it within the hours.</summary>
    private (Tape Tape, int At)? Any(Dice dice, Func<Tape, bool> which)
    {
        List<Tape> of = [.. fleet.Tapes.Where(which)];
        for (var tries = 0; tries < 5 && of.Count > 0; tries++)
        {
            var tape = dice.Pick(of);
            if (tape.Within(dice, HoursFrom, HoursTo) is { } at)
                return (tape, at);
        }
        return null;
    }

    private Tape New(
        View view,
        string metric,
        IEnumerable<(string Name, string Value)> labels,
        About about,
        bool counts,
        double ones,
        Machine? machine,
        double interval,
        Board? board,
        Pod? pod
    )
    {
        (string, string)[] cluster = machine?.Cluster is { } named ? [("cluster", named)] : [];
        var tape = new Tape(
            new Series(view.Source, Provider, metric, Labels.Of([.. labels, .. view.Labels, .. cluster])),
            about,
            counts,
            ones
        )
        {
            Machine = machine,
            Board = board,
            Pod = pod,
            Interval = interval,
        };
        fleet.Tapes.Add(tape);
        return tape;
    }

    /// <summary>When a target is scraped, from before the first hour to after the last.</summary>
    private double[] Times(Dice dice, double interval)
    {
        var jitter = interval * (troubles.Has(Trouble.Jitter) ? 0.33 : 0.01);
        var phase = dice.Real(0, interval);
        var times = new double[(int)((fleet.Seconds - phase) / interval)];
        for (var i = 0; i < times.Length; i++)
            times[i] = Math.Max(0, phase + i * interval + dice.Real(-jitter, jitter));
        return times;
    }

    /// <summary>Who scrapes.</summary>
    private sealed record View(string Source, (string Name, string Value)[] Labels);

    /// <summary>Which exporters a machine has, and how often they are scraped.</summary>
    private sealed class Choice
    {
        public Choice(Dice dice, Machine machine, Trouble troubles, FleetPlan plan)
        {
            // A scrape a second is as good as another and costs as much as twenty: it is tried on small fleets.
            var small = plan is { Machines: 1, Hours: 1 } && machine.Boards.Count <= 2 && machine.Pods.Count <= 4;
            Interval =
                troubles.Has(Trouble.Sparse) ? dice.Real(300, 600)
                : small && dice.Chance(0.03) ? 1
                : dice.Pick([10.0, 15, 15, 30, 30, 30, 60]);
            WallInterval = troubles.Has(Trouble.Sparse) ? dice.Real(300, 600) : Math.Max(Interval, dice.Pick([Interval, 30, 60]));
            var meter = dice.Int(0, 4);
            Smi = meter >= 3 && !troubles.Has(Trouble.Slices);
            BoardEnergy = meter is 0 or 2 or 3;
            BoardPower = !BoardEnergy || meter == 2;
            Load = troubles.Has(Trouble.Loads | Trouble.DeadLoad);
            Wall = dice.Int(0, 4);
            WallGain = (troubles.Has(Trouble.Apart) ? 2 - machine.Gain : machine.Gain) * dice.Real(0.997, 1.003);
            Parts =
                !machine.IsModelled
                && (!machine.HasWall || troubles.Has(Trouble.WallPauses | Trouble.DeadWall | Trouble.Wrap) || dice.Chance(0.4));
            Kepler = dice.Chance(0.4) && !troubles.Has(Trouble.Wrap);
            Ones = dice.Chance(0.5);
            RoleLabel = dice.Pick<string?>(["role", "llm_d_ai_role", null]);
        }

        public double Interval { get; }

        public double WallInterval { get; }

        public bool Smi { get; }

        public bool BoardEnergy { get; }

        public bool BoardPower { get; }

        public bool Load { get; }

        public int Wall { get; }

        public double WallGain { get; }

        public bool Parts { get; }

        public bool Kepler { get; }

        public bool Ones { get; }

        public string? RoleLabel { get; }
    }
}
