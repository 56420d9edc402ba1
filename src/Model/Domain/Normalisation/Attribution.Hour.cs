using Metrics.Domain.Factors;
using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// What can only be said once an hour of the grid has been read: what a thing draws while it does nothing, and with it how much of the
/// energy was idle and between what a share lies that is a policy.
/// </summary>
internal sealed partial class Attribution
{
    // A load below this is none: a meter rounds.
    private const double AtRest = 0.01;

    // A board that draws this part of what lies between its idle power and its limit is at work, whatever a load meter says.
    private const double BusyPower = 0.25;

    private readonly List<Pending> pending = [];
    private readonly Dictionary<MeteredResource, Seen> seenOfBoards = [];
    private readonly Dictionary<MeteredResource, Seen> seenOfServers = [];
    private readonly Dictionary<int, IdleDecision> idleOfRest = [];
    private readonly List<(int Workload, double Idle, double Joules, double Server)> ofBoards = [];

    private bool IsLastOfHour(int bin) => bin + 1 == grid.Count || grid[bin].End.Ticks % TimeSpan.TicksPerHour == 0;

    /// <summary>Remembers what a board drew.</summary>
    private void Note(in Sharer board, ServerType? type)
    {
        var table = seenOfBoards.TryGetValue(board.Resource, out var seen)
            ? seen.Table
            : cover.PowerOf(board.Resource, type)?.Idle.Watts ?? double.NaN;
        seenOfBoards[board.Resource] = (seen.IsNew ? Seen.None(table) : seen).With(board.Reading.Joules, board.Reading.Ticks, board.Busy);
    }

    /// <summary>Remembers what a server drew beside its boards.</summary>
    private void NoteRest(Host host, double joules, long ticks, double? load)
    {
        var busy = boards.Count > 0 ? BusyOf(int.MinValue) : load;
        var table = seenOfServers.TryGetValue(host.Known, out var seen) ? seen.Table : cover.IdleOf(host.Type) ?? double.NaN;
        seenOfServers[host.Known] = (seen.IsNew ? Seen.None(table) : seen).With(joules, ticks, busy);
    }

    private IdleDecision Keep(int workload, IdleDecision decision) => idleOfRest[workload] = decision;

    /// <summary>Energy of which no part is idle.</summary>
    private void Enter(in Share share) => accounts.Enter(share);

    /// <summary>A claim of a board.</summary>
    /// <param name="share">What it has.</param>
    /// <param name="board">The board.</param>
    /// <param name="claim">Which claim.</param>
    /// <param name="ofServer">Of one joule of the board the least and the most that it is of the server.</param>
    /// <param name="scale">What of a joule of the board counts in the widest boundary.</param>
    /// <param name="idle">What is told of the idle part.</param>
    private void Enter(in Share share, in Sharer board, int claim, Extent ofServer, double scale, IdleDecision? idle)
    {
        var claims = board.Claims;
        var weight = claims.Weight > 0 ? board.Reading.Joules / claims.Weight : 0;
        pending.Add(
            new Pending
            {
                Share = share,
                Of = board.Resource,
                Joules = board.Reading.Joules,
                Own = board.Reading.Joules * claims.ShareOf(claim),
                Ticks = board.Reading.Ticks,
                Part = claims.TimeShareOf(claim),
                IsPolicy = claims.IsPolicy && claims.Count > 1,
                Less = claims[claim].Less * weight,
                More = claims[claim].More * weight,
                OfBoard = Extent.Of(board.Reading, 1),
                OfServer = ofServer,
                Scale = scale,
                Busy = board.Busy,
                Idle = idle,
            }
        );
    }

    /// <summary>A portion of the rest of a server.</summary>
    private void Enter(in Share share, in RestRange range, in Portion portion, double part, long ticks, double? busy) =>
        pending.Add(
            new Pending
            {
                Share = share,
                Of = share.Resource,
                Joules = range.Rest,
                Ticks = ticks,
                Part = part,
                IsPolicy = portion.IsPolicy && range.AtOnce,
                Less = portion.Less,
                More = portion.More,
                Busy = busy,
                Idle = idleOfRest.GetValueOrDefault(portion.Workload),
                Rest = range,
                UnreadBoards = portion.UnreadBoards,
                IsRest = true,
            }
        );

    /// <summary>Ends an hour of a host: what waits for it is entered.</summary>
    private void EndHour()
    {
        ofBoards.Clear();
        var bin = -1;
        foreach (var one in pending)
        {
            if (one.Share.Bin != bin)
            {
                bin = one.Share.Bin;
                ofBoards.Clear();
            }
            accounts.Enter(one.IsRest ? Rest(one) : Board(one));
        }
        pending.Clear();
        seenOfBoards.Clear();
        seenOfServers.Clear();
    }

