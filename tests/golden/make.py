#!/usr/bin/python3
"""Makes golden journals with the forge it is given: `make.py build/forge tests/golden/v2`.

A story with every kind of event that a journal can hold is imported, given a base, gone on with, backed up, compacted
and backed up again. Made once a version of the schema, by that version, and never again: journals of users are not made
again either.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

OID = [f"{digit}" * 40 for digit in "0123456789abcdef"]


class Story:
    def __init__(self):
        self.lines = []

    def add(self, event, /, **data):
        """Adds an event and returns its sequence."""
        seq = len(self.lines) + 1
        time = f"2026-01-15T10:{seq // 60:02}:{seq % 60:02}.{seq:06}Z"
        self.lines.append(json.dumps({"seq": seq, "time": time, "type": event, "data": data}))
        return seq

    def batch(self, kind, targets, noops=0, **more):
        """Opens and fills a batch. Returns its number."""
        number = len(self.lines) + 1
        batch = self.add("batch_opened", batch=f"01KF{number:022}", request_id=f"request-{number}", kind=kind,
                         arguments=more.pop("arguments", {}), actor="jane", targets=targets, noops=noops, **more)
        self.add("batch_extended", batch=batch, targets=targets, cursor=len(targets) or noops, noops=noops)
        self.add("batch_sealed", batch=batch)
        return batch

    def lease(self, session, batch, numbers, attempt=1):
        self.add("jobs_leased", session=session, jobs=[job(batch, number) for number in numbers],
                 attempts=[attempt] * len(numbers))


def job(batch, number):
    return {"batch": batch, "number": number}


def component(name, commit):
    return {"name": name, "repository": "github.com/company/crm-tools", "path": f"components/tools/{name}",
            "constraint": "^2.1", "version": "2.1.3", "commit": OID[commit], "base_commit": OID[commit + 1],
            "tree": OID[commit + 2], "folder": f"components/{name}", "commit_time_us": "2026-01-10T08:00:00Z"}


def error(code):
    return {"code": code, "message": f"it said \"{code}\"\nand more", "hint": "try again"}


def counts(total, **more):
    return {"total": total, **more}


def forks(story, session):
    fork = {"name": "tools", "fork": "github.com/me/tools", "upstream": "github.com/company/tools",
            "branches": ["main", "release/*"], "tags": True, "strategy": "merge", "on_conflict": "pull_request"}
    story.add("fork_registered", fork=fork, request_id="r-1", actor="jane")
    story.add("fork_registered", fork={**fork, "name": "gone", "strategy": "overwrite"}, request_id="r-2", actor="jane")
    story.add("fork_removed", name="gone", actor="jane", request_id="r-3")
    batch = story.batch("fork_sync", ["tools"], priority=7, owner="vm:1", arguments={"strategy": "rebase",
                        "branches": ["main"]}, unique_key="fork_sync tools", not_before_us="2026-01-15T09:00:00Z")
    story.lease(session, batch, [1])
    report = {"job": job(batch, 1), "attempt": 1}
    story.add("push_intended", **report, fork="tools", ref="refs/heads/main", before=OID[1], after=OID[2],
              status="merged", backup=f"refs/forge/backup/main/{OID[1]}")
    story.add("fork_synced", **report, fork="tools", branch="main", status="merged", before=OID[1], after=OID[2],
              upstream_tip=OID[3], behind=2, ahead=1, backup=f"refs/forge/backup/main/{OID[1]}", merge_base=OID[4])
    story.add("fork_synced", **report, fork="tools", branch="release/1", status="conflict", before=OID[5], after=OID[5],
              upstream_tip=OID[6], behind=1, ahead=4294967295, merge_base=OID[7], conflict_count=1,
              conflicts=[{"path": "a b/ä.yaml", "type": "content"}], error=error("SYNC_CONFLICT"), counts_unknown=True)
    story.add("job_succeeded", job=job(batch, 1), attempt=1, verdict="conflict")
    story.add("batch_closed", batch=batch, counts=counts(1, conflict=1))


def jobs(story, session):
    batch = story.batch("noop", [], 7, arguments={"noop_ms": 5})
    story.lease(session, batch, [1, 2, 3, 4])
    story.add("job_retry_scheduled", job=job(batch, 1), attempt=1, error=error("TIMEOUT"),
              not_before_us="2026-01-15T11:00:00.5Z".replace(".5", ".500000"))
    story.add("job_expired", job=job(batch, 2), attempt=1)
    story.add("job_returned", job=job(batch, 3), attempt=1, reason="draining")
    story.add("job_failed", job=job(batch, 4), attempt=1, error=error("PROTOCOL_ERROR"), retries_used_up=True)
    story.lease(session, batch, [1, 2, 3], 2)
    story.add("job_cancel_requested", job=job(batch, 3), actor="jane")
    story.add("job_cancelled", job=job(batch, 3))
    story.add("job_succeeded", job=job(batch, 1), attempt=2, verdict="done")
    story.add("job_succeeded", job=job(batch, 2), attempt=2, verdict="skipped")
    story.add("batch_cancel_requested", batch=batch, actor="jane")
    for number in (5, 6, 7):
        story.add("job_cancelled", job=job(batch, number))
    story.add("batch_closed", batch=batch, counts=counts(7, done=1, skipped=1, failed=1, cancelled=4))
    story.add("queue_paused", actor="jane")
    story.add("queue_resumed", actor="jane")


def components(story, session):
    wanted = [{"name": name, "repository": "github.com/company/crm-tools", "constraint": "^2.1"}
              for name in ("lookup", "mail")]
    batch = story.batch("component_install", ["lookup", "mail"], arguments={"component": {"wanted": wanted, "stash": True,
                        "message": "why", "action": "revert", "from_tree": OID[8], "to_tree": OID[9], "note": "edited"}})
    story.lease(session, batch, [1, 2])
    report = {"job": job(batch, 1), "attempt": 1}
    pending = {"component": component("lookup", 4), "base_commit": OID[1], "local_commit": OID[2],
               "upstream_commit": OID[3], "merged_tree": OID[4], "conflict_count": 1, "strategy": "merge",
               "conflicts": [{"path": "schema.json", "type": "schema", "base_id": OID[5], "local_id": OID[6],
                              "upstream_id": OID[7], "place": "config.timeout"}], "merged": ["README.md"]}
    story.add("component_installed", **report, component=component("lookup", 1))
    story.add("component_observed", **report, name="lookup", local_tree=OID[1], base_tree=OID[2], upstream="known",
              upstream_commit=OID[3], upstream_tree=OID[4], upstream_version="2.2.0", upstream_time_us="2026-01-14T00:00:00Z",
              behind=3, files_changed=1, component=component("lookup", 1))
    story.add("component_edited", **report, name="lookup", action="edit", before=OID[1], after=OID[2], note="config.timeout")
    story.add("component_pulled", **report, component=component("lookup", 2), before=OID[2], local_before=OID[1],
              local_after=OID[3], strategy="rebase", stash=OID[5], merged=["component.yaml"], rule_used="higher")
    story.add("component_conflicted", **report, **pending)
    story.add("component_resolved", **report, name="lookup", component=component("lookup", 4), local_after=OID[4])
    story.add("push_intended", **report, fork="github.com/me/crm-tools", ref="refs/heads/forge/lookup", after=OID[9])
    story.add("component_pushed", **report, name="lookup", repository="github.com/me/crm-tools", branch="forge/lookup",
              commit=OID[9], tree=OID[4], onto=OID[8], to_fork=True)
    story.add("component_conflicted", **report, **pending)
    story.add("component_installed", **report, component=component("mail", 3))
    story.add("component_removed", **report, name="mail", kept=OID[10])
    story.add("component_observed", **report, name="lookup", local_tree=OID[1], base_tree=OID[2], upstream="unknown",
              error=error("REPOSITORY_UNREACHABLE"), behind_unknown=True, rewritten=True)
    story.add("job_succeeded", job=job(batch, 1), attempt=1, verdict="conflict")
    story.add("job_failed", job=job(batch, 2), attempt=1, error=error("VALIDATION_FAILED"))
    story.add("batch_closed", batch=batch, counts=counts(2, conflict=1, failed=1))


def dependencies(story, session):
    exactly = {"name": "mail", "repository": "github.com/company/mail", "constraint": "2.0.0"}
    batch = story.batch("dependencies_resolve", ["/srv/work", "/srv/other"], arguments={"resolve": {
        "wanted": [exactly], "unlock": ["mail"], "unlock_needs": True, "exactly": exactly, "suppose": True}})
    story.lease(session, batch, [1, 2])
    found = {"name": "mail", "repository": "github.com/company/mail", "path": "components/tools/mail", "version": "2.0.0",
             "commit": OID[1], "tree": OID[2], "ref": "refs/tags/mail@2.0.0", "needs": ["engine"], "listed": True,
             "constraint": "^2", "before_version": "1.0.0", "before_commit": OID[3], "why": "^2 is asked for",
             "yanked": True, "latest": "2.1.0"}
    story.add("dependencies_resolved", job=job(batch, 1), attempt=1, workspace="/srv/work", components=[found],
              repositories=[{"repository": "github.com/company/mail", "refs": OID[4], "gone": True}],
              unneeded=["old"], warnings=["mail 2.0.0 was yanked"], more=True)
    story.add("job_succeeded", job=job(batch, 1), attempt=1, verdict="done")
    story.add("dependencies_resolved", job=job(batch, 2), attempt=1, workspace="/srv/other",
              explanation=["Because a needs b,", "c cannot be had."])
    story.add("job_succeeded", job=job(batch, 2), attempt=1, verdict="conflict")
    story.add("batch_closed", batch=batch, counts=counts(2, done=1, conflict=1))


def unfinished(story, session):
    """What a state holds besides: a batch with jobs in every state, and one behind another on a lane."""
    batch = story.batch("noop", [], 6)
    story.lease(session, batch, [1, 2, 3])
    story.add("job_succeeded", job=job(batch, 1), attempt=1, verdict="done")
    story.add("job_retry_scheduled", job=job(batch, 2), attempt=1, error=error("TIMEOUT"),
              not_before_us="2036-01-15T11:00:00Z")
    first = story.batch("fork_sync", ["tools"])
    story.batch("fork_sync", ["tools"])
    story.lease(session, first, [1])
    story.add("push_intended", job=job(first, 1), attempt=1, fork="tools", ref="refs/heads/main", before=OID[1],
              after=OID[2], status="fast_forwarded")
    story.add("batch_opened", batch="01KFXXXXXXXXXXXXXXXXXXXXXX", request_id="all", kind="fork_sync", arguments={},
              all_forks=True)


def tell():
    story = Story()
    story.add("scheduler_started", format_version=1, build="0.1.0", host="host", pid=1)
    leaving = story.add("worker_joined", name="vm:0", slots=1)
    session = story.add("worker_joined", name="vm:1", slots=8, owner="vm:1")
    story.add("worker_left", session=leaving, reason="goodbye")
    forks(story, session)
    jobs(story, session)
    components(story, session)
    dependencies(story, session)
    unfinished(story, session)
    return story.lines


def main(forge, target):
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    if (target / "digests").exists():
        sys.exit(f"{target} is made already, and golden for that reason")
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        env = {"FORGE_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        digests = []

        def run(*arguments):
            return subprocess.run([forge, *map(str, arguments)], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout

        def keep(name):
            fold = json.loads(next(line for line in reversed(run("journal", "export").splitlines())
                                   if '"base_begun"' in line))["data"]["fold_version"]
            (target / f"{name}.jsonl").write_text(run("journal", "export"))
            shown = json.loads(run("journal", "backup", target / f"{name}.backup", "--format", "json"))
            digests.append(f"{name} {fold} {shown['digest']}\n")

        (home / "story.jsonl").write_text("\n".join(tell()) + "\n")
        run("journal", "import", home / "story.jsonl")
        run("journal", "compact", "--keep", 10**9)
        run("queue", "pause")
        keep("whole")
        run("journal", "compact", "--keep", 0)
        run("queue", "resume")
        keep("compacted")
        shutil.copytree(home / "journal", target / "journal",
                        ignore=lambda folder, names: [name for name in names if name.startswith(("LO", "lock"))])
        (target / "digests").write_text("".join(digests))


if __name__ == "__main__":
    main(*sys.argv[1:])
