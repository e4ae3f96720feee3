-- Which services are kept although nothing was seen of them?
SELECT service, COUNT(*) AS groups, SUM(actions) AS actions
FROM groups
WHERE grade IN ('unobservable', 'outside-coverage')
GROUP BY service
ORDER BY actions DESC, service
