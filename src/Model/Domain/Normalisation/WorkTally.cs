using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Work of all workloads in one pass. What providers tell on several levels or under several names is decided first and for all
/// workloads together: a roll-up that no rule claims must not stand in <c>unattributed</c> beside the parts that are claimed.
/// </summary>
internal sealed class WorkTallies(
    Interpreter interpreter,
    Pieces pieces,
    IReadOnlyList<Workload> workloads,
    Estimates estimates,
    Grid grid,
    List<Rejection> rejections,
    Rules rules = Rules.All
)
{
    private readonly Dictionary<(int Workload, string Place, string? Account, string Unit), WorkTally> tallies = [];
    private readonly Dictionary<(int Workload, string Place, string? Account), List<Count>> deployments = [];
    private readonly Dictionary<(string Source, string? Account, string Family, string Unit, string Within), List<Count>> families = [];

    /// <summary>The tallies, in the order in which they were begun.</summary>
    public IEnumerable<WorkTally> All => tallies.Values;

    /// <summary>What else is read of pods and machines, by which engines are known to be there.</summary>
    public Presence Presence { get; } = new(grid);

    /// <summary>Reads a series and says what it counted.</summary>
    public Count Read(KnownSeries series)
    {
        var unit = series.Mapping.FunctionalUnit
            ?? throw new InvalidOperationException($"Mapping {series.Mapping.Id} counts work without a functional unit.");
        var first = pieces.Count;
        interpreter.Read([series]);
        var count = new Count(series, first, pieces.Count);

        var key = (series.Workload, series.Place.Name, series.Account, unit);
        if (!tallies.TryGetValue(key, out var tally))
            tallies.Add(key, tally = new WorkTally(series.Workload, series.Place, series.Account, unit));
        tally.Add(count);
        if (!deployments.TryGetValue((series.Workload, series.Place.Name, series.Account), out var deployment))
            deployments.Add((series.Workload, series.Place.Name, series.Account), deployment = []);
        deployment.Add(count);

        if (series.Mapping.RollUp is not { } rollUp || count.First == count.End)
            return count;
        var labels = series.Series.Labels;
        var within = string.Join('\n', rollUp.Within.Select(label => labels[label]));
        var family = (series.Series.Source, series.Account, rollUp.Family, unit, within);
        if (!families.TryGetValue(family, out var members))
            families.Add(family, members = []);
        members.Add(count);
        return count;
    }

    /// <summary>Decides of what is told more than once which telling counts, once all series are read and before anybody asks what they
    /// counted.</summary>
    public void Decide()
    {
        foreach (var family in families.Values)
            Decide(family);
        foreach (var ((workload, _, _), counts) in deployments)
            new CountedOnce(
                counts,
                workload == WorkloadClaims.Unclaimed ? null : workloads[workload],
                pieces,
                grid,
                rejections,
                rules
            ).Decide();
    }

    public void Enter(Accounts accounts, Provenance provenance, IReadOnlyList<KnownSeries> series)
    {
        foreach (var tally in tallies.Values)
            tally.Enter(accounts, pieces, grid, Presence, provenance, series, estimates);
        estimates.Enter(accounts);
        if (rules.HasFlag(Rules.Unread))
            foreach (var ((workload, _, account), counts) in deployments)
                if (workload != WorkloadClaims.Unclaimed)
                    EnterUnread(workload, account, counts, accounts);
    }

    /// <summary>Where boards name the pods of a deployment, a pod that works and that none of them names has boards that nobody reads: it
    /// was there, and what it drew is unknown.</summary>
    private void EnterUnread(int workload, string? account, List<Count> counts, Accounts accounts)
    {
        var pods = counts
            .Where(one => !one.IsSubstitute && one.Layer == WorkLayer.Engine && one.Engine?.Pod is not null)
            .GroupBy(one => one.Engine!)
            .ToLookup(engine => Presence.IsRead(engine.First().Series));
        if (!pods[true].Any())
            return;
        var there = new Stretches();
        foreach (var engine in pods[false])
        {
            there.Clear();
            Presence.Add(engine, pieces, there, new([], []));
            var resource = new MeteredResource("pod", engine.Key.Pod!, engine.First().Series.Place, account);
            for (var bin = 0; bin < grid.Count; bin++)
                if (Piece.Seconds(there.Within(grid[bin].Start.Ticks, grid[bin].End.Ticks)) is > 0 and var seconds)
                    accounts.Enter(
                        new Share
                        {
                            Workload = workload,
                            Resource = resource,
                            Bin = bin,
                            Reading = default,
                            Time = new ShareTime(seconds, seconds, 0, 0),
                            Cover = EnergyCover.Accelerator,
                            Missing = MissingReasons.AcceleratorUnmetered,
                        }
                    );
        }
    }

    /// <summary>Of the levels that say something about a period the lowest speaks.</summary>
    private void Decide(List<Count> family)
    {
        var taken = new bool[grid.Count];
        foreach (var level in family.GroupBy(count => count.Series.Mapping.RollUp!.Level).OrderBy(level => level.Key))
        {
            List<Count> speakers = [.. level];
            CountedOnce.PreferOneMapping(speakers, pieces, grid.Count);
            var spoken = new bool[grid.Count];
            foreach (var count in speakers)
            {
                foreach (ref readonly var piece in pieces[count.First..count.End])
                {
                    if (taken[piece.Bin])
                        count.Silence(piece.Bin, pieces);
                    else
                        spoken[piece.Bin] = true;
                }
            }
            for (var bin = 0; bin < grid.Count; bin++)
                taken[bin] |= spoken[bin];
        }
    }
}

