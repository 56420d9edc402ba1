CREATE VIEW "Backfills" AS
SELECT id AS "Id", source AS "Source", kind AS "Kind", from_at AS "From", to_at AS "To", position AS "Position", windows AS "Windows",
       windows_done AS "WindowsDone", received AS "Received", written AS "Written", state AS "State", requested_at AS "RequestedAt",
       started_at AS "StartedAt", ended_at AS "EndedAt", failures AS "Failures", next_read_at AS "NextReadAt", error_code AS "ErrorCode",
       error AS "Error"
FROM backfill;
