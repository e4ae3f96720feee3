"""Terraform evaluates the sources of tests/sources before and after their edits: what is left out is what may go, and nothing
else changed. And it evaluates what `patch` makes of the sample's files: the documents that were proved.

The AWS provider is not needed: its resources and data sources become `terraform_data`, which Terraform brings along, and a
policy document is rendered by the rules of the provider's documentation. What is written in the files, functions, templates,
modules, for_each and all, is Terraform's own to evaluate. `python3 evaluate.py TERRAFORM PROGRAM [CASE…]`; needs python-hcl2.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import hcl2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "tests" / "sources"
# Attributes that AWS would give.
GIVEN = {
    "id": "an-id",
    "arn": "arn:aws:s3:::given",
    "account_id": "111122223333",
    "partition": "aws",
    "region": "eu-west-1",
    "name": "a-name",
    "bucket": "given",
}
REFERENCE = re.compile(r"\b(data\.)?((?:aws|archive|local|template)_\w+)\.(\w+)((?:\[[^\]]*\])?)\.(\w+)")
ELEMENTS = {
    "sid": "Sid",
    "effect": "Effect",
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}


class Left(Exception):
    """A case that is not evaluated, and why."""


def refer(text):
    """References to what AWS holds become references to what stands in for it."""

    def one(found):
        data, kind, name, index, attribute = found.groups()
        return f"terraform_data.{'data__' if data else ''}{kind}__{name}{index}.input.{attribute}"

    return REFERENCE.sub(one, text)


def expression(value):
    """What the parser gives, as Terraform writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(expression(each) for each in value) + "]"
    if isinstance(value, dict):
        members = (f"{key} = {expression(each)}" for key, each in value.items() if not key.startswith("__"))
        return "{\n" + "\n".join(members) + "\n}"
    if value.startswith('"<<'):
        return refer(value[1:-1]) + "\n"
    if value.startswith("${") and value.endswith("}"):
        return refer(value[2:-1])
    return refer(value)


def statement(block):
    members = [f"{name} = {expression(block[key])}" for key, name in ELEMENTS.items() if key in block]
    if "effect" not in block:
        members.append('Effect = "Allow"')
    for key, name in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        if key in block:
            all_of = (f"({expression(one['type'])}) = {expression(one['identifiers'])}" for one in block[key])
            members.append(f"{name} = {{\n{chr(10).join(all_of)}\n}}")
    tests = {}
    for condition in block.get("condition", []):
        tests.setdefault(condition["test"], []).append(f"({expression(condition['variable'])}) = {expression(condition['values'])}")
    if any(each == '"condition"' for dynamic in block.get("dynamic", []) for each in dynamic):
        raise Left("dynamic conditions")
    if tests:
        inner = "\n".join(f"{expression(test)} = {{\n{chr(10).join(keys)}\n}}" for test, keys in tests.items())
        members.append(f"Condition = {{\n{inner}\n}}")
    return "{\n" + "\n".join(members) + "\n}"


def document(block):
    """An `aws_iam_policy_document` as the expression that renders it."""
    parts = ["[" + ", ".join(statement(each) for each in block.get("statement", [])) + "]"]
    for dynamic in block.get("dynamic", []):
        for label, inner in dynamic.items():
            if label != '"statement"':
                raise Left(f"dynamic {label}")
            each = f"[for k, v in {expression(inner['for_each'])} : {{ key = k, value = v }}]"
            parts.append(f"[for statement in {each} : {statement(inner['content'][0])}]")
    statements = f"concat({', '.join(parts)})"
    taken = lambda key: f"flatten([for one in {expression(block[key])} : jsondecode(one).Statement])"
    if "source_policy_documents" in block:
        statements = f"concat({taken('source_policy_documents')}, {statements})"
    if "override_policy_documents" in block:
        over = taken("override_policy_documents")
        sids = f'[for one in {over} : try(one.Sid, "") if try(one.Sid, "") != ""]'
        statements = f'concat([for one in {statements} : one if !contains({sids}, try(one.Sid, ""))], {over})'
    version = expression(block["version"]) if "version" in block else '"2012-10-17"'
    # The provider writes `${` for `&{`.
    return f'replace(jsonencode({{ Version = {version}, Statement = {statements} }}), "&{{", "$${{")'


def stand_in(kind, name, block, is_data):
    lines = [f'resource "terraform_data" "{"data__" if is_data else ""}{kind}__{name}" {{']
    lines += [f"{key} = {expression(block[key])}" for key in ("for_each", "count") if key in block]
    # Who may take a role is nothing that is edited.
    meta = {"assume_role_policy", "count", "depends_on", "dynamic", "for_each", "lifecycle", "provider"}
    if kind == "aws_iam_policy_document":
        value = f"{{ for key in [\"json\", \"minified_json\"] : key => {document(block)} }}"
    elif kind in ("template_file", "local_file"):
        raise Left(f"the data source {kind}")
    else:
        if "dynamic" in block:
            raise Left(f"dynamic blocks in {kind}")
        value = expression({key: each for key, each in block.items() if key not in meta})
    lines += [f"input = merge({json.dumps(GIVEN)}, {value})", "}"]
    return "\n".join(lines)


