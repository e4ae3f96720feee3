-- Reduced events (trimtrail.events/1): equal calls of one day counted, as one JSON line each, for `--logs`.
-- Needs Athena engine version 3, where a struct cast to JSON keeps its names. The place that it unloads to must be empty.
-- Partitions are days of delivery; the day after the last one holds what was delivered late.
-- This table cannot tell a null from an absent field: a call without parameters counts as one whose parameters are
-- unknown, which keeps more.
UNLOAD (
    SELECT
        'trimtrail.events/1' AS schema,
        -- Files and records that were delivered twice count once.
        count(DISTINCT CASE WHEN event_id IS NOT NULL THEN moment END) + count_if(event_id IS NULL) AS calls,
        bitwise_or_agg(hour) AS hours,
        min(moment) AS first,
        max(moment) AS last,
        event_source, event_name, aws_region, recipient_account_id, event_type, event_category, management_event, read_only,
        error_code, error_message, user_agent, user_identity, request_parameters, response_elements, resources,
        addendum
    FROM (
        SELECT
            substr(eventtime, 1, 10) AS calendar_day,
            bitwise_left_shift(BIGINT '1', CAST(substr(eventtime, 12, 2) AS BIGINT)) AS hour,
            concat(coalesce(eventtime, ''), '|', coalesce(eventid, '')) AS moment,
            eventid AS event_id,
            eventsource AS event_source,
            eventname AS event_name,
            awsregion AS aws_region,
            recipientaccountid AS recipient_account_id,
            eventtype AS event_type,
            eventcategory AS event_category,
            managementevent AS management_event,
            readonly AS read_only,
            errorcode AS error_code,
            -- Only denials name an action.
            CASE WHEN errormessage LIKE '%to perform%' THEN errormessage END AS error_message,
            -- The client's name, and where it ran.
            concat(
                coalesce(regexp_extract(useragent, '^[^/ (;,]*'), ''),
                CASE
                    WHEN strpos(useragent, 'exec-env/AWS_Lambda') > 0 THEN ' exec-env/AWS_Lambda'
                    WHEN strpos(useragent, 'exec-env/AWS_ECS') > 0 THEN ' exec-env/AWS_ECS'
                    ELSE ''
                END) AS user_agent,
            json_format(CAST(useridentity AS JSON)) AS user_identity,
            requestparameters AS request_parameters,
            -- What a call made, the keys of a new session, what a trail logs now; nothing else is asked of a response.
            CASE
                WHEN eventname LIKE 'AssumeRole%' OR eventsource = 'cloudtrail.amazonaws.com' OR responseelements LIKE '%arn:%'
                    THEN responseelements
            END AS response_elements,
            json_format(CAST(resources AS JSON)) AS resources,
            -- Says of a record that it corrects another one.
            CASE WHEN addendum.reason IS NOT NULL THEN json_format(CAST(addendum AS JSON)) END AS addendum,
            -- Changes to trails stay apart: each one's time counts.
            CASE WHEN eventsource = 'cloudtrail.amazonaws.com' THEN eventid END AS apart
        FROM {table}
        WHERE day BETWEEN '{since}' AND '{until}'
            AND eventtime >= '{first_day}' AND eventtime < '{end_day}'
            AND account IN ({account_list})
            AND region IN ({region_list})
    )
    GROUP BY
        calendar_day, event_source, event_name, aws_region, recipient_account_id, event_type, event_category,
        management_event, read_only, error_code, error_message, user_agent, user_identity, request_parameters,
        response_elements, resources, addendum, apart
)
TO '{output}'
WITH (format = 'JSON', compression = 'gzip');