    private Share Board(in Pending one)
    {
        var seen = seenOfBoards[one.Of];
        var (share, seconds) = (one.Share, Piece.Seconds(one.Ticks));
        var joules = one.Own;
        double? idle = null;
        if (one.Busy is { } busy)
        {
            idle = rules.HasFlag(Rules.Idle)
                ? Math.Min(share.Server ?? joules, seen.IdleWatts * (1 - busy) * seconds * one.Part * one.Scale)
                : (share.Server ?? joules) * (1 - busy);
            Tell(one.Idle, seen, seconds * one.Part * one.Scale);
        }
        ofBoards.Add((share.Workload, idle ?? double.NaN, share.Server ?? joules, share.Server ?? 0));

        // Who shares a board has its part of what the board draws by being there, and at the most all that is not others' part of that.
        var rest = Math.Min(one.Joules, (double.IsNaN(seen.KnownIdle) ? 0 : seen.KnownIdle) * seconds);
        var (low, high) = one.IsPolicy
            ? (rest * one.Part, one.Joules - rest * (1 - one.Part))
            : (joules - one.Less, Math.Min(one.Joules, joules + one.More));
        return share with
        {
            AcceleratorRange = new Extent(low * one.OfBoard.Low, high * one.OfBoard.High),
            ServerRange = new Extent(low * one.OfServer.Low, high * one.OfServer.High),
            Idle = idle,
            IdleBy = IdleMeans.Load,
        };
    }

    private Share Rest(in Pending one)
    {
        var seen = seenOfServers[one.Of];
        var (share, seconds) = (one.Share, Piece.Seconds(one.Ticks));
        var joules = one.Joules * one.Part;
        double? idle = null;
        if (one.Busy is { } busy)
        {
            var isModel = share.Cover is EnergyCover.HostModel or EnergyCover.HostModelAndAccelerator;
            idle =
                !rules.HasFlag(Rules.Idle) ? joules * (1 - busy)
                : double.IsNaN(seen.AtRest) && !isModel && ofBoards.Count > 0 ? joules * IdleShareOf(share.Workload, 1 - busy)
                : Math.Min(joules, seen.IdleWatts * (1 - busy) * seconds * one.Part);
            Tell(one.Idle, seen, seconds * one.Part);
        }
        return share with { ServerRange = RangeOf(one, seen, seconds), Idle = idle, IdleBy = IdleMeans.Load };
    }

    /// <summary>The idle part of what the boards of a workload drew; of all boards where it has none.</summary>
    private double IdleShareOf(int workload, double otherwise)
    {
        double idle = 0,
            joules = 0,
            all = 0,
            allJoules = 0;
        foreach (var (whose, ofBoard, drawn, _) in ofBoards)
        {
            if (double.IsNaN(ofBoard))
                continue;
            (all, allJoules) = (all + ofBoard, allJoules + drawn);
            if (whose == workload)
                (idle, joules) = (idle + ofBoard, joules + drawn);
        }
        return joules > 0 ? idle / joules
            : allJoules > 0 ? all / allJoules
            : otherwise;
    }

    private Extent RangeOf(in Pending one, in Seen seen, double seconds)
    {
        var range = one.Rest;
        var (whole, inside) = (range.Whole, range.Inside);
        if (range.IsScaled)
            return new Extent(0, 0);
        if (range.Unread > 0)
        {
            var (left, unread) = (new Extent(whole.Low - inside.High, whole.High - inside.Low), range.OneUnread);
            // Boards that nobody reads may be anybody's of the machine, and then their part of the rest is too; nobody's are they by rule.
            var least = one.UnreadBoards > 0 ? one.Part - range.OfOthers : one.Part;
            var most = least + range.OfOthers;
            // The more of what is left the unread boards drew, the less of a rest there is: who has such boards gains by it.
            return new Extent(
                Math.Max(0, left.Low - unread.High * range.Unread) * least,
                Math.Max(
                    Math.Max(0, left.High - unread.High * range.Unread) * most + unread.High * range.Others,
                    Math.Max(0, left.High - unread.Low * range.Unread) * most + unread.Low * range.Others
                )
            );
        }
        var (low, high) = (one.Part - one.Less, Math.Min(1, one.Part + one.More));
        if (one.IsPolicy)
        {
            var rest = double.IsNaN(seen.KnownIdle) || one.Joules <= 0 ? 0 : Math.Min(1, seen.KnownIdle * seconds / one.Joules);
            (low, high) = (one.Part * rest, 1 - rest * (1 - one.Part));
        }
        double own = 0;
        if (range.Own > 0)
            foreach (var (workload, _, _, server) in ofBoards)
                if (workload == one.Share.Workload)
                    own += server;
        var (l, h) = range.Own > 0 ? (inside.Low / range.Own, inside.High / range.Own) : (1, 1);
        // What one has of the whole is its boards and its part of what is left when all boards are taken off: errors of its own boards
        // cancel out, those of others' do not.
        return new Extent(
            low * whole.Low + (own - low * range.Own is var less && less >= 0 ? less * l : less * h) - own * l,
            high * whole.High + (own - high * range.Own is var more && more >= 0 ? more * h : more * l) - own * h
        );
    }