def variable(name, block):
    kind = str(block.get("type", ""))
    is_list = "list(" in kind or "set(" in kind or not kind and name.endswith("s")
    default = '["given"]' if is_list else "{}" if "map(" in kind else '"given"'
    default = {"bool": "true", "number": "1"}.get(kind.strip('"${}'), default)
    value = expression(block["default"]) if "default" in block else default
    return f'variable "{name}" {{\n  default = {value}\n}}'


def translated(text):
    """A file without providers."""
    parsed = hcl2.loads(text)
    out = []
    bare = lambda label: label.strip('"')
    for section, blocks in parsed.items():
        if section.startswith("__") or section in ("terraform", "provider"):
            continue
        for block in blocks:
            if section == "locals":
                out.append("locals " + expression(block))
            elif section in ("resource", "data"):
                for kind, named in block.items():
                    for name, body in ((n, b) for n, b in named.items() if not n.startswith("__")):
                        out.append(stand_in(bare(kind), bare(name), body, section == "data"))
            elif section in ("output", "variable", "module"):
                for name, body in block.items():
                    name = bare(name)
                    if section == "variable":
                        out.append(variable(name, body))
                        continue
                    if section == "module" and not bare(str(body.get("source", ""))).startswith("."):
                        raise Left("a module from elsewhere")
                    members = {key: each for key, each in body.items() if key not in ("providers", "depends_on")}
                    inner = "\n".join(f"{key} = {expression(each)}" for key, each in members.items() if not key.startswith("__"))
                    out.append(f'{section} "{name}" {{\n{inner}\n}}')
            else:
                raise Left(f"a block `{section}`")
    return "\n\n".join(out) + "\n"


def undeclared(text):
    """What a case refers to and does not hold."""
    resources = set(re.findall(r"\bterraform_data\.(\w+)", text)) - set(re.findall(r'resource "terraform_data" "(\w+)"', text))
    variables = set(re.findall(r"\bvar\.(\w+)", text)) - set(re.findall(r'variable "(\w+)"', text))
    out = [f'resource "terraform_data" "{name}" {{\n  input = {json.dumps(GIVEN)}\n}}' for name in sorted(resources)]
    return "\n".join(out + [variable(name, {}) for name in sorted(variables)])


