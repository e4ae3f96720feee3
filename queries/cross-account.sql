-- Who acts in an account that is not their own?
SELECT principal_account, account, name, event_source, SUM(calls) AS calls, MAX(last) AS last
FROM calls
WHERE principal_account <> '' AND account <> '' AND principal_account <> account
GROUP BY principal_account, account, name, event_source
ORDER BY calls DESC, name, account, event_source
