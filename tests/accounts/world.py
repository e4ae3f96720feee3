"""Accounts at random: who may do what, what they call, and what AWS would have answered, by `things`, `core` and `more` alone."""

import json
import re

import core
import more
from policy import allowed, patterns
from things import THINGS

OPERATIONS = core.OPERATIONS + more.OPERATIONS
REGIONS = ["eu-west-1", "us-east-1"]
DAYS = ["2026-10-01", "2026-10-02", "2026-10-03"]
# Kinds that requests may name in another account.
FOREIGN = {"queue", "topic", "function", "key", "bus", "passed"}
ACTIONS = sorted({need.split(" ")[0] for row in OPERATIONS for need in row["needs"]})
BY_SERVICE = {}
for _action in ACTIONS:
    BY_SERVICE.setdefault(_action.split(":")[0], []).append(_action)
REFERENCE = re.compile(r"@([a-z]+?)(2?)(?:\.([a-z]+))?(?![a-z0-9.])")
IN_NEED = re.compile(r"^([a-z]+?)(2?)([:/].*)?$")


class Call:
    """One call: its event without caller, and what it needs."""

    def __init__(self, rng, row, account, region):
        self.rng, self.account, self.region = rng, account, row.get("region", region)
        self.row, self.things, self.texts = row, {}, {}
        self.params = self.fill(row["params"])
        self.answer = self.fill(row.get("answer"))
        self.needs = [self.need(text) for text in row["needs"]]
        self.service = row["service"]

    def text(self, template, texts, account):
        """A template with its places filled, equal ones equally."""

        def place(found):
            key = found.group(1)
            if key == "A":
                return account
            if key == "R":
                return self.region
            if key in THINGS:
                return self.thing(key, "")["texts"]["n"]
            if key not in texts:
                if key == "n":
                    texts[key] = self.rng.choice("abcdefgh") + "".join(self.rng.choice("abcdefghijk-0123") for _ in range(7)) + "x"
                else:
                    digits = "".join(self.rng.choice("0123456789abcdef") for _ in range(int(key[1:])))
                    texts[key] = digits.upper() if key[0] == "H" else digits
            return texts[key]

        return re.sub(r"\{([A-Za-z]+\d*)\}", place, template)

    def thing(self, kind, number):
        """The first or second thing of a kind that this call names."""
        if (kind, number) not in self.things:
            arn, forms = THINGS[kind]
            foreign = kind in FOREIGN and self.rng.random() < 0.04
            account = "999988887777" if foreign else self.account
            texts = {}
            arn = self.text(arn, texts, account)
            named = {form: self.text(spelling.replace("{arn}", arn), texts, account) for form, spelling in forms.items()
                     if not foreign or "{A}" in spelling or "{arn}" in spelling}
            self.things[kind, number] = {"arn": arn, "forms": named, "texts": texts}
        return self.things[kind, number]

    def spelled(self, found):
        thing = self.thing(found.group(1), found.group(2))
        forms = thing["forms"]
        form = found.group(3)
        if form not in forms:
            form = self.rng.choice(sorted(forms))
        return forms[form]

    def fill(self, value):
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        if isinstance(value, str):
            return self.text(REFERENCE.sub(self.spelled, value), self.texts, self.account)
        return value

    def arn(self, text):
        known = IN_NEED.match(text)
        if known and known.group(1) in THINGS:
            rest = known.group(3) or ""
            return self.thing(known.group(1), known.group(2))["arn"] + self.text(rest, self.texts, self.account)
        return self.text(text, self.texts, self.account)

    def need(self, text):
        action, resource = text.split(" ", 1)
        return action, self.arn(resource)

    def event(self, number, day, caller, denied=None):
        """As CloudTrail writes it."""
        row = self.row
        event = {
            "eventVersion": "1.11", "eventTime": f"{day}T{self.rng.randrange(24):02}:{self.rng.randrange(60):02}:00Z",
            "eventSource": f"{self.service}.amazonaws.com", "eventName": row["name"], "awsRegion": self.region,
            "sourceIPAddress": "198.51.100.7", "userAgent": "aws-sdk-go-v2", "requestParameters": self.params,
            "responseElements": None if denied else self.answer, "eventID": f"00000000-0000-4000-8000-{number:012}",
            "readOnly": not row.get("write", False), "eventType": "AwsApiCall", "managementEvent": "data" not in row,
            "eventCategory": "Data" if "data" in row else "Management", "recipientAccountId": self.account,
            "userIdentity": caller}
        resources = [row["resource"]] if "resource" in row else row.get("both", [])
        if resources and not denied:
            kind = row.get("data", "AWS::KMS::Key")
            event["resources"] = [{"ARN": self.arn(one), "accountId": self.account, "type": kind} for one in resources]
        if denied:
            action, resource = denied
            event["errorCode"] = "AccessDenied"
            event["errorMessage"] = (f"User: {caller['arn']} is not authorized to perform: {action} on resource: {resource} "
                                     f"because no identity-based policy allows the {action} action")
        return event