def evaluated(terraform, folder):
    """The policies of a folder by address, as Terraform evaluates them."""
    roots = sorted({path.parent for path in folder.rglob("*.tf") if "modules" not in path.relative_to(folder).parts})
    for path in folder.rglob("*.tf"):
        try:
            path.write_text(translated(path.read_text()))
        except Left:
            raise
        except Exception as error:  # The parser's own errors have no common class.
            raise Left(f"python-hcl2 does not read it: {type(error).__name__}") from error
    for directory in {path.parent for path in folder.rglob("*.tf")}:
        text = "\n".join(path.read_text() for path in directory.glob("*.tf"))
        (directory / "undeclared.tf").write_text(undeclared(text))
    found = {}
    for root in roots:
        def run(*words):
            environment = os.environ | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
            environment.pop("TF_CLI_CONFIG_FILE", None)
            done = subprocess.run([terraform, f"-chdir={root}", *words], capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                errors = [line.strip("│╷ ") for line in done.stderr.splitlines() if "Error" in line or "on " in line]
                raise Left(f"terraform {words[0]}: {'; '.join(errors)[:200]}")
            return done.stdout

        run("init", "-input=false", "-no-color")
        run("apply", "-input=false", "-auto-approve", "-no-color")
        collect(json.loads(run("show", "-json")).get("values", {}).get("root_module", {}), str(root.relative_to(folder)), found)
    return found


def collect(module, where, found):
    for resource in module.get("resources", []):
        values = resource["values"]["input"] if isinstance(resource["values"].get("input"), dict) else {}
        address = f"{where}/{resource['address']}"
        if "aws_iam_policy_document" in address:
            continue
        for key in ("policy", "inline_policy"):
            for at, one in enumerate(values[key] if isinstance(values.get(key), list) else [values.get(key)]):
                inner = one.get("policy") if isinstance(one, dict) else one
                if isinstance(inner, str) and '"Statement"' in inner:
                    # A block keeps its name when another one before it goes; its place changes.
                    name = one.get("name") if isinstance(one, dict) else values.get("name")
                    found[f"{address} {name or at}"] = json.loads(inner)
    for child in module.get("child_modules", []):
        collect(child, where, found)


def plain(policy):
    """Lists in order, a list of one apart, empty Sids left out: what IAM tells no difference of."""

    def statement(one):
        out = {}
        for key, value in one.items():
            if key == "Sid" and not value:
                continue
            if key == "Condition":
                out[key] = {test: {name: listed(values) for name, values in keys.items()} for test, keys in value.items()}
            else:
                out[key] = listed(value) if key != "Effect" and key != "Sid" else value
        return out

    listed = lambda value: sorted(map(str, value)) if isinstance(value, list) else [str(value)]
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return policy.get("Version"), [statement(one) for one in statements]


def without(policy, goes):
    version, statements = policy
    left = []
    for one in statements:
        actions = one.get("Action", [])
        if one["Effect"] == "Allow" and set(actions) & goes:
            one = one | {"Action": [action for action in actions if action not in goes]}
        if one.get("Action") != []:
            left.append(one)
    return version, left


def both(terraform, sources, edit):
    """The policies of a folder by address, before and after an edit."""
    with tempfile.TemporaryDirectory() as work:
        answers = []
        for how in (lambda folder: None, edit):
            folder = pathlib.Path(work) / str(len(answers))
            shutil.copytree(sources, folder)
            how(folder)
            answers.append(evaluated(terraform, folder))
    return ({address: plain(policy) for address, policy in each.items()} for each in answers)


def tried(terraform, case):
    """How many policies of a case are as they should be."""
    told = json.loads((case / "case.json").read_text())
    if any("after" in live for live in told["policies"]):
        raise Left("a statement is added")

    def edit(folder):
        for name, before, after in told["edits"]:
            path = folder / name
            path.write_text(path.read_text().replace(before, after))

    before, after = both(terraform, case, edit)
    if not before:
        raise Left("no policy is made in it")
    goes = {action for live in told["policies"] for action in live.get("goes", [])}
    lost = set()
    for address, policy in before.items():
        actions = lambda policy: {action for one in policy[1] for action in one.get("Action", [])}
        gone = actions(policy) - actions(after.get(address, (None, [])))
        assert gone <= goes, f"{address} loses {gone - goes}"
        expected = without(policy, gone)
        assert after.get(address, (policy[0], [])) == expected, f"{address}: {after.get(address)} is not {expected}"
        lost |= gone
    assert set(after) <= set(before), f"new: {set(after) - set(before)}"
    # What each that says it may lose goes, where anything is edited.
    says = lambda live, action: f'"{action}"' in json.dumps(live["before"])
    must = {action for action in goes if all(action in live.get("goes", []) for live in told["policies"] if says(live, action))}
    assert not told["edits"] or must <= lost, f"{must - lost} stays"
    return len(before)


def sample(terraform, program):
    """How many documents of the sample `patch` edits to what was proved, as Terraform evaluates them."""
    logs = ROOT / "sample-logs"
    with tempfile.TemporaryDirectory() as work:
        words = ["analyze", "--logs", logs / "AWSLogs", "--grants", logs / "grants", "--min-window", "7d", "--out", work]
        subprocess.run([program, *words], check=True, capture_output=True)
        result = json.loads((pathlib.Path(work) / "result.json").read_text())
        edit = lambda folder: subprocess.run([program, "patch", work, folder, "--write"], check=True, capture_output=True)
        before, after = both(terraform, logs / "infra" / "terraform", edit)
    equal = 0
    for suggestion in result["suggestions"]:
        if suggestion["held"] is None:
            name, known = suggestion["policy"], plain(suggestion["before"])
            here = [address for address, policy in before.items() if address.endswith(f" {name}") and policy == known]
            for address in here:
                proved = plain(suggestion["after"])
                assert after[address] == proved, f"{address}: {after[address]} is not {proved}"
                equal += 1
    edited = {address for address in before if before[address] != after.get(address)}
    assert equal == len(edited), f"{equal} suggestions, edited are {edited}"
    return equal


def main():
    terraform, program, *names = sys.argv[1:]
    cases = sorted(path.parent for path in SOURCES.glob("*/case.json"))
    cases = [case for case in cases if list(case.rglob("*.tf")) and (not names or case.name in names)]
    same, policies, left, wrong = 0, 0, {}, []
    for case in cases:
        try:
            policies += tried(terraform, case)
            same += 1
        except Left as why:
            left[case.name] = str(why)
        except AssertionError as why:
            wrong.append(f"{case.name}: {why}")
    for name, why in left.items():
        print(f"{name:40} not evaluated: {why}")
    print(f"{same} of {len(cases)} sources, {policies} policies: as Terraform evaluates them, they lose what may go and nothing else")
    print(f"{len(left)} not evaluated, {len(wrong)} wrong")
    print(f"{sample(terraform, program)} documents of the sample are what was proved")
    for line in wrong:
        print(f"WRONG {line}")
    sys.exit(1 if wrong or not names and same * 4 < len(cases) * 3 else 0)


main()
