-- What was granted and always denied?
SELECT principal, action, calls, last_seen, blocked_by
FROM actions
WHERE grade = 'denied-only'
ORDER BY calls DESC, principal, action
