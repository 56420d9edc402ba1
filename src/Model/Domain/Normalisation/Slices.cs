namespace Metrics.Domain.Normalisation;

/// <summary>What part of a board a slice of it is (MIG). A profile is <c>1g.10gb</c>, <c>3g.40gb+me</c>: so many of the compute slices that
/// a board of that model has. The memory in it is not the share.</summary>
/// <remarks>Source: NVIDIA, Multi-Instance GPU User Guide, supported profiles; NVIDIA/mig-parted, deployments/systemd/config-default.yaml
/// (2026-08): four compute slices of A30 and RTX PRO 6000 Blackwell, seven of every other board that can be divided.</remarks>
internal static class Slices
{
    private static readonly string[] Sevenths =
    [
        "A100",
        "A800",
        "H100",
        "H800",
        "H200",
        "H20",
        "GH200",
        "GH100",
        "B200",
        "B300",
        "GB200",
        "GB300",
        "B100",
    ];

    // Profiles that only boards of four slices have, and only boards of seven: for a board whose model nothing tells.
    private static readonly HashSet<string> OnlyQuarters = new(StringComparer.Ordinal)
    {
        "1g.6gb",
        "2g.12gb",
        "4g.24gb",
        "2g.48gb",
        "4g.96gb",
    };
    private static readonly HashSet<string> OnlySevenths = new(StringComparer.Ordinal)
    {
        "1g.5gb",
        "2g.10gb",
        "4g.20gb",
        "1g.10gb",
        "1g.20gb",
        "2g.20gb",
        "4g.40gb",
        "1g.11gb",
        "1g.12gb",
        "4g.47gb",
        "4g.48gb",
        "1g.18gb",
        "1g.35gb",
        "2g.35gb",
        "4g.71gb",
        "1g.23gb",
        "1g.45gb",
        "2g.45gb",
        "4g.90gb",
        "1g.34gb",
        "1g.67gb",
        "2g.67gb",
        "4g.135gb",
    };

    /// <summary>The part of the board; null when it is unknown.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="hardware">The model of the board, as a driver tells it; null when nothing tells it.</param>
    public static double? ShareOf(string profile, string? hardware)
    {
        var point = profile.IndexOf('.', StringComparison.Ordinal);
        if (
            profile is not [>= '1' and <= '7' and var digit, 'g', ..]
            || (profile.Length > 2 && profile[2] is not ('.' or '+'))
            || (hardware is null && point < 0)
        )
            return null;
        var count = digit - '0';
        var of = hardware is null ? SlicesBy(profile) : SlicesOf(hardware);
        return of is { } slices && count <= slices ? (double)count / slices : null;
    }

    /// <summary>How many compute slices a board has; null when it is in no table.</summary>
    private static int? SlicesOf(string hardware)
    {
        var name = hardware.ToUpperInvariant().Replace('-', ' ').Replace('_', ' ');
        if (
            Holds(name, "A30")
            || (name.Contains("RTX PRO 6000", StringComparison.Ordinal) && !name.Contains("ADA", StringComparison.Ordinal))
        )
            return 4;
        return Array.Exists(Sevenths, board => Holds(name, board)) ? 7 : null;
    }

    private static int? SlicesBy(string profile)
    {
        var plain = profile.Split('+')[0];
        // Three, five or seven slices are of a board that has seven.
        return OnlyQuarters.Contains(plain) ? 4
            : plain[0] is '3' or '5' or '6' or '7' || OnlySevenths.Contains(plain) ? 7
            : null;
    }

    /// <summary>Whether a name holds a model as a word: <c>NVIDIA A100 SXM4 80GB</c> and <c>A100X</c> hold <c>A100</c>, <c>A1000</c> does
    /// not.</summary>
    private static bool Holds(string name, string model)
    {
        for (var at = name.IndexOf(model, StringComparison.Ordinal); at >= 0; at = name.IndexOf(model, at + 1, StringComparison.Ordinal))
        {
            var end = at + model.Length;
            if ((at == 0 || !char.IsLetterOrDigit(name[at - 1])) && (end == name.Length || !char.IsDigit(name[end])))
                return true;
        }
        return false;
    }
}
