-- When did an account's root act, and what did it do?
SELECT account, day, event_source, event_name, outcome, SUM(calls) AS calls, MIN(first) AS first
FROM calls
WHERE kind = 'root'
GROUP BY account, day, event_source, event_name, outcome
ORDER BY day DESC, account, event_source, event_name, outcome
