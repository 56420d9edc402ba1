using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema.Tables;
using NpgsqlTypes;

namespace Metrics.Storage.Facts;

/// <summary>What facts are of: places, workloads, deployments, resources, and which resources a deployment has. Kept in the transaction of
/// the facts.</summary>
internal static class Dimensions
{
    /// <summary>Keeps places, workloads, deployments and resources of an hour.</summary>
    public static async Task UpsertAsync(Session session, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        var deployments = period
            .Energy.Select(fact => fact.Deployment)
            .Concat(period.Work.Select(fact => fact.Deployment))
            .DistinctBy(deployment => deployment.Id)
            .ToList();
        if (deployments.Count == 0)
            return;
        await Places.UpsertAsync(
            session,
            [
                .. deployments
                    .Select(deployment => deployment.Place)
                    .Concat(period.Energy.Select(fact => fact.Resource.Place))
                    .DistinctBy(place => place.Name),
            ],
            cancellationToken
        );
        await Workloads.UpsertAsync(
            session,
            [.. deployments.Select(deployment => deployment.Workload).DistinctBy(workload => workload.Name)],
            cancellationToken
        );
        await Deployments.UpsertAsync(
            session,
            [
                .. deployments.Select(deployment => new DeploymentRow
                {
                    Id = deployment.Id,
                    Workload = deployment.Workload.Name,
                    Place = deployment.Place.Name,
                    Account = deployment.Account,
                }),
            ],
            null,
            cancellationToken
        );

        var changed = await UpsertResourcesAsync(session, period.Energy, cancellationToken);
        changed += await Links.UpsertAsync(
            session,
            [
                .. period
                    .Energy.Select(fact => (fact.Deployment.Id, fact.Resource.Id))
                    .Distinct()
                    .Select(link => new DeploymentResourceRow { DeploymentId = link.Item1, ResourceId = link.Item2 }),
            ],
            cancellationToken
        );
        if (changed > 0)
            await UpdateHardwareAsync(session, deployments, cancellationToken);
    }

    /// <summary>What is known of a resource stays known: an hour that lacks its label does not unlearn it, in whatever order hours
    /// come.</summary>
    private static async Task<int> UpsertResourcesAsync(
        Session session,
        IReadOnlyList<EnergyFact> facts,
        CancellationToken cancellationToken
    )
    {
        var rows = new Dictionary<long, ResourceRow>();
        foreach (var fact in facts)
        {
            var resource = fact.Resource;
            if (!rows.TryGetValue(resource.Id, out var row))
                rows[resource.Id] = row = new ResourceRow
                {
                    Id = resource.Id,
                    Kind = resource.Kind,
                    Name = resource.Name,
                    Place = resource.Place.Name,
                    Account = resource.Account,
                    Scope = resource.Scope,
                };
            row.Node = Known(row.Node, resource.Node);
            row.Hardware = Known(row.Hardware, resource.Hardware);
            row.Accelerator |= fact[Measures.Accelerator] is not null;
        }
        var (among, ids) = session.Among(rows.Keys);
        var stored = await session.QueryAsync(
            $"SELECT id, node, hardware, accelerator FROM resource WHERE id {among}",
            [ids],
            row => (Id: row.Number(0), Node: row.TextOrNull(1), Hardware: row.TextOrNull(2), Accelerator: row.Flag(3)),
            cancellationToken
        );
        foreach (var (id, node, hardware, accelerator) in stored)
        {
            rows[id].Node = Known(rows[id].Node, node);
            rows[id].Hardware = Known(rows[id].Hardware, hardware);
            rows[id].Accelerator |= accelerator;
        }
        return await Resources.UpsertAsync(session, [.. rows.Values], cancellationToken);

        // Two names for one thing: which of them is shown does not matter, that it is always the same does.
        static string? Known(string? a, string? b) => string.CompareOrdinal(a, b) >= 0 ? a : b;
    }

