#!/usr/bin/python3
"""A small ecosystem of components that need each other, in three repositories: annotated tags of components' own, tags of a
whole repository, a diamond, and a major version that not everybody follows. Same content, same object ids, always.

    sales-specialist (v1.0.0 … v2.0.0)      needs salesforce-lookup and template-engine
    salesforce-lookup (…-v2.1.0 … -v3.0.0)  needs email-composer
    email-composer (…@1.3.0 … @2.0.0)       needs template-engine
    template-engine (…@1.0.0 … @2.0.0)

As a script, `ecosystem.py --root DIR` fills DIR/repositories for git_server.py; the repositories are called
git.example.com/company/agents, …/company/crm-tools and …/tools/communication there.
"""

import argparse
import pathlib
import subprocess

EPOCH = 1_767_225_600  # 2026-01-01T00:00:00Z
WHO = "Upstream <upstream@example.com>"
MAIL, CRM, SALES = "tools/communication", "company/crm-tools", "company/agents"

# repository, folder, component, version, tag (annotated unless it begins with a dash), what it needs: (repository,
# component, constraint); of none, its own.
RELEASES = [
    (MAIL, "tools", "template-engine", "1.0.0", "template-engine@1.0.0", []),
    (MAIL, "tools", "template-engine", "1.4.0", "template-engine@1.4.0", []),
    (MAIL, "tools", "template-engine", "2.0.0", "template-engine@2.0.0", []),
    (MAIL, "tools", "email-composer", "1.3.0", "email-composer@1.3.0", [(None, "template-engine", "^1.0.0")]),
    (MAIL, "tools", "email-composer", "1.3.2", "email-composer@1.3.2", [(None, "template-engine", "^1.0.0")]),
    (MAIL, "tools", "email-composer", "2.0.0", "email-composer@2.0.0", [(None, "template-engine", "^2.0.0")]),
    (CRM, "tools", "salesforce-lookup", "2.1.0", "salesforce-lookup-v2.1.0", [(MAIL, "email-composer", "~1.3.0")]),
    (CRM, "tools", "salesforce-lookup", "2.1.3", "salesforce-lookup-v2.1.3", [(MAIL, "email-composer", "~1.3.0")]),
    (CRM, "tools", "salesforce-lookup", "3.0.0", "salesforce-lookup-v3.0.0", [(MAIL, "email-composer", "^2.0.0")]),
    (SALES, "agents", "sales-specialist", "1.0.0", "-v1.0.0",
     [(CRM, "salesforce-lookup", "^2.1.0"), (MAIL, "template-engine", "^1.0.0")]),
    (SALES, "agents", "sales-specialist", "1.1.0", "v1.1.0",
     [(CRM, "salesforce-lookup", "^2.1.0"), (MAIL, "template-engine", "^1.0.0")]),
    (SALES, "agents", "sales-specialist", "2.0.0", "v2.0.0",
     [(CRM, "salesforce-lookup", "^3.0.0"), (MAIL, "template-engine", "^1.0.0")]),
]


def component_yaml(host, kind, name, version, needs):
    lines = ["apiVersion: forge.dev/v1", f"kind: {kind[:-1].title()}", "metadata:", f"  name: {name}",
             f"  version: {version}", "config:", "  # seconds", "  timeout: 30"]
    if needs:
        lines += ["dependencies:", "  tools:"]
    for repository, component, constraint in needs:
        lines.append(f"    - component: {component}")
        if repository:
            lines.append(f"      repository: {host}/{repository}")
        lines.append(f'      version_constraint: "{constraint}"')
    return "\n".join(lines) + "\n"


def data(text):
    return f"data {len(text.encode())}\n{text}\n"


def release(path, number, host, kind, name, version, tag, needs):
    """A commit on top of main that makes NAME what it is in VERSION, and its tag."""
    stamp = f"{WHO} {EPOCH + number * 3600} +0000"
    parts = [f"commit refs/heads/main\ncommitter {stamp}\n", data(f"{name} {version}")]
    if (path / "refs" / "heads" / "main").exists() or (path / "packed-refs").exists():
        parts.append("from refs/heads/main^0\n")
    parts.append(f"M 100644 inline components/{kind}/{name}/component.yaml\n")
    parts.append(data(component_yaml(host, kind, name, version, needs)))
    if tag.startswith("-"):
        parts.append(f"reset refs/tags/{tag[1:]}\nfrom refs/heads/main\n\n")
    else:
        parts.append(f"tag {tag}\nfrom refs/heads/main\ntagger {stamp}\n{data(f'{name} {version}')}")
    subprocess.run(["git", "--git-dir", path, "fast-import", "--quiet"], input="".join(parts).encode(), check=True)


def build(repositories, host="git.example.com"):
    """Writes the repositories below the folder REPOSITORIES."""
    for number, (repository, kind, name, version, tag, needs) in enumerate(RELEASES):
        path = pathlib.Path(repositories) / f"{repository}.git"
        if not path.exists():
            path.mkdir(parents=True)
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True)
            for key, value in (("http.receivepack", "true"), ("fastimport.unpackLimit", "1"), ("gc.auto", "0")):
                subprocess.run(["git", "--git-dir", path, "config", key, value], check=True)
        release(path, number, host, kind, name, version, tag, needs)


def main():
    parser = argparse.ArgumentParser(description="write repositories of components that need each other")
    parser.add_argument("--root", required=True, type=pathlib.Path)
    build(parser.parse_args().root / "repositories")


if __name__ == "__main__":
    main()
