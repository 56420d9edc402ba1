using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>Why a number for each unit does not exist. In messages and in the API it is the word of <see cref="SnakeCase"/>:
/// <c>pue_unknown</c>.</summary>
public enum NullReason
{
    /// <summary>No work was counted.</summary>
    NoWork,

    /// <summary>Work was counted and none was done.</summary>
    ZeroFunctionalUnits,

    /// <summary>No energy is known.</summary>
    NoEnergy,

    /// <summary>The energy of its accelerators is unknown.</summary>
    AcceleratorUnknown,

    /// <summary>The energy of its servers is unknown.</summary>
    ServerUnknown,

    /// <summary>Its place has no PUE.</summary>
    PueUnknown,

    /// <summary>Nothing tells when its hardware was idle.</summary>
    BusyUnknown,

    /// <summary>Its idle energy is known of whole servers and not of the accelerators alone.</summary>
    AcceleratorIdleUnknown,

    /// <summary>No emissions are known.</summary>
    NoCarbon,

    /// <summary>No location-based average intensity of its grid is known.</summary>
    GridUnknown,

    /// <summary>The embodied emissions of its hardware are unknown.</summary>
    EmbodiedUnknown,

    /// <summary>Energy and work are known, and never of the same time.</summary>
    NoCommonTime,
}

/// <summary>The words of <see cref="NullReason"/>, and what they mean.</summary>
public static class NullReasonText
{
    /// <summary>The stable word: <c>pue_unknown</c>.</summary>
    public static string Text(this NullReason reason) => SnakeCase.Of(reason);

    /// <summary>What it means, for people.</summary>
    public static string Meaning(this NullReason reason) =>
        reason switch
        {
            NullReason.NoWork => "no work was counted",
            NullReason.ZeroFunctionalUnits => "work was counted and none was done",
            NullReason.NoEnergy => "no energy is known",
            NullReason.AcceleratorUnknown => "the energy of its accelerators is unknown",
            NullReason.ServerUnknown => "the energy of its servers is unknown",
            NullReason.PueUnknown => "its place has no PUE",
            NullReason.BusyUnknown => "nothing tells when its hardware was idle",
            NullReason.AcceleratorIdleUnknown => "its idle energy is known of whole servers and not of the accelerators alone",
            NullReason.NoCarbon => "no emissions are known",
            NullReason.GridUnknown => "no location-based average intensity of its grid is known",
            NullReason.EmbodiedUnknown => "the embodied emissions of its hardware are unknown",
            NullReason.NoCommonTime => "its energy and its work are never known of the same time",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "There is no such reason."),
        };
}
