namespace Metrics.Domain.Normalisation;

/// <summary>The rules of normalisation that can be told apart by what goes wrong without them. All of them act; a test of the rules leaves
/// one out, and has to find it.</summary>
[Flags]
internal enum Rules
{
    /// <summary>Of one engine that is told twice one telling counts.</summary>
    OneEngine = 1 << 0,

    /// <summary>Of several layers the one next to the hardware counts.</summary>
    Layers = 1 << 1,

    /// <summary>What prefill and decode both count counts once.</summary>
    Prefill = 1 << 2,

    /// <summary>All series of one board are one chain of holders.</summary>
    Holders = 1 << 3,

    /// <summary>A slice is a part of what a board of its model has; else a seventh for each.</summary>
    Slices = 1 << 4,

    /// <summary>Idle energy is idle time times idle power; else the energy times the idle time.</summary>
    Idle = 1 << 5,

    /// <summary>What no meter can show is left out.</summary>
    Plausible = 1 << 6,

    /// <summary>What a counter shows for a while and takes back is left out.</summary>
    Glitches = 1 << 7,

    /// <summary>A whole that shows less than its parts is not believed.</summary>
    Parts = 1 << 8,

    /// <summary>Two things of one name are two.</summary>
    Names = 1 << 9,

    /// <summary>A machine is made of the same within an hour.</summary>
    Meaning = 1 << 10,

    /// <summary>What is not read is not given away.</summary>
    Unread = 1 << 11,

    /// <summary>Bounds hold all that is not known; else nothing but the value.</summary>
    Bounds = 1 << 12,

    /// <summary>All of them.</summary>
    All = (1 << 13) - 1,
}
