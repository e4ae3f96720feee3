"""Whether policies allow a request: a second opinion, written without a look at the first."""

import functools
import re


def listed(value):
    return value if isinstance(value, list) else [value]


@functools.cache
def glob(pattern, ignore_case):
    text = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile(text, re.S | (re.I if ignore_case else 0))


def matches(pattern, text, ignore_case=False):
    return glob(pattern, ignore_case).fullmatch(text) is not None


def applies(statement, action, resource, region):
    return (any(matches(one, action, True) for one in listed(statement["Action"]))
            and any(matches(one, resource) for one in listed(statement["Resource"]))
            and all(holds(operator, key, listed(values), region)
                    for operator, keys in statement.get("Condition", {}).items() for key, values in keys.items()))


def holds(operator, key, values, region):
    """The conditions that `world` writes; requests come from 198.51.100.7 over TLS."""
    if key == "aws:RequestedRegion":
        return region in values
    if key == "aws:SourceIp":
        return values == ["198.51.100.0/24"]
    if key == "aws:SecureTransport":
        return values == ["true"]
    raise ValueError(f"{operator} {key}")


def allowed(documents, action, resource, region):
    statements = [one for document in documents if document for one in listed(document["Statement"])]
    hits = [one["Effect"] for one in statements if applies(one, action, resource, region)]
    return "Allow" in hits and "Deny" not in hits


def patterns(document):
    """Every pair of action and resource pattern that a document allows."""
    for statement in listed(document["Statement"]) if document else []:
        if statement["Effect"] == "Allow":
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, resource
