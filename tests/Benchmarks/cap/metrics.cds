@path: '/odata'
@readonly
@cds.query.limit: { default: 10000, max: 10000 }
service Metrics {
  // The benchmark makes the view metrics_hours.
  @cds.persistence.exists
  entity Hours {
    key DeploymentId : Int64;
    key FunctionalUnit : String;
    key PeriodStart : Timestamp;
    PeriodEnd : Timestamp;
    Date : Date;
    DateKey : Integer;
    Workload : String;
    Model : String;
    Precision : String;
    Provider : String;
    Account : String;
    Region : String;
    Hardware : String;
    Units : Double;
    AcceleratorJoules : Double;
    ServerJoules : Double;
    FacilityJoules : Double;
    IdleJoules : Double;
    JoulesPerUnit : Double;
    AcceleratorJoulesPerUnit : Double;
    ServerJoulesPerUnit : Double;
    ActiveJoulesPerUnit : Double;
    OperationalGrams : Double;
    MarginalGrams : Double;
    MarketBasedGrams : Double;
    EmbodiedGrams : Double;
    SciGramsPerUnit : Double;
    WaterLitres : Double;
    LowJoules : Double;
    HighJoules : Double;
    Evidence : String;
    MeasuredShare : Double;
    Coverage : Double;
    NullReason : String;
    Missing : String;
    FactorVersion : String;
    RecomputedAt : Timestamp;
  }
}
