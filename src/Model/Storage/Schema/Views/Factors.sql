CREATE VIEW "Factors" AS
SELECT id AS "Id", name AS "Name", kind AS "Kind", place AS "Place", method AS "Method", value AS "Value", low AS "Low", high AS "High",
       unit AS "Unit", source AS "Source", licence AS "Licence", retrieved AS "Retrieved", vintage AS "Vintage", valid_from AS "ValidFrom",
       valid_to AS "ValidTo", version AS "Version", superseded_at AS "SupersededAt"
FROM factor;
