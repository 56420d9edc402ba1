using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Metrics.Api.Operations;

namespace Metrics.Api.Commands;

/// <summary>The command <c>health</c>: asks a running service whether it is ready. For health checks of containers, where there is no
/// curl.</summary>
internal static class HealthCommand
{
    /// <summary>What the service said.</summary>
    /// <param name="Url">The address that was asked.</param>
    /// <param name="IsHealthy">Whether all is well.</param>
    /// <param name="Status">HTTP status; null when there was no answer.</param>
    /// <param name="Detail">What it said, or why it did not.</param>
    /// <param name="Milliseconds">How long that took.</param>
    public sealed record Result(Uri Url, bool IsHealthy, int? Status, string Detail, long Milliseconds);

    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create(ServiceHost host)
    {
        var url = CommonOptions.Text(
            "--url",
            "URL",
            "Where the service answers; by default the first of the addresses it is set to listen on"
        );
        var live = new Option<bool>("--live") { Description = "Asks only whether the process answers, not for its database" };
        var timeout = CommonOptions.Text("--timeout", "SECONDS", "How long to wait for the answer; by default 5");
        var json = CommonOptions.Json();
        var command = new DescribedCommand("health", "Asks a running service whether it is ready: 0 when it is, else 1")
        {
            Usage = ["health [--url URL] [--live] [OPTIONS] [SETTINGS]"],
            Notes =
            [
                "Ready means that the database answers and has the schema of this version. Where keys are asked for, the first of "
                    + "Metrics:Access:Keys is sent; --live needs none.",
            ],
            Examples =
            [
                ("health --live", "for a container's health check"),
                ("health --url http://metrics.example:8080 --json", "of another machine, as JSON"),
            ],
            Validate = parsed => Errors(parsed.TextOf(url), parsed.TextOf(timeout)),
        };
        command.Add(url);
        command.Add(live);
        command.Add(timeout);
        command.Add(json);
        command.SetAction(
            async (parsed, stop) =>
            {
                var configuration = host.Configure().Configuration;
                var from = parsed.TextOf(url) is { } given ? new Uri(given, UriKind.Absolute) : ListenAddresses.Own(configuration);
                var key = configuration.GetSection("Metrics:Access:Keys").GetChildren().Select(one => one["Key"]).FirstOrDefault();
                var result = await AskAsync(
                    new Uri(from, parsed.GetValue(live) ? "/health/live" : "/health/ready"),
                    key,
                    TimeSpan.FromSeconds(SecondsOf(parsed.TextOf(timeout)) ?? 5),
                    stop
                );
                if (parsed.GetValue(json))
                    CommonOptions.Print(result);
                else
                    (result.IsHealthy ? Console.Out : Console.Error).WriteLine($"{result.Url}: {result.Detail}");
                return result.IsHealthy ? ExitCode.Done : ExitCode.Failed;
            }
        );
        return command;
    }

    private static async Task<Result> AskAsync(Uri url, string? key, TimeSpan timeout, CancellationToken cancellationToken)
    {
        // A redirect would carry the key elsewhere.
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        // This machine's own certificate is made out to the name that others know it by.
        if (url.IsLoopback)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        using var client = new HttpClient(handler) { Timeout = timeout, MaxResponseContentBufferSize = 64 * 1024 };
        if (key is not null)
            client.DefaultRequestHeaders.TryAddWithoutValidation("X-Api-Key", key);
        var watch = Stopwatch.StartNew();
        try
        {
            using var response = await client.GetAsync(url, cancellationToken);
            var text = (await response.Content.ReadAsStringAsync(cancellationToken)).Trim();
            var detail = response.StatusCode switch
            {
                HttpStatusCode.OK => text,
                HttpStatusCode.ServiceUnavailable => $"{text}; the service runs, and its database does not answer or has another schema.",
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                    "It asks for a key. Give one by Metrics:Access:Keys, or ask by --live, which needs none.",
                _ => $"It answered {(int)response.StatusCode}, which a service of Metrics does not.",
            };
            return new(url, response.StatusCode == HttpStatusCode.OK, (int)response.StatusCode, detail, watch.ElapsedMilliseconds);
        }
        catch (HttpRequestException exception)
        {
            return new(url, false, null, $"No answer: {exception.Message}", watch.ElapsedMilliseconds);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(url, false, null, $"No answer within {timeout.TotalSeconds:0.#} seconds.", watch.ElapsedMilliseconds);
        }
    }

    private static IEnumerable<string> Errors(string? url, string? timeout)
    {
        if (url is not null && !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            yield return $"--url: '{url}' is not an address such as http://localhost:5080.";
        if (timeout is not null && SecondsOf(timeout) is null)
            yield return $"--timeout: '{timeout}' is not a number of seconds from 0.1 to 300.";
    }

    private static double? SecondsOf(string? text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0.1 and <= 300
            ? seconds
            : null;
}
