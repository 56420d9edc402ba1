using System.Globalization;

namespace Metrics.Emulators.Azure;

/// <summary>What Azure tells of the place <c>azure-ml</c>: joules of each minute of an online deployment's instance, its processors, and
/// the tokens and requests of an Azure OpenAI account in both families; beside it machines of a scale that takes two pages.</summary>
public static class AzureFleet
{
    private const string Endpoint =
            "/resourceGroups/rg-inf/providers/Microsoft.MachineLearningServices/workspaces/ws1/onlineEndpoints/chat",
        Account = "/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/oai-a";

    /// <summary>Id of the online deployment, below the subscription.</summary>
    public const string Deployment = Endpoint + "/deployments/blue";

    /// <summary>Id of the account, below the subscription.</summary>
    public const string OpenAI = Account;

    /// <summary>Machines of the subscription in this region.</summary>
    public const int Machines = 60;

    /// <summary>The resources.</summary>
    public static IReadOnlyList<AzureResource> Resources { get; } =
    [
        new(Endpoint, AzureEmulator.Region),
        new(Deployment, AzureEmulator.Region)
        {
            Size = "Standard_ND96isr_H100_v5",
            Tags = new Dictionary<string, string> { ["team"] = "inference" },
        },
        new(Account, AzureEmulator.Region)
        {
            Kind = "OpenAI",
            Tags = new Dictionary<string, string> { ["team"] = "inference" },
            Deployments = new Dictionary<string, (string, DateTime)> { ["gpt-prod"] = ("gpt-4o", Truth.Start.AddDays(-30)) },
        },
        .. Enumerable
            .Range(0, Machines)
            .Select(number => new AzureResource(Machine(number), AzureEmulator.Region) { Size = "Standard_D4s_v5" }),
        // Another region of the same subscription: it stands elsewhere, and another source reads it.
        new("/resourceGroups/rg-far/providers/Microsoft.Compute/virtualMachines/far", "eastus") { Size = "Standard_D4s_v5" },
    ];

    /// <summary>The streams.</summary>
    public static IReadOnlyList<Signal> Signals { get; } = [.. Make()];

    /// <summary>Id of a machine, below the subscription.</summary>
    public static string Machine(int number) =>
        "/resourceGroups/rg-vm/providers/Microsoft.Compute/virtualMachines/vm-" + number.ToString("00", CultureInfo.InvariantCulture);

    private static IEnumerable<Signal> Make()
    {
        const string deployments = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
            accounts = "Microsoft.CognitiveServices/accounts";
        var instance = new Dictionary<string, string> { ["resourceid"] = Deployment, ["instanceId"] = "inst-0" };
        yield return new($"{deployments}/GpuEnergyJoules", instance, SignalKind.Gauge, minute =>
            Truth.MinuteOf(minute) is var at ? Enumerable.Range(0, Truth.Boards).Sum(board => 60 * Truth.Board("azure-ml", board, at)) : 0
        )
        {
            Unit = "Count",
        };
        yield return new($"{deployments}/CpuUtilizationPercentage", instance, SignalKind.Gauge, minute =>
            100 * Truth.Processors("azure-ml", Truth.MinuteOf(minute))
        )
        {
            Unit = "Percent",
        };
        foreach (
            var (older, newer, tokens) in new[]
            {
                ("GeneratedTokens", "OutputTokens", 20_000),
                ("ProcessedPromptTokens", "InputTokens", 60_000),
            }
        )
        {
            yield return new(
                $"{accounts}/{older}",
                new Dictionary<string, string>
                {
                    ["resourceid"] = Account,
                    ["ModelDeploymentName"] = "gpt-prod",
                    ["Region"] = "West Europe",
                },
                SignalKind.Delta,
                minute => tokens + 10 * (Truth.MinuteOf(minute) % 11)
            )
            {
                Unit = "Count",
            };
            yield return new(
                $"{accounts}/{newer}",
                new Dictionary<string, string>
                {
                    ["resourceid"] = Account,
                    ["ModelDeploymentName"] = "gpt-prod",
                    ["ModelName"] = "gpt-4o",
                },
                SignalKind.Delta,
                minute => tokens + 10 * (Truth.MinuteOf(minute) % 11)
            )
            {
                Unit = "Count",
            };
        }
        foreach (var (status, requests) in new[] { ("200", 300), ("429", 7) })
            yield return new(
                $"{accounts}/ModelRequests",
                new Dictionary<string, string>
                {
                    ["resourceid"] = Account,
                    ["ModelDeploymentName"] = "gpt-prod",
                    ["ModelName"] = "gpt-4o",
                    ["StatusCode"] = status,
                },
                SignalKind.Delta,
                minute => requests + Truth.MinuteOf(minute) % 3
            )
            {
                Unit = "Count",
            };
        for (var machine = 0; machine < Machines; machine++)
        {
            var number = machine;
            yield return new(
                "Microsoft.Compute/virtualMachines/Percentage CPU",
                new Dictionary<string, string> { ["resourceid"] = Machine(number) },
                SignalKind.Gauge,
                minute => 10 + number + Truth.MinuteOf(minute) % 5
            )
            {
                Unit = "Percent",
            };
        }
        yield return new(
            "Microsoft.Compute/virtualMachines/Percentage CPU",
            new Dictionary<string, string> { ["resourceid"] = "/resourceGroups/rg-far/providers/Microsoft.Compute/virtualMachines/far" },
            SignalKind.Gauge,
            _ => 50
        )
        {
            Unit = "Percent",
        };
    }
}
