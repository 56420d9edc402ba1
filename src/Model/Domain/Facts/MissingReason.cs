namespace Metrics.Domain.Facts;

/// <summary>Why a number of a fact is null: stable words, told in the column <c>Missing</c>.</summary>
public static class MissingReason
{
    /// <summary>Nobody meters the server, and what it is made of is not told: accelerators are all that is known.</summary>
    public const string ServerUnmetered = "server_unmetered";

    /// <summary>The machine has accelerators that nobody reads: its server's energy is unknown.</summary>
    public const string AcceleratorUnmetered = "accelerator_unmetered";

    /// <summary>The hardware is told and the tables do not know it.</summary>
    public const string HardwareUnknown = "hardware_unknown";

    /// <summary>No PUE of the place: neither facility energy nor emissions.</summary>
    public const string PueUnknown = "pue_unknown";

    /// <summary>No WUE of the place: no water.</summary>
    public const string WueUnknown = "wue_unknown";

    /// <summary>No location-based average intensity of the grid: no operational emissions.</summary>
    public const string GridUnknown = "grid_unknown";

    /// <summary>No embodied emissions of the hardware.</summary>
    public const string EmbodiedUnknown = "embodied_unknown";

    /// <summary>Nothing tells when the hardware was busy: idle energy is unknown.</summary>
    public const string BusyUnknown = "busy_unknown";

    /// <summary>The size of the model behind an API is unknown: no estimate.</summary>
    public const string ModelUnknown = "model_unknown";
}
