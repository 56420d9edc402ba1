namespace Metrics.Storage;
public sealed class FactStore { internal FactStore(Database d) { } }
