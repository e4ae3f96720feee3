-- Which roles have made no call for 90 days, or in the whole window?
SELECT name, account, last_seen, idle_days, granted
FROM principals
WHERE kind = 'role' AND idle_days >= 90
ORDER BY granted DESC, account, name
