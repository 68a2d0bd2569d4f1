"""check.py URL - the document at URL by JSON Schema's own rules, and what the gateway answers by the document.

The judge is python3-jsonschema of Debian: unlike npm's programs it is always there.
"""
import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator, RefResolver

base = sys.argv[1]


def get(path):
    """The status and the body of a GET."""
    request = urllib.request.Request(base + path, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def references(node):
    """Every $ref below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    for child in node if isinstance(node, list) else []:
        yield from references(child)


document = json.loads(get("/openapi.json")[2])
assert document["openapi"].startswith("3.1."), document["openapi"]
resolver = RefResolver("", document)
schemas = document["components"]["schemas"]
for name, schema in schemas.items():
    Draft202012Validator.check_schema(schema)
n_references = 0
for reference in references(document):
    resolver.resolve(reference)
    n_references += 1

n_answers = 0
for path, operations in document["paths"].items():
    if "get" not in operations or not path.startswith("/v1"):
        continue
    operation = operations["get"]
    query = ""
    names = {parameter.get("name") for parameter in operation.get("parameters", [])}
    if "wait" in names or "wait_ms" in names:
        query = "?wait_ms=0" if "wait_ms" in names else "?wait=0s"
    for name in names:
        path = path.replace("{%s}" % name, "no-such-thing")
    status, headers, body = get(path + query)
    told = operation["responses"].get(str(status), operation["responses"].get("default"))
    assert told is not None, f"GET {path}: {status} is not in the document"
    if "$ref" in told:
        told = resolver.resolve(told["$ref"])[1]
    content = told.get("content", {}).get(headers.get_content_type())
    assert content is not None, f"GET {path}: {status} as {headers.get_content_type()} is not in the document"
    if "json" in headers.get_content_type():
        Draft202012Validator(content.get("schema", {}), resolver=resolver).validate(json.loads(body))
        n_answers += 1
print(f"OpenAPI {document['openapi']}: {len(schemas)} schemas, {n_references} references, {n_answers} answers")
