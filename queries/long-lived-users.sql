-- Which users act with long-term identities, the oldest first?
SELECT name, account, created, last_seen, used
FROM principals
WHERE kind = 'user'
ORDER BY created, account, name