    private static async Task UpdateHardwareAsync(Session session, List<Deployment> deployments, CancellationToken cancellationToken)
    {
        await session.LockAsync(AdvisoryLock.Hardware, 0, cancellationToken);
        var (among, ids) = session.Among(deployments.Select(deployment => deployment.Id));
        var resources = await session.QueryAsync(
            "SELECT l.deployment_id, r.hardware, r.accelerator FROM deployment_resources l JOIN resource r ON r.id = "
                + $"l.resource_id WHERE l.deployment_id {among}",
            [ids],
            row => (Deployment: row.Number(0), Hardware: row.TextOrNull(1), Accelerator: row.Flag(2)),
            cancellationToken
        );
        var of = resources.ToLookup(resource => resource.Deployment);
        await Deployments.UpsertAsync(
            session,
            [
                .. deployments.Select(deployment => new DeploymentRow
                {
                    Id = deployment.Id,
                    Workload = deployment.Workload.Name,
                    Place = deployment.Place.Name,
                    Account = deployment.Account,
                    Hardware = string.Join(
                        ", ",
                        of[deployment.Id]
                            .Select(resource => resource.Hardware)
                            .OfType<string>()
                            .Distinct(StringComparer.Ordinal)
                            .Order(StringComparer.Ordinal)
                    )
                        is { Length: > 0 } models
                        ? models
                        : null,
                    Accelerators = of[deployment.Id].Count(resource => resource.Accelerator) is > 0 and var accelerators
                        ? accelerators
                        : null,
                }),
            ],
            cancellationToken
        );
    }

    /// <summary>Rows of places.</summary>
    public static readonly RowSet<Place> Places = new(
        "places",
        ["name"],
        [
            Column.Of("name", NpgsqlDbType.Text, (Place row) => row.Name),
            Column.Of("provider", NpgsqlDbType.Text, (Place row) => row.Provider),
            Column.Of("region", NpgsqlDbType.Text, (Place row) => row.Region),
            Column.Of("country", NpgsqlDbType.Text, (Place row) => row.Country),
            Column.Of("pue", NpgsqlDbType.Double, (Place row) => row.Pue),
        ]
    );

    private static readonly RowSet<Workload> Workloads = new(
        "workload",
        ["name"],
        [
            Column.Of("name", NpgsqlDbType.Text, (Workload row) => row.Name),
            Column.Of("model", NpgsqlDbType.Text, (Workload row) => row.Model),
            Column.Of("precision", NpgsqlDbType.Text, (Workload row) => row.Precision),
        ]
    );

    private static readonly RowSet<DeploymentRow> Deployments = new(
        "deployment",
        ["id"],
        [
            Column.Of("id", NpgsqlDbType.Bigint, (DeploymentRow row) => row.Id),
            Column.Of("workload", NpgsqlDbType.Text, (DeploymentRow row) => row.Workload),
            Column.Of("place", NpgsqlDbType.Text, (DeploymentRow row) => row.Place),
            Column.Of("account", NpgsqlDbType.Text, (DeploymentRow row) => row.Account),
            Column.Of("hardware", NpgsqlDbType.Text, (DeploymentRow row) => row.Hardware),
            Column.Of("accelerators", NpgsqlDbType.Integer, (DeploymentRow row) => row.Accelerators),
        ]
    );

    private static readonly RowSet<ResourceRow> Resources = new(
        "resource",
        ["id"],
        [
            Column.Of("id", NpgsqlDbType.Bigint, (ResourceRow row) => row.Id),
            Column.Of("kind", NpgsqlDbType.Text, (ResourceRow row) => row.Kind),
            Column.Of("name", NpgsqlDbType.Text, (ResourceRow row) => row.Name),
            Column.Of("node", NpgsqlDbType.Text, (ResourceRow row) => row.Node),
            Column.Of("hardware", NpgsqlDbType.Text, (ResourceRow row) => row.Hardware),
            Column.Of("place", NpgsqlDbType.Text, (ResourceRow row) => row.Place),
            Column.Of("account", NpgsqlDbType.Text, (ResourceRow row) => row.Account),
            Column.Of("scope", NpgsqlDbType.Text, (ResourceRow row) => row.Scope),
            Column.Of("accelerator", NpgsqlDbType.Boolean, (ResourceRow row) => row.Accelerator),
        ]
    );

    private static readonly RowSet<DeploymentResourceRow> Links = new(
        "deployment_resources",
        ["deployment_id", "resource_id"],
        [
            Column.Of("deployment_id", NpgsqlDbType.Bigint, (DeploymentResourceRow row) => row.DeploymentId),
            Column.Of("resource_id", NpgsqlDbType.Bigint, (DeploymentResourceRow row) => row.ResourceId),
        ]
    );
}
