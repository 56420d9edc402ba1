CREATE VIEW "Deployments" AS
SELECT d.id AS "Id", d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision", p.provider AS "Provider",
       d.account AS "Account", p.region AS "Region", d.place AS "Place", p.country AS "Country", d.hardware AS "Hardware",
       d.accelerators AS "Accelerators"
FROM deployment d JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place;
