-- Who uses which KMS key?
SELECT resource, name, kind, SUM(calls) AS calls, MAX(last) AS last
FROM touched
WHERE event_source = 'kms.amazonaws.com' AND resource LIKE '%:key/%' AND outcome = 'authorised'
GROUP BY resource, name, kind
ORDER BY resource, calls DESC, name
