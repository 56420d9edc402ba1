using System.Diagnostics;
using System.Reflection;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("Metrics.SystemTests.ServiceLogs", "Metrics.System.Tests")]

namespace Metrics.SystemTests;

/// <summary>Adds to a failing test what the services printed that it, or a fixture of its class, had started.</summary>
public sealed class ServiceLogs(IMessageSink diagnostics) : XunitTestFramework(diagnostics)
{
    private const int MostCharacters = 20_000;
    private static readonly Lock Gate = new();
    private static readonly List<(HashSet<Type> Starters, string Name, Func<string> Output)> Started = [];

    /// <summary>Remembers a process; the types on the stack say whose it is.</summary>
    /// <param name="name">What it is, for the heading.</param>
    /// <param name="output">What it has printed so far; asked for only when a test fails.</param>
    public static void Add(string name, Func<string> output)
    {
        var starters = new HashSet<Type>();
        foreach (var frame in new StackTrace().GetFrames())
        {
            var type = frame.GetMethod()?.DeclaringType;
            while (type?.DeclaringType is { } outer)
                type = outer;
            if (type?.Assembly == typeof(ServiceLogs).Assembly)
                starters.Add(type);
        }
        lock (Gate)
            Started.Add((starters, name, output));
    }

    /// <summary>What the services of a class printed last.</summary>
    internal static string Of(Type tests)
    {
        var owners = tests
            .GetInterfaces()
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IClassFixture<>))
            .SelectMany(type => type.GetGenericArguments())
            .Append(tests)
            .ToList();
        lock (Gate)
            return string.Concat(
                Started
                    .Where(service => owners.Exists(service.Starters.Contains))
                    .TakeLast(3)
                    .Select(service => $"\n--- {service.Name} printed:\n{Last(service.Output())}\n")
            );
    }

    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName) =>
        new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);

    private static string Last(string text) => text.Length <= MostCharacters ? text : $"...{text[^MostCharacters..]}";

    private sealed class Executor(AssemblyName name, ISourceInformationProvider sources, IMessageSink diagnostics)
        : XunitTestFrameworkExecutor(name, sources, diagnostics)
    {
        protected override void RunTestCases(
            IEnumerable<IXunitTestCase> testCases,
            IMessageSink executionMessageSink,
            ITestFrameworkExecutionOptions executionOptions
        ) => base.RunTestCases(testCases, new Sink(executionMessageSink), executionOptions);
    }

    private sealed class Sink(IMessageSink inner) : LongLivedMarshalByRefObject, IMessageSink
    {
        public bool OnMessage(IMessageSinkMessage message) =>
            inner.OnMessage(
                message is ITestFailed failed && Of(failed.TestClass.Class.ToRuntimeType()) is { Length: > 0 } logs
                    ? new TestFailed(
                        failed.Test,
                        failed.ExecutionTime,
                        failed.Output + logs,
                        failed.ExceptionTypes,
                        failed.Messages,
                        failed.StackTraces,
                        failed.ExceptionParentIndices
                    )
                    : message
            );
    }
}
