-- The same reduction as queries/spark/reduce.sql in DuckDB's SQL: a second engine to hold the format to.
COPY (
    WITH records AS (
        SELECT unnest(Records) AS r
        FROM read_json('${input}', columns = {Records: 'JSON[]'}, maximum_object_size = 268435456, format = 'auto', ignore_errors = true)
    ), calls AS (
        SELECT
            substr(r->>'$.eventTime', 1, 10) AS day,
            1 << TRY_CAST(substr(r->>'$.eventTime', 12, 2) AS INTEGER) AS hour,
            concat(r->>'$.eventTime', '|', r->>'$.eventID') AS moment,
            r->>'$.eventID' AS event_id,
            r->>'$.eventSource' AS event_source,
            r->>'$.eventName' AS event_name,
            r->>'$.awsRegion' AS aws_region,
            r->>'$.recipientAccountId' AS recipient_account_id,
            r->>'$.eventType' AS event_type,
            r->>'$.eventCategory' AS event_category,
            r->>'$.managementEvent' AS management_event,
            r->>'$.readOnly' AS read_only,
            r->>'$.errorCode' AS error_code,
            CASE WHEN r->>'$.errorMessage' LIKE '%to perform%' THEN r->>'$.errorMessage' END AS error_message,
            concat(
                regexp_extract(coalesce(r->>'$.userAgent', ''), '^[^/ (;,]*'),
                CASE
                    WHEN contains(r->>'$.userAgent', 'exec-env/AWS_Lambda') THEN ' exec-env/AWS_Lambda'
                    WHEN contains(r->>'$.userAgent', 'exec-env/AWS_ECS') THEN ' exec-env/AWS_ECS'
                    ELSE ''
                END) AS user_agent,
            CAST(r->'$.userIdentity' AS VARCHAR) AS user_identity,
            CAST(r->'$.requestParameters' AS VARCHAR) AS request_parameters,
            CASE
                WHEN r->>'$.eventName' LIKE 'AssumeRole%' OR r->>'$.eventSource' = 'cloudtrail.amazonaws.com'
                    OR CAST(r->'$.responseElements' AS VARCHAR) LIKE '%arn:%'
                    THEN CAST(r->'$.responseElements' AS VARCHAR)
            END AS response_elements,
            CAST(r->'$.resources' AS VARCHAR) AS resources,
            CAST(r->'$.addendum' AS VARCHAR) AS addendum,
            CASE WHEN r->>'$.eventSource' = 'cloudtrail.amazonaws.com' THEN r->>'$.eventID' END AS apart
        FROM records
    )
    SELECT
        'trimtrail.events/1' AS schema,
        count(DISTINCT CASE WHEN event_id IS NOT NULL THEN moment END) + sum(CASE WHEN event_id IS NULL THEN 1 ELSE 0 END) AS calls,
        bit_or(hour) AS hours,
        min(moment) AS first,
        max(moment) AS last,
        event_source, event_name, aws_region, recipient_account_id, event_type, event_category, management_event, read_only,
        error_code, error_message, user_agent, user_identity, request_parameters, response_elements, resources,
        addendum
    FROM calls
    GROUP BY
        day, event_source, event_name, aws_region, recipient_account_id, event_type, event_category, management_event,
        read_only, error_code, error_message, user_agent, user_identity, request_parameters, response_elements, resources,
        addendum, apart
) TO '${output}' (FORMAT json, COMPRESSION gzip);