/// <summary>Work of one workload at one place in one functional unit.</summary>
internal sealed class WorkTally(int workload, Place place, string? account, string functionalUnit)
{
    private readonly List<Count> counts = [];

    public void Add(Count count) => counts.Add(count);

    /// <summary>What each series counted, piece by piece, and whether it is part of the tally.</summary>
    public IReadOnlyList<(Piece Piece, bool Counted)> PiecesOf(Pieces pieces)
    {
        var told = new List<(Piece, bool)>();
        var heard = new Stretches();
        foreach (var one in counts)
        {
            heard.Clear();
            foreach (ref readonly var piece in one.Counted(pieces))
            {
                heard.Add(piece.From, piece.To);
                told.Add((piece, true));
            }
            foreach (ref readonly var piece in pieces[one.First..one.End])
            foreach (var (from, to) in heard.Without(piece.From, piece.To))
                told.Add((piece.Within(from, to), false));
        }
        return told;
    }

    /// <summary>One fact for each grid period in which anything was counted, nothing included, or in which an engine was there and told
    /// nothing.</summary>
    public void Enter(
        Accounts accounts,
        Pieces pieces,
        Grid grid,
        Presence presence,
        Provenance provenance,
        IReadOnlyList<KnownSeries> series,
        Estimates estimates
    )
    {
        var time = EngineTime(pieces, grid, presence);
        var ordered = System.Buffers.ArrayPool<Piece>.Shared.Rent(counts.Sum(one => one.Counted(pieces).Length));
        var count = 0;
        foreach (var one in counts)
        foreach (ref readonly var piece in one.Counted(pieces))
            ordered[count++] = piece;
        if (counts.Count > 1)
            ordered.AsSpan(0, count).Sort();
        for (int bin = 0, start = 0; bin < grid.Count; bin++)
        {
            var end = start;
            while (end < count && ordered[end].Bin == bin)
                end++;
            if (end > start && time[bin].Present > 0)
                Enter(ordered.AsSpan(start, end - start), time[bin], accounts, provenance, series, estimates);
            else if (end == start && time[bin].Present > 0)
                accounts.EnterWork(
                    workload,
                    place,
                    account,
                    functionalUnit,
                    bin,
                    0,
                    0,
                    (0, time[bin].Present),
                    WorstEvidence(),
                    AllMappings(provenance)
                );
            start = end;
        }
        System.Buffers.ArrayPool<Piece>.Shared.Return(ordered);
    }

    private Evidence WorstEvidence() => counts.Max(one => one.Series.Evidence);

