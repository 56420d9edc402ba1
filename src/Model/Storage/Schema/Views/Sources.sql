CREATE VIEW "Sources" AS
SELECT s.id AS "Id", s.provider AS "Provider", s.place AS "Place", s.registered_at AS "RegisteredAt", s.watermark AS "Watermark",
       s.last_read_at AS "LastReadAt", s.stale_since AS "StaleSince", s.failures AS "Failures", s.last_error_code AS "LastErrorCode",
       s.last_error AS "LastError", s.next_read_at AS "NextReadAt", s.series_expected AS "Series",
       (SELECT count(*) FROM quarantine q WHERE q.source = s.id AND q.failures >= 3) AS "QuarantinedSeries",
       s.reconciled_until AS "ReconciledUntil", b.kind AS "BackfillKind", b.from_at AS "BackfillFrom", b.to_at AS "BackfillTo",
       b.position AS "BackfillPosition", b.windows AS "BackfillWindows", b.windows_done AS "BackfillWindowsDone"
FROM source s
LEFT JOIN backfill b ON b.id = (
    SELECT id FROM backfill o
    WHERE o.source = s.id AND o.state IN ('waiting', 'reading')
    ORDER BY CASE o.kind WHEN 'backfill' THEN 0 ELSE 1 END, o.id
    LIMIT 1
);
