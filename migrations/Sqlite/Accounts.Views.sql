-- The entity sets of OData, told from the tables: ratios are made here, as sum over sum. Null is unknown.

CREATE VIEW "Calendar" AS
SELECT date AS "Date", date_key AS "DateKey", year AS "Year", quarter AS "Quarter", month AS "Month", day AS "Day",
       iso_week AS "IsoWeek", weekday AS "Weekday", month_name AS "MonthName", weekday_name AS "WeekdayName"
FROM calendar_day;

CREATE VIEW "Workloads" AS
SELECT name AS "Name", model AS "Model", precision AS "Precision" FROM workload;

CREATE VIEW "Resources" AS
SELECT id AS "Id", kind AS "Kind", name AS "Name", node AS "Node", hardware AS "Hardware", place AS "Place" FROM resource;

CREATE VIEW "Deployments" AS
SELECT d.id AS "Id", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision", p.provider AS "Provider",
       CAST(NULL AS TEXT) AS "Account", p.region AS "Region", d.place AS "Place", p.country AS "Country", d.hardware AS "Hardware",
       d.accelerators AS "Accelerators"
FROM deployment d JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;

CREATE VIEW "Sources" AS
SELECT id AS "Id", provider AS "Provider", place AS "Place", registered_at AS "RegisteredAt", watermark AS "Watermark",
       last_read_at AS "LastReadAt", failures AS "Failures", last_error_code AS "LastErrorCode", last_error AS "LastError",
       next_read_at AS "NextReadAt"
FROM source;

CREATE VIEW "Runs" AS
SELECT id AS "Id", source AS "Source", kind AS "Kind", started_at AS "StartedAt", ended_at AS "EndedAt", window_start AS "WindowStart",
       window_end AS "WindowEnd", received AS "Received", written AS "Written", rejected AS "Rejected", state AS "State",
       error_code AS "ErrorCode", error AS "Error"
FROM run;

CREATE VIEW "Factors" AS
SELECT id AS "Id", name AS "Name", kind AS "Kind", place AS "Place", method AS "Method", value AS "Value", low AS "Low", high AS "High", unit AS "Unit",
       source AS "Source", licence AS "Licence", retrieved AS "Retrieved", vintage AS "Vintage", valid_from AS "ValidFrom", valid_to AS "ValidTo",
       version AS "Version", superseded_at AS "SupersededAt"
FROM factor;

CREATE VIEW "MetricMappings" AS
SELECT id AS "Id", version AS "Version", provider AS "Provider", metrics AS "Metrics", quantity AS "Quantity", unit AS "Unit", kind AS "Kind",
       component AS "Component", functional_unit AS "FunctionalUnit", CASE evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       effective_from AS "EffectiveFrom", reference AS "Reference"
FROM metric_mappings;

CREATE VIEW "Rejections" AS
SELECT id AS "Id", source AS "Source", subject AS "Subject", at AS "At", reason AS "Reason", detail AS "Detail", first_seen AS "FirstSeen",
       last_seen AS "LastSeen", count AS "Count"
FROM rejection;

CREATE VIEW "Restatements" AS
SELECT id AS "Id", deployment_id AS "DeploymentId", functional_unit AS "FunctionalUnit", period_start AS "PeriodStart", measure AS "Measure",
       old AS "Old", new AS "New", NULLIF(old_factors, '') AS "OldFactorVersion", NULLIF(new_factors, '') AS "NewFactorVersion", at AS "At", reason AS "Reason"
FROM restatement;

CREATE VIEW "EnergyFacts" AS
SELECT e.deployment_id AS "DeploymentId", e.resource_id AS "ResourceId", e.period_start AS "PeriodStart", e.period_end AS "PeriodEnd",
       date(e.period_start / 1000000, 'unixepoch') AS "Date", CAST(strftime('%Y%m%d', e.period_start / 1000000, 'unixepoch') AS INTEGER) AS "DateKey",
       d.workload AS "Workload", p.provider AS "Provider", p.region AS "Region", r.kind AS "ResourceKind", r.name AS "ResourceName",
       r.hardware AS "Hardware", e.accelerator_joules AS "AcceleratorJoules", e.server_joules AS "ServerJoules",
       e.facility_joules AS "FacilityJoules", e.rack_joules AS "RackJoules", e.idle_joules AS "IdleJoules",
       e.low_joules AS "LowJoules", e.high_joules AS "HighJoules", e.operational_grams AS "OperationalGrams", e.marginal_grams AS "MarginalGrams",
       e.market_based_grams AS "MarketBasedGrams", e.embodied_grams AS "EmbodiedGrams", e.water_litres AS "WaterLitres",
       e.measured_joules / NULLIF(COALESCE(e.server_joules, e.accelerator_joules, e.rack_joules), 0) AS "MeasuredShare",
       e.covered_seconds / ((e.period_end - e.period_start) / 1000000.0) AS "Coverage",
       CASE e.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence", e.cover AS "Cover", e.mappings AS "Mappings",
       NULLIF(e.factors, '') AS "FactorVersion", NULLIF(e.missing, '') AS "Missing", e.recomputed_at AS "RecomputedAt"
