-- Who assumes which role?
SELECT name, principal, resource AS role, event_name, outcome, SUM(calls) AS calls, MAX(last) AS last
FROM touched
WHERE event_source = 'sts.amazonaws.com' AND event_name LIKE 'AssumeRole%' AND resource LIKE '%:role/%'
GROUP BY name, principal, resource, event_name, outcome
ORDER BY calls DESC, name, role, event_name, outcome
