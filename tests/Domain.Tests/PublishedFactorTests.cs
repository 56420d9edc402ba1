using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>The tables that come with the product: each number against what its source says, and what the tables promise of
/// themselves.</summary>
public sealed class PublishedFactorTests
{
    private static readonly FactorBook Book = FactorBook.Published;

    [Theory]
    [InlineData("grid.csv")]
    [InlineData("hardware.csv")]
    [InlineData("models.csv")]
    [InlineData("regions.csv")]
    [InlineData("servers.csv")]
    [InlineData("sites.csv")]
    [InlineData("uncertainty.csv")]
    public void The_head_of_a_table_names_what_must_be_known_of_it(string name)
    {
        using var reader = new StreamReader(typeof(FactorBook).Assembly.GetManifestResourceStream(name)!);
        var head = string.Join('\n', reader.ReadToEnd().Split('\n').TakeWhile(line => line.StartsWith('#'))).ToUpperInvariant();

        foreach (var word in (string[])["UNIT", "METHOD", "SOURCE", "LICENCE", "RETRIEVED", "VINTAGE"])
            Assert.Contains($"{word}:", head, StringComparison.Ordinal);
    }

    [Theory]
    // Ember, by country: the year asked for, the number, the year that it is of.
    [InlineData("onprem/dc-1", "DE", "2024-06-01", 342.06, 2024)]
    [InlineData("onprem/dc-1", "DE", "2023-06-01", 371.43, 2023)]
    [InlineData("onprem/dc-1", "DE", "2022-12-31", 420.06, 2022)]
    [InlineData("onprem/dc-1", "SE", "2026-06-01", 35.89, 2024)]
    [InlineData("onprem/dc-1", "US", "2025-06-01", 383.55, 2024)]
    [InlineData("aws/eu-central-1", null, "2024-06-01", 342.06, 2024)]
    [InlineData("azure/swedencentral", null, "2024-06-01", 35.89, 2024)]
    // Google, by region, before Ember's for its country.
    [InlineData("gcp/us-central1", null, "2024-06-01", 412.72, 2024)]
    [InlineData("gcp/us-central1", null, "2026-06-01", 431.95, 2025)]
    [InlineData("gcp/europe-west1", null, "2024-12-31", 103.37, 2024)]
    [InlineData("gcp/asia-east1", null, "2021-01-01", 456.0, 2021)]
    public void The_intensity_of_a_place_on_a_day(string place, string? country, string day, double grams, int vintage)
    {
        var factor = Book.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, new Place(place, country, null), Day(day))!;

