CREATE VIEW "Resources" AS
SELECT id AS "Id", kind AS "Kind", name AS "Name", node AS "Node", hardware AS "Hardware", place AS "Place",
       account AS "Account", NULLIF(scope, '') AS "Scope"
FROM resource;
