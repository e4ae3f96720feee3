-- Which classes of events does the archive show, where, and on how many days?
SELECT account, region, class, resource_type, days, hours, first_day, last_day
FROM streams
ORDER BY account, region, class, resource_type
