-- Who is granted something and made no call?
SELECT kind, name, account, granted, created
FROM principals
WHERE last_seen = '' AND granted > 0 AND kind <> 'group'
ORDER BY granted DESC, account, name
