"""The closed loop of `run`, against an emulator that is up: learn, apply, run again.

    python loop.py TRIMTRAIL FOLDER
"""

import datetime
import gzip
import json
import pathlib
import subprocess
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TRIMTRAIL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
ACCOUNT = "000000000000"
DAYS = 21
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/pipeline"}, "Action": "sts:AssumeRole"}]}
# Who may do what to begin with: an inline policy of a role, a managed policy, and an inline policy of a group.
APP = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Files", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Sid": "Items", "Effect": "Allow", "Action": ["dynamodb:*"], "Resource": "*",
     "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
    {"Sid": "NeverWholeBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]}
PIPELINE = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Sid": "KeepQueues", "Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}]}
READERS = {"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}}


def client(service, **keys):
    # One try: an answer of the emulator is the answer.
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, config=config, **keys)


def keys(credentials):
    names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey",
             "aws_session_token": "SessionToken"}
    return {key: credentials[name] for key, name in names.items() if credentials.get(name)}


def world():
    """Makes the buckets, tables, queues and principals; the keys of the user."""
    iam = client("iam")
    iam.create_user(UserName="pipeline")
    iam.create_user(UserName="reader")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="reader")
    managed = iam.create_policy(PolicyName="pipeline", PolicyDocument=json.dumps(PIPELINE))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="pipeline", PolicyArn=managed)
    iam.put_role_policy(RoleName="app", PolicyName="app", PolicyDocument=json.dumps(APP))
    iam.put_group_policy(GroupName="readers", PolicyName="readers", PolicyDocument=json.dumps(READERS))
    for bucket in ["data", "other", "trail"]:
        client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket="other", Key="in/1", Body=b"other")
    for table in ["orders", "others"]:
        client("dynamodb").create_table(
            TableName=table, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    queues = [client("sqs").create_queue(QueueName=queue)["QueueUrl"] for queue in ["work", "others"]]
    users = {user: iam.create_access_key(UserName=user)["AccessKey"] for user in ["pipeline", "reader"]}
    return queues, users


def callers(users, session):
    """The three who call: `pipeline`, `reader`, and the session of `app` that `pipeline` opens."""
    role = client("sts", **keys(users["pipeline"])).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/app", RoleSessionName=session)
    return {"pipeline": users["pipeline"], "reader": users["reader"], "app": role["Credentials"]}


def workload(queue):
    """What everybody does: caller, service, operation, parameters."""
    item = {"id": {"S": "1"}}
    return [
        ("app", "s3", "put_object", {"Bucket": "data", "Key": "in/1", "Body": b"1"}),
        ("app", "s3", "get_object", {"Bucket": "data", "Key": "in/1"}),
        ("app", "s3", "head_object", {"Bucket": "data", "Key": "in/1"}),
        ("app", "s3", "list_objects_v2", {"Bucket": "data", "Prefix": "in/"}),
        ("app", "s3", "copy_object", {"Bucket": "data", "Key": "in/2", "CopySource": "data/in/1"}),
        ("app", "s3", "get_bucket_location", {"Bucket": "data"}),
        ("app", "s3", "put_object_tagging", {"Bucket": "data", "Key": "in/1", "Tagging": {"TagSet": []}}),
        ("app", "dynamodb", "put_item", {"TableName": "orders", "Item": item}),
        ("app", "dynamodb", "get_item", {"TableName": "orders", "Key": item}),
        ("app", "dynamodb", "describe_table", {"TableName": "orders"}),
        ("app", "dynamodb", "scan", {"TableName": "orders"}),
        ("pipeline", "sqs", "send_message", {"QueueUrl": queue, "MessageBody": "1"}),
        ("pipeline", "sqs", "receive_message", {"QueueUrl": queue}),
        ("pipeline", "sqs", "get_queue_attributes", {"QueueUrl": queue, "AttributeNames": ["All"]}),
        ("pipeline", "sqs", "list_queues", {}),
        ("pipeline", "sns", "list_topics", {}),
        ("reader", "iam", "get_user", {"UserName": "reader"}),
        ("reader", "iam", "list_roles", {}),
    ]


def probes(queues):
    """What nobody does, though the policies above allow it: caller, service, operation, parameters, IAM action, resource."""
    arn = f"us-east-1:{ACCOUNT}"
    work, other = queues
    bucket, table = {"Bucket": "data"}, {"TableName": "orders"}
    return [
        ("app", "s3", "list_buckets", {}, "s3:ListAllMyBuckets", "*"),
        ("app", "s3", "delete_object_tagging", {**bucket, "Key": "in/1"}, "s3:DeleteObjectTagging",
         "arn:aws:s3:::data/in/1"),
        ("app", "s3", "delete_object", {**bucket, "Key": "none"}, "s3:DeleteObject", "arn:aws:s3:::data/none"),
        ("app", "s3", "get_bucket_tagging", bucket, "s3:GetBucketTagging", "arn:aws:s3:::data"),
        ("app", "dynamodb", "list_tables", {}, "dynamodb:ListTables", "*"),
        ("app", "dynamodb", "delete_item", {**table, "Key": {"id": {"S": "9"}}}, "dynamodb:DeleteItem",
         f"arn:aws:dynamodb:{arn}:table/orders"),
        ("app", "dynamodb", "describe_time_to_live", table, "dynamodb:DescribeTimeToLive",
         f"arn:aws:dynamodb:{arn}:table/orders"),
        ("pipeline", "sqs", "purge_queue", {"QueueUrl": work}, "sqs:PurgeQueue", f"arn:aws:sqs:{arn}:work"),
        ("pipeline", "sqs", "list_queue_tags", {"QueueUrl": work}, "sqs:ListQueueTags", f"arn:aws:sqs:{arn}:work"),
        ("pipeline", "s3", "list_objects_v2", bucket, "s3:ListBucket", "arn:aws:s3:::data"),
        ("pipeline", "iam", "list_users", {}, "iam:ListUsers", "*"),
        ("pipeline", "kms", "list_keys", {}, "kms:ListKeys", "*"),
        ("pipeline", "ec2", "describe_vpcs", {}, "ec2:DescribeVpcs", "*"),
        ("reader", "iam", "list_users", {}, "iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/"),
        ("reader", "iam", "get_role", {"RoleName": "app"}, "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/app"),
        # Used, on other resources: goes only where resources are narrowed.
        ("app", "s3", "get_object", {"Bucket": "other", "Key": "in/1"}, "s3:GetObject", "arn:aws:s3:::other/in/1"),
        ("app", "dynamodb", "get_item", {"TableName": "others", "Key": {"id": {"S": "1"}}}, "dynamodb:GetItem",
         f"arn:aws:dynamodb:{arn}:table/others"),
        ("pipeline", "sqs", "get_queue_attributes", {"QueueUrl": other}, "sqs:GetQueueAttributes",
         f"arn:aws:sqs:{arn}:others"),
        # What the Deny statements forbid, before and after.
        ("app", "s3", "delete_bucket", {"Bucket": "other"}, "s3:DeleteBucket", "arn:aws:s3:::other"),
        ("pipeline", "sqs", "delete_queue", {"QueueUrl": other}, "sqs:DeleteQueue", f"arn:aws:sqs:{arn}:others"),
    ]


USED_ELSEWHERE = {("app", "s3:GetObject"), ("app", "dynamodb:GetItem"), ("pipeline", "sqs:GetQueueAttributes")}
DENIALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


def allowed(who, service, operation, parameters):
    """Whether the emulator let a call through; what went wrong for another reason was let through."""
    try:
        getattr(client(service, **keys(who)), operation)(**parameters)
        return True
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIALS


def trail_config():
    """Starts a trail of everything, and writes what the AWS CLI would print of it."""
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(Name="trail", S3BucketName="trail", IsMultiRegionTrail=True)
    selectors = [[{"Field": "eventCategory", "Equals": ["Management"]}]]
    for resource_type in ["AWS::S3::Object", "AWS::DynamoDB::Table", "AWS::SQS::Queue"]:
        selectors.append([{"Field": "eventCategory", "Equals": ["Data"]},
                          {"Field": "resources.type", "Equals": [resource_type]}])
    cloudtrail.put_event_selectors(TrailName="trail", AdvancedEventSelectors=[
        {"Name": str(at), "FieldSelectors": fields} for at, fields in enumerate(selectors)])
    cloudtrail.start_logging(Name="trail")
    answers = [cloudtrail.describe_trails(), cloudtrail.get_event_selectors(TrailName="trail")]
    for answer in answers:
        answer.pop("ResponseMetadata")
    (FOLDER / "trail.json").write_text("\n".join(json.dumps(answer, default=str) for answer in answers))


def as_delivered(record, roots, users, sessions):
    """The record as CloudTrail would write it: the emulator writes each caller as a user named by its key, and resources in
    the form of LookupEvents. `None` where the key is nobody's of this run."""
    key = record["userIdentity"]["accessKeyId"]
    if key in roots:
        who = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"}
    elif key in users:
        user = users[key]
        who = {"type": "IAMUser", "principalId": user["UserId"], "arn": user["Arn"], "userName": user["UserName"]}
    elif key in sessions:
        role, session = sessions[key]
        who = {"type": "AssumedRole", "principalId": f"{role['RoleId']}:{session}",
               "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/{session}",
               "sessionContext": {"sessionIssuer": {
                   "type": "Role", "principalId": role["RoleId"], "arn": role["Arn"], "accountId": ACCOUNT,
                   "userName": role["RoleName"]}}}
    else:
        return None
    record["userIdentity"] = {**who, "accountId": ACCOUNT, "accessKeyId": key}
    record.pop("resources", None)
    if record["eventCategory"] == "Data":
        given, arn = record["requestParameters"], f"us-east-1:{ACCOUNT}"
        record["resources"] = {
            "s3.amazonaws.com": lambda: [
                {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{given['bucketName']}/{given.get('key', '')}"}],
            "dynamodb.amazonaws.com": lambda: [
                {"type": "AWS::DynamoDB::Table", "ARN": f"arn:aws:dynamodb:{arn}:table/{given['tableName']}"}],
            "sqs.amazonaws.com": lambda: [
                {"type": "AWS::SQS::Queue", "ARN": f"arn:aws:sqs:{arn}:{given['queueUrl'].split('/')[-1]}"}],
        }[record["eventSource"]]()
    return record


def on_day(record, back):
    """The same call so many days earlier."""
    when = datetime.datetime.fromisoformat(record["eventTime"]) - datetime.timedelta(days=back)
    return {**record, "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventID": f"{record['eventID']}-{back}"}


def trail(since, count, rewrite):
    """The delivered trail as files of its own, once the last of the calls arrived: how many records."""
    s3 = client("s3")
    logs, records = FOLDER / "logs", {}
    for _ in range(60):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="trail"):
            for found in page.get("Contents", []):
                body = gzip.decompress(s3.get_object(Bucket="trail", Key=found["Key"])["Body"].read())
                kept = [record for record in json.loads(body)["Records"] if record["eventTime"] >= since]
                kept = [record for record in map(rewrite, kept) if record]
                records[found["Key"]] = kept
        if sum(record["userIdentity"]["type"] != "Root" for kept in records.values() for record in kept) >= count:
            break
        time.sleep(3)
    else:
        sys.exit(f"FAILED: of {count} calls the trail delivered {sum(map(len, records.values()))} records")
    all_records = [record for kept in records.values() for record in kept]
    # The run's minute stands for DAYS like it: what is narrowed must have been seen early.
    for back in range(DAYS):
        day = [on_day(record, back) for record in all_records]
        path = logs / f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{day[0]['eventTime'][:10].replace('-', '/')}/{back}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": day}).encode()))
    return logs, len(all_records)


def trimtrail(*arguments):
    return subprocess.run([TRIMTRAIL, *map(str, arguments)], stdout=subprocess.PIPE, check=True, text=True).stdout


DOCUMENTS = {"app": APP, "pipeline": PIPELINE, "readers": READERS}
HOLDS = {"app": "app", "pipeline": "pipeline", "reader": "readers"}


def put(name, document):
    """Puts a document in the place of a policy of that name."""
    iam, text = client("iam"), json.dumps(document)
    if name == "app":
        iam.put_role_policy(RoleName="app", PolicyName="app", PolicyDocument=text)
    elif name == "readers":
        iam.put_group_policy(GroupName="readers", PolicyName="readers", PolicyDocument=text)
    else:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/pipeline"
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


def simulate(who, action, resource, document):
    """What `simulate` decides, which must be what the emulator does."""
    principal = f"arn:aws:iam::{ACCOUNT}:{'role' if who == 'app' else 'user'}/{who}"
    case = {"request": {"principal": principal, "action": action, "resource": resource,
                        "context": {"aws:RequestedRegion": "us-east-1"}},
            "identity_policies": [document]}
    path = FOLDER / "case.json"
    path.write_text(json.dumps(case))
    return json.loads(trimtrail("simulate", path))["decision"] == "allowed"


def main():
    queues, users = world()
    calls, others = workload(queues[0]), probes(queues)
    failed = []
    who = callers(users, "first")
    before = [allowed(who[caller], *rest) for caller, *rest in calls]
    failed += [f"under the original policies: {call[:3]} is denied" for call, yes in zip(calls, before) if not yes]
    for caller, service, operation, parameters, action, resource in others:
        expected = simulate(caller, action, resource, DOCUMENTS[HOLDS[caller]])
        if allowed(who[caller], service, operation, parameters) != expected:
            failed.append(f"under the original policies: {caller} {action} is {'denied' if expected else 'allowed'}")

    # From here on the trail counts.
    time.sleep(2)
    since = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    trail_config()
    who = callers(users, "second")
    for caller, *rest in calls:
        if not allowed(who[caller], *rest):
            failed.append(f"{caller} {rest[:2]} is denied before anything is applied")
    iam = client("iam")
    known = {key["AccessKeyId"]: iam.get_user(UserName=user)["User"] for user, key in users.items()}
    sessions = {who["app"]["AccessKeyId"]: (iam.get_role(RoleName="app")["Role"], "second")}
    roots = {boto3.Session().get_credentials().access_key}
    logs, records = trail(since, len(calls) + 1, lambda record: as_delivered(record, roots, known, sessions))
    print(f"trail: {records} records since {since}, on {DAYS} days; {len(calls)} calls, {len(others)} probes")
    trimtrail("grants", "-o", FOLDER / "grants.json")

    # The principals were made a minute ago: no age guard holds anything here.
    given = ["--logs", logs, "--grants", FOLDER / "grants.json", "--trail-config", FOLDER / "trail.json",
             "--min-window", "0d", "--grace", "0d", "--format", "json"]
    levels = {"conservative": [], "aggressive": ["--evidence", "aggressive"],
              "aggressive, resources narrowed": ["--evidence", "aggressive", "--resources", "narrow"]}
    for level, arguments in levels.items():
        result = json.loads(trimtrail("analyze", *given, *arguments))
        after = dict(DOCUMENTS)
        order = ["services", "actions", "resources"]
        for suggestion in sorted(result["suggestions"], key=lambda found: order.index(found["step"])):
            if suggestion["held"]:
                failed.append(f"{level}: {suggestion['policy']} is held: {suggestion['held']}")
            if suggestion["change"] == "replace":
                after[suggestion["policy"].split("/")[-1].removeprefix("inline:")] = suggestion["after"]
            else:
                failed.append(f"{level}: {suggestion['policy']} would go altogether")
        for name, document in after.items():
            put(name, document)
        who = callers(users, "third")
        lost = [call[:3] for call in calls if not allowed(who[call[0]], *call[1:])]
        failed += [f"{level}: {call} worked before and is denied now" for call in lost]
        denied = 0
        for caller, service, operation, parameters, action, resource in others:
            expected = simulate(caller, action, resource, after[HOLDS[caller]])
            actual = allowed(who[caller], service, operation, parameters)
            denied += not actual
            if actual != expected:
                failed.append(f"{level}: {caller} {action} on {resource} is {'allowed' if actual else 'denied'}, and "
                              f"`simulate` says {'allowed' if expected else 'denied'}")
            elif actual and level != "conservative" and (caller, action) not in USED_ELSEWHERE:
                failed.append(f"{level}: {caller} {action} on {resource} was not used and is still allowed")
        changed = sum(after[name] != DOCUMENTS[name] for name in DOCUMENTS)
        print(f"{level}: {changed} policies replaced; {len(calls) - len(lost)} of {len(calls)} calls go on working; "
              f"{denied} of {len(others)} probes denied")
        if changed == 0:
            failed.append(f"{level}: nothing was suggested")
        for name, document in DOCUMENTS.items():
            put(name, document)
    for line in failed:
        print("FAILED:", line)
    sys.exit(bool(failed))


main()
