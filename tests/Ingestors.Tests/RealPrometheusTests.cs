using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>The Prometheus reader against a real server that scrapes a page of ours.</summary>
public sealed class RealPrometheusTests
{
    // Of the password "hunter2", with the cheapest work factor.
    private const string Hash = "$2b$04$HkyKlGiPAYmgdxYfG1cdieETJimGVdJUgq15pU5s4xLzDWDTMZrI.";

    /// <summary>An exporter whose counter rises with every scrape, with timestamps of its own, so that what the server must hold is known
    /// exactly.</summary>
    private static HostileServer Exporter(List<(DateTime At, int Count)> shown) => HostileServer.Serving("text/plain; version=0.0.4", _ =>
        {
            lock (shown)
            {
                var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                shown.Add((DateTimeOffset.FromUnixTimeMilliseconds(now).UtcDateTime, shown.Count + 1));
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION "
                        + $"counter\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"0\",modelName=\"NVIDIA H100 80GB HBM3\"}} "
                        + $"{812345678901 + shown.Count} {now}\n"
                        + $"watts{{gpu=\"0\"}} {100 + shown.Count * 0.125} {now}\nwatts{{gpu=\"1\"}} NaN {now}\nunmapped 1\n"
                );
            }
        });

    private static ITelemetrySource Source(RealPrometheus server, Action<PrometheusSettings>? change = null, string scheme = "http")
    {
        var settings = new PrometheusSettings
        {
            Id = "rack-7",
            Provider = "prometheus",
            Endpoint = new Uri($"{scheme}://127.0.0.1:{server.Port}"),
        };
        change?.Invoke(settings);
        return Some.Source(settings, Some.Catalogue("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "watts", "absent"));
    }

    private static Task<(List<Observation> Observations, List<Rejection> Rejections)> Read(
        ITelemetrySource source,
        DateTime from,
        DateTime to
    ) => Some.Read(source, Some.Request(from, to));

    [Fact]
    public async Task What_was_exposed_is_read_back_exactly_whatever_the_windows()
    {
        var shown = new List<(DateTime At, int Count)>();
        await using var exporter = Exporter(shown);
        await using var server = await RealPrometheus.StartAsync(exporter.Port);
        var source = Source(server);
        var from = DateTime.UtcNow.AddMinutes(-1);
        await server.UntilAsync(() => Read(source, from, DateTime.UtcNow), read => read.Observations.Count >= 10);

        // A sample that stands before another one's scrape is stored: every one but the newest must be there.
        DateTime end;
        List<(DateTime At, int Count)> expected;
        lock (shown)
        {
            end = shown[^2].At;
            expected = shown.Where(one => one.At < end).ToList();
        }
        var (observations, rejections) = await Read(source, from, end);

        var energy = observations.Where(one => one.Series.Metric == "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION").ToList();
        Assert.Equal(
            expected.Select(one => (one.At, 812345678901d + one.Count)),
            energy.Select(one => (one.Sample.Start, one.Sample.Value))
        );
        Assert.Equal(
            expected.Select(one => (one.At, 100 + one.Count * 0.125)),
            observations.Where(one => one.Series.Metric == "watts").Select(one => (one.Sample.Start, one.Sample.Value))
        );
        Assert.Equal(
            $"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"0\",instance=\"127.0.0.1:{exporter.Port}\",job=\"fleet\",modelName=\"NVIDIA "
                + $"H100 80GB HBM3\"}}",
            energy[0].Series.ToString()
        );
        Assert.Equal(expected.Count, rejections.Count);
        Assert.All(rejections, one => Assert.Equal(RejectionReason.NotFinite, one.Reason));

        // Cut at the very instants of samples, each sample falls into exactly one window: its start's.
        var pieces = new List<Observation>();
        for (var i = 0; i < expected.Count; i++)
            pieces.AddRange((await Read(source, expected[i].At, i + 1 < expected.Count ? expected[i + 1].At : end)).Observations);
        Assert.Equal(Some.Lines(observations).Order(StringComparer.Ordinal), Some.Lines(pieces).Order(StringComparer.Ordinal));

        var (selected, _) = await Read(Source(server, settings => settings.Selector = "gpu=\"0\",modelName=~\"NVIDIA.*\""), from, end);
        Assert.Equal(expected.Count, selected.Count);
        Assert.Empty((await Read(Source(server, settings => settings.Selector = "job=\"other\""), from, end)).Observations);
        Assert.Equal(
            SourceErrorCode.Refused,
            (
                await Assert.ThrowsAsync<SourceException>(() =>
                    Read(Source(server, settings => settings.Selector = "gpu==\"0\""), from, end)
                )
            ).Code
        );
    }

    [Fact]
    public async Task Basic_authentication_is_asked_for_and_given()
    {
        var shown = new List<(DateTime At, int Count)>();
        await using var exporter = Exporter(shown);
        await using var server = await RealPrometheus.StartAsync(exporter.Port, $"basic_auth_users: {{ reader: '{Hash}' }}\n");
        var from = DateTime.UtcNow.AddMinutes(-1);
        var source = Source(server, settings => (settings.Username, settings.Password) = ("reader", "hunter2"));

        await server.UntilAsync(() => Read(source, from, DateTime.UtcNow), read => read.Observations.Count > 0);
        foreach (
            var wrong in new[] { Source(server), Source(server, settings => (settings.Username, settings.Password) = ("reader", "wrong")) }
        )
            Assert.Equal(
                SourceErrorCode.Unauthorised,
                (await Assert.ThrowsAsync<SourceException>(() => Read(wrong, from, DateTime.UtcNow))).Code
            );
    }

    [Fact]
    public async Task A_server_with_an_authority_of_its_own_that_asks_for_a_certificate_is_read()
    {
        var shown = new List<(DateTime At, int Count)>();
        await using var exporter = Exporter(shown);
        await using var server = await RealPrometheus.StartAsync(
            exporter.Port,
            """
            tls_server_config:
              { cert_file: server.pem, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.pem }
            """,
            Certify
        );
        var from = DateTime.UtcNow.AddMinutes(-1);
        string At(string file) => Path.Combine(server.Folder, file);
        ITelemetrySource With(string? authority, string? certificate) =>
            Source(
                server,
                settings =>
                {
                    settings.CertificateAuthorityFile = authority is null ? null : At(authority);
                    settings.ClientCertificateFile = certificate is null ? null : At(certificate + ".pem");
                    settings.ClientKeyFile = certificate is null ? null : At(certificate + ".key");
                },
                "https"
            );

        await server.UntilAsync(() => Read(With("authority.pem", "client"), from, DateTime.UtcNow), read => read.Observations.Count > 0);
        var stranger = await Assert.ThrowsAsync<SourceException>(() => Read(With(null, "client"), from, DateTime.UtcNow));
        var otherAuthority = await Assert.ThrowsAsync<SourceException>(() => Read(With("other.pem", "client"), from, DateTime.UtcNow));
        var nobody = await Assert.ThrowsAsync<SourceException>(() => Read(With("authority.pem", null), from, DateTime.UtcNow));

        Assert.Equal(SourceErrorCode.Unreachable, stranger.Code);
        Assert.Contains("Check CertificateAuthorityFile", stranger.Message, StringComparison.Ordinal);
        Assert.Equal(SourceErrorCode.Unreachable, otherAuthority.Code);
        Assert.Contains(nobody.Code, new[] { SourceErrorCode.Unreachable, SourceErrorCode.Truncated });
    }

    private static void Certify(string folder)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        X509Certificate2 Authority(string name)
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            var certificate = request.CreateSelfSigned(from, to);
            File.WriteAllText(Path.Combine(folder, name + ".pem"), certificate.ExportCertificatePem());
            return certificate;
        }
        void Issue(X509Certificate2 authority, string name, string use)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], false));
            using var certificate = request.Create(authority, from, to, [1, (byte)name.Length]);
            File.WriteAllText(Path.Combine(folder, name + ".pem"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, name + ".key"), key.ExportPkcs8PrivateKeyPem());
        }
        using var authority = Authority("authority");
        using var _ = Authority("other");
        Issue(authority, "server", "1.3.6.1.5.5.7.3.1");
        Issue(authority, "client", "1.3.6.1.5.5.7.3.2");
    }
}
