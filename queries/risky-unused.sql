-- Which dangerous actions would suggestions take away, and from whom?
SELECT risks.action, affected.principal, suggestions.policy, suggestions.held
FROM risks
JOIN suggestions ON risks.suggestion = suggestions.id
JOIN affected ON affected.suggestion = suggestions.id
ORDER BY risks.action, affected.principal, suggestions.policy
