using Metrics.Domain.Messages;

namespace Metrics.Api.Commands;

/// <summary>What a command line says to the host and to the configuration, apart from the words and options of the commands.</summary>
/// <param name="Words">What is left for the commands.</param>
/// <param name="Arguments">Settings as the host reads them, each <c>--NAME=VALUE</c>.</param>
/// <param name="Errors">Sentences; empty when all settings can be used.</param>
internal sealed record HostSettings(IReadOnlyList<string> Words, IReadOnlyList<string> Arguments, IReadOnlyList<string> Errors)
{
    /// <summary>Settings of the host that its help lists.</summary>
    public static readonly IReadOnlyList<(string Name, string Value, string Description)> Shown =
    [
        ("--urls", "URLS", "Addresses to listen on, with semicolons between; by default http://localhost:5080"),
        ("--contentRoot", "FOLDER", "Folder of appsettings.json and of relative paths; by default the current one"),
        ("--environment", "NAME", "Reads appsettings.NAME.json too; by default Production"),
    ];

    /// <summary>Settings of the section <c>Metrics</c>, one for everything that it has; the pages of <c>docs/</c> tell the rest.</summary>
    public static readonly IReadOnlyList<(string Name, string Description)> OfMetrics =
    [
        ("Storage:Engine=Sqlite|Postgres", "Where facts are kept; Storage:ConnectionString says how to reach it"),
        ("Roles:0=api|worker", "What this process does; by default both"),
        ("Grain=00:05:00", "Length of the periods that are computed; a divisor of an hour"),
        ("Sources:ID:Provider=NAME", "What is read: also Endpoint, Path, Every, Place, ... (docs/reading.md)"),
        ("Workloads:NAME:Match:0:Source=ID", "Who works: also Model, Precision, Match:0:Labels:LABEL=GLOB"),
        ("Places:PROVIDER/REGION:Pue=1.2", "Where sources stand: also Country, Wue, GridIntensity, ... (docs/factors.md)"),
        ("Catalogues:0=FILE", "More mappings of metrics (docs/catalogue.md)"),
        ("Factors:0=FILE", "More factors (docs/factors.md)"),
        ("Conversions:0:From=UNIT", "One unit of work in another: also To and Factor"),
        ("Access:Keys:NAME:Key=KEY", "Who is let in: also Scopes, Access:Oidc and limits (docs/access.md)"),
        ("Reports:Folder=FOLDER", "Where reports are kept: also Keep, Wait, Concurrency (docs/reports.md)"),
        ("Webhooks:AllowedNetworks:0=CIDR", "Where events may be sent: also Timeout, Concurrency (docs/webhooks.md)"),
    ];

    /// <summary>Settings of the host that are taken and not listed.</summary>
    private static readonly string[] Others = ["--http_ports", "--https_ports", "--applicationName", "--allowedHosts", "--webroot"];

    /// <summary>Sections of the configuration that something in the service reads.</summary>
    private static readonly string[] Sections = ["Metrics", "Logging", "Kestrel"];

    /// <summary>Takes the settings out of the arguments; a value stands behind <c>=</c> or a blank.</summary>
    /// <param name="arguments">All arguments.</param>
    public static HostSettings Split(IReadOnlyList<string> arguments)
    {
        var (words, settings, errors) = (new List<string>(), new List<string>(), new List<string>());
        for (var i = 0; i < arguments.Count; i++)
        {
            var parts = arguments[i].Split('=', 2);
            // A section without a value is what a host that hands on its whole configuration says of the sections' names.
            if (parts is [var section, ""] && Sections.Contains(section.TrimStart('-'), StringComparer.OrdinalIgnoreCase))
                continue;
            if (!IsSetting(parts[0]))
            {
                words.Add(arguments[i]);
                continue;
            }
            var value = parts.Length == 2 ? parts[1] : null;
            if (value is null && i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
                value = arguments[++i];
            if (Unknown(parts[0]) is { } unknown)
                errors.Add(unknown);
            else if (value is null)
                errors.Add($"{parts[0]} has no value; write {parts[0]}=VALUE.");
            else
                settings.Add($"{parts[0]}={value}");
        }
        return new(words, settings, errors);
    }

    // A path into the configuration has a colon; the host's own settings have names.
    private static bool IsSetting(string name) =>
        name.StartsWith("--", StringComparison.Ordinal)
        && (
            name.Contains(':', StringComparison.Ordinal)
            || Shown.Any(shown => shown.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            || Others.Contains(name, StringComparer.OrdinalIgnoreCase)
        );

    private static string? Unknown(string name)
    {
        if (!name.Contains(':', StringComparison.Ordinal))
            return null;
        var section = name[2..name.IndexOf(':', StringComparison.Ordinal)];
        return Sections.Contains(section, StringComparer.OrdinalIgnoreCase)
            ? null
            : $"'{name}' is in no section of the settings.{Spelling.DidYouMean(section, Sections)} There are "
                + $"{string.Join(", ", Sections)}.";
    }
}
