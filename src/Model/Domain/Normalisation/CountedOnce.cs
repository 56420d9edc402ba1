using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>Of all that is told of the work of one deployment, what counts: each piece of work once.</summary>
/// <param name="counts">What its series counted, in all functional units, in the order of series.</param>
/// <param name="workload">Whose; null for what no rule claims, which may be many things that have nothing to do with each other.</param>
/// <param name="pieces">The pieces of the pass.</param>
/// <param name="grid">The periods of the pass.</param>
/// <param name="rejections">Where it is told what was dropped.</param>
/// <param name="rules">The rules that act.</param>
internal sealed class CountedOnce(List<Count> counts, Workload? workload, Pieces pieces, Grid grid, List<Rejection> rejections, Rules rules)
{
    private const string Input = "input-token";
    private const string Output = "output-token";
    private const string Request = "request";

    private static readonly string[] OfPrompts = [Input, "cached-input-token", Request];

    /// <summary>Silences what tells the same work once more.</summary>
    public void Decide()
    {
        DecideRows();
        DecideParts();
        DecideDimensions();
        DecideEngines();
        DecideNames();
        if (rules.HasFlag(Rules.Prefill))
            DecidePrefill();
        if (rules.HasFlag(Rules.Layers))
            DecideLayers();
    }

    private IEnumerable<IGrouping<string, Count>> ByUnit =>
        counts.Where(one => !one.IsSubstitute).GroupBy(one => one.Unit, StringComparer.Ordinal);

    /// <summary>One metric read by the minute and, of its older days, by the hour is two series that count the same: the finer one, and the
    /// coarser in the time in which that is silent. Rows that do not overlap all count.</summary>
    private void DecideRows()
    {
        foreach (
            var same in counts.GroupBy(one =>
                (one.Unit, one.Series.Series.Source, one.Series.Series.Metric, one.Series.Series.Statistic, one.Series.Series.Labels)
            )
        )
        {
            if (same.Count() == 1)
                continue;
            var ranks = same.OrderBy(one => one.Series.Series.Period).ThenBy(one => one.Series.Number).ToList();
            Prefer([.. ranks.Select(one => new[] { one })], byPeriod: false, _ =>
                "rows of the same labels overlap, and the shorter ones count"
            );
        }
        DecideSources();
    }

    /// <summary>Two sources that tell the same rows of the same labels tell the same work; other rows are of another account.</summary>
    private void DecideSources()
    {
        foreach (
            var same in counts
                .Where(one => one.Series.Mapping.Kind == SampleKind.Delta && one.First < one.End)
                .GroupBy(one =>
                    (one.Unit, one.Series.Series.Metric, one.Series.Series.Statistic, one.Series.Series.Period, one.Series.Series.Labels)
                )
        )
        {
            var told = new List<Count>();
            foreach (var one in same)
            {
                if (
                    told.Find(other => other.Series.Series.Source != one.Series.Series.Source && EqualRows(one, other) > 2) is not { } first
                )
                {
                    // So many sources of one place are not compared with each other.
                    if (told.Count < 16)
                        told.Add(one);
                    continue;
                }
                one.StandIn();
                Prefer(
                    [
                        [first],
                        [one],
                    ],
                    byPeriod: false,
                    _ => $"both tell the same {EqualRows(one, first)} rows"
                );
            }
        }
    }

    /// <summary>How many rows that are not zero both have; 0 when one that both have differs.</summary>
    private static int EqualRows(Count a, Count b)
    {
        var first = a.Series.Samples.Span;
        var second = b.Series.Samples.Span;
        var equal = 0;
        for (int i = 0, j = 0; i < first.Length && j < second.Length; )
        {
            if (first[i].Start != second[j].Start)
            {
                _ = first[i].Start < second[j].Start ? i++ : j++;
                continue;
            }
            if (first[i] != second[j])
                return 0;
            equal += first[i].Value > 0 ? 1 : 0;
            i++;
            j++;
        }
        return equal;
    }

