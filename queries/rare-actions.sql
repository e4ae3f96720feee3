-- What was used once or twice only?
SELECT principal, action, calls, last_seen
FROM actions
WHERE grade = 'used' AND calls <= 2
ORDER BY principal, action
