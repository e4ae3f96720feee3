-- Raw trail files to reduced events (trimtrail.events/1): equal calls of one day counted, as one JSON line each.
--
-- ${input}   folders or globs of trail files, such as s3a://BUCKET/AWSLogs/*/CloudTrail/*/2026/1*/*/
-- ${output}  an empty place for the result, for `trimtrail collect --logs` or `analyze --logs`
-- ${since} and ${until}  first day that counts and first that no longer does, such as 2026-10-01
--
-- Statements end with a semicolon at the end of a line; `reduce.py` runs them one after another, and so does spark-sql.
-- Nested fields stay text, because which of them matter is for trimtrail to know, and Spark writes them as they are.

CREATE OR REPLACE TEMPORARY VIEW trail_files (Records ARRAY<STRING>)
USING json OPTIONS (path '${input}', multiLine 'true', mode 'PERMISSIVE', recursiveFileLookup 'true', pathGlobFilter '*.json*');

CREATE OR REPLACE TEMPORARY VIEW trail_records AS
SELECT r.*,
    -- A null says that there were no parameters, an absent field says nothing.
    CASE
        WHEN r.requestParameters IS NOT NULL THEN r.requestParameters
        WHEN array_contains(json_object_keys(record), 'requestParameters') THEN 'null'
    END AS request_parameters
FROM (
    SELECT record,
        from_json(record, 'eventTime STRING, eventID STRING, eventSource STRING, eventName STRING, awsRegion STRING,
            recipientAccountId STRING, eventType STRING, eventCategory STRING, managementEvent STRING, readOnly STRING,
            errorCode STRING, errorMessage STRING, userAgent STRING, userIdentity STRING, requestParameters STRING,
            responseElements STRING, resources STRING, addendum STRING') AS r
    FROM trail_files LATERAL VIEW explode(Records) AS record
);

CREATE OR REPLACE TEMPORARY VIEW trail_calls AS
SELECT
    substr(eventTime, 1, 10) AS day,
    shiftleft(1, CAST(substr(eventTime, 12, 2) AS INT)) AS hour,
    concat(coalesce(eventTime, ''), '|', coalesce(eventID, '')) AS moment,
    eventID AS event_id,
    eventSource AS event_source,
    eventName AS event_name,
    awsRegion AS aws_region,
    recipientAccountId AS recipient_account_id,
    eventType AS event_type,
    eventCategory AS event_category,
    managementEvent AS management_event,
    readOnly AS read_only,
    errorCode AS error_code,
    -- Only denials name an action.
    CASE WHEN errorMessage LIKE '%to perform%' THEN errorMessage END AS error_message,
    -- The client's name, and where it ran.
    concat(
        regexp_extract(coalesce(userAgent, ''), '^[^/ (;,]*', 0),
        CASE
            WHEN userAgent LIKE '%exec-env/AWS\_Lambda%' THEN ' exec-env/AWS_Lambda'
            WHEN userAgent LIKE '%exec-env/AWS\_ECS%' THEN ' exec-env/AWS_ECS'
            ELSE ''
        END) AS user_agent,
    userIdentity AS user_identity,
    request_parameters,
    -- What a call made, the keys of a new session, what a trail logs now; nothing else is asked of a response.
    CASE
        WHEN eventName LIKE 'AssumeRole%' OR eventSource = 'cloudtrail.amazonaws.com' OR responseElements LIKE '%arn:%'
            THEN responseElements
    END AS response_elements,
    resources,
    -- Says of a record that it corrects another one.
    addendum,
    -- Changes to trails stay apart: each one's time counts.
    CASE WHEN eventSource = 'cloudtrail.amazonaws.com' THEN eventID END AS apart
FROM trail_records;

INSERT OVERWRITE DIRECTORY '${output}' USING json OPTIONS (compression 'gzip')
SELECT
    'trimtrail.events/1' AS schema,
    -- Files and records that were delivered twice count once.
    count(DISTINCT CASE WHEN event_id IS NOT NULL THEN moment END) + sum(CASE WHEN event_id IS NULL THEN 1 ELSE 0 END) AS calls,
    bit_or(hour) AS hours,
    min(moment) AS first,
    max(moment) AS last,
    event_source, event_name, aws_region, recipient_account_id, event_type, event_category, management_event, read_only,
    error_code, error_message, user_agent, user_identity, request_parameters, response_elements, resources, addendum
FROM trail_calls
WHERE day IS NULL OR (day >= '${since}' AND day < '${until}')
GROUP BY
    day, event_source, event_name, aws_region, recipient_account_id, event_type, event_category, management_event, read_only,
    error_code, error_message, user_agent, user_identity, request_parameters, response_elements, resources, addendum, apart;
