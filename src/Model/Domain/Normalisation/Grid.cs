using System.Buffers;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>The grid periods of one pass: equal, adjacent, anchored to the hour.</summary>
internal sealed class Grid
{
    private readonly long grain;
    private readonly Interval[] bins;

    public Grid(Interval period, TimeSpan grain)
    {
        Period = period;
        this.grain = grain.Ticks;
        if (period.Start.Ticks % this.grain != 0 || period.End.Ticks % this.grain != 0)
            throw new ArgumentException($"A period is made of whole grid periods of {grain}; got {period}.", nameof(period));
        bins = new Interval[(int)(period.Length.Ticks / this.grain)];
        for (var bin = 0; bin < bins.Length; bin++)
        {
            var start = period.Start.AddTicks(bin * this.grain);
            bins[bin] = new Interval(start, start.AddTicks(this.grain));
        }
    }

    public Interval Period { get; }

    public int Count => bins.Length;

    public Interval this[int bin] => bins[bin];

    public int BinOf(long ticks) => (int)((ticks - Period.Start.Ticks) / grain);

    public long EndOf(int bin) => bins[bin].End.Ticks;
}

/// <summary>What the amounts of a series are counted in.</summary>
public enum AmountUnit
{
    /// <summary>Joules; of a power limit what its level would draw.</summary>
    Joules,

    /// <summary>Units of work, in the mapping's functional unit.</summary>
    WorkUnits,

    /// <summary>Seconds at full load: of a utilisation that only tables of hardware can make power of.</summary>
    FullLoadSeconds,
}

/// <summary>What one series says about one grid period: an amount over an unbroken stretch of it.</summary>
/// <param name="Series">Number of the series in the pass; numbers follow series ids.</param>
/// <param name="Bin">Number of the grid period.</param>
/// <param name="From">Start of the stretch, in ticks.</param>
/// <param name="To">End of the stretch, in ticks.</param>
/// <param name="Amount">In the unit of its series, <see cref="KnownSeries.Unit"/>.</param>
/// <param name="Doubt">By how much the amount may be more or less, for what a level did between its samples.</param>
internal readonly record struct Piece(int Series, int Bin, long From, long To, double Amount, double Doubt = 0) : IComparable<Piece>
{
    public long Ticks => To - From;

    /// <summary>What it says of a part of its stretch.</summary>
    public Piece Within(long from, long to) =>
        from == From && to == To
            ? this
            : this with
            {
                From = from,
                To = to,
                Amount = Amount * (to - from) / Ticks,
                Doubt = Doubt * (to - from) / Ticks,
            };

    /// <summary>Ticks as seconds. Dividing by the whole number is exact where a product would not be.</summary>
    public static double Seconds(long ticks) => (double)ticks / TimeSpan.TicksPerSecond;

    /// <summary>Time first, then the series, so that sums are made in one order whatever the input's was.</summary>
    public int CompareTo(Piece other) =>
        Bin != other.Bin ? Bin.CompareTo(other.Bin)
        : From != other.From ? From.CompareTo(other.From)
        : To != other.To ? To.CompareTo(other.To)
        : Series.CompareTo(other.Series);
}

/// <summary>
/// Align: amounts over spans become pieces of the grid. A span that crosses a border is split by overlap, so the pieces
/// add up to the spans; what lies outside the grid is the neighbouring pass's; time without a span has no piece.
/// </summary>
internal sealed class Pieces(Grid grid) : IDisposable
{
    private readonly long start = grid.Period.Start.Ticks;
    private readonly long end = grid.Period.End.Ticks;
    private Piece[] items = ArrayPool<Piece>.Shared.Rent(1024);
    private int series;
    private bool open;
    private int bin;
    private long binEnd;
    private long from;
    private long to;
    private double amount;
    private double doubt;

    public int Count { get; private set; }

    public Span<Piece> this[Range range] => items.AsSpan(0, Count)[range];

    public ref readonly Piece this[int index] => ref items[index];

    /// <summary>What is added from here on is said by this series. Its spans come in the order of time and do not overlap.</summary>
    public void Begin(int number)
    {
        Close();
        series = number;
    }

    /// <summary>An amount evenly spread from one instant to a later one.</summary>
    public void Add(long spanStart, long spanEnd, double total, double doubtful = 0)
    {
        if (open && spanStart == to && spanEnd <= binEnd)
        {
            to = spanEnd;
            amount += total;
            doubt += doubtful;
        }
        else if (spanEnd > start && spanStart < end)
        {
            Split(spanStart, spanEnd, total, doubtful);
        }
    }

    /// <summary>Ends the piece that is being added to.</summary>
    public void Close()
    {
        if (!open)
            return;
        open = false;
        if (Count == items.Length)
            Grow();
        items[Count++] = new Piece(series, bin, from, to, amount, doubt);
    }

    public void Dispose()
    {
        ArrayPool<Piece>.Shared.Return(items);
        items = [];
        Count = 0;
    }

    private void Split(long spanStart, long spanEnd, double total, double doubtful)
    {
        var stop = Math.Min(spanEnd, end);
        for (var at = Math.Max(spanStart, start); at < stop; )
        {
            var inBin = grid.BinOf(at);
            var upTo = Math.Min(stop, grid.EndOf(inBin));
            // The share of a period depends on the span and the period alone, so every pass that sees it agrees to the last bit.
            var part = upTo - at == spanEnd - spanStart ? total : total * (upTo - at) / (spanEnd - spanStart);
            var doubtfulPart = upTo - at == spanEnd - spanStart ? doubtful : doubtful * (upTo - at) / (spanEnd - spanStart);
            if (open && bin == inBin && to == at)
            {
                amount += part;
                doubt += doubtfulPart;
            }
            else
            {
                Close();
                (open, bin, binEnd, from, amount, doubt) = (true, inBin, grid.EndOf(inBin), at, part, doubtfulPart);
            }
            to = upTo;
            at = upTo;
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<Piece>.Shared.Rent(items.Length * 2);
        items.AsSpan(0, Count).CopyTo(larger);
        ArrayPool<Piece>.Shared.Return(items);
        items = larger;
    }
}
