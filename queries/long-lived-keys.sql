-- Which access keys are in use for a month or longer?
SELECT keys.access_key, keys.owner, keys.first, keys.last, keys.calls
FROM keys
CROSS JOIN ledger
WHERE keys.first <= ledger.month_ago
ORDER BY keys.first, keys.access_key
