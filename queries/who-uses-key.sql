-- Who uses which long-term access key?
SELECT access_key, owner, calls, first, last
FROM keys
ORDER BY last DESC, access_key, owner
