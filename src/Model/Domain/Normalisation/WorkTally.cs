using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>What one series of work said: its pieces of the grid, and the periods in which another series told the same work and was
/// taken.</summary>
internal sealed class Count(KnownSeries series, int first, int end)
{
    private bool[]? silent;

    public KnownSeries Series => series;

    public int First => first;

    public int End => end;

    /// <summary>Time that it tells about, in ticks.</summary>
    public long Ticks(Pieces pieces)
    {
        long ticks = 0;
        foreach (ref readonly var piece in pieces[first..end])
            ticks += piece.Ticks;
        return ticks;
    }

    /// <summary>Units that it counted.</summary>
    public double Units(Pieces pieces)
    {
        double units = 0;
        foreach (ref readonly var piece in pieces[first..end])
            units += piece.Amount;
        return units;
    }

    public bool Speaks(int bin) => silent is null || !silent[bin];

    /// <summary>Leaves the work of a period to those who tell the same.</summary>
    public void Silence(int bin, int bins) => (silent ??= new bool[bins])[bin] = true;

    public void Silence(int bins)
    {
        silent ??= new bool[bins];
        Array.Fill(silent, true);
    }
}

/// <summary>
/// Work of all workloads in one pass. What providers tell on several levels or under several names is decided first and for all
/// workloads together: a roll-up that no rule claims must not stand in <c>unattributed</c> beside the parts that are claimed.
/// </summary>
internal sealed class WorkTallies(Interpreter interpreter, Pieces pieces, IReadOnlyList<Workload> workloads, Estimates estimates)
{
    private readonly Dictionary<(int Workload, string Place, string? Account, string Unit), WorkTally> tallies = [];
    private readonly Dictionary<(string Source, string? Account, string Family, string Unit, string Within), List<Count>> families = [];

    /// <summary>The tallies, in the order in which they were begun.</summary>
    public IEnumerable<WorkTally> All => tallies.Values;

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
    public void Decide(int bins)
    {
        foreach (var family in families.Values)
            Decide(family, bins);
        foreach (var tally in tallies.Values)
            tally.Decide(pieces, workloads, bins);
    }

    public void Enter(Accounts accounts, Provenance provenance, IReadOnlyList<KnownSeries> series)
    {
        foreach (var tally in tallies.Values)
            tally.Enter(accounts, pieces, provenance, series, estimates);
        estimates.Enter(accounts);
    }

    /// <summary>Of the levels that say something about a period the lowest speaks.</summary>
    private void Decide(List<Count> family, int bins)
    {
        var taken = new bool[bins];
        foreach (var level in family.GroupBy(count => count.Series.Mapping.RollUp!.Level).OrderBy(level => level.Key))
        {
            List<Count> speakers = [.. level];
            WorkTally.PreferOneMapping(speakers, pieces, bins);
            var covering = new bool[bins];
            foreach (var count in speakers)
            {
                foreach (ref readonly var piece in pieces[count.First..count.End])
                {
                    if (taken[piece.Bin])
                        count.Silence(piece.Bin, bins);
                    else
                        covering[piece.Bin] = true;
                }
            }
            for (var bin = 0; bin < bins; bin++)
                taken[bin] |= covering[bin];
        }
    }
}

/// <summary>
/// Work of one workload at one place in one functional unit. Series of one mapping count other work each. Two mappings at
/// one endpoint count the same work on two layers (a serving framework and the engine in it), so one of them is taken.
/// </summary>
internal sealed class WorkTally(int workload, Place place, string? account, string functionalUnit)
{
    // Prometheus Operator, Thanos, Mimir.
    private static readonly string[] Replicas = ["prometheus_replica", "thanos_replica", "__replica__"];

    private readonly List<Count> counts = [];

    public void Add(Count count) => counts.Add(count);

    /// <summary>What each series counted, piece by piece, and whether it is part of the tally.</summary>
    public IEnumerable<(Range Pieces, bool Counted)> PiecesOf(Pieces pieces)
    {
        foreach (var one in counts)
            for (var i = one.First; i < one.End; i++)
                yield return (i..(i + 1), one.Speaks(pieces[i].Bin));
    }

    /// <summary>Silences what tells the same work once more.</summary>
    public void Decide(Pieces pieces, IReadOnlyList<Workload> workloads, int bins)
    {
        SilenceReplicas(pieces, bins);
        SilenceCoarser(pieces, bins);
        SilenceLayers(pieces, bins);
        if (workload != WorkloadClaims.Unclaimed)
            SilenceParts(pieces, workloads[workload].Model, bins);
    }

    /// <summary>One fact for each grid period in which anything was counted, nothing included.</summary>
    public void Enter(Accounts accounts, Pieces pieces, Provenance provenance, IReadOnlyList<KnownSeries> series, Estimates estimates)
    {
        var ordered = System.Buffers.ArrayPool<Piece>.Shared.Rent(counts.Sum(one => one.End - one.First));
        var count = 0;
        foreach (var one in counts)
        foreach (ref readonly var piece in pieces[one.First..one.End])
            if (one.Speaks(piece.Bin))
                ordered[count++] = piece;
        if (counts.Count > 1)
            ordered.AsSpan(0, count).Sort();
        for (int start = 0, end; start < count; start = end)
        {
            end = start + 1;
            while (end < count && ordered[end].Bin == ordered[start].Bin)
                end++;
            Enter(ordered.AsSpan(start, end - start), accounts, provenance, series, estimates);
        }
        System.Buffers.ArrayPool<Piece>.Shared.Return(ordered);
    }

