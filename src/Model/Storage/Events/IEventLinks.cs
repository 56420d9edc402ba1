namespace Metrics.Storage.Events;

/// <summary>Where people find what an event is about. Whoever serves the addresses makes them; where nobody does, events are kept without a
/// link.</summary>
public interface IEventLinks
{
    /// <summary>The event itself.</summary>
    /// <param name="id">Its id.</param>
    string Event(long id);

    /// <summary>What was restated in an hour.</summary>
    /// <param name="hour">First instant of the hour, UTC.</param>
    string Restatements(DateTime hour);

    /// <summary>The hours of a workload.</summary>
    /// <param name="workload">Name of the workload.</param>
    /// <param name="from">Start, UTC.</param>
    /// <param name="to">End, UTC, exclusive.</param>
    string Hours(string workload, DateTime from, DateTime to);
}
