-- What was called in the last seven days and never before?
SELECT signatures.name, signatures.kind, signatures.event_source, signatures.event_name, signatures.outcome,
  SUM(signatures.calls) AS calls, MIN(signatures.first) AS first
FROM signatures
CROSS JOIN ledger
GROUP BY signatures.name, signatures.kind, signatures.event_source, signatures.event_name, signatures.outcome
HAVING MIN(signatures.first) > MAX(ledger.week_ago)
ORDER BY first, name, event_source, event_name, outcome
