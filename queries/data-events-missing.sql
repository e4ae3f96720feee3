-- How many granted actions only data events could show, by service?
SELECT service, COUNT(*) AS groups, SUM(actions) AS actions
FROM groups
WHERE grade = 'unobservable' AND why LIKE '%data events%'
GROUP BY service
ORDER BY actions DESC, service
