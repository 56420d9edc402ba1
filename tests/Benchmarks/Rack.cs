using System.Globalization;
using System.Text;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;

namespace Metrics.Benchmarks;

/// <summary>What the benchmarks work on: two nodes with eight boards each and six engines, as dcgm-exporter and vLLM show them. 56 series,
/// all of which mean something to the catalogue.</summary>
public static class Rack
{
    public const string Source = "rack";

    public static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public static readonly Place Place = new("onprem/rack", "DE", 1.4);

    public static IReadOnlyList<Workload> Workloads { get; } =
    [
        new(
            "chat",
            "example/chat",
            "fp8",
            [
                new(Source, new Dictionary<string, string> { ["pod"] = "chat-*" }),
                new(Source, new Dictionary<string, string> { ["model_name"] = "example/chat" }),
            ]
        ),
    ];

    public static IReadOnlyDictionary<string, Place> Places { get; } = new Dictionary<string, Place> { [Source] = Place };

    /// <summary>Every series, with its value at step <c>i</c>.</summary>
    public static IReadOnlyList<(Series Series, Func<int, double> Value)> Series { get; } = Make();

    /// <summary>The samples of every series, one each step.</summary>
    public static IReadOnlyList<SeriesSamples> Samples(int steps, TimeSpan step) =>
        [
            .. Series.Select(series => new SeriesSamples(
                series.Series,
                Enumerable.Range(0, steps).Select(i => Sample.At(Start + (i * step), series.Value(i))).ToArray()
            )),
        ];

    /// <summary>A page as an exporter would show it at one step.</summary>
    public static byte[] Page(int at)
    {
        var text = new StringBuilder();
        foreach (var family in Series.GroupBy(series => series.Series.Metric))
        {
            text.Append("# HELP ").Append(family.Key).Append(" A metric.\n# TYPE ").Append(family.Key).Append(" gauge\n");
            foreach (var (series, value) in family)
                text.Append(series.Metric)
                    .Append(series.Labels)
                    .Append(' ')
                    .Append(value(at).ToString("R", CultureInfo.InvariantCulture))
                    .Append('\n');
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Rows of a recording, in the order of time.</summary>
    public static IEnumerable<string> Rows(int steps, TimeSpan step)
    {
        var heads = Series
            .Select(series =>
            {
                var labels = series.Series.Labels.Pairs.Select(label => $"\"{label.Key}\":\"{label.Value}\"");
                return $"{{\"provider\":\"prometheus\",\"metric\":\"{series.Series.Metric}\",\"labels\":{{{string.Join(",", labels)}}}";
            })
            .ToArray();
        for (var i = 0; i < steps; i++)
        {
            var time = (Start + (i * step)).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            for (var s = 0; s < heads.Length; s++)
            {
                var value = Series[s].Value(i).ToString("R", CultureInfo.InvariantCulture);
                yield return $"{heads[s]},\"start\":\"{time}\",\"end\":\"{time}\",\"value\":{value}}}";
            }
        }
    }

    private static List<(Series, Func<int, double>)> Make()
    {
        var all = new List<(Series, Func<int, double>)>();
        void Add(string metric, Func<int, double> value, params (string, string)[] labels) =>
            all.Add((new Series(Source, "prometheus", metric, Labels.Of(labels)), value));
        for (var board = 0; board < 16; board++)
        {
            (string, string)[] labels =
            [
                ("gpu", $"{board % 8}"),
                ("UUID", $"GPU-00000000-0000-4000-8000-0000000000{board:x2}"),
                ("pci_bus_id", $"00000000:{board:X2}:00.0"),
                ("device", $"nvidia{board % 8}"),
                ("modelName", "NVIDIA H100 80GB HBM3"),
                ("hostname", $"node-{board / 8}"),
                ("namespace", "inference"),
                ("pod", $"chat-{board / 3}"),
                ("container", "vllm"),
            ];
            var own = board;
            Add("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", i => 8e11 + (own * 1e9) + (i * 6_450_000.0), labels);
            Add("DCGM_FI_DEV_POWER_USAGE", i => 430 + ((i + own) % 17) + 0.25, labels);
        }
        for (var engine = 0; engine < 6; engine++)
        {
            (string, string)[] labels =
            [
                ("engine", "0"),
                ("model_name", "example/chat"),
                ("pod", $"chat-{engine}"),
                ("namespace", "inference"),
            ];
            Add("vllm:prompt_tokens_total", i => 5e9 + (i * 61_000.0), labels);
            Add("vllm:generation_tokens_total", i => 2e9 + (i * 19_500.0), labels);
            foreach (var reason in new[] { "stop", "length" })
                Add("vllm:request_success_total", i => 1e6 + (i * 57.0), [.. labels, ("finished_reason", reason)]);
        }
        return all;
    }
}
