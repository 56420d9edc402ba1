-- How the sources are read: the live reads, the spans of the past beside them, and what happened.

CREATE VIEW "Sources" AS
SELECT s.id AS "Id", s.provider AS "Provider", s.place AS "Place", s.registered_at AS "RegisteredAt", s.watermark AS "Watermark",
       s.last_read_at AS "LastReadAt", s.stale_since AS "StaleSince", s.failures AS "Failures", s.last_error_code AS "LastErrorCode", s.last_error AS "LastError",
       s.next_read_at AS "NextReadAt", s.series_expected AS "Series",
       (SELECT count(*) FROM quarantine q WHERE q.source = s.id AND q.failures >= 3) AS "QuarantinedSeries", s.reconciled_until AS "ReconciledUntil",
       b.kind AS "BackfillKind", b.from_at AS "BackfillFrom", b.to_at AS "BackfillTo", b.position AS "BackfillPosition", b.windows AS "BackfillWindows",
       b.windows_done AS "BackfillWindowsDone"
FROM source s LEFT JOIN backfill b ON b.id = (
    SELECT id FROM backfill o WHERE o.source = s.id AND o.state IN ('waiting', 'reading') ORDER BY CASE o.kind WHEN 'backfill' THEN 0 ELSE 1 END, o.id LIMIT 1);

CREATE VIEW "Runs" AS
SELECT id AS "Id", source AS "Source", kind AS "Kind", started_at AS "StartedAt", ended_at AS "EndedAt", window_start AS "WindowStart",
       window_end AS "WindowEnd", received AS "Received", written AS "Written", rejected AS "Rejected", series_expected AS "SeriesExpected",
       series_received AS "SeriesReceived",
       CASE WHEN series_expected > 0 THEN LEAST(1.0, series_received::double precision / series_expected) END AS "Coverage", state AS "State",
       error_code AS "ErrorCode", error AS "Error"
FROM run;

CREATE VIEW "Backfills" AS
SELECT id AS "Id", source AS "Source", kind AS "Kind", from_at AS "From", to_at AS "To", position AS "Position", windows AS "Windows",
       windows_done AS "WindowsDone", received AS "Received", written AS "Written", state AS "State", requested_at AS "RequestedAt",
       started_at AS "StartedAt", ended_at AS "EndedAt", failures AS "Failures", next_read_at AS "NextReadAt", error_code AS "ErrorCode", error AS "Error"
FROM backfill;

CREATE VIEW "Events" AS
SELECT id AS "Id", type AS "Type", source AS "Source", at AS "At", body AS "Body" FROM event;
