-- Which workload stands behind which role?
SELECT principal, kind, namespace, name, known, calls
FROM workloads
ORDER BY calls DESC, principal, kind, name, known
