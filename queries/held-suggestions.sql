-- What waits, and for what?
SELECT policy, step, removed_actions, held
FROM suggestions
WHERE held <> ''
ORDER BY policy, step
