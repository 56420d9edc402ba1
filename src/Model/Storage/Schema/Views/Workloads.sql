CREATE VIEW "Workloads" AS
SELECT name AS "Name", model AS "Model", precision AS "Precision" FROM workload;
