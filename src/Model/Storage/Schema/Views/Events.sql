CREATE VIEW "Events" AS
SELECT id AS "Id", type AS "Type", source AS "Source", at AS "At", body AS "Body" FROM event;
