using System.Reflection;
using Metrics.Ingestors.Providers;
using NetArchTest.Rules;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>The rules of who may know whom, where a project reference does not already hold them.</summary>
[Trait("Suite", "Quick")]
public sealed class ArchitectureTests
{
    private static readonly Assembly Domain = typeof(Domain.Quantities.Energy).Assembly;
    private static readonly Assembly Ingestors = typeof(KnownProviders).Assembly;
    private static readonly Assembly Api = typeof(Metrics.Api.Settings.MetricsSettings).Assembly;
    private static readonly string[] ProviderFolders =
    [
        .. Ingestors
            .GetTypes()
            .Select(type => type.Namespace ?? "")
            .Where(name => name.StartsWith("Metrics.Ingestors.Providers.", StringComparison.Ordinal))
            .Distinct(),
    ];

    [Fact]
    public void The_domain_knows_only_the_base_class_library()
    {
        var foreign = Domain
            .GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && name is not ("netstandard" or "mscorlib"));
        Assert.Empty(foreign);
    }

    [Fact]
    public void There_are_provider_folders_to_check() => Assert.Contains("Metrics.Ingestors.Providers.Prometheus", ProviderFolders);

    [Fact]
    public void A_provider_sees_neither_storage_nor_the_scheduler_nor_another_provider()
    {
        foreach (var folder in ProviderFolders)
        {
            var others = ProviderFolders.Where(other => other != folder);
            var result = Types
                .InAssembly(Ingestors)
                .That()
                .ResideInNamespace(folder)
                .ShouldNot()
                .HaveDependencyOnAny([
                    "Metrics.Storage",
                    "Metrics.Ingestors.Pipeline",
                    "Hangfire",
                    "Microsoft.EntityFrameworkCore",
                    .. others,
                ])
                .GetResult();
            Assert.True(result.IsSuccessful, $"{folder}: {string.Join(", ", result.FailingTypeNames ?? [])}");
        }
    }

    [Theory]
    [InlineData("OData")]
    [InlineData("Placements")]
    [InlineData("Explain")]
    [InlineData("Reports")]
    [InlineData("Webhooks")]
    [InlineData("Dashboard")]
    public void What_tells_does_not_know_the_others_that_tell(string folder)
    {
        var others = new[] { "OData", "Placements", "Explain", "Reports", "Webhooks", "Dashboard" }
            .Where(other => other != folder)
            .Select(other => $"Metrics.Api.{other}")
            .ToArray();
        var result = Types
            .InAssembly(Api)
            .That()
            .ResideInNamespace($"Metrics.Api.{folder}")
            .ShouldNot()
            .HaveDependencyOnAny(others)
            .GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Fact]
    public void The_wall_falls_when_it_is_broken()
    {
        // The control: the reading jobs do know storage, and the same question about them must say so.
        var result = Types
            .InAssembly(Ingestors)
            .That()
            .ResideInNamespace("Metrics.Ingestors.Pipeline")
            .ShouldNot()
            .HaveDependencyOn("Metrics.Storage")
            .GetResult();
        Assert.False(result.IsSuccessful);
    }

    [Fact]
    public void No_type_is_named_for_nothing()
    {
        string[] empty = ["Helper", "Util", "Utils", "Manager", "Base", "Dto", "Service"];
        var named = new[] { Domain, Ingestors, Api, typeof(Metrics.Storage.Reading.ReadLog).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type =>
                type.Namespace?.StartsWith("Metrics", StringComparison.Ordinal) == true
                && empty.Any(word => type.Name.EndsWith(word, StringComparison.Ordinal))
            );
        Assert.Empty(named);
    }
}