    /// <summary>An ensemble counts a request, and each of its parts counts it again: what the workload's model is called is taken, else
    /// what counted most, then the first by name.</summary>
    private void DecideParts()
    {
        if (workload is null)
            return;
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
            var taken = parts.Find(part => part.Key == workload.Model)
                ?? parts
                    .OrderByDescending(part => part.Sum(one => one.Units(pieces)))
                    .ThenBy(part => part.Key, StringComparer.Ordinal)
                    .First();
            foreach (var one in parts.Where(part => part.Key != taken.Key).SelectMany(part => part))
                one.Drop();
        }
    }

    /// <summary>A metric that is listed by model, and again by model and tier, is the same work: the set with the most labels that adds up
    /// to the coarser one counts; where none does, the coarser one, if it holds them.</summary>
    private void DecideDimensions()
    {
        foreach (
            var metric in counts
                .Where(one => !one.IsSubstitute && one.First < one.End)
                .GroupBy(one => (one.Series.Mapping, one.Series.Series.Source, one.Series.Series.Metric, one.Series.Series.Statistic))
        )
        {
            var sets = metric
                .GroupBy(one => string.Join('\n', one.Series.Series.Labels.Pairs.Select(pair => pair.Key)), StringComparer.Ordinal)
                .Select(set => (Names: set.Key.Length == 0 ? [] : set.Key.Split('\n'), Counts: set.ToList()))
                .OrderByDescending(set => set.Names.Length)
                .ThenBy(set => string.Join('\n', set.Names), StringComparer.Ordinal)
                .ToList();
            // A handful of sets is published; a hundred are not dimensions of one thing.
            if (sets.Count is 1 or > 16)
                continue;
            for (var coarse = sets.Count - 1; coarse > 0; coarse--)
            {
                var finer = sets.Take(coarse)
                    .Where(set => set.Names.Length > sets[coarse].Names.Length && sets[coarse].Names.All(set.Names.Contains))
                    .Select(set => set.Counts.ToLookup(one => Projected(one, sets[coarse].Names), StringComparer.Ordinal))
                    .ToList();
                foreach (var whole in sets[coarse].Counts.Where(one => !one.IsSubstitute))
                    DecideDimensions(whole, [.. finer.Select(set => set[Projected(whole, sets[coarse].Names)].ToList())]);
            }
        }
    }

    private void DecideDimensions(Count whole, List<List<Count>> finer)
    {
        List<Count>? taken = null;
        foreach (var set in finer)
        {
            set.RemoveAll(one => one.IsSubstitute);
            if (set.Count == 0)
                continue;
            var agreement = Agreement.Of([whole.Curve], [.. set.Select(one => one.Curve)], 1);
            var counter = whole.Series.Mapping.Kind == SampleKind.Cumulative;
            if (agreement.Rising == Rising.Alike && (!counter || AddsUp(whole.Curve, set)))
            {
                taken ??= set;
                whole.StandIn();
                IReadOnlyList<Count> told = taken == set ? [whole] : [whole, .. set];
                foreach (var one in told)
                    one.StandIn();
                Prefer([taken, told], byPeriod: false, _ => Why(set.Count, agreement, "more"));
            }
            else if (agreement.Rising == Rising.Less && !counter && taken is null)
            {
                foreach (var one in set)
                    one.StandIn();
                Prefer(
                    [
                        [whole],
                        set,
                    ],
                    byPeriod: false,
                    _ => Why(set.Count, agreement, "some of its work with more")
                );
            }
        }

        static string Why(int series, Agreement agreement, string more) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"it is told with {more} dimensions by {series} series: "
                    + $"{agreement.Second:0.###} of {agreement.First:0.###} over the same time"
            );
    }

    /// <summary>Counters that are told with more labels by the same program add up to the whole, and not only their rises.</summary>
    private static bool AddsUp(Curve whole, List<Count> parts)
    {
        var at = parts.Select(one => one.Curve.Last).Append(whole.Last).Min() - Curve.Skew - 1;
        if (parts.Count == 1 || whole.Around(at) is not var (low, high))
            return false;
        double least = 0,
            most = 0;
        foreach (var part in parts)
        {
            if (part.Curve.Around(at) is not var (from, to))
                return false;
            (least, most) = (least + from, most + to);
        }
        return least <= high * 1.001 && low <= most * 1.001;
    }

    private static string Projected(Count count, string[] names) =>
        string.Join('\n', names.Select(name => count.Series.Series.Labels[name]));

    /// <summary>One engine that several readers read, under whatever labels, is known by what it shows.</summary>
    private void DecideEngines()
    {
        var tellings = Telling.Of(counts.Where(one => !one.IsSubstitute));
        var (engines, witnesses) = Engines.Of(tellings, grid.Period);
        foreach (var engine in engines.Where(engine => engine.Tellings.Count > 1 && rules.HasFlag(Rules.OneEngine)))
        {
            var ranked = engine
                .Tellings.Select(telling => (Telling: telling, Ticks: telling.Counts.Sum(one => one.Ticks(pieces))))
                .ToList();
            var most = ranked.Max(one => one.Ticks);
            var order = ranked
                .OrderByDescending(one => one.Ticks * 10 >= most * 9)
                .ThenBy(one => one.Telling.Counts[0].Series.Number)
                .Select(one => one.Telling)
                .ToList();
            foreach (
                var subject in order
                    .SelectMany(telling => telling.BySubject, (_, one) => one)
                    .GroupBy(one => one.Key)
                    .Select(same => same.Select(one => one.Value).ToList())
                    .Where(same => same.Count > 1)
            )
                Prefer([.. subject.Select(one => new[] { one })], byPeriod: true, one => Why(one, witnesses));
        }
    }

    private static string Why(Count dropped, List<(Telling A, Telling B, Count Count, Likeness Likeness)> witnesses)
    {
        var (_, _, count, likeness) = witnesses.Find(one => one.A.Counts.Contains(dropped) || one.B.Counts.Contains(dropped));
        return count is null
            ? "both read as one rising counter"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"merged in time both read as one rising counter of {count.Unit} over {likeness.Moves} rises, such as "
                    + $"{likeness.Shown.Before:0.###}, {likeness.Shown.Value:0.###}, {likeness.Shown.After:0.###}"
            );
    }

    /// <summary>Two mappings at one endpoint and layer are two names of the same count. Where nothing is named nobody can say that two
    /// counts are of one thing, and the levels of a family are decided already.</summary>
    private void DecideNames()
    {
        foreach (var unit in ByUnit)
        foreach (
            var endpoint in unit.Where(one => one.Series.Mapping.RollUp is null && Endpoint(one.Series) is not null)
                .GroupBy(one => (Endpoint(one.Series)!, one.Layer))
        )
        {
            List<Count> same = [.. endpoint];
            if (same.TrueForAll(one => one.Series.Mapping == same[0].Series.Mapping))
                continue;
            var taken = PreferOneMapping(same, pieces, grid.Count);
            foreach (var one in same.Where(one => one.Series.Mapping != taken))
                one.StandIn();
        }
    }

    /// <summary>Where prompts are worked through on some engines and answers written on others, both count the prompt and the request, and
    /// the first one token of each answer.</summary>
    private void DecidePrefill()
    {
        var engines = counts
            .Where(one => !one.IsSubstitute && one.Layer == WorkLayer.Engine && one.Series.Mapping.Kind == SampleKind.Cumulative)
            .Select(one => one.Engine!)
            .Distinct()
            .Where(engine => engine.Of(Input).Any() || engine.Of(Request).Any())
            .ToList();
        if (engines.Count < 2)
            return;
        // Of one that tells prompts alone a mapping has said that they are its side of the work.
        var prefill = engines.FindAll(engine =>
            (engine.Of(Output).Any() || engine.Of(Request).Any())
            && (engine.IsPrefill || (!engine.IsDecode && LooksLikePrefill(engine, engines)))
        );
        var decode = engines.FindAll(engine => !prefill.Contains(engine) && engine.Of(Output).Any());
        if (prefill.Count == 0 || decode.Count == 0)
            return;
        // Where some engines do both, what labels call prefill is less than all others read in any case.
        if (Decide(prefill, decode, prefill.Concat(decode).All(engine => engine.IsPrefill || engine.IsDecode)))
            return;
        // Beside engines that do both, a pair is known by itself.
        foreach (var one in prefill)
        foreach (var other in Nearest(one, decode))
            if (Decide([one], [other], one.IsPrefill && other.IsDecode))
                break;
    }

    private bool Decide(List<Engine> prefill, List<Engine> decode, bool labelled)
    {
        var witness = new[] { Input, Request }.Select(unit => (Unit: unit, Agreement: Compare(unit))).ToList();
        var alike = witness.Find(one => one.Agreement.Rising == Rising.Alike);
        // Short prompts may be left to those who write the answer; a label says that this is why the others count less.
        if (alike.Unit is null && labelled)
            alike = witness.Find(one => one.Agreement.Rising == Rising.Less);
        if (alike.Unit is null)
            return false;
        var why = string.Create(
            CultureInfo.InvariantCulture,
            $"it works through the prompts whose answers others write: {alike.Agreement.Second:0.###} of {alike.Agreement.First:0.###} "
                + $"units of {alike.Unit} over the same time, rising together in {alike.Agreement.Periods} parts of it"
        );
        foreach (var unit in OfPrompts)
            if (decode.Exists(engine => engine.Subjects(unit).Any(one => one.Curve.Moves)))
                Drop(unit);
        Drop(Output);
        return true;

        Agreement Compare(string unit) =>
            Agreement.Of(
                [.. decode.SelectMany(engine => engine.Subjects(unit)).Select(one => one.Curve)],
                [.. prefill.SelectMany(engine => engine.Subjects(unit)).Select(one => one.Curve)],
                3
            );

        void Drop(string unit)
        {
            var counting = decode.SelectMany(engine => engine.Of(unit)).MinBy(one => one.Series.Number);
            foreach (var one in prefill.SelectMany(engine => engine.Of(unit)).ToList())
            {
                one.Drop();
                Tell(one, counting, why);
            }
        }
    }

    /// <summary>One token for each request; where requests are not told, far fewer tokens for what it reads than others write.</summary>
    private static bool LooksLikePrefill(Engine engine, List<Engine> engines)
    {
        var (read, written, answered) = (Risen(engine, Input), Risen(engine, Output), Risen(engine, Request));
        if (answered > 0)
            return written <= answered * 1.02 + 1;
        var others = engines.Where(other => other != engine);
        return read > 0 && written / read < 0.2 * others.Sum(other => Risen(other, Output)) / others.Sum(other => Risen(other, Input));
    }

    /// <summary>Those that read about as many prompts, the nearest first; a few of them.</summary>
    private static IEnumerable<Engine> Nearest(Engine one, List<Engine> others)
    {
        var unit = one.Of(Input).Any() ? Input : Request;
        var risen = Risen(one, unit);
        return others
            .Select(other => (Engine: other, Apart: Math.Abs(Risen(other, unit) - risen)))
            .Where(other => other.Apart <= risen * 0.1)
            .OrderBy(other => other.Apart)
            .Take(4)
            .Select(other => other.Engine);
    }

    private static double Risen(Engine engine, string unit) => engine.Subjects(unit).Sum(one => one.Curve.Risen);

    /// <summary>Of several layers the one next to the hardware counts. Where its rises are those of the layer above, that stands in for it
    /// while it is silent; where they are not, the layer above serves others too, whose energy is not here.</summary>
    private void DecideLayers()
    {
        foreach (var unit in ByUnit)
        {
            var layers = unit.GroupBy(one => one.Layer).OrderBy(layer => layer.Key).ToList();
            var told = new List<IReadOnlyList<Count>> { layers[0].ToList() };
            var why = new Dictionary<Count, string>();
            for (var upper = 1; upper < layers.Count; upper++)
            {
                var lower = layers[0].ToList();
                var above = layers[upper].ToList();
                var agreement = Agreement.Of(
                    [.. Subjects(lower).Select(one => one.Curve)],
                    [.. Subjects(above).Select(one => one.Curve)],
                    3
                );
                var alike = agreement.Rising == Rising.Alike || (agreement.Rising == Rising.Unknown && workload is not null);
                if (!alike && workload is null)
                    continue;
                var name = Word(layers[upper].Key);
                var numbers = string.Create(
                    CultureInfo.InvariantCulture,
                    $"the {name} rose by {agreement.Second:0.###} and "
                        + $"the {Word(layers[0].Key)} by {agreement.First:0.###} over the same time"
                );
                foreach (var one in above)
                    one.StandIn();
                if (alike)
                {
                    told.Add(above);
                    foreach (var one in above)
                        why[one] = $"the layer next to the hardware counts: {numbers}";
                    continue;
                }
                foreach (var one in above)
                {
                    one.Drop();
                    Tell(
                        one,
                        lower[0],
                        $"the layer next to the hardware counts, and what else passes the {name} is not added to it: {numbers}"
                    );
                }
            }
            if (told.Count > 1)
                Prefer(told, byPeriod: false, one => why[one], ofWhole: true);
        }

        static string Word(WorkLayer layer) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(layer.ToString());
    }

    private static IEnumerable<Count> Subjects(List<Count> ofLayer) =>
        ofLayer
            .GroupBy(one => one.Engine!)
            .SelectMany(engine => engine.Key.Subjects(ofLayer[0].Unit).Where(one => one.Layer == ofLayer[0].Layer));

    /// <summary>Of several mappings the one that covers nearly the most time, then the first by id; the others are heard only in periods in
    /// which it is silent.</summary>
    /// <returns>The mapping that comes first.</returns>
    public static MetricMapping PreferOneMapping(List<Count> counts, Pieces pieces, int bins)
    {
        if (counts.TrueForAll(one => one.Series.Mapping == counts[0].Series.Mapping))
            return counts[0].Series.Mapping;
        var told = counts
            .GroupBy(one => one.Series.Mapping)
            .Select(mapping => (Mapping: mapping.Key, Counts: mapping.ToList(), Ticks: mapping.Max(one => one.Ticks(pieces))))
            .ToList();
        var most = told.Max(one => one.Ticks);
        var order = told.OrderByDescending(one => one.Ticks * 10 >= most * 9)
            .ThenBy(one => one.Mapping.Id, StringComparer.Ordinal)
            .ToList();
        var taken = new bool[bins];
        foreach (var telling in order)
        {
            var spoken = (bool[])taken.Clone();
            foreach (var count in telling.Counts)
            {
                foreach (var piece in count.Counted(pieces).ToArray())
                {
                    if (taken[piece.Bin])
                        count.Silence(piece.Bin, pieces);
                    else
                        spoken[piece.Bin] = true;
                }
            }
            taken = spoken;
        }
        return order[0].Mapping;
    }

    /// <summary>Lets the ranks be heard in turn, and tells what was dropped of the later ones.</summary>
    private void Prefer(IReadOnlyList<IReadOnlyList<Count>> ranks, bool byPeriod, Func<Count, string> why, bool ofWhole = false)
    {
        var before = ranks.SelectMany(rank => rank).ToDictionary(one => one, one => Ticks(one));
        Count.Prefer(ranks, pieces, byPeriod, ofWhole);
        var counting = ranks[0].MinBy(one => one.Series.Number);
        foreach (var one in ranks.Skip(1).SelectMany(rank => rank))
            if (Ticks(one) < before[one])
                Tell(one, counting, why(one));

        long Ticks(Count count)
        {
            long ticks = 0;
            foreach (ref readonly var piece in count.Counted(pieces))
                ticks += piece.Ticks;
            return ticks;
        }
    }

    private void Tell(Count dropped, Count? counting, string why)
    {
        var series = dropped.Series.Series;
        if ((Interpreter.LastIn(grid.Period, dropped.Series.Samples.Span) ?? LastHeard(dropped)) is not { } at)
            return;
        var by = counting is null ? "others" : $"{counting.Series.Series} of source '{MessageText.Show(counting.Series.Series.Source)}'";
        rejections.Add(
            new Rejection(
                series.Source,
                series.ToString(),
                at,
                RejectionReason.ToldTwice,
                $"Its work is told by {by} already, and counts once: {why}."
            )
        );
    }

    /// <summary>The end of what it tells of the pass, where its rows reach beyond it; null when it tells nothing.</summary>
    private DateTime? LastHeard(Count count) =>
        count.First < count.End ? new DateTime(pieces[count.End - 1].To, DateTimeKind.Utc).AddMicroseconds(-1) : null;

    /// <summary>What the labels name; null when they name nothing.</summary>
    private static string? Endpoint(KnownSeries one)
    {
        foreach (var label in one.Mapping.Resource.Id)
            if (one.Series.Labels[label] is { } name)
                return name;
        return null;
    }
}
