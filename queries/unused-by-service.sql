-- What has no logged use, by service?
SELECT service, COUNT(*) AS groups, SUM(actions) AS actions
FROM groups
WHERE grade = 'unused'
GROUP BY service
ORDER BY actions DESC, service
