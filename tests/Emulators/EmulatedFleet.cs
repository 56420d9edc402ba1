using Metrics.Emulators.Aws;
using Metrics.Emulators.Azure;
using Metrics.Emulators.Gcp;
using Metrics.Emulators.Prometheus;

namespace Metrics.Emulators;

/// <summary>The four places of <see cref="Truth"/>, each behind what its provider answers with: all emulators on loopback, and the settings
/// of the service that reads them.</summary>
public sealed class EmulatedFleet : IAsyncDisposable
{
    private EmulatedFleet(AwsEmulator aws, AzureEmulator azure, GcpEmulator gcp, PrometheusEmulator prometheus) =>
        (Aws, Azure, Gcp, Prometheus) = (aws, azure, gcp, prometheus);

    /// <summary>Amazon, with the place <c>eks</c>.</summary>
    public AwsEmulator Aws { get; }

    /// <summary>Azure, with the place <c>azure-ml</c>.</summary>
    public AzureEmulator Azure { get; }

    /// <summary>Google, with the place <c>gke</c>.</summary>
    public GcpEmulator Gcp { get; }

    /// <summary>Prometheus servers of the place <c>rack</c> and of the serving engines.</summary>
    public PrometheusEmulator Prometheus { get; }

    /// <summary>Starts all of it.</summary>
    /// <param name="clouds">How the clouds fall short.</param>
    /// <param name="scrapes">How the Prometheus servers fall short.</param>
    /// <param name="clock">Their clock.</param>
    /// <param name="first">Where the first listens; the others have the ports that follow.</param>
    public static async Task<EmulatedFleet> StartAsync(Faults clouds, Faults scrapes, TimeProvider clock, ListenAddresses? first = null)
    {
        var at = first ?? new ListenAddresses();
        return new(
            await AwsEmulator.StartAsync(AwsFleet.Signals, clouds, clock, at),
            await AzureEmulator.StartAsync(AzureFleet.Resources, AzureFleet.Signals, clouds, clock, at.Next(1)),
            await GcpEmulator.StartAsync(GcpFleet.Signals, clouds, clock, at.Next(2)),
            await PrometheusEmulator.StartAsync(
                PrometheusFleet.Signals,
                DateTime.MinValue.AddDays(1),
                scrapes,
                () => clock.GetUtcNow().UtcDateTime,
                at: at.Next(3)
            )
        );
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Aws.DisposeAsync();
        await Azure.DisposeAsync();
        await Gcp.DisposeAsync();
        await Prometheus.DisposeAsync();
    }

    /// <summary>Writes the key and certificate files that the settings name into the folder and gives the settings of the service: sources,
    /// places and the workload <c>chat</c>, as keys of the configuration.</summary>
    public async Task<IReadOnlyList<(string Key, string Value)>> SettingsAsync(string folder)
    {
        var (authority, key) = (Path.Combine(folder, "emulated-azure.pem"), Path.Combine(folder, "emulated-gcp.json"));
        await File.WriteAllTextAsync(authority, Azure.CertificateAuthority);
        await File.WriteAllTextAsync(key, Gcp.KeyFile);
        var settings = new List<(string, string)>();
        void Source(string id, params (string Key, string Value)[] values) =>
            settings.AddRange(values.Select(value => ($"Metrics:Sources:{id}:{value.Key}", value.Value)));
        Source(
            "eks",
            ("Provider", "aws-cloudwatch"),
            ("Endpoint", $"{Aws.Server.Address}"),
            ("Aws:Region", AwsEmulator.Region),
            ("Aws:AccessKeyId", Aws.AccessKey.Id),
            ("Aws:SecretAccessKey", Aws.AccessKey.Secret),
            ("Aws:RoleArn", AwsEmulator.Role),
            ("Aws:ExternalId", AwsEmulator.ExternalId),
            ("Aws:StsEndpoint", $"{Aws.Server.Address}")
        );
        Source(
            "azure-ml",
            ("Provider", "azure-monitor"),
            ("Endpoint", $"{Azure.Server.Address}"),
            ("CertificateAuthorityFile", authority),
            ("Azure:Subscription", AzureEmulator.Subscription),
            ("Azure:Region", AzureEmulator.Region),
            ("Azure:MetricsEndpoint", $"{Azure.Server.Address}"),
            ("Azure:Authority", $"{Azure.Server.Address}"),
            ("Azure:Tenant", AzureEmulator.Tenant),
            ("Azure:ClientId", AzureEmulator.ClientId),
            ("Azure:ClientSecret", Azure.ClientSecret)
        );
        Source(
            "gke",
            ("Provider", "gcp-monitoring"),
            ("Endpoint", $"{Gcp.Server.Address}"),
            ("Google:Project", GcpEmulator.Project),
            ("Google:Region", "europe-west4"),
            ("Google:CredentialsFile", key)
        );
        foreach (var (place, source) in PrometheusFleet.Serving)
            Source(source, ("Provider", "prometheus"), ("Endpoint", $"{Prometheus.Address}{source}"), ("Place", Truth.Of(place).Name));
        // All begin at one time: energy of an hour whose tokens nobody counted is no price of a token.
        foreach (var source in (IEnumerable<string>)["eks", "azure-ml", "gke", .. PrometheusFleet.Serving.Values])
            Source(source, ("Lookback", "03:00:00"));
        settings.AddRange([
            ("Metrics:Places:onprem/dc-1:Pue", "1.4"),
            ("Metrics:Places:onprem/dc-1:Country", "DE"),
            ("Metrics:Workloads:chat:Model", "org/chat-70b"),
        ]);
        (string Source, string? Label, string? Glob)[] rules =
        [
            ("eks", "ClusterName", "prod"),
            ("eks", "InstanceId", "i-07"),
            ("azure-ml", "resourceid", "*/deployments/blue"),
            ("gke", "instance_id", "7001"),
            .. PrometheusFleet.Serving.Values.Select(source => (source, (string?)null, (string?)null)),
        ];
        for (var i = 0; i < rules.Length; i++)
        {
            settings.Add(($"Metrics:Workloads:chat:Match:{i}:Source", rules[i].Source));
            if (rules[i] is (_, { } label, { } glob))
                settings.Add(($"Metrics:Workloads:chat:Match:{i}:Labels:{label}", glob));
        }
        return settings;
    }
}
