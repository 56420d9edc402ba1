using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Account: what was attributed becomes facts, with the facility's energy where the place tells its PUE. A factor that is
/// missing leaves null, never zero.
/// </summary>
internal sealed class Accounts(Grid grid, IReadOnlyList<Workload> workloads, Provenance provenance)
{
    private readonly Dictionary<(int Workload, string Place), Deployment> deployments = [];

    public List<EnergyFact> Energy { get; } = [];

    public List<WorkFact> Work { get; } = [];

    /// <summary>Energy of a resource for a workload.</summary>
    /// <param name="workload">Number of the workload, or <see cref="Claims.Nobody"/>.</param>
    /// <param name="resource">What drew it.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="reading">Where the joules come from.</param>
    /// <param name="seconds">Covered seconds of this workload's part.</param>
    /// <param name="accelerator">Joules of accelerator boards.</param>
    /// <param name="server">Joules of IT equipment.</param>
    /// <param name="cover">What made up the widest boundary.</param>
    public void Enter(int workload, MeteredResource resource, int bin, Reading reading, double seconds, double? accelerator, double? server, string cover) =>
        Energy.Add(new EnergyFact
        {
            Deployment = DeploymentOf(workload, resource.Place),
            Resource = resource.Identity,
            Period = grid[bin],
            AcceleratorJoules = accelerator,
            ServerJoules = server,
            FacilityJoules = server * resource.Place.Pue,
            MeasuredJoules = reading.MeasuredOf(server ?? accelerator ?? 0),
            CoveredSeconds = seconds,
            Evidence = reading.Evidence,
            Cover = cover,
            Mappings = provenance.Text(reading.Mappings),
        });

    /// <summary>Energy of a rack or a distribution unit: it holds the servers' and stands beside the boundaries, so no part of it counts as measured energy of one.</summary>
    public void EnterRack(int workload, MeteredResource resource, int bin, Reading reading, double seconds, double joules, string cover) =>
        Energy.Add(new EnergyFact
        {
            Deployment = DeploymentOf(workload, resource.Place),
            Resource = resource.Identity,
            Period = grid[bin],
            RackJoules = joules,
            MeasuredJoules = 0,
            CoveredSeconds = seconds,
            Evidence = reading.Evidence,
            Cover = cover,
            Mappings = provenance.Text(reading.Mappings),
        });

    /// <summary>Energy of a model behind an API, estimated from its output tokens.</summary>
    /// <param name="workload">Number of the workload, or <see cref="Claims.Nobody"/>.</param>
    /// <param name="endpoint">The model that answered.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="seconds">Seconds for which tokens were counted.</param>
    /// <param name="accelerator">Joules of accelerator boards.</param>
    /// <param name="server">Joules of IT equipment.</param>
    /// <param name="low">The least that the joules of IT equipment can be.</param>
    /// <param name="high">The most that they can be.</param>
    /// <param name="mappings">The mappings of the tokens.</param>
    /// <param name="factors">What the estimate was made with.</param>
    public void EnterEstimate(int workload, MeteredResource endpoint, int bin, double seconds, double accelerator, double server, double low, double high, int mappings, string factors) =>
        Energy.Add(new EnergyFact
        {
            Deployment = DeploymentOf(workload, endpoint.Place),
            Resource = endpoint.Identity,
            Period = grid[bin],
            AcceleratorJoules = accelerator,
            ServerJoules = server,
            FacilityJoules = server * endpoint.Place.Pue,
            LowJoules = low * (endpoint.Place.Pue ?? 1),
            HighJoules = high * (endpoint.Place.Pue ?? 1),
            MeasuredJoules = 0,
            CoveredSeconds = seconds,
            Evidence = Evidence.Estimated,
            Cover = "estimate",
            Mappings = provenance.Text(mappings),
            Factors = factors,
        });

    /// <summary>Work of a workload.</summary>
    public void EnterWork(int workload, Place place, string functionalUnit, int bin, double units, double seconds, Evidence evidence, int mappings) =>
        Work.Add(new WorkFact
        {
            Deployment = DeploymentOf(workload, place),
            FunctionalUnit = functionalUnit,
            Period = grid[bin],
            Units = units,
            CoveredSeconds = seconds,
            Evidence = evidence,
            Mappings = provenance.Text(mappings),
        });

    /// <summary>Orders the facts, and makes one of those with one key: a machine that is read both as a server and as its accelerators.</summary>
    public void Close()
    {
        Energy.Sort(static (a, b) =>
            a.Deployment.Id != b.Deployment.Id ? a.Deployment.Id.CompareTo(b.Deployment.Id)
            : a.Resource.Id != b.Resource.Id ? a.Resource.Id.CompareTo(b.Resource.Id)
            : a.Period.Start != b.Period.Start ? a.Period.Start.CompareTo(b.Period.Start)
            : string.CompareOrdinal(a.Cover, b.Cover));
        var kept = 0;
        for (var i = 1; i < Energy.Count; i++)
        {
            var (last, next) = (Energy[kept], Energy[i]);
            if (last.Deployment.Id == next.Deployment.Id && last.Resource.Id == next.Resource.Id && last.Period.Start == next.Period.Start) Energy[kept] = Merge(last, next);
            else Energy[++kept] = next;
        }
        if (Energy.Count > 0) Energy.RemoveRange(kept + 1, Energy.Count - kept - 1);

        Work.Sort(static (a, b) =>
            a.Deployment.Id != b.Deployment.Id ? a.Deployment.Id.CompareTo(b.Deployment.Id)
            : string.CompareOrdinal(a.FunctionalUnit, b.FunctionalUnit) is var unit and not 0 ? unit
            : a.Period.Start.CompareTo(b.Period.Start));
    }

    private static EnergyFact Merge(EnergyFact a, EnergyFact b) => a with
    {
        AcceleratorJoules = Sum(a.AcceleratorJoules, b.AcceleratorJoules),
        ServerJoules = Sum(a.ServerJoules, b.ServerJoules),
        FacilityJoules = Sum(a.FacilityJoules, b.FacilityJoules),
        RackJoules = Sum(a.RackJoules, b.RackJoules),
        MeasuredJoules = a.MeasuredJoules + b.MeasuredJoules,
        CoveredSeconds = Math.Max(a.CoveredSeconds, b.CoveredSeconds),
        Evidence = KnownSeries.Worst(a.Evidence, b.Evidence),
        Cover = a.Cover == b.Cover || a.Cover == "accelerator" ? b.Cover : a.Cover,
        Mappings = string.Join(' ', a.Mappings.Split(' ').Union(b.Mappings.Split(' '), StringComparer.Ordinal).Order(StringComparer.Ordinal)),
    };

    private static double? Sum(double? a, double? b) => a is null ? b : b is null ? a : a + b;

    private Deployment DeploymentOf(int workload, Place place)
    {
        if (!deployments.TryGetValue((workload, place.Name), out var deployment))
        {
            deployment = new Deployment(workload == Claims.Nobody ? Workload.Unattributed : workloads[workload], place);
            deployments.Add((workload, place.Name), deployment);
        }
        return deployment;
    }
}
