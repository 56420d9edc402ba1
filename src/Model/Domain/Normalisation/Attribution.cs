using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Attribute: the energy of each resource goes to the workloads, all of it. What carries a workload's labels is its own;
/// the rest of a server goes by what its pods or containers drew, then by the accelerators that each workload holds;
/// what is left is unattributed.
/// </summary>
internal sealed class Attribution(Cover cover, Accounts accounts, Provenance provenance)
{
    private readonly List<(int Workload, double Joules, Evidence Evidence, int Mappings)> portions = [];
    private readonly Roster boards = new();
    private readonly Roster sharers = new();
    private readonly Claims serverClaims = new();
    private readonly Claims scratch = new();

    /// <summary>A server, its accelerators and what shares it, in one grid period.</summary>
    public void Attribute(Host host, int bin)
    {
        boards.Clear();
        foreach (var accelerator in host.Accelerators)
        {
            var claims = boards.Next();
            if (cover.Component(accelerator, Component.Accelerator, bin, claims) is { } reading) boards.Add(accelerator, reading, "accelerator", reading.Joules);
        }

        serverClaims.Clear();
        if (host.Server is { } metered && cover.Server(metered, bin, boards.Count > 0, serverClaims) is { } server)
        {
            var (rest, scale) = Remainder(server);
            Enter(server, scale);
            Apportion(host, bin, server.Reading, rest);
            foreach (var (workload, joules, evidence, mappings) in portions)
            {
                var reading = server.Reading with { Evidence = KnownSeries.Worst(server.Reading.Evidence, evidence), Mappings = provenance.Union(server.Reading.Mappings, mappings) };
                accounts.Enter(workload, metered, bin, reading, Seconds(reading.Ticks), null, joules, server.Cover);
            }
        }
        else
        {
            Enter(null, 1);
            StandAlone(host, bin);
        }

        void Enter(ServerReading? server, double scale)
        {
            for (var i = 0; i < boards.Count; i++) EnterBoard(boards[i], bin, server?.Reading, scale);
        }
    }

    /// <summary>An accelerator of which nobody says where it sits: its server's energy is unknown.</summary>
    public void AttributeLoose(MeteredResource accelerator, int bin)
    {
        scratch.Clear();
        if (cover.Component(accelerator, Component.Accelerator, bin, scratch) is { } reading)
            EnterBoard(new Share(accelerator, reading, "accelerator", reading.Joules, scratch), bin, null, 1);
    }

    /// <summary>A rack, a distribution unit or an outlet.</summary>
    public void AttributeRack(MeteredResource rack, int bin)
    {
        foreach (var (component, name) in (ReadOnlySpan<(Component, string)>)[(Component.Rack, "rack"), (Component.Pdu, "pdu"), (Component.Outlet, "outlet")])
        {
            scratch.Clear();
            if (cover.Component(rack, component, bin, scratch) is not { } reading) continue;
            for (var i = 0; i < scratch.Count; i++)
                accounts.EnterRack(scratch[i].Workload, rack, bin, reading, Seconds(reading.Ticks) * scratch.TimeShareOf(i), reading.Joules * scratch.ShareOf(i), name);
            return;
        }
    }

    /// <summary>The server without its accelerators, and what the accelerators' joules are multiplied by so that the sum is the server's reading.</summary>
    private (double Left, double Scale) Remainder(ServerReading server)
    {
        if (!server.HoldsAccelerators) return (server.Reading.Joules, 1);
        double joules = 0;
        for (var i = 0; i < boards.Count; i++) joules += boards[i].Reading.Joules;
        // Boards that drew more than the whole are read by another clock or for longer; the whole is believed.
        return joules <= server.Reading.Joules ? (server.Reading.Joules - joules, 1) : (0, server.Reading.Joules / joules);
    }

    private void EnterBoard(Share board, int bin, Reading? server, double scale)
    {
        var scaled = server is not null && scale != 1;
        var reading = scaled
            ? server!.Value with { Evidence = KnownSeries.Worst(server.Value.Evidence, board.Reading.Evidence), Mappings = provenance.Union(server.Value.Mappings, board.Reading.Mappings) }
            : board.Reading;
        for (var i = 0; i < board.Claims.Count; i++)
        {
            var joules = board.Reading.Joules * board.Claims.ShareOf(i);
            accounts.Enter(board.Claims[i].Workload, board.Resource, bin, reading, Seconds(board.Reading.Ticks) * board.Claims.TimeShareOf(i),
                joules, server is null ? null : joules * scale, board.Cover);
        }
    }

    /// <summary>Divides the rest of a server into portions that add up to it; at least one.</summary>
    private void Apportion(Host host, int bin, Reading server, double rest)
    {
        portions.Clear();
        var unclaimed = 0.0;
        for (var i = 0; i < serverClaims.Count; i++)
        {
            var share = serverClaims.ShareOf(i);
            if (serverClaims[i].Workload == Claims.Nobody) unclaimed = share;
            else Portion(serverClaims[i].Workload, rest * share, server.Evidence, server.Mappings);
        }
        if (unclaimed == 0 && portions.Count > 0) return;

        var left = rest * unclaimed;
        if (ReadSharers(host, bin, standAlone: false)) left = ApportionByShare(left);
        if (left > 0 || portions.Count == 0) ApportionByAccelerator(left, server);
    }

