-- Who acts before 7, after 19 (UTC) or at weekends, by the first and last call of each day?
SELECT name, kind, account, COUNT(DISTINCT day) AS days, SUM(calls) AS calls, MAX(last) AS last
FROM calls
WHERE weekday >= 6 OR SUBSTR(first, 12, 2) < '07' OR SUBSTR(last, 12, 2) >= '19'
GROUP BY name, kind, account
ORDER BY days DESC, calls DESC, name, account
