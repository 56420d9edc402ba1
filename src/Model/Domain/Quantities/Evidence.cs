namespace Metrics.Domain.Quantities;

/// <summary>How we know a number, from best to worst. An aggregate has the worst of its inputs. Stored by number.</summary>
public enum Evidence
{
    /// <summary>An energy counter, or a counter of work.</summary>
    Measured = 0,

    /// <summary>Measured power, integrated over time.</summary>
    Derived = 1,

    /// <summary>Utilisation times a power model.</summary>
    Modelled = 2,

    /// <summary>A published factor for each unit of work.</summary>
    Estimated = 3,
}
