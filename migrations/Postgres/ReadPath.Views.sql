-- The views of facts, once more: what a query does not ask for is not joined, and what is seldom there is not searched for.

CREATE VIEW "EnergyFacts" AS
SELECT e.deployment_id AS "DeploymentId", e.resource_id AS "ResourceId", e.period_start AS "PeriodStart", e.period_end AS "PeriodEnd",
       CAST(e.period_start AT TIME ZONE 'UTC' AS date) AS "Date", CAST(to_char(e.period_start AT TIME ZONE 'UTC', 'YYYYMMDD') AS integer) AS "DateKey",
       d.workload AS "Workload", p.provider AS "Provider", p.region AS "Region", r.kind AS "ResourceKind", r.name AS "ResourceName",
       r.hardware AS "Hardware", e.accelerator_joules AS "AcceleratorJoules", e.server_joules AS "ServerJoules",
       e.facility_joules AS "FacilityJoules", e.rack_joules AS "RackJoules", e.idle_joules AS "IdleJoules",
       e.low_joules AS "LowJoules", e.high_joules AS "HighJoules", e.operational_grams AS "OperationalGrams", e.marginal_grams AS "MarginalGrams",
       e.market_based_grams AS "MarketBasedGrams", e.embodied_grams AS "EmbodiedGrams", e.water_litres AS "WaterLitres",
       e.measured_joules / NULLIF(COALESCE(e.server_joules, e.accelerator_joules, e.rack_joules), 0) AS "MeasuredShare",
       e.covered_seconds / CAST(EXTRACT(EPOCH FROM e.period_end - e.period_start) AS double precision) AS "Coverage",
       CASE e.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence", e.cover AS "Cover", e.mappings AS "Mappings",
       NULLIF(e.factors, '') AS "FactorVersion", NULLIF(e.missing, '') AS "Missing", e.recomputed_at AS "RecomputedAt"
FROM energy_facts e LEFT JOIN deployment d ON d.id = e.deployment_id LEFT JOIN resource r ON r.id = e.resource_id LEFT JOIN places p ON p.name = d.place;

CREATE VIEW "WorkFacts" AS
SELECT f.deployment_id AS "DeploymentId", f.functional_unit AS "FunctionalUnit", f.period_start AS "PeriodStart", f.period_end AS "PeriodEnd",
       CAST(f.period_start AT TIME ZONE 'UTC' AS date) AS "Date", CAST(to_char(f.period_start AT TIME ZONE 'UTC', 'YYYYMMDD') AS integer) AS "DateKey",
       d.workload AS "Workload", w.model AS "Model", p.provider AS "Provider", p.region AS "Region", f.units AS "Units",
       f.covered_seconds / CAST(EXTRACT(EPOCH FROM f.period_end - f.period_start) AS double precision) AS "Coverage",
       CASE f.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence", f.mappings AS "Mappings", f.recomputed_at AS "RecomputedAt"
FROM work_facts f LEFT JOIN deployment d ON d.id = f.deployment_id LEFT JOIN workload w ON w.name = d.workload LEFT JOIN places p ON p.name = d.place;

CREATE VIEW "HourlyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS text) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%')
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%')
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / CAST(EXTRACT(EPOCH FROM i.period_end - i.period_start) AS double precision) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_hours i LEFT JOIN deployment d ON d.id = i.deployment_id LEFT JOIN workload w ON w.name = d.workload LEFT JOIN places p ON p.name = d.place;

CREATE VIEW "DailyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS text) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%')
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%')
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / CAST(EXTRACT(EPOCH FROM i.period_end - i.period_start) AS double precision) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_days i LEFT JOIN deployment d ON d.id = i.deployment_id LEFT JOIN workload w ON w.name = d.workload LEFT JOIN places p ON p.name = d.place;

CREATE VIEW "MonthlyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS text) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%')
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing = '' OR (i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%')
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / CAST(EXTRACT(EPOCH FROM i.period_end - i.period_start) AS double precision) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_months i LEFT JOIN deployment d ON d.id = i.deployment_id LEFT JOIN workload w ON w.name = d.workload LEFT JOIN places p ON p.name = d.place;
