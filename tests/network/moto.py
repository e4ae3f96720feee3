"""Holds the program to a moto server, somebody else's S3, IAM, STS and Organizations.

Usage: moto.py TRIMTRAIL ENDPOINT FOLDER
"""

import json
import os
import pathlib
import subprocess
import sys

import boto3

program, endpoint, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}


def client(service: str, region: str = REGION, **more: str):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=endpoint, region_name=region, **keys | more)


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trimtrail(*arguments: str, ends: int = 0) -> tuple[str, str]:
    """What it says on stdout and stderr."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TRIMTRAIL_ENDPOINT_URL": endpoint, "COLUMNS": "1000"}
    run = subprocess.run([program, *arguments], env=environment | CREDENTIALS, capture_output=True, text=True)
    assert run.returncode == ends, (arguments, run.returncode, run.stdout, run.stderr)
    return run.stdout, run.stderr


def trails() -> int:
    """Puts the sample into a bucket under a prefix, a part of it into a bucket elsewhere, and one object into Glacier."""
    s3 = client("s3")
    s3.create_bucket(Bucket="trails")
    files = sorted(path for path in pathlib.Path("sample-logs/AWSLogs").rglob("*") if path.is_file())
    for path in files:
        s3.upload_file(str(path), "trails", f"org/{path.relative_to('sample-logs')}")
    elsewhere = client("s3", "eu-west-1")
    elsewhere.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    logs = [path for path in files if "/CloudTrail/" in str(path)]
    for at, path in enumerate(logs[:20]):
        key = str(path.relative_to("sample-logs"))
        elsewhere.put_object(Bucket="archive", Key=key, Body=path.read_bytes(), StorageClass="GLACIER" if at == 7 else "STANDARD")
    return len(files)


def organization() -> str:
    """A role and a policy in the caller's account, a role in another one, an SCP above that one, which is the answer."""
    iam, organizations, sts = client("iam"), client("organizations"), client("sts")
    trust = document({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    unit = organizations.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
    account = organizations.create_account(Email="a@example.com", AccountName="a")["CreateAccountStatus"]["AccountId"]
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    denies = document({"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"})
    policy = organizations.create_policy(Content=denies, Description="d", Name="no-users", Type="SERVICE_CONTROL_POLICY")
    organizations.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=unit)
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/audit", RoleSessionName="audit")["Credentials"]
    names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
    member = client("iam", **{name: keys[key] for name, key in names.items()})
    member.create_user(UserName="ann")
    member.create_role(RoleName="member", AssumeRolePolicyDocument=trust)
    return account


objects, account = trails(), organization()

far, _ = trimtrail("coverage", "--logs", "s3://trails/org")
near, _ = trimtrail("coverage", "--logs", "sample-logs/AWSLogs")
assert far.replace("s3://trails/org/AWSLogs", "sample-logs/AWSLogs") == near, far
print(f"S3: {objects} objects say what they say on disk")

ledger = str(folder / "ledger")
_, first = trimtrail("collect", "--logs", "s3://trails/org", "--ledger", ledger)
_, second = trimtrail("collect", "--logs", "s3://trails/org", "--ledger", ledger)
assert "read 0 files" not in first and "read 0 files" in second, (first, second)
print("collect: a second run reads nothing")

text, _ = trimtrail("coverage", "--logs", "s3://archive/AWSLogs")
assert text.startswith("20 files") and "archived (Glacier) and not restored" in text, text
print("S3: a bucket in another region, and an object in Glacier")

_, said = trimtrail("coverage", "--logs", "s3://nowhere/AWSLogs", ends=1)
assert "NoSuchBucket" in said, said

snapshot = folder / "grants.json"
trimtrail("grants", "-o", str(snapshot), "--org", "--assume-role-name", "audit")
text = snapshot.read_text()
for held in ["role/app", f"arn:aws:iam::{account}:role/member", "iam:CreateUser"]:
    assert held in text, f"{held} is not in the snapshot"
print("grants: an organization of two accounts, and its SCP")

answer, _ = trimtrail("analyze", "--logs", "s3://trails/org", "--grants", str(snapshot), "--format", "json")
assert json.loads(answer)["schema"] == "trimtrail.result/1"
trimtrail("analyze", "--logs", "s3://trails/org", "--grants", "live", "--format", "json")
print("analyze: with the snapshot, and with live grants")
