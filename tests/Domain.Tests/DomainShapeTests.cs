using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Rules that every type of the domain keeps, the ones still to be written included.</summary>
public sealed class DomainShapeTests
{
    private static readonly Assembly Domain = typeof(Energy).Assembly;
    private static readonly Type[] Public = [.. Domain.GetExportedTypes().Where(type => !type.IsEnum)];

    [Fact]
    public void No_public_property_can_be_changed_after_construction()
    {
        var mutable =
            from type in Public
            from property in type.GetProperties(
                BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly
            )
            let setter = property.GetSetMethod()
            where setter is not null && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit))
            select $"{type.Name}.{property.Name}";

        Assert.Empty(mutable);
    }

    [Fact]
    public void No_public_field_can_be_changed() =>
        Assert.Empty(
            from type in Public
            from field in type.GetFields()
            where !field.IsInitOnly && !field.IsLiteral
            select $"{type.Name}.{field.Name}"
        );

    [Fact]
    public void No_public_property_or_parameter_is_a_mutable_collection()
    {
        Type[] mutable = [typeof(List<>), typeof(Dictionary<,>), typeof(HashSet<>), typeof(SortedDictionary<,>)];
        var exposed =
            from type in Public
            from property in type.GetProperties()
            where
                property.PropertyType.IsArray
                || (property.PropertyType.IsGenericType && mutable.Contains(property.PropertyType.GetGenericTypeDefinition()))
            select $"{type.Name}.{property.Name}";

        Assert.Empty(exposed);
    }

    [Fact]
    public void Every_public_struct_is_readonly() =>
        Assert.Empty(
            Public.Where(type => type.IsValueType && type.GetCustomAttribute<IsReadOnlyAttribute>() is null).Select(type => type.Name)
        );

    [Fact]
    public void Every_public_struct_says_what_its_default_is()
    {
        var documented = XDocument
            .Load(Path.ChangeExtension(Domain.Location, ".xml"))
            .Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value, member => string.Concat(member.Nodes()));

        var silent = Public.Where(type =>
            type.IsValueType
            && !documented
                .GetValueOrDefault("T:" + type.FullName!.Replace('+', '.'), "")
                .Contains("<c>default</c>", StringComparison.Ordinal)
        );

        Assert.Empty(silent.Select(type => type.Name));
    }

    [Fact]
    public void Every_public_class_is_sealed_or_static_or_closed_to_others() =>
        Assert.Empty(Public.Where(type => type.IsClass && !type.IsSealed && !IsClosed(type)).Select(type => type.Name));

    /// <summary>Whether only this assembly can derive from a type: it is abstract, and no constructor can be called from outside.</summary>
    private static bool IsClosed(Type type) =>
        type.IsAbstract
        && type.GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            .All(constructor =>
                constructor.IsPrivate
                || constructor.IsFamilyAndAssembly
                || constructor.GetParameters() is [{ ParameterType: var copied }] && copied == type
            );

    [Fact]
    public void Quantities_can_be_told_apart_and_compared()
    {
        Assert.Equal(Energy.FromJoules(5), Energy.FromJoules(5));
        Assert.True(
            Energy.FromJoules(5) > Energy.FromJoules(4)
                && Energy.FromJoules(4) < Energy.FromJoules(5)
                && Energy.Zero <= default(Energy)
                && Energy.Zero >= default(Energy)
        );
        Assert.True(
            Mass.FromGrams(5) > Mass.FromGrams(4)
                && Mass.FromGrams(4) < Mass.FromGrams(5)
                && Mass.Zero <= default(Mass)
                && Mass.Zero >= default(Mass)
        );
        Assert.Equal(1, Energy.FromJoules(5).CompareTo(Energy.FromJoules(4)));
        Assert.Equal(-1, Mass.FromGrams(4).CompareTo(Mass.FromGrams(5)));
        Assert.Equal(Mass.FromGrams(1), Mass.FromGrams(3) - Mass.FromGrams(2));
    }

    [Fact]
    public void The_domain_refers_to_nothing_of_ours_and_no_package() =>
        Assert.All(Domain.GetReferencedAssemblies(), reference =>
            Assert.True(reference.Name!.StartsWith("System.", StringComparison.Ordinal), $"{reference.Name} is not the base class library")
        );
}
