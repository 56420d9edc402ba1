using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>Why numbers of a fact or of a period are null. Stored by number, so a member keeps its own for ever; told as words (see
/// <see cref="MissingReasonText"/>).</summary>
[Flags]
public enum MissingReasons
{
    /// <summary>Nothing is missing.</summary>
    None = 0,

    /// <summary>Nobody meters the server, and what it is made of is not told: accelerators are all that is known.</summary>
    ServerUnmetered = 1,

    /// <summary>The machine has accelerators that nobody reads: its server's energy is unknown.</summary>
    AcceleratorUnmetered = 2,

    /// <summary>The hardware is told and the tables do not know it.</summary>
    HardwareUnknown = 4,

    /// <summary>No PUE of the place: neither facility energy nor emissions.</summary>
    PueUnknown = 8,

    /// <summary>No WUE of the place: no water.</summary>
    WueUnknown = 16,

    /// <summary>No location-based average intensity of the grid: no operational emissions.</summary>
    GridUnknown = 32,

    /// <summary>No embodied emissions of the hardware.</summary>
    EmbodiedUnknown = 64,

    /// <summary>Nothing tells when the hardware was busy: idle energy is unknown.</summary>
    BusyUnknown = 128,

    /// <summary>The size of the model behind an API is unknown: no estimate.</summary>
    ModelUnknown = 256,

    /// <summary>A reading was refused that no meter of its kind can show: all ones, or more than the hardware draws.</summary>
    ImplausibleValue = 512,

    /// <summary>A counter fell and came back: the fall was bridged.</summary>
    Glitch = 1024,

    /// <summary>A meter of a whole showed less than the parts in it: it was not believed.</summary>
    LessThanItsParts = 2048,

    /// <summary>Readings of one identity differ and nothing says which is whose: none was taken.</summary>
    AmbiguousIdentity = 4096,

    /// <summary>The work was told more than once, and counted once.</summary>
    ToldTwice = 8192,

    /// <summary>The share of a slice in its board is unknown.</summary>
    SliceUnknown = 16384,
}

/// <summary>The stable words of <see cref="MissingReasons"/>: <c>pue_unknown</c>.</summary>
public static class MissingReasonText
{
    /// <summary>Those by which a meter, or an identity, was not believed: such a row's number is never certain.</summary>
    public const MissingReasons Disbelieving =
        MissingReasons.ImplausibleValue | MissingReasons.LessThanItsParts | MissingReasons.AmbiguousIdentity | MissingReasons.SliceUnknown;

    /// <summary>Every single reason with its word, ordered by the word.</summary>
    public static IReadOnlyList<(MissingReasons Reason, string Word)> All { get; } =
    [
        .. Enum.GetValues<MissingReasons>()
            .Where(reason => reason != MissingReasons.None)
            .Select(reason => (reason, Word: SnakeCase.Of(reason)))
            .OrderBy(entry => entry.Word, StringComparer.Ordinal),
    ];

    /// <summary>The words of a set, ordered.</summary>
    public static IEnumerable<string> Words(this MissingReasons reasons) =>
        All.Where(entry => (reasons & entry.Reason) != 0).Select(entry => entry.Word);

    /// <summary>The words of a set, ordered, separated by a space; empty for none.</summary>
    public static string Text(this MissingReasons reasons) => reasons == MissingReasons.None ? "" : string.Join(' ', reasons.Words());
}
