namespace Metrics.Domain.Facts;

/// <summary>Whose the energy of reserved hardware is while it does nothing.</summary>
public enum IdlePolicy
{
    /// <summary>Part of the number: it belongs to whoever reserved the hardware. Source: ISO/IEC 21031, "reserved or provisioned, not just
    /// used".</summary>
    Provisioned = 0,

    /// <summary>Left out of the number: only energy drawn while working counts.</summary>
    ActiveOnly = 1,
}
