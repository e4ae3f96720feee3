-- What else deserves attention?
SELECT severity, finding, COUNT(*) AS principals
FROM findings
GROUP BY severity, finding
ORDER BY severity, finding