    /// <summary>Of several mappings the one that covers nearly the most time, then the first by id; the others are heard only in periods in
    /// which it is silent.</summary>
    public static void PreferOneMapping(List<Count> counts, Pieces pieces, int bins)
    {
        if (counts.TrueForAll(one => one.Series.Mapping == counts[0].Series.Mapping))
            return;
        var candidates = counts
            .GroupBy(one => one.Series.Mapping)
            .Select(mapping => (mapping.Key.Id, Counts: mapping.ToList(), Ticks: mapping.Max(one => one.Ticks(pieces))))
            .ToList();
        var most = candidates.Max(one => one.Ticks);
        Prefer(
            candidates
                .OrderByDescending(one => one.Ticks * 10 >= most * 9)
                .ThenBy(one => one.Id, StringComparer.Ordinal)
                .Select(one => one.Counts),
            pieces,
            bins
        );
    }

    /// <summary>Of tellings of the same work, in the order of preference, each is heard in the periods in which none before it says
    /// anything.</summary>
    private static void Prefer(IEnumerable<List<Count>> tellings, Pieces pieces, int bins)
    {
        var taken = new bool[bins];
        foreach (var telling in tellings)
        {
            var covering = (bool[])taken.Clone();
            foreach (var count in telling)
            {
                foreach (ref readonly var piece in pieces[count.First..count.End])
                {
                    if (taken[piece.Bin])
                        count.Silence(piece.Bin, bins);
                    else if (count.Speaks(piece.Bin))
                        covering[piece.Bin] = true;
                }
            }
            taken = covering;
        }
    }

    /// <summary>Two Prometheus servers that read the same targets tell the same work, told apart by a label that says which of them it
    /// was.</summary>
    private void SilenceReplicas(Pieces pieces, int bins)
    {
        if (!counts.Exists(one => Array.Exists(Replicas, label => one.Series.Series.Labels[label] is not null)))
            return;
        foreach (
            var same in counts.GroupBy(one =>
                (
                    one.Series.Series.Source,
                    one.Series.Series.Metric,
                    string.Join(
                        '\n',
                        one.Series.Series.Labels.Pairs.Where(pair => !Replicas.Contains(pair.Key))
                            .Select(pair => $"{pair.Key}={pair.Value}")
                    )
                )
            )
        )
            if (same.Count() > 1)
                Prefer(
                    same.OrderByDescending(one => one.Ticks(pieces))
                        .ThenBy(one => one.Series.Number)
                        .Select(one => new List<Count> { one }),
                    pieces,
                    bins
                );
    }

    /// <summary>One metric read by the minute and, of its older days, by the hour is two series that count the same: the finer one, and the
    /// coarser where it is silent.</summary>
    private void SilenceCoarser(Pieces pieces, int bins)
    {
        if (counts.TrueForAll(one => one.Series.Series.Period == counts[0].Series.Series.Period))
            return;
        foreach (
            var same in counts.GroupBy(one =>
                (one.Series.Series.Source, one.Series.Series.Metric, one.Series.Series.Statistic, one.Series.Series.Labels)
            )
        )
            if (same.Count() > 1)
                Prefer(same.OrderBy(one => one.Series.Series.Period).Select(one => new List<Count> { one }), pieces, bins);
    }

    /// <summary>Two mappings at one endpoint are two layers. Where nothing is named nobody can say that two counts are of one thing, and
    /// the levels of a family are decided already.</summary>
    private void SilenceLayers(Pieces pieces, int bins)
    {
        if (counts.TrueForAll(one => one.Series.Mapping == counts[0].Series.Mapping))
            return;
        foreach (
            var endpoint in counts
                .Where(one => Endpoint(one.Series) is not null)
                .GroupBy(one => (Endpoint(one.Series)!, Family: one.Series.Mapping.RollUp?.Family ?? ""))
        )
            if (endpoint.Key.Family.Length == 0)
                PreferOneMapping([.. endpoint], pieces, bins);
    }

    /// <summary>An ensemble counts a request, and each of its parts counts it again: what the workload's model is called is taken, else
    /// what counted most, then the first by name.</summary>
    private void SilenceParts(Pieces pieces, string? model, int bins)
    {
        foreach (
            var endpoint in counts
                .Where(one => one.Series.Mapping.Nested is not null && Endpoint(one.Series) is not null)
                .GroupBy(one => (Endpoint(one.Series)!, one.Series.Mapping))
        )
        {
            var parts = endpoint
                .GroupBy(one => one.Series.Series.Labels[one.Series.Mapping.Nested!] ?? "", StringComparer.Ordinal)
                .ToList();
            if (parts.Count == 1)
                continue;
            var taken = parts.Find(part => part.Key == model)
                ?? parts
                    .OrderByDescending(part => part.Sum(one => one.Units(pieces)))
                    .ThenBy(part => part.Key, StringComparer.Ordinal)
                    .First();
            foreach (var one in parts.Where(part => part.Key != taken.Key).SelectMany(part => part))
                one.Silence(bins);
        }
    }

    /// <summary>What the labels name; null when they name nothing.</summary>
    private static string? Endpoint(KnownSeries one)
    {
        foreach (var label in one.Mapping.Resource.Id)
            if (one.Series.Labels[label] is { } name)
                return name;
        return null;
    }

    private void Enter(
        ReadOnlySpan<Piece> inBin,
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
        accounts.EnterWork(
            workload,
            place,
            account,
            functionalUnit,
            inBin[0].Bin,
            units,
            Piece.Seconds(covered),
            (Piece.Seconds(covered), Piece.Seconds(covered)),
            evidence,
            mappings
        );
    }
}
