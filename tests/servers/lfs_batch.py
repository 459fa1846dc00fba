#!/usr/bin/python3
"""git-lfs's batch API as a CGI program: says which objects a repository's folder has, and serves none of them.

The repository is GIT_PROJECT_ROOT/OWNER/NAME.git; its objects are files lfs/objects/aa/bb/OID, where git-lfs itself keeps
them. A repository without a folder lfs/ has no git-lfs and answers 404. What the client must send is checked as a
strict server checks it. `lfs/says` in the repository, if it is there, is answered instead of the truth: a status, a
line break, the body.
"""

import json
import os
import pathlib
import sys

TYPE = "application/vnd.git-lfs+json"


def answer(status, body):
    sys.stdout.write(f"Status: {status}\r\nContent-Type: {TYPE}\r\n\r\n{body}\n")


def about(folder, wanted):
    oid, size = wanted["oid"], wanted["size"]
    path = folder / "objects" / oid[:2] / oid[2:4] / oid
    said = {"oid": oid, "size": size}
    if not path.is_file():
        return said | {"error": {"code": 404, "message": "Object does not exist"}}
    if path.stat().st_size != size:
        return said | {"error": {"code": 422, "message": "Size does not match"}}
    return said | {"actions": {"download": {"href": f"http://127.0.0.1/{oid}", "expires_in": 60}}}


def main():
    root = pathlib.Path(os.environ["GIT_PROJECT_ROOT"])
    name = os.environ["PATH_INFO"].removesuffix("/info/lfs/objects/batch").strip("/")
    folder = root / name / "lfs"
    if not name.endswith(".git") or not folder.is_dir():
        return answer(404, '{"message": "Not found"}')
    if (folder / "says").exists():
        return answer(*(folder / "says").read_text().split("\n", 1))
    if os.environ["REQUEST_METHOD"] != "POST" or os.environ.get("HTTP_ACCEPT") != TYPE \
            or os.environ.get("CONTENT_TYPE") != TYPE:
        return answer(406, '{"message": "Not acceptable"}')
    request = json.load(sys.stdin)
    if request["operation"] != "download" or len(request["objects"]) > 100:
        return answer(422, '{"message": "Unprocessable"}')
    return answer(200, json.dumps({"transfer": "basic", "objects": [about(folder, one) for one in request["objects"]]}))


if __name__ == "__main__":
    main()