        Assert.Equal((grams, vintage, "g/kWh"), (factor.Value, factor.Vintage, factor.Unit));
        Assert.Equal(factor.Source == "Ember" ? "CC-BY-4.0" : "Apache-2.0", factor.Licence);
    }

    [Theory]
    [InlineData("aws/us-east-1", "2024-06-01", 1.15, 0.12)]
    [InlineData("aws/us-east-1", "2025-06-01", 1.15, 0.06)]
    [InlineData("aws/eu-central-1", "2024-06-01", 1.35, 0.01)]
    [InlineData("aws/eu-central-1", "2026-06-01", 1.24, 0.17)]
    [InlineData("aws/me-south-1", "2024-06-01", 1.33, null)]
    [InlineData("azure/swedencentral", "2024-08-01", 1.16, 0.03)]
    [InlineData("azure/eastus", "2024-06-30", 1.16, 0.38)]
    [InlineData("azure/eastus", "2024-07-01", 1.16, 0.34)]
    [InlineData("azure/japaneast", "2025-06-01", 1.28, 0.25)]
    [InlineData("gcp/us-central1", "2025-06-01", 1.11, null)]
    [InlineData("gcp/europe-west3", "2025-06-01", null, null)]
    [InlineData("aws/us-east-1", "2023-12-31", null, null)]
    public void The_effectiveness_of_a_region_is_published_or_unknown(string region, string day, double? pue, double? wue)
    {
        Assert.Equal(pue, Book.Find(FactorKind.Pue, FactorMethod.Annual, new Place(region, null, null), Day(day))?.Value);
        Assert.Equal(wue, Book.Find(FactorKind.Wue, FactorMethod.Annual, new Place(region, null, null), Day(day))?.Value);
    }

    [Fact]
    public void Nothing_is_bundled_that_is_found_by_contracts_or_at_the_margin() =>
        Assert.All(Book.All, factor => Assert.True(factor.Method is FactorMethod.Annual or FactorMethod.LocationAverage, factor.Name));

    [Fact]
    public void Every_region_has_a_country_and_every_country_an_intensity()
    {
        Assert.Equal((39, 46, 75), (Count("aws/"), Count("gcp/"), Count("azure/")));
        foreach (var region in Book.Regions)
        {
            Assert.True(Region.IsCountry(region.Country!), region.Name);
            Assert.NotNull(
                Book.Find(
                    FactorKind.GridIntensity,
                    FactorMethod.LocationAverage,
                    new Place(region.Name, null, null),
                    new DateOnly(2025, 7, 1)
                )
            );
        }
        Assert.Equal(new Region("aws/us-east-1", "US", "US-MIDA-PJM"), Book.RegionOf("aws/us-east-1"));
        Assert.Equal(new Region("azure/swedencentral", "SE", "SE-SE3"), Book.RegionOf("azure/swedencentral"));
        Assert.Equal(new Region("gcp/europe-west4", "NL", null), Book.RegionOf("gcp/europe-west4"));

        int Count(string provider) => Book.Regions.Count(region => region.Name.StartsWith(provider, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("aws", "p5.48xlarge", 192, 2048, "H100 80GB HBM3", 8.0)]
    [InlineData("aws", "p5.4xlarge", 16, 256, "H100 80GB HBM3", 1.0)]
    [InlineData("aws", "p5en.48xlarge", 192, 2048, "H200", 8.0)]
    [InlineData("aws", "g5.48xlarge", 192, 768, "A10G", 8.0)]
    [InlineData("aws", "g6e.12xlarge", 48, 384, "L40S", 4.0)]
    [InlineData("aws", "inf2.24xlarge", 96, 384, "Inferentia2", 6.0)]
    [InlineData("aws", "trn2.48xlarge", 192, 2048, "Trainium2", 16.0)]
    [InlineData("aws", "m7i.xlarge", 4, 16, null, 0.0)]
    [InlineData("aws", "ml.g5.48xlarge", 192, 768, "A10G", 8.0)]
    [InlineData("gcp", "a3-highgpu-4g", 104, 936, "H100 80GB HBM3", 4.0)]
    [InlineData("gcp", "a3-ultragpu-8g", 224, 2952, "H200", 8.0)]
    [InlineData("gcp", "g2-standard-24", 24, 96, "L4", 2.0)]
    [InlineData("azure", "Standard_ND96isr_MI300X_v5", 96, 1850, "Instinct MI300X", 8.0)]
    [InlineData("azure", "standard_nc48ads_a100_v4", 48, 440, "A100 80GB PCIe", 2.0)]
    // What labels and catalogues say wrongly: 0, 0, 0, 0, 1, 1, 1, 1.
    [InlineData("aws", "g6f.large", 2, 8, "L4", 0.125)]
    [InlineData("aws", "g6f.xlarge", 4, 16, "L4", 0.125)]
    [InlineData("aws", "g6f.2xlarge", 8, 32, "L4", 0.25)]
    [InlineData("aws", "gr6f.4xlarge", 16, 128, "L4", 0.5)]
    [InlineData("azure", "Standard_NV6ads_A10_v5", 6, 55, "A10", 1.0 / 6)]
    [InlineData("azure", "Standard_NV12ads_A10_v5", 12, 110, "A10", 1.0 / 3)]
    [InlineData("azure", "Standard_NV18ads_A10_v5", 18, 220, "A10", 0.5)]
    [InlineData("azure", "Standard_NV36ads_A10_v5", 36, 440, "A10", 1.0)]
    [InlineData("azure", "Standard_NV72ads_A10_v5", 72, 880, "A10", 2.0)]
    [InlineData("onprem", "DGX H100", 224, 2048, "H100 80GB HBM3", 8.0)]
    public void What_an_instance_is_made_of(string provider, string name, int cpus, double memory, string? accelerator, double accelerators)
    {
        var server = Book.Servers.Find(provider, name)!;

        Assert.Equal((cpus, memory, accelerator), (server.VirtualCpus, server.MemoryGigabytes, server.Accelerator));
        Assert.Equal(accelerators, server.Accelerators, 12);
    }

    [Theory]
    [InlineData("aws", "p5.48xlarge", 7012.0, 3)]
    [InlineData("aws", "p5.4xlarge", 876.5, 3)]
    [InlineData("azure", "Standard_ND96isr_H100_v5", 7012.0, 3)]
    [InlineData("any", "DGX H100", 7012.0, 3)]
    [InlineData("aws", "m7i.48xlarge", 1900.0, 4)]
    [InlineData("aws", "g5.48xlarge", 3400.0, 4)]
    [InlineData("aws", "p5en.48xlarge", null, null)]
    [InlineData("aws", "inf2.xlarge", null, null)]
    public void Embodied_emissions_are_published_or_unknown(string provider, string name, double? kilograms, int? years)
    {
        var embodied = Book.Servers.Find(provider, name)!.Embodied;

        Assert.Equal(kilograms, embodied is null ? null : Math.Round(embodied.Total.Kilograms, 6));
        Assert.Equal(years, embodied?.Lifespan.TotalDays / 365);
    }

    [Fact]
    public void What_a_server_is_made_of_is_in_the_hardware_table_or_has_no_published_power()
    {
        string[] boards =
        [
            "B200",
            "B300",
            "Inferentia",
            "Inferentia2",
            "RTX PRO 6000 Blackwell Server Edition",
            "T4G",
            "Trainium",
            "Trainium2",
        ];
        string[] cpus = ["Graviton3"];

        Assert.Equal(
            boards,
            Book.Servers.All.Select(server => server.Accelerator)
                .OfType<string>()
                .Where(name => Book.Hardware.Accelerator(name) is null)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            cpus,
            Book.Servers.All.Select(server => server.MicroArchitecture)
                .OfType<string>()
                .Where(name => Book.Hardware.VirtualCpu(name) is null)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_power_of_a_host_is_that_of_its_virtual_CPUs_and_its_memory()
    {
        // m7i.xlarge: 4 virtual CPUs of Sapphire Rapids at 1.036 to 4.160 W, 16 GB at 0.392 W.
        var power = Book.Servers.Find("aws", "m7i.xlarge")!.HostPower(Book.Hardware)!;

        Assert.Equal((10.416, 22.912), (Math.Round(power.Idle.Watts, 9), Math.Round(power.Max.Watts, 9)));
        Assert.Null(Book.Servers.Find("gcp", "e2-standard-2")!.HostPower(Book.Hardware));
    }

    [Theory]
    [InlineData("meta.llama3-1-70b-instruct-v1:0", 70.55e9, 70.55e9)]
    [InlineData("us.meta.llama3-3-70b-instruct-v1:0", 70e9, 70e9)]
    [InlineData("Llama-3.3-70B-Instruct", 70e9, 70e9)]
    [InlineData("llama-3.1-70b-instruct-maas", 70.55e9, 70.55e9)]
    [InlineData("meta-llama/Llama-3.1-70B-Instruct", 70.55e9, 70.55e9)]
    [InlineData("meta-llama/Meta-Llama-3.1-405B-Instruct", 405.85e9, 405.85e9)]
    [InlineData("meta.llama3-8b-instruct-v1:0", 8.03e9, 8.03e9)]
    [InlineData("meta-llama/Llama-3.2-1B-Instruct", 1.23e9, 1.23e9)]
    [InlineData("meta.llama3-2-11b-instruct-v1:0", 10.6e9, 10.6e9)]
    [InlineData("meta.llama4-scout-17b-instruct-v1:0", 17e9, 109e9)]
    [InlineData("llama-4-maverick-17b-128e-instruct-maas", 17e9, 400e9)]
    [InlineData("mistral.mixtral-8x7b-instruct-v0:1", 12.9e9, 46.7e9)]
    [InlineData("mistralai/Mixtral-8x22B-Instruct-v0.1", 39.1e9, 140.6e9)]
    [InlineData("mistral.mistral-7b-instruct-v0:2", 7.24e9, 7.24e9)]
    [InlineData("Mistral7B", 7.24e9, 7.24e9)]
    [InlineData("mistral.mistral-large-2407-v1:0", 123e9, 123e9)]
    [InlineData("Mistral-Large-2411", 123e9, 123e9)]
    [InlineData("mistral-small-2503@001", 24e9, 24e9)]
    [InlineData("Qwen/Qwen2.5-72B-Instruct", 72.7e9, 72.7e9)]
    [InlineData("Qwen/Qwen2.5-Coder-7B-Instruct", 7.61e9, 7.61e9)]
    [InlineData("qwen.qwen3-32b-v1:0", 32.8e9, 32.8e9)]
    [InlineData("Qwen/Qwen3-4B", 4e9, 4e9)]
    [InlineData("qwen.qwen3-235b-a22b-2507-v1:0", 22e9, 235e9)]
    [InlineData("Qwen3-VL-235B-A22B", 22e9, 235e9)]
    [InlineData("qwen.qwen3-coder-480b-a35b-v1:0", 35e9, 480e9)]
    [InlineData("Qwen/Qwen3-30B-A3B", 3.3e9, 30.5e9)]
    [InlineData("deepseek.r1-v1:0", 37e9, 671e9)]
    [InlineData("us.deepseek.r1-v1:0", 37e9, 671e9)]
    [InlineData("DeepSeek-V3-0324", 37e9, 671e9)]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 70.55e9, 70.55e9)]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7.61e9, 7.61e9)]
    [InlineData("openai.gpt-oss-120b-1:0", 5.1e9, 117e9)]
    [InlineData("gpt-oss-20b-maas", 3.6e9, 21e9)]
    [InlineData("google/gemma-3-27b-it", 27.4e9, 27.4e9)]
    [InlineData("gemma-2-9b-it", 9.24e9, 9.24e9)]
    [InlineData("cohere.command-r-plus-v1:0", 103.81e9, 103.81e9)]
    [InlineData("cohere.command-r-v1:0", 34.98e9, 34.98e9)]
    [InlineData("Phi-4", 14e9, 14e9)]
    [InlineData("Phi-4-mini-instruct", 3.8e9, 3.8e9)]
    [InlineData("moonshotai/Kimi-K2-Instruct-0905", 32e9, 1000e9)]
    [InlineData("zai-org/GLM-4.5-Air", 12e9, 106e9)]
    // Sizes that begin alike, and names that contain one another.
    [InlineData("meta.llama3-2-3b-instruct-v1:0", 3.21e9, 3.21e9)]
    [InlineData("us.meta.llama3-2-90b-instruct-v1:0", 88.8e9, 88.8e9)]
    [InlineData("Meta-Llama-3-70B-Instruct", 70.55e9, 70.55e9)]
    [InlineData("meta-llama/Llama-2-7b-chat-hf", 6.74e9, 6.74e9)]
    [InlineData("meta-llama/Llama-2-70b-chat-hf", 68.98e9, 68.98e9)]
    [InlineData("gemma-3-1b-it", 1e9, 1e9)]
    [InlineData("gemma-3-12b-it", 12.2e9, 12.2e9)]
    [InlineData("google/gemma-2-2b-it", 2.61e9, 2.61e9)]
    [InlineData("google/gemma-2-27b-it", 27.23e9, 27.23e9)]
    [InlineData("mistralai/Mistral-7B-Instruct-v0.2", 7.24e9, 7.24e9)]
    [InlineData("mistralai/Mistral-7B-Instruct-v0.3", 7.25e9, 7.25e9)]
    [InlineData("mistralai/Mistral-Nemo-Instruct-2407", 12.25e9, 12.25e9)]
    [InlineData("mistralai/Mistral-Small-3.1-24B-Instruct-2503", 24e9, 24e9)]
    [InlineData("mistral.pixtral-large-2502-v1:0", 124e9, 124e9)]
    [InlineData("Cohere-command-r-plus-08-2024", 104e9, 104e9)]
    [InlineData("Cohere-command-r-08-2024", 32.3e9, 32.3e9)]
    [InlineData("CohereLabs/c4ai-command-r7b-12-2024", 8.03e9, 8.03e9)]
    [InlineData("Phi-4-reasoning-plus", 14e9, 14e9)]
    [InlineData("Phi-3.5-mini-instruct", 3.8e9, 3.8e9)]
    [InlineData("microsoft/Phi-3-mini-128k-instruct", 3.82e9, 3.82e9)]
    [InlineData("Qwen/Qwen2.5-1.5B-Instruct", 1.54e9, 1.54e9)]
    [InlineData("Qwen/Qwen2.5-Coder-32B-Instruct", 32e9, 32e9)]
    [InlineData("Qwen/Qwen3-14B", 14.8e9, 14.8e9)]
    [InlineData("qwen.qwen3-coder-30b-a3b-v1:0", 3.3e9, 30.5e9)]
    [InlineData("qwen3-next-80b-a3b-instruct-maas", 3e9, 80e9)]
    [InlineData("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", 8.2e9, 8.2e9)]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1.54e9, 1.54e9)]
    [InlineData("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 14.7e9, 14.7e9)]
    [InlineData("deepseek-ai/DeepSeek-V3.1-Terminus", 37e9, 671e9)]
    [InlineData("deepseek.v3-v1:0", 37e9, 671e9)]
    [InlineData("zai-org/GLM-4.6", 32e9, 355e9)]
    [InlineData("zai.glm-5", 40e9, 744e9)]
    [InlineData("zai-org/GLM-5.2-FP8", 40e9, 744e9)]
    [InlineData("minimax.minimax-m2", 10e9, 230e9)]
    [InlineData("moonshotai.kimi-k2.5", 32e9, 1000e9)]
    [InlineData("mistral.mistral-large-3-675b-instruct", 41e9, 675e9)]
    [InlineData("mistral-large-2512", 41e9, 675e9)]
    [InlineData("mistral-small-2603", 6.5e9, 119e9)]
    [InlineData("mistral.devstral-2-123b", 123e9, 123e9)]
    [InlineData("mistral.ministral-3-14b-instruct", 14e9, 14e9)]
    [InlineData("command-a-vision-07-2025", 112e9, 112e9)]
    public void A_model_whose_maker_says_its_size(string name, double active, double total)
    {
        var model = Book.Models.Find(name)!;

        Assert.Equal("published", model.Method);
        Assert.Equal(
            (active, active, total, total),
            (
                model.Size.ActiveParameters.Low,
                model.Size.ActiveParameters.High,
                model.Size.TotalParameters.Low,
                model.Size.TotalParameters.High
            )
        );
    }

    [Theory]
    [InlineData("gpt-4o", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("gpt-4o-mini", 8e9, 28e9, 8e9, 28e9)]
    [InlineData("gpt-4o-2024-11-20", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("gpt-4o-realtime-preview-2024-12-17", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("gpt-4o-mini-transcribe", 8e9, 28e9, 8e9, 28e9)]
    [InlineData("gpt-4.1-mini", 40e9, 112e9, 40e9, 112e9)]
    [InlineData("gpt-5-pro-2025-10-06", 360e9, 1080e9, 3600e9, 3600e9)]
    [InlineData("gpt-5.4-pro", 540e9, 1800e9, 5400e9, 5400e9)]
    [InlineData("claude-opus-4-5@20251101", 67e9, 200e9, 670e9, 670e9)]
    [InlineData("global.anthropic.claude-haiku-4-5-20251001-v1:0", 10e9, 35e9, 10e9, 35e9)]
    [InlineData("gpt-4", 176e9, 528e9, 1760e9, 1760e9)]
    [InlineData("gpt-4.1-nano", 10e9, 37e9, 10e9, 37e9)]
    [InlineData("gpt-35-turbo-16k", 20e9, 70e9, 20e9, 70e9)]
    [InlineData("gpt-5", 30e9, 90e9, 300e9, 300e9)]
    [InlineData("gpt-5-nano-2025-08-07", 5e9, 18.5e9, 5e9, 18.5e9)]
    [InlineData("gpt-5.1-codex-mini", 25e9, 70e9, 25e9, 70e9)]
    [InlineData("anthropic.claude-3-haiku-20240307-v1:0", 30e9, 90e9, 300e9, 300e9)]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("claude-sonnet-4@20250514", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("eu.anthropic.claude-opus-4-1-20250805-v1:0", 200e9, 600e9, 2000e9, 2000e9)]
    [InlineData("gemini-2.5-flash-lite", 8e9, 28e9, 8e9, 28e9)]
    [InlineData("gemini-2.5-flash", 44e9, 132e9, 440e9, 440e9)]
    [InlineData("gemini-3.1-flash-lite-preview", 30e9, 105e9, 30e9, 105e9)]
    [InlineData("devstral-medium-2507", 70e9, 120e9, 70e9, 120e9)]
    public void A_model_whose_size_somebody_assumes_has_bounds(
        string name,
        double activeLow,
        double activeHigh,
        double totalLow,
        double totalHigh
    )
    {
        var model = Book.Models.Find(name)!;

        Assert.Equal(("assumed", "mlco2/ecologits: ecologits/data/models.json", "MPL-2.0"), (model.Method, model.Source, model.Licence));
        Assert.Equal(
            (activeLow, activeHigh, totalLow, totalHigh),
            (
                model.Size.ActiveParameters.Low,
                model.Size.ActiveParameters.High,
                model.Size.TotalParameters.Low,
                model.Size.TotalParameters.High
            )
        );
    }

    [Theory]
    [InlineData("amazon.nova-pro-v1:0")]
    [InlineData("anthropic.claude-3-5-sonnet-20241022-v2:0")]
    [InlineData("mistral.mistral-large-2402-v1:0")]
    [InlineData("gpt-5.4-mini")]
    [InlineData("gpt-4-32k")]
    [InlineData("gemini-2.0-flash-thinking-exp")]
    [InlineData("meta-llama/Llama-3.1-8x70B")]
    [InlineData("Qwen/Qwen3-Embedding-8B")]
    [InlineData("Qwen/Qwen3-VL-32B-Instruct")]
    [InlineData("Qwen/Qwen2.5-VL-7B-Instruct")]
    [InlineData("nvidia/Mistral-NeMo-Minitron-8B-Instruct")]
    [InlineData("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF")]
    [InlineData("meta-llama/Llama-Guard-3-8B")]
    [InlineData("google/gemma-2b")]
    [InlineData("microsoft/Phi-4-reasoning-vision-15B")]
    [InlineData("deepseek-ai/DeepSeek-V2-Lite-Chat")]
    [InlineData("gpt-4o-transcribe")]
    [InlineData("gpt-5-codex-mini")]
    [InlineData("claude-3-7-sonnet@20250219")]
    [InlineData("zai-org/GLM-4.5V")]
    [InlineData("my-own-model")]
    public void A_model_that_nobody_tells_of_has_no_size(string name) => Assert.Null(Book.Models.Find(name));

    [Fact]
    public void A_name_that_two_sizes_have_had_has_both_as_bounds()
    {
        var size = Book.Models.Find("Cohere-command-r")!.Size;

        Assert.Equal((32.3e9, 34.98e9), (size.ActiveParameters.Low, size.ActiveParameters.High));
        Assert.Equal((32.3e9, 34.98e9), (size.TotalParameters.Low, size.TotalParameters.High));
    }

    [Fact]
    public void No_pattern_takes_a_model_that_a_later_one_is_for()
    {
        // The plainest name that a pattern stands for is its text without stars, with a hyphen for a question mark.
        foreach (var model in Book.Models.All)
            Assert.Equal(model.Size, Book.Models.Find(model.Pattern.Replace("*", "", StringComparison.Ordinal).Replace('?', '-'))!.Size);
    }

    [Theory]
    [InlineData(Evidence.Measured, Component.Accelerator, 0.95, 1.05)]
    [InlineData(Evidence.Derived, Component.Node, 0.95, 1.05)]
    [InlineData(Evidence.Measured, Component.Psu, 0.95, 1.05)]
    [InlineData(Evidence.Measured, Component.Outlet, 0.97, 1.03)]
    [InlineData(Evidence.Measured, Component.Rack, 0.97, 1.03)]
    public void A_meter_is_as_far_off_as_its_maker_states(Evidence evidence, Component component, double low, double high)
    {
        var bounds = Book.Uncertainty.Of(evidence, component)!.Value;
        Assert.Equal((low, high), (bounds.Low, bounds.High));
    }

    [Theory]
    [InlineData(Evidence.Modelled, Component.Accelerator)]
    [InlineData(Evidence.Estimated, Component.Accelerator)]
    [InlineData(Evidence.Measured, Component.Cpu)]
    [InlineData(Evidence.Measured, Component.None)]
    public void What_no_meter_states_is_unknown(Evidence evidence, Component component) =>
        Assert.Null(Book.Uncertainty.Of(evidence, component));

    private static DateOnly Day(string text) => DateOnly.ParseExact(text, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
