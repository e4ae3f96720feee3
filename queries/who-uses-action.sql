-- Who uses which action, the busiest first?
SELECT action, COUNT(*) AS principals, SUM(calls) AS calls
FROM actions
WHERE grade = 'used'
GROUP BY action
ORDER BY calls DESC, action
