"""Manual pages: one for everything there is, well-formed, and where `make install` puts them."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from world import FORGE

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([FORGE, "plumbing", "man", folder], check=True, capture_output=True)
    return folder


def tool_or_skip(name):
    if not shutil.which(name):
        pytest.skip(f"{name} IS NOT INSTALLED: manual pages were not checked with it")


def shown(page):
    done = subprocess.run(["man", "--local-file", "--nh", "--nj", page], check=True, capture_output=True, text=True,
                          env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""})
    return done.stdout


def test_every_command_and_group_has_a_page(pages):
    table = "".join((ROOT / "cli" / name).read_text() for name in ("commands.def", "commands_workspace.def"))
    names = {words.replace(" ", "-") for words in re.findall(r'^(?:COMMAND|GROUP)\("([^"]+)"', table, re.M)}
    assert len(names) > 50 and {page.name for page in pages.iterdir()} == {f"forge-{name}.1" for name in names} | {
        "forge.1", "forge-config.5"}


def test_groff_warns_of_nothing(pages):
    tool_or_skip("groff")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", *sorted(pages.iterdir())], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_man_warns_of_nothing(pages):
    tool_or_skip("man")
    for page in pages.iterdir():
        done = subprocess.run(["man", "--warnings", "--local-file", page], capture_output=True, text=True,
                              env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, ""), page.name


def test_mandoc_finds_nothing_but_that_pages_have_no_date(pages):
    tool_or_skip("mandoc")
    done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", *sorted(pages.iterdir())], capture_output=True, text=True)
    # A date would make two builds of one source differ.
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def test_a_page_says_what_help_says(pages):
    tool_or_skip("man")
    page = shown(pages / "forge-fork-sync.1")
    text = " ".join(page.split())
    assert "forge-fork-sync - bring forks up to date with their upstreams" in text
    for option in re.findall(r"--[a-z-]+", subprocess.run([FORGE, "fork", "sync", "--help"], check=True,
                                                          capture_output=True, text=True).stdout):
        assert option in text
    assert "refs/forge/backup" in text and "-s, --strategy STRATEGY" in text


def test_the_main_page_has_every_error_code_and_exit_status(pages):
    tool_or_skip("man")
    text = shown(pages / "forge.1")
    codes = re.findall(r"^X\((\w+), +\w+, +(\d+)", (ROOT / "journal/base/errors.def").read_text(), re.M)
    assert len(codes) > 40
    statuses = text.partition("\nEXIT STATUS\n")[2].partition("\nERRORS\n")[0]
    for code, status in codes:
        section = re.search(rf"^       {status}\s+(.*?)(?=^       \d|\Z)", statuses, re.M | re.S)[1]
        assert code in re.sub(r"[‐-]\s+", "", section) and re.search(rf"^       {code}\b", text, re.M)


def test_the_page_of_the_configuration_has_every_key_with_its_default(pages):
    tool_or_skip("man")
    text = " ".join(shown(pages / "forge-config.5").split())
    for words in ("worker.jobs how many jobs run at once; a whole number from 1 to 256. Default: 8.",
                  "Environment: FORGE_WORKER_JOBS.", "hosts.HOST.token_env", "one of error, warning, info, debug"):
        assert words in text


def test_make_install_installs_pages_completions_and_units_and_uninstall_removes_them(tmp_path):
    variables = [f"DESTDIR={tmp_path}", "PREFIX=/opt/forge", "-o", "all"]
    subprocess.run(["make", "-C", ROOT, "install", *variables], check=True, capture_output=True)
    top = tmp_path / "opt/forge"
    files = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    assert {"bin/forge", "share/man/man1/forge.1", "share/man/man1/forge-fork-sync.1", "share/man/man5/forge-config.5",
            "share/bash-completion/completions/forge", "share/zsh/site-functions/_forge",
            "share/fish/vendor_completions.d/forge.fish", "lib/systemd/system/forge-scheduler.service",
            "lib/systemd/system/forge-worker.service", "share/doc/forge/config.yaml"} <= files
    assert "ExecStart=/opt/forge/bin/forge worker" in (top / "lib/systemd/system/forge-worker.service").read_text()
    subprocess.run(["make", "-C", ROOT, "uninstall", *variables], check=True, capture_output=True)
    assert not [path for path in top.rglob("*") if path.is_file()]