    private static void Tell(IdleDecision? decision, in Seen seen, double seconds)
    {
        if (decision is not null)
            (decision.Watts, decision.WattsBy, decision.Seconds) = (seen.IdleWatts, seen.By, seconds);
    }

    /// <summary>What was seen of the power of a thing in an hour.</summary>
    /// <param name="AtRest">Least watts while it did nothing; NaN when it was never seen so.</param>
    /// <param name="Least">Least watts at any load.</param>
    /// <param name="Table">Watts at rest by the table of hardware; NaN when unknown.</param>
    /// <param name="IsKnown">Whether anything was seen.</param>
    private readonly record struct Seen(double AtRest, double Least, double Table, bool IsKnown)
    {
        public bool IsNew => !IsKnown;

        /// <summary>What it draws while it does nothing.</summary>
        public double IdleWatts =>
            !double.IsNaN(AtRest) ? AtRest
            : !double.IsNaN(Table) ? Math.Min(Table, Least)
            : Least;

        /// <summary>The same, NaN where only a load tells how much that could be.</summary>
        public double KnownIdle => !double.IsNaN(AtRest) || !double.IsNaN(Table) ? IdleWatts : double.NaN;

        public IdlePower By =>
            !double.IsNaN(AtRest) ? IdlePower.Seen
            : !double.IsNaN(Table) && Table <= Least ? IdlePower.Table
            : IdlePower.Least;

        public static Seen None(double table) => new(double.NaN, double.PositiveInfinity, table, true);

        public Seen With(double joules, long ticks, double? busy)
        {
            if (ticks <= 0)
                return this;
            var watts = joules / Piece.Seconds(ticks);
            return this with
            {
                AtRest = busy < Attribution.AtRest ? (double.IsNaN(AtRest) ? watts : Math.Min(AtRest, watts)) : AtRest,
                Least = Math.Min(Least, watts),
            };
        }
    }

    /// <summary>What the rest of a server may be.</summary>
    /// <param name="Rest">Its joules, without boards that nobody reads.</param>
    /// <param name="Whole">Between what the whole lies.</param>
    /// <param name="Own">Joules of the boards in it that are read.</param>
    /// <param name="Inside">Between what these lie.</param>
    /// <param name="OneUnread">Between what one lies that nobody reads.</param>
    /// <param name="Unread">How many these are.</param>
    /// <param name="AtOnce">Whether several workloads share it at the same time.</param>
    /// <param name="IsScaled">Whether the boards are scaled to the whole, so that nothing is left.</param>
    /// <param name="Others">How many of those that nobody reads may be anybody's.</param>
    /// <param name="OfOthers">Their part of the rest.</param>
    private readonly record struct RestRange(
        double Rest,
        Extent Whole,
        double Own,
        Extent Inside,
        Extent OneUnread,
        int Unread,
        bool AtOnce,
        bool IsScaled,
        int Others,
        double OfOthers
    );

    /// <summary>A share that waits for the end of the hour.</summary>
    private readonly record struct Pending
    {
        public Share Share { get; init; }

        public MeteredResource Of { get; init; }

        /// <summary>Joules of the board, or of the rest of the server.</summary>
        public double Joules { get; init; }

        /// <summary>What of the board's joules is its own.</summary>
        public double Own { get; init; }

        /// <summary>For how long these are known.</summary>
        public long Ticks { get; init; }

        /// <summary>Its share of them by time; of a rest by what gave it.</summary>
        public double Part { get; init; }

        public bool IsPolicy { get; init; }

        /// <summary>What may be another's: joules of a board, a share of a rest.</summary>
        public double Less { get; init; }

        public double More { get; init; }

        /// <summary>The least and the most of one joule of the board.</summary>
        public Extent OfBoard { get; init; }

        public Extent OfServer { get; init; }

        public double Scale { get; init; }

        public double? Busy { get; init; }

        public IdleDecision? Idle { get; init; }

        public bool IsRest { get; init; }

        public RestRange Rest { get; init; }

        public int UnreadBoards { get; init; }
    }
}
