CREATE VIEW "Restatements" AS
SELECT id AS "Id", deployment_id AS "DeploymentId", functional_unit AS "FunctionalUnit", period_start AS "PeriodStart",
       measure AS "Measure", old AS "Old", new AS "New", NULLIF(old_factors, '') AS "OldFactorVersion",
       NULLIF(new_factors, '') AS "NewFactorVersion", at AS "At", reason AS "Reason"
FROM restatement;
