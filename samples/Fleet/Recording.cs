using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Metrics.Fleet;

/// <summary>One recorded series: what an exporter said about one thing, sample by sample.</summary>
/// <param name="Metric">Name as the exporter writes it.</param>
/// <param name="Labels">Labels in the order in which they are written.</param>
public sealed record Track(string Metric, IReadOnlyList<KeyValuePair<string, string>> Labels)
{
    /// <summary>Instants, UTC, rising, with the value at each.</summary>
    public List<(DateTime At, double Value)> Samples { get; } = [];

    /// <summary>Whether the metric counts up: every other one is a level.</summary>
    public bool IsCounter =>
        !Metric.Equals("DCGM_FI_DEV_POWER_USAGE", StringComparison.Ordinal)
        && !Metric.Equals("DCGM_FI_DEV_GPU_UTIL", StringComparison.Ordinal)
        && !Metric.Equals("ipmi_dcmi_power_consumption_watts", StringComparison.Ordinal);

    /// <summary>The value of a label, or null.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var (key, value) in Labels)
                if (key.Equals(name, StringComparison.Ordinal))
                    return value;
            return null;
        }
    }

    /// <summary>The node that the series is about.</summary>
    public string Node => this["Hostname"] ?? this["hostname"] ?? this["node_name"] ?? this["instance"]?.Split(':')[0] ?? "";
}

/// <summary>Recordings as compressed rows of JSON: one observation a line, in the order of time.</summary>
public static class Recording
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the tracks; equal tracks give equal bytes.</summary>
    public static void Write(Stream to, IReadOnlyList<Track> tracks)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        using (var text = new StreamWriter(gzip, new UTF8Encoding(false)) { NewLine = "\n" })
        {
            var heads = tracks.Select(Head).ToArray();
            var next = new int[tracks.Count];
            var instants = tracks.SelectMany(track => track.Samples).Select(sample => sample.At).Distinct().Order();
            foreach (var at in instants)
            {
                var time = at.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
                for (var i = 0; i < tracks.Count; i++)
                {
                    if (next[i] == tracks[i].Samples.Count || tracks[i].Samples[next[i]].At != at)
                        continue;
                    var value = tracks[i].Samples[next[i]++].Value.ToString("R", CultureInfo.InvariantCulture);
                    text.WriteLine($"{heads[i]}\"start\":\"{time}\",\"end\":\"{time}\",\"value\":{value}}}");
                }
            }
        }
        // The header may name the time and the system of whoever packed it; both are left blank (RFC 1952: 0 and 255).
        var bytes = packed.ToArray();
        bytes.AsSpan(4, 4).Clear();
        bytes[9] = 255;
        to.Write(bytes);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">A row is no observation; the message names the line.</exception>
    public static List<Track> Read(Stream from)
    {
        var tracks = new Dictionary<string, Track>(StringComparer.Ordinal);
        using var text = new StreamReader(new GZipStream(from, CompressionMode.Decompress), Encoding.UTF8);
        for (var line = 1; text.ReadLine() is { } row; line++)
        {
            // What stands before the time is the same text for every row of a series.
            var cut = row.IndexOf("\"start\":", StringComparison.Ordinal);
            try
            {
                using var parsed = JsonDocument.Parse(row);
                var key = cut < 0 ? row : row[..cut];
                if (!tracks.TryGetValue(key, out var track))
                {
                    track = new Track(
                        parsed.RootElement.GetProperty("metric").GetString()!,
                        [
                            .. parsed
                                .RootElement.GetProperty("labels")
                                .EnumerateObject()
                                .Select(label => KeyValuePair.Create(label.Name, label.Value.GetString()!)),
                        ]
                    );
                    tracks.Add(key, track);
                }
                track.Samples.Add(
                    (parsed.RootElement.GetProperty("start").GetDateTime(), parsed.RootElement.GetProperty("value").GetDouble())
                );
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new FormatException(
                    $"Line {line} is not an observation: {exception.Message} Write the recording anew with 'generate'.",
                    exception
                );
            }
        }
        return [.. tracks.Values];
    }

    private static string Head(Track track)
    {
        var labels = string.Join(
            ",",
            track.Labels.Select(label => $"{JsonSerializer.Serialize(label.Key, Plain)}:{JsonSerializer.Serialize(label.Value, Plain)}")
        );
        return $"{{\"provider\":\"prometheus\",\"metric\":{JsonSerializer.Serialize(track.Metric, Plain)},\"labels\":{{{labels}}},";
    }
}
