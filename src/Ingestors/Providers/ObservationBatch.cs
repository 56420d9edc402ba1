using System.Runtime.InteropServices;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers;

/// <summary>What one request to a source brought: observations and refusals, made into pages once the whole of it proved
/// readable.</summary>
/// <param name="source">Id of the source.</param>
public sealed class ObservationBatch(string source)
{
    /// <summary>Observations of a page.</summary>
    public const int PageSize = 50_000;

    /// <summary>Refusals told one by one; of those beyond only the number is told.</summary>
    public const int MostRejections = 1_000;

    private readonly List<Rejection> rejections = [];
    private readonly SortedDictionary<RejectionReason, long> beyond = [];

    /// <summary>The observations so far.</summary>
    public List<Observation> Observations { get; init; } = [];

    /// <summary>Number of refusals, told or not.</summary>
    public long Rejected { get; private set; }

    /// <summary>Why the answer is known to be incomplete; null when it is whole.</summary>
    public string? PartialBecause { get; set; }

    /// <summary>True when a series may have the same instant twice.</summary>
    public bool MayRepeat { get; set; }

    /// <summary>Adds a refusal. The list is bounded: a source cannot fill the memory with faults.</summary>
    public void Reject(string subject, DateTime? at, RejectionReason reason, string detail)
    {
        Rejected++;
        if (rejections.Count < MostRejections)
            rejections.Add(new Rejection(source, subject, at, reason, detail));
        else
            beyond[reason] = beyond.GetValueOrDefault(reason) + 1;
    }

    /// <summary>Takes out what was said twice: the same value once more is dropped, different values for one instant are both
    /// refused.</summary>
    public void SettleRepeats()
    {
        if (!MayRepeat)
            return;
        MayRepeat = false;
        var list = Observations;
        list.Sort(
            static (a, b) =>
            {
                var order = a.Series.Id.CompareTo(b.Series.Id);
                return order != 0 ? order : a.Sample.Start.CompareTo(b.Sample.Start);
            }
        );
        var items = CollectionsMarshal.AsSpan(list);
        var kept = 0;
        for (var i = 0; i < items.Length; )
        {
            var first = items[i];
            var conflict = false;
            var j = i + 1;
            for (; j < items.Length && items[j].Series.Id == first.Series.Id && items[j].Sample.Start == first.Sample.Start; j++)
                if (items[j].Sample != first.Sample && !conflict)
                {
                    conflict = true;
                    Reject(
                        first.Series.ToString(),
                        first.Sample.End,
                        RejectionReason.ConflictingDuplicate,
                        string.Create(
                            System.Globalization.CultureInfo.InvariantCulture,
                            $"The instant came with {first.Sample.Value:R} and with {items[j].Sample.Value:R}; neither is "
                                + $"stored. Let one exporter report the series."
                        )
                    );
                }
            if (!conflict)
                items[kept++] = first;
            i = j;
        }
        list.RemoveRange(kept, list.Count - kept);
    }

    /// <summary>The pages, at most <see cref="PageSize"/> observations each; none when nothing came.</summary>
    /// <param name="cursor">Position to remember; on the last page.</param>
    public IEnumerable<Page> Pages(string? cursor = null)
    {
        SettleRepeats();
        var rejections = Listed();
        if (Observations.Count == 0 && rejections.Count == 0 && PartialBecause is null && cursor is null)
            yield break;
        if (Observations.Count <= PageSize)
        {
            yield return new Page(Observations)
            {
                Rejections = rejections,
                PartialBecause = PartialBecause,
                Cursor = cursor,
            };
            yield break;
        }
        for (var from = 0; from < Observations.Count; from += PageSize)
        {
            var last = from + PageSize >= Observations.Count;
            yield return new Page(Observations.GetRange(from, Math.Min(PageSize, Observations.Count - from)))
            {
                Rejections = last ? rejections : [],
                PartialBecause = PartialBecause,
                Cursor = last ? cursor : null,
            };
        }
    }

    private List<Rejection> Listed() =>
        beyond.Count == 0
            ? rejections
            :
            [
                .. rejections,
                .. beyond.Select(more => new Rejection(
                    source,
                    source,
                    null,
                    more.Key,
                    $"{more.Value} more of this kind came in one answer and are not listed."
                )),
            ];
}
