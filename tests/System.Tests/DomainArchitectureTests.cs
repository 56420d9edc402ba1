using System.Reflection;
using System.Runtime.CompilerServices;
using Metrics.Ingestors.Providers;
using Mono.Cecil;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>What the domain offers, the product uses: code that only tests call is in <c>tests/Reference</c>, or gone.</summary>
public sealed class DomainArchitectureTests
{
    private static readonly Assembly Domain = typeof(Domain.Quantities.Energy).Assembly;
    private static readonly Assembly[] Product =
    [
        Domain,
        typeof(Metrics.Storage.Reading.ReadLog).Assembly,
        typeof(KnownProviders).Assembly,
        typeof(Metrics.Api.Settings.MetricsSettings).Assembly,
    ];

    [Fact]
    public void Every_public_method_of_the_domain_is_called_by_the_product()
    {
        var called = Called(Product);

        // The control: what tests alone call is not seen as called, or this would say nothing.
        Assert.DoesNotContain("Metrics.Reference.GigabyteMonths::HoursIn", called);
        Assert.Contains("Metrics.Domain.Factors.FactorBook::Find", called);
        Assert.Equal("", string.Join(", ", Offered(Domain).Where(name => !called.Contains(name)).Select(Short)));
    }

    [Fact]
    public void A_method_that_only_tests_call_is_seen() =>
        Assert.Contains(
            "GigabyteMonths.HoursIn",
            Offered(typeof(Metrics.Reference.GigabyteMonths).Assembly).Where(name => !Called(Product).Contains(name)).Select(Short)
        );

    private static string Short(string name) => string.Join('.', name.Split('.')[^1].Split("::"));

    /// <summary>Public methods and properties that somebody wrote: no operators and no members that a record or an interface asks
    /// for.</summary>
    private static IEnumerable<string> Offered(Assembly assembly) =>
        assembly
            .GetExportedTypes()
            .Where(type => !type.IsEnum)
            .SelectMany(type =>
                type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    .Where(method =>
                        method.GetCustomAttribute<CompilerGeneratedAttribute>() is null
                        && !method.Name.StartsWith("op_", StringComparison.Ordinal)
                        && !method.Name.StartsWith("set_", StringComparison.Ordinal)
                        && method.Name is not ("CompareTo" or "Equals" or "GetHashCode" or "ToString" or "Deconstruct")
                    )
                    .Select(method => $"{type.FullName!.Replace('+', '/')}::{method.Name}")
            )
            .Distinct();

    /// <summary>Every method that some other method of the assemblies names in its code.</summary>
    private static HashSet<string> Called(IEnumerable<Assembly> assemblies)
    {
        var called = new HashSet<string>(StringComparer.Ordinal);
        foreach (var assembly in assemblies)
        {
            using var module = ModuleDefinition.ReadModule(assembly.Location);
            foreach (var method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
            foreach (var instruction in method.Body.Instructions)
                if (instruction.Operand is MethodReference target && Name(target) is var name && name != Name(method))
                    called.Add(name);
        }
        return called;

        static string Name(MethodReference method) => $"{method.DeclaringType.GetElementType().FullName}::{method.Name}";
    }
}
