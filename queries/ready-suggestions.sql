-- What may be applied now?
SELECT id, policy, kind, step, change, removed_actions, risk
FROM suggestions
WHERE held = ''
ORDER BY removed_actions DESC, id
