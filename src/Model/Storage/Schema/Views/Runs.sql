CREATE VIEW "Runs" AS
SELECT id AS "Id", source AS "Source", kind AS "Kind", started_at AS "StartedAt", ended_at AS "EndedAt", window_start AS "WindowStart",
       window_end AS "WindowEnd", received AS "Received", written AS "Written", rejected AS "Rejected", series_expected AS "SeriesExpected",
       series_received AS "SeriesReceived",
       CASE WHEN series_expected > 0 AND series_received < series_expected
                THEN CAST(series_received AS double precision) / series_expected
            WHEN series_expected > 0 THEN CAST(1 AS double precision) END AS "Coverage",
       state AS "State", error_code AS "ErrorCode", error AS "Error"
FROM run;