    private double ApportionByShare(double left)
    {
        double claimed = 0;
        for (var i = 0; i < sharers.Count; i++)
        {
            for (var claim = 0; claim < sharers[i].Claims.Count; claim++)
                if (sharers[i].Claims[claim].Workload != Claims.Nobody) claimed += sharers[i].Reading.Joules * sharers[i].Claims.ShareOf(claim);
        }
        // Pods may be metered before the losses of the supply or by a model that knows no limit: they get at most what there is.
        var scale = claimed > left ? left / claimed : 1;
        for (var i = 0; i < sharers.Count; i++)
        {
            var (reading, claims) = (sharers[i].Reading, sharers[i].Claims);
            for (var claim = 0; claim < claims.Count; claim++)
                if (claims[claim].Workload != Claims.Nobody) Portion(claims[claim].Workload, reading.Joules * claims.ShareOf(claim) * scale, reading.Evidence, reading.Mappings);
        }
        return claimed >= left ? 0 : left - claimed;
    }

    private void ApportionByAccelerator(double left, Reading server)
    {
        double total = 0;
        for (var i = 0; i < boards.Count; i++) total += boards[i].Reading.Ticks;
        if (total == 0)
        {
            Portion(Claims.Nobody, left, server.Evidence, server.Mappings);
            return;
        }
        for (var i = 0; i < boards.Count; i++)
        {
            var (reading, claims) = (boards[i].Reading, boards[i].Claims);
            for (var claim = 0; claim < claims.Count; claim++)
                Portion(claims[claim].Workload, left * (reading.Ticks * claims.TimeShareOf(claim) / total), server.Evidence, server.Mappings);
        }
    }

    /// <summary>Pods or containers of a server that nothing reads: they are all that is known of it.</summary>
    private void StandAlone(Host host, int bin)
    {
        if (!ReadSharers(host, bin, standAlone: true)) return;
        for (var i = 0; i < sharers.Count; i++)
        {
            var (resource, reading, about, accelerator, claims) = sharers[i];
            double? server = about == "accelerator" ? null : reading.Joules;
            for (var claim = 0; claim < claims.Count; claim++)
            {
                var share = claims.ShareOf(claim);
                accounts.Enter(claims[claim].Workload, resource, bin, reading, Seconds(reading.Ticks) * claims.TimeShareOf(claim), accelerator * share, server * share, "share");
            }
        }
    }

    /// <summary>Reads one level of what shares the server: the first on which a workload claims anything; standing alone, else the first that says anything.</summary>
    private bool ReadSharers(Host host, int bin, bool standAlone)
    {
        var speaking = -1;
        for (var level = 0; level < host.SharerLevels.Count; level++)
        {
            if (ReadLevel(host.SharerLevels[level], bin)) return true;
            if (speaking < 0 && sharers.Count > 0) speaking = level;
        }
        if (!standAlone || speaking < 0) return false;
        ReadLevel(host.SharerLevels[speaking], bin);
        return true;
    }

    private bool ReadLevel(MeteredResource[] level, int bin)
    {
        sharers.Clear();
        var claimed = false;
        foreach (var sharer in level)
        {
            var claims = sharers.Next();
            var server = cover.Server(sharer, bin, false, claims);
            // Where the boards are read themselves, a pod's part of them is known by the boards' labels.
            var accelerator = boards.Count == 0 && server is not { HoldsAccelerators: true } ? cover.Component(sharer, Component.Accelerator, bin, claims) : null;
            if (server is { } whole) sharers.Add(sharer, accelerator is { } more ? cover.Sum(whole.Reading, more) : whole.Reading, whole.Cover, accelerator?.Joules);
            else if (accelerator is { } alone) sharers.Add(sharer, alone, "accelerator", alone.Joules);
            else continue;
            claimed |= claims.Any;
        }
        return claimed;
    }

    private void Portion(int workload, double joules, Evidence evidence, int mappings)
    {
        for (var i = 0; i < portions.Count; i++)
        {
            var known = portions[i];
            if (known.Workload != workload) continue;
            portions[i] = (workload, known.Joules + joules, KnownSeries.Worst(known.Evidence, evidence), provenance.Union(known.Mappings, mappings));
            return;
        }
        portions.Add((workload, joules, evidence, mappings));
    }

    private static double Seconds(long ticks) => (double)ticks / TimeSpan.TicksPerSecond;

    /// <summary>A resource's reading, how much of it is known to be accelerators', and those who claim it.</summary>
    private readonly record struct Share(MeteredResource Resource, Reading Reading, string Cover, double? AcceleratorJoules, Claims Claims);

    /// <summary>Readings of a period side by side, their claims used again from period to period.</summary>
    private sealed class Roster
    {
        private readonly List<Share> shares = [];
        private readonly List<Claims> claims = [];

        public int Count => shares.Count;

        public Share this[int index] => shares[index];

        public void Clear() => shares.Clear();

        /// <summary>Empty claims for the reading that may be added next.</summary>
        public Claims Next()
        {
            if (claims.Count == shares.Count) claims.Add(new Claims());
            claims[shares.Count].Clear();
            return claims[shares.Count];
        }

        public void Add(MeteredResource resource, Reading reading, string cover, double? acceleratorJoules) =>
            shares.Add(new Share(resource, reading, cover, acceleratorJoules, claims[shares.Count]));
    }
}