class Principal:
    """A role or a user, its policies by (ARN of policy or owner, name), and what it did."""

    def __init__(self, arn, caller):
        self.arn, self.caller, self.policies, self.calls = arn, caller, [], []


class Account:
    """An account at random."""

    def __init__(self, rng, account):
        self.rng, self.account, self.documents, self.principals = rng, account, {}, []
        self.inline, self.managed, self.groups = {}, {}, {}
        for name in ["app", "job"][: rng.choice([1, 1, 2])]:
            self.principals.append(self.role(name))
        if rng.random() < 0.4:
            self.principals.append(self.user("ann"))
        shared = f"arn:aws:iam::{account}:policy/shared"
        for who in self.principals:
            wishes = [self.call() for _ in range(rng.randint(3, 9))]
            statements = self.statements(wishes)
            parts = rng.choice([1, 1, 2, 3])
            owner = f"arn:aws:iam::{account}:group/staff" if who.arn.endswith("user/ann") and rng.random() < 0.5 else who.arn
            for part in range(parts):
                own = statements[part::parts]
                if not own:
                    continue
                if rng.random() < 0.3:
                    key = (f"arn:aws:iam::{account}:policy/{who.arn.rsplit('/')[-1]}-{part}", f"{who.arn.rsplit('/')[-1]}-{part}")
                    self.managed[key] = [owner]
                else:
                    key = (owner, f"p{part}")
                    self.inline.setdefault(owner, []).append(key)
                self.documents[key] = self.document(own)
                who.policies.append(key)
            if owner != who.arn:
                self.groups[owner] = who.arn
            wishes += [self.again(wish) for wish in wishes if rng.random() < 0.5]
            who.wishes = wishes
        if len(self.principals) > 1 and rng.random() < 0.5:
            key = (shared, "shared")
            first = self.principals[0].wishes[:2]
            self.documents[key] = self.document(self.statements(first))
            self.managed[key] = [who.arn for who in self.principals]
            for who in self.principals:
                who.policies.append(key)

    def role(self, name):
        caller = {"type": "AssumedRole", "principalId": f"AROA{self.account}{name.upper()}:s", "accountId": self.account,
                  "arn": f"arn:aws:sts::{self.account}:assumed-role/{name}/s", "accessKeyId": "ASIAEXAMPLE",
                  "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": f"AROA{self.account}{name.upper()}",
                                     "arn": f"arn:aws:iam::{self.account}:role/{name}", "accountId": self.account, "userName": name}}}
        return Principal(f"arn:aws:iam::{self.account}:role/{name}", caller)

    def user(self, name):
        arn = f"arn:aws:iam::{self.account}:user/{name}"
        return Principal(arn, {"type": "IAMUser", "principalId": f"AIDA{self.account}{name.upper()}", "arn": arn, "accountId": self.account,
                               "accessKeyId": "AKIAEXAMPLE", "userName": name})

    def call(self, row=None):
        return Call(self.rng, row or self.rng.choice(OPERATIONS), self.account, self.rng.choice(REGIONS))

    def again(self, wish):
        """The same operation on other things: what a wider grant allows as well."""
        return self.call(wish.row)

    def statements(self, wishes):
        """Statements that allow most of what is wished, in all the ways in which people write them."""
        rng, statements = self.rng, []
        for wish in wishes:
            for action, resource in wish.needs:
                if rng.random() < 0.08:
                    continue
                service, name = action.split(":")
                verb = re.match(r"[A-Z][a-z]*", name)
                pattern = rng.choice([action, action, action, f"{service}:{verb.group(0)}*" if verb else action, f"{service}:*"])
                where = rng.choice(["exact", "exact", "parent", "any"]) if resource != "*" else "any"
                target = {"exact": resource, "parent": re.sub(r"(?<=[:/])[^:/]+$", "*", resource), "any": "*"}[where]
                if rng.random() < 0.1:
                    pattern = pattern.replace(service, service.upper(), 1) if "*" not in pattern else pattern
                statements.append((pattern, target))
        for _ in range(rng.randint(0, 6)):
            service = rng.choice(sorted(BY_SERVICE))
            statements.append((rng.choice(BY_SERVICE[service] + [f"{service}:*"]), "*"))
        rng.shuffle(statements)
        written = []
        while statements:
            size = rng.choice([1, 1, 2, 3])
            group, statements = statements[:size], statements[size:]
            actions, resources = sorted({one[0] for one in group}), sorted({one[1] for one in group})
            statement = {"Effect": "Allow", "Action": actions[0] if len(actions) == 1 and rng.random() < 0.5 else actions,
                         "Resource": resources[0] if len(resources) == 1 and rng.random() < 0.5 else resources}
            if rng.random() < 0.3:
                statement["Sid"] = f"S{len(written)}"
            if rng.random() < 0.15:
                statement["Condition"] = rng.choice([
                    {"StringEquals": {"aws:RequestedRegion": REGIONS}}, {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
                    {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, {"Bool": {"aws:SecureTransport": "true"}}])
            written.append(statement)
        if rng.random() < 0.15:
            service = rng.choice(sorted(BY_SERVICE))
            denied = rng.choice([f"{service}:Delete*", rng.choice(ACTIONS), f"{service}:*"])
            written.insert(rng.randrange(len(written) + 1), {"Effect": "Deny", "Action": denied, "Resource": "*"})
        return written

    def document(self, statements):
        return {"Version": "2012-10-17", "Statement": statements}

    def act(self, events):
        """Everybody's calls, as AWS would have answered them."""
        for who in self.principals:
            documents = [self.documents[key] for key in who.policies]
            for wish in who.wishes:
                refused = [need for need in wish.needs if not allowed(documents, *need, wish.region)]
                if refused and self.rng.random() < 0.6:
                    continue
                for _ in range(self.rng.choice([1, 1, 3])):
                    day = self.rng.choice(DAYS)
                    events.append(wish.event(len(events), day, who.caller, refused[0] if refused else None))
                if not refused:
                    who.calls.append(wish)
        somebody = self.user("somebody").caller
        for region in REGIONS:
            for day in DAYS:
                for name, write in [("DescribeVpcs", False), ("CreateKeyPair", True)]:
                    row = {"service": "ec2", "name": name, "params": {}, "needs": [], "write": write}
                    events.append(Call(self.rng, row, self.account, region).event(len(events), day, somebody))

    def grants(self, documents):
        """As `get-account-authorization-details` writes them."""
        def inline(owner):
            return [{"PolicyName": name, "PolicyDocument": documents[(arn, name)]} for arn, name in self.inline.get(owner, [])
                    if (arn, name) in documents]

        def attached(owner):
            return [{"PolicyArn": arn, "PolicyName": name} for (arn, name), owners in self.managed.items()
                    if owner in owners and (arn, name) in documents]

        roles, users, groups = [], [], []
        for who in self.principals:
            name = who.arn.rsplit("/")[-1]
            if ":role/" in who.arn:
                roles.append({"Arn": who.arn, "RoleName": name, "RoleId": who.caller["principalId"].split(":")[0], "Path": "/",
                              "CreateDate": "2024-01-01T00:00:00Z", "RolePolicyList": inline(who.arn),
                              "AttachedManagedPolicies": attached(who.arn), "AssumeRolePolicyDocument": {
                                  "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                                          "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}}]}})
            else:
                users.append({"Arn": who.arn, "UserName": name, "UserId": who.caller["principalId"], "Path": "/",
                              "CreateDate": "2024-01-01T00:00:00Z", "UserPolicyList": inline(who.arn),
                              "AttachedManagedPolicies": attached(who.arn),
                              "GroupList": ["staff"] if who.arn in self.groups.values() else []})
        for group in self.groups:
            groups.append({"Arn": group, "GroupName": "staff", "GroupId": f"AGPA{self.account}", "Path": "/",
                           "CreateDate": "2024-01-01T00:00:00Z", "GroupPolicyList": inline(group), "AttachedManagedPolicies": attached(group)})
        policies = [{"Arn": arn, "PolicyName": name, "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": len(owners),
                     "CreateDate": "2024-01-01T00:00:00Z", "UpdateDate": "2024-01-01T00:00:00Z", "PolicyVersionList": [
                         {"VersionId": "v1", "IsDefaultVersion": True, "Document": documents[(arn, name)]}]}
                    for (arn, name), owners in self.managed.items() if (arn, name) in documents]
        return json.dumps({"RoleDetailList": roles, "UserDetailList": users, "GroupDetailList": groups, "Policies": policies})

    def requests(self, who):
        """Requests at random about what somebody is or was granted."""
        for key in who.policies:
            for action, resource in patterns(self.documents.get(key)):
                for _ in range(3):
                    yield self.like(action, ACTIONS), self.like(resource, [need[1] for call in who.calls for need in call.needs])
        needs = [need for call in who.wishes for need in call.needs]
        for _ in range(30):
            yield self.rng.choice(needs)[0], self.rng.choice(needs)[1] + self.rng.choice(["", "", "x", "/x", ":x"])
            yield self.rng.choice(ACTIONS), self.rng.choice(needs)[1]

    def like(self, pattern, known):
        """Something that fits a pattern."""
        fitting = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.I)
        fits = [one for one in known if fitting.fullmatch(one)]
        if fits and self.rng.random() < 0.6:
            return self.rng.choice(fits)
        return pattern.replace("*", self.rng.choice(["x", "Get", "x/y", "a:b"]))