    private MappingSet AllMappings(Provenance provenance)
    {
        var mappings = default(MappingSet);
        foreach (var one in counts)
            if (!one.IsSubstitute)
                mappings = provenance.Union(mappings, one.Series.Mappings);
        return mappings;
    }

    /// <summary>Seconds of each grid period for which engines told their work, and for which they were there, of all together.</summary>
    private (double Counted, double Present)[] EngineTime(Pieces pieces, Grid grid, Presence presence)
    {
        var time = new (double Counted, double Present)[grid.Count];
        var engines = new int[grid.Count];
        var told = new Stretches();
        var ends = new List<long>();
        var had = new List<(Stretches There, List<(long From, long To, long Until)> Handed)>();
        foreach (var engine in counts.Where(one => !one.IsSubstitute).GroupBy(one => one.Engine))
        {
            var there = new Stretches();
            var changes = new Presence.Changes(ends, []);
            told.Clear();
            foreach (var one in engine)
            foreach (ref readonly var piece in one.Counted(pieces))
                told.Add(piece.From, piece.To);
            if (engine.All(one => one.Series.OwnIntervals))
                there.Add(told);
            else
                presence.Add(engine, pieces, there, changes);
            had.Add((there, changes.Handed));
            AddTo(told, (bin, seconds) => time[bin].Counted += seconds);
        }
        // Of a board that changes hands the later one has the time since the earlier one's last sample; its engine does, since that of the
        // earlier one fell silent.
        ends.Sort();
        foreach (var (there, handed) in had)
        {
            foreach (var (from, to, until) in handed)
                there.Add(LastEnd(from, until), to);
            AddTo(there, (bin, seconds) => (time[bin].Present, engines[bin]) = (time[bin].Present + seconds, engines[bin] + 1));
        }
        // What stands in for silent engines tells the work of all of them.
        told.Clear();
        foreach (var one in counts.Where(one => one.IsSubstitute))
        foreach (ref readonly var piece in one.Counted(pieces))
            // That none passes where no engine is says nothing of a deployment that is not there.
            if (piece.Amount > 0 || engines[piece.Bin] > 0)
                told.Add(piece.From, piece.To);
        AddTo(told, (bin, seconds) =>
        {
            time[bin].Present = Math.Max(time[bin].Present, seconds);
            time[bin].Counted = Math.Min(time[bin].Present, time[bin].Counted + seconds * Math.Max(1, engines[bin]));
        });
        for (var bin = 0; bin < time.Length; bin++)
            time[bin].Present = Math.Max(time[bin].Present, time[bin].Counted);
        return time;

        long LastEnd(long after, long until)
        {
            var at = ends.BinarySearch(until);
            at = at >= 0 ? at : ~at - 1;
            return at >= 0 && ends[at] > after ? ends[at] : after;
        }

        void AddTo(Stretches stretches, Action<int, double> add)
        {
            if (stretches.Items.Count == 0)
                return;
            for (var bin = 0; bin < grid.Count; bin++)
                if (stretches.Within(grid[bin].Start.Ticks, grid[bin].End.Ticks) is > 0 and var ticks)
                    add(bin, (double)ticks / TimeSpan.TicksPerSecond);
        }
    }

    private void Enter(
        ReadOnlySpan<Piece> inBin,
        (double Counted, double Present) time,
        Accounts accounts,
        Provenance provenance,
        IReadOnlyList<KnownSeries> series,
        Estimates estimates
    )
    {
        double units = 0;
        long covered = 0,
            until = 0;
        var evidence = Evidence.Measured;
        var mappings = default(MappingSet);
        foreach (ref readonly var piece in inBin)
        {
            var one = series[piece.Series];
            units += piece.Amount;
            // The pieces come by start, so that the time of any of them is the union.
            covered += Math.Max(0, piece.To - Math.Max(piece.From, until));
            until = Math.Max(until, piece.To);
            evidence = KnownSeries.Worst(evidence, one.Evidence);
            mappings = provenance.Union(mappings, one.Mappings);
            if (one.Mapping.EstimateModel is not null)
                estimates.Add(one, piece);
        }
        accounts.EnterWork(workload, place, account, functionalUnit, inBin[0].Bin, units, Piece.Seconds(covered), time, evidence, mappings);
    }
}
