-- How the item's passes of each kind before it ended, since its last reset: Verify, Trial, Pre-Stage, Full with Retry Errors;
-- c completed, l completed and left something, s stopped, f failed, `.` none. Written when it is submitted.
ALTER TABLE pass ADD COLUMN earlier_results TEXT NOT NULL DEFAULT '....';
UPDATE pass SET earlier_results = (
    SELECT group_concat(ifnull((
        SELECT CASE WHEN o.status = 'stopped' THEN 's' WHEN o.status = 'failed' THEN 'f'
                    WHEN o.errors > o.accepted OR o.waiting > 0 OR o.differ > 0 THEN 'l' ELSE 'c' END
        FROM pass AS o WHERE o.item = pass.item AND o.id < pass.id AND instr(kinds.names, ' ' || o.kind || ' ') > 0
            AND o.status IN ('completed', 'stopped', 'failed')
            AND o.submitted >= ifnull((SELECT reset_at FROM item WHERE id = pass.item), 0)
        ORDER BY o.id DESC LIMIT 1), '.'), '')
    FROM (SELECT ' verify ' AS names UNION ALL SELECT ' trial ' UNION ALL SELECT ' pre_stage '
          UNION ALL SELECT ' full retry_errors ') AS kinds)
WHERE id IN (SELECT latest_pass FROM item);
