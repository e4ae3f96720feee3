-- Which resources does each principal touch, the busiest first?
SELECT name, kind, event_source, resource, SUM(calls) AS calls, MAX(last) AS last
FROM touched
WHERE outcome = 'authorised'
GROUP BY name, kind, event_source, resource
ORDER BY calls DESC, name, event_source, resource
LIMIT 50