FROM energy_facts e JOIN deployment d ON d.id = e.deployment_id JOIN resource r ON r.id = e.resource_id JOIN places p ON p.name = d.place;

CREATE VIEW "WorkFacts" AS
SELECT f.deployment_id AS "DeploymentId", f.functional_unit AS "FunctionalUnit", f.period_start AS "PeriodStart", f.period_end AS "PeriodEnd",
       date(f.period_start / 1000000, 'unixepoch') AS "Date", CAST(strftime('%Y%m%d', f.period_start / 1000000, 'unixepoch') AS INTEGER) AS "DateKey",
       d.workload AS "Workload", w.model AS "Model", p.provider AS "Provider", p.region AS "Region", f.units AS "Units",
       f.covered_seconds / ((f.period_end - f.period_start) / 1000000.0) AS "Coverage",
       CASE f.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence", f.mappings AS "Mappings", f.recomputed_at AS "RecomputedAt"
FROM work_facts f JOIN deployment d ON d.id = f.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;

-- A month's energy is that of all its days, those without work too; it stands once on each functional unit that had work in the month.
CREATE VIEW intensity_months AS
WITH days AS (
    SELECT *, unixepoch(period_start / 1000000, 'unixepoch', 'start of month') * 1000000 AS month_start,
           CASE WHEN facility_joules IS NOT NULL THEN 3 WHEN server_joules IS NOT NULL THEN 2 WHEN accelerator_joules IS NOT NULL THEN 1 ELSE 0 END AS width
    FROM intensity_days
), energy AS (
    SELECT deployment_id, month_start, SUM(accelerator_joules) AS accelerator_joules, SUM(server_joules) AS server_joules,
           SUM(facility_joules) AS facility_joules, SUM(rack_joules) AS rack_joules, SUM(idle_joules) AS idle_joules,
           SUM(operational_grams) AS operational_grams, SUM(marginal_grams) AS marginal_grams, SUM(market_based_grams) AS market_based_grams,
           SUM(embodied_grams) AS embodied_grams, SUM(water_litres) AS water_litres,
           SUM(known_joules) AS known_joules, SUM(measured_joules) AS measured_joules, SUM(covered_seconds) AS covered_seconds,
           -- Bounds are those of the widest boundary that the month has, of the days that have it; when one of these lacks them, so does the month.
           SUM(CASE WHEN width = widest THEN low_joules END) AS low_joules, SUM(CASE WHEN width = widest THEN high_joules END) AS high_joules,
           SUM(CASE WHEN width = widest AND (low_joules IS NULL OR high_joules IS NULL) THEN 1 ELSE 0 END) AS unbounded
    -- A deployment's energy is the same on each of its rows of a day: one of them is taken.
    FROM (SELECT days.*, MAX(width) OVER (PARTITION BY deployment_id, month_start) AS widest,
                 ROW_NUMBER() OVER (PARTITION BY deployment_id, period_start ORDER BY functional_unit) AS nth FROM days) one
    WHERE nth = 1
    GROUP BY deployment_id, month_start
), work AS (
    SELECT deployment_id, month_start, functional_unit, SUM(units) AS units, MAX(recomputed_at) AS recomputed_at, MAX(evidence) AS evidence
    FROM days
    GROUP BY deployment_id, month_start, functional_unit
), known AS (
    SELECT deployment_id, month_start, MAX(CASE WHEN functional_unit <> 'none' THEN 1 ELSE 0 END) AS worked, MAX(evidence) AS evidence, MAX(recomputed_at) AS recomputed_at
    FROM days
    GROUP BY deployment_id, month_start
), factors AS (
    SELECT DISTINCT deployment_id, month_start,
           group_concat(word, ' ') OVER (PARTITION BY deployment_id, month_start ORDER BY word ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS words
    FROM (SELECT DISTINCT texts.deployment_id, texts.month_start, word.value AS word
          FROM (SELECT DISTINCT deployment_id, month_start, factors FROM days WHERE factors <> '') texts,
               json_each('[' || replace(json_quote(texts.factors), ' ', '","') || ']') AS word)
), missing AS (
    SELECT DISTINCT deployment_id, month_start,
           group_concat(word, ' ') OVER (PARTITION BY deployment_id, month_start ORDER BY word ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS words
    FROM (SELECT DISTINCT texts.deployment_id, texts.month_start, word.value AS word
          FROM (SELECT DISTINCT deployment_id, month_start, missing FROM days WHERE missing <> '') texts,
               json_each('[' || replace(json_quote(texts.missing), ' ', '","') || ']') AS word)
)
SELECT w.deployment_id, w.functional_unit, w.month_start AS period_start, unixepoch(w.month_start / 1000000, 'unixepoch', '+1 month') * 1000000 AS period_end,
       date(w.month_start / 1000000, 'unixepoch') AS date, CAST(strftime('%Y%m%d', w.month_start / 1000000, 'unixepoch') AS INTEGER) AS date_key, w.units, e.accelerator_joules, e.server_joules,
       e.facility_joules, e.rack_joules, e.idle_joules, e.known_joules, e.measured_joules, e.covered_seconds, k.evidence, k.recomputed_at,
       CASE WHEN e.unbounded = 0 THEN e.low_joules END AS low_joules, CASE WHEN e.unbounded = 0 THEN e.high_joules END AS high_joules,
       e.operational_grams, e.marginal_grams, e.market_based_grams, e.embodied_grams, e.water_litres,
       COALESCE(f.words, '') AS factors, COALESCE(m.words, '') AS missing
FROM work w
JOIN energy e ON e.deployment_id = w.deployment_id AND e.month_start = w.month_start
JOIN known k ON k.deployment_id = w.deployment_id AND k.month_start = w.month_start
LEFT JOIN factors f ON f.deployment_id = w.deployment_id AND f.month_start = w.month_start
LEFT JOIN missing m ON m.deployment_id = w.deployment_id AND m.month_start = w.month_start
WHERE w.functional_unit <> 'none' OR k.worked = 0;

CREATE VIEW "HourlyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS TEXT) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%'
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%'
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / ((i.period_end - i.period_start) / 1000000.0) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_hours i JOIN deployment d ON d.id = i.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;

CREATE VIEW "DailyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS TEXT) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%'
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%'
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / ((i.period_end - i.period_start) / 1000000.0) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_days i JOIN deployment d ON d.id = i.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;

CREATE VIEW "MonthlyIntensities" AS
SELECT i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit", i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd",
       i.date AS "Date", i.date_key AS "DateKey", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision",
       p.provider AS "Provider", CAST(NULL AS TEXT) AS "Account", p.region AS "Region", d.hardware AS "Hardware", i.units AS "Units",
       i.accelerator_joules AS "AcceleratorJoules", i.server_joules AS "ServerJoules", i.facility_joules AS "FacilityJoules",
       i.idle_joules AS "IdleJoules",
       i.facility_joules / NULLIF(i.units, 0) AS "JoulesPerUnit",
       i.accelerator_joules / NULLIF(i.units, 0) AS "AcceleratorJoulesPerUnit",
       i.server_joules / NULLIF(i.units, 0) AS "ServerJoulesPerUnit",
       -- The idle joules of a part of the time are no idle share of the whole.
       CASE WHEN i.missing NOT LIKE '%busy_unknown%' AND i.missing NOT LIKE '%server_unmetered%' AND i.missing NOT LIKE '%hardware_unknown%' AND i.missing NOT LIKE '%accelerator_unmetered%'
            THEN i.facility_joules * (1 - i.idle_joules / NULLIF(i.server_joules, 0)) / NULLIF(i.units, 0) END AS "ActiveJoulesPerUnit",
       i.operational_grams AS "OperationalGrams", i.marginal_grams AS "MarginalGrams", i.market_based_grams AS "MarketBasedGrams", i.embodied_grams AS "EmbodiedGrams",
       -- The grams of a part of the time over the units of all of it are no score.
       CASE WHEN i.missing NOT LIKE '%pue_unknown%' AND i.missing NOT LIKE '%grid_unknown%' AND i.missing NOT LIKE '%embodied_unknown%'
            THEN (i.operational_grams + i.embodied_grams) / NULLIF(i.units, 0) END AS "SciGramsPerUnit",
       i.water_litres AS "WaterLitres", i.low_joules AS "LowJoules", i.high_joules AS "HighJoules",
       CASE i.evidence WHEN 0 THEN 'measured' WHEN 1 THEN 'derived' WHEN 2 THEN 'modelled' ELSE 'estimated' END AS "Evidence",
       i.measured_joules / NULLIF(i.known_joules, 0) AS "MeasuredShare",
       i.covered_seconds / ((i.period_end - i.period_start) / 1000000.0) AS "Coverage",
       CASE WHEN i.units IS NULL THEN 'no_work'
            WHEN i.units = 0 THEN 'zero_functional_units'
            WHEN i.facility_joules IS NOT NULL THEN NULL
            WHEN i.server_joules IS NOT NULL THEN 'pue_unknown'
            WHEN i.known_joules IS NULL THEN 'no_energy'
            ELSE 'server_unknown' END AS "NullReason",
       NULLIF(i.missing, '') AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt"
FROM intensity_months i JOIN deployment d ON d.id = i.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;
