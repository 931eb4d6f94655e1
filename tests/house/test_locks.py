"""What is installed is pinned by hash, fits pyproject.toml, and is what the container installs too."""

import re
import tomllib
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, its stubs do not
from packaging.requirements import Requirement

from support.house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUNTIME = PROJECT["project"]["dependencies"] + GROUPS["build"]
TESTED_TOGETHER = ("parquet", "redact")
TEST = RUNTIME + GROUPS["test"] + [requirement for extra in TESTED_TOGETHER for requirement in EXTRAS[extra]]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def lock(name: str) -> str:
    return (ROOT / "config" / name).read_text("utf-8")


def workflow() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text("utf-8"))
    return read


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(("name", "required"), [("requirements.lock", RUNTIME), ("requirements-test.lock", TEST)])
def test_a_lock_holds_a_fitting_version_of_everything_required(name: str, required: list[str]) -> None:
    pins = dict(PIN.findall(lock(name)))
    for requirement in map(Requirement, required):
        assert normal(requirement.name) in pins, f"run .github/lock: {requirement} is not locked"
        assert requirement.specifier.contains(pins[normal(requirement.name)], prereleases=True), "run .github/lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_everything_in_a_lock_is_pinned_by_hash_and_names_no_index(name: str) -> None:
    entries = [
        entry for entry in re.split(r"^(?=[a-z0-9])", lock(name), flags=re.MULTILINE) if not entry.startswith("#")
    ]
    assert len(entries) > 10
    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert "://" not in lock(name)


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped, tested = dict(PIN.findall(lock("requirements.lock"))), dict(PIN.findall(lock("requirements-test.lock")))
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}


def test_the_container_installs_the_lock() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in dockerfile
    assert "config/requirements.lock" in dockerfile


def test_every_version_of_python_that_is_promised_is_tested_and_locked() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
    assert workflow()["jobs"]["check"]["strategy"]["matrix"]["python"] == promised
    assert f"for Python {promised[0]} to {promised[-1]}." in lock("requirements.lock").partition("\n")[0]
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"


def test_every_extra_is_installed_somewhere_to_be_tested() -> None:
    alone = {name for name in EXTRAS if f".[{name}]" in str(workflow()["jobs"].get(name))}
    assert alone.union(TESTED_TOGETHER) == set(EXTRAS)
