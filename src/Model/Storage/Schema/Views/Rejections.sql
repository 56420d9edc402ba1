CREATE VIEW "Rejections" AS
SELECT id AS "Id", source AS "Source", subject AS "Subject", at AS "At", reason AS "Reason", detail AS "Detail", first_seen AS "FirstSeen",
       last_seen AS "LastSeen", count AS "Count"
FROM rejection;
