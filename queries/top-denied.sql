-- What is denied most, and to whom?
SELECT name, kind, account, event_source, event_name, denied_action, SUM(calls) AS calls, MAX(last) AS last
FROM calls
WHERE outcome = 'denied'
GROUP BY name, kind, account, event_source, event_name, denied_action
ORDER BY calls DESC, name, event_source, event_name, denied_action
LIMIT 20
