CREATE VIEW "MetricMappings" AS
SELECT id AS "Id", version AS "Version", provider AS "Provider", metrics AS "Metrics", quantity AS "Quantity", unit AS "Unit",
       kind AS "Kind", component AS "Component", functional_unit AS "FunctionalUnit",
       CASE evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       effective_from AS "EffectiveFrom", reference AS "Reference"
FROM metric_mappings;
