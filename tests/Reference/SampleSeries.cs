using System.Buffers;
using System.Runtime.InteropServices;
using Metrics.Domain.Observations;

namespace Metrics.Reference;

/// <summary>Observations in memory as the store gives them: by series, in the order of time, without two at one start.</summary>
public static class SampleSeries
{
    private static readonly Comparison<Sample> ByStart = static (a, b) =>
        a.Start != b.Start ? a.Start.CompareTo(b.Start)
        : a.End != b.End ? a.End.CompareTo(b.End)
        : a.Value.CompareTo(b.Value);

    extension(SeriesSamples)
    {
        /// <summary>The observations sorted into series, ordered by series id, each by time.</summary>
        /// <param name="observations">In any order. Equal duplicates are dropped; of samples with one start that differ the greatest (by
        /// end, then value) is kept, whatever the order.</param>
        /// <remarks>Series are told apart by id: two instances of one series are one.</remarks>
        public static IReadOnlyList<SeriesSamples> Group(IEnumerable<Observation> observations) =>
            observations switch
            {
                Observation[] array => Group(array.AsSpan()),
                List<Observation> list => Group(CollectionsMarshal.AsSpan(list)),
                _ => Group(observations.ToArray().AsSpan()),
            };

        /// <summary>The observations sorted into series, ordered by series id, each by time.</summary>
        public static IReadOnlyList<SeriesSamples> Group(ReadOnlySpan<Observation> observations)
        {
            var slots = ArrayPool<int>.Shared.Rent(observations.Length);
            try
            {
                var found = Count(observations, slots);
                var samples = new Sample[observations.Length];
                var ends = new int[found.Count];
                for (int slot = 0, start = 0; slot < found.Count; start += found[slot++].Samples)
                    ends[slot] = start;
                for (var i = 0; i < observations.Length; i++)
                    samples[ends[slots[i]]++] = observations[i].Sample;

                var grouped = new SeriesSamples[found.Count];
                for (var slot = 0; slot < grouped.Length; slot++)
                {
                    var (series, count) = found[slot];
                    var start = ends[slot] - count;
                    var kept = Order(samples.AsSpan(start, count));
                    grouped[slot] = new SeriesSamples(series, samples.AsMemory(start, kept));
                }
                Array.Sort(grouped, static (a, b) => a.Series.Id.CompareTo(b.Series.Id));
                return grouped;
            }
            finally
            {
                ArrayPool<int>.Shared.Return(slots);
            }
        }
    }

    /// <summary>Gives each observation the number of its series, in order of first appearance, and counts.</summary>
    private static List<(Series Series, int Samples)> Count(ReadOnlySpan<Observation> observations, Span<int> slots)
    {
        var found = new List<(Series Series, int Samples)>();
        var byId = new Dictionary<long, int>();
        // Scrapes repeat their order: the series that came after this one last time is most often the next one again.
        var following = new List<int>();
        var before = -1;
        for (var i = 0; i < observations.Length; i++)
        {
            var series = observations[i].Series;
            var slot = before < 0 ? -1 : following[before];
            if (slot < 0 || !ReferenceEquals(found[slot].Series, series))
            {
                if (!byId.TryGetValue(series.Id, out slot))
                {
                    slot = found.Count;
                    byId.Add(series.Id, slot);
                    found.Add((series, 0));
                    following.Add(-1);
                }
                if (before >= 0)
                    following[before] = slot;
            }
            CollectionsMarshal.AsSpan(found)[slot].Samples++;
            slots[i] = slot;
            before = slot;
        }
        return found;
    }

    /// <summary>Sorts and moves what is kept to the front; the number kept.</summary>
    private static int Order(Span<Sample> samples)
    {
        var ordered = true;
        for (var i = 1; ordered && i < samples.Length; i++)
            ordered = samples[i - 1].Start < samples[i].Start;
        if (ordered)
            return samples.Length;

        samples.Sort(ByStart);
        var kept = 0;
        for (var i = 1; i < samples.Length; i++)
        {
            if (samples[i].Start != samples[kept].Start)
                kept++;
            samples[kept] = samples[i];
        }
        return kept + 1;
    }
}
