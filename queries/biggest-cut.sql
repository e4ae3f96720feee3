-- Which suggestions take most away?
SELECT policy, policy_arn, step, removed_actions, affects, held, confidence
FROM suggestions
ORDER BY removed_actions DESC, policy_arn, policy, step
LIMIT 20
