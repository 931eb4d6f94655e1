"""The pods that config/kubernetes describes are as closed as SECURITY.md says, and their settings are valid."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, its stubs do not

import trajworker
from support.house import ROOT
from trajworker.config import Asked, resolve

FOLDER = ROOT / "config" / "kubernetes"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def pod(name: str) -> dict[str, Any]:
    workload = next(document for document in documents(name) if "template" in document["spec"])
    template: dict[str, Any] = workload["spec"]["template"]["spec"]
    return template


@pytest.mark.parametrize("name", ["job.yaml", "statefulset.yaml"])
def test_a_pod_has_no_right_that_it_does_not_need(name: str) -> None:
    spec = pod(name)
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}


@pytest.mark.parametrize("name", ["job.yaml", "statefulset.yaml"])
def test_a_pod_gets_the_key_as_a_file_and_writes_to_its_volume_only(name: str) -> None:
    spec = pod(name)
    (container,) = spec["containers"]
    assert "env" not in container
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/data"]


@pytest.mark.parametrize("name", ["job.yaml", "statefulset.yaml"])
def test_a_pod_runs_this_release_and_leaves_it_time_to_stop(name: str) -> None:
    spec = pod(name)
    assert spec["containers"][0]["image"] == f"trajworker:{trajworker.__version__}"
    assert spec["terminationGracePeriodSeconds"] > 10


def test_the_settings_of_the_pod_are_valid_but_for_the_key_that_only_the_cluster_has() -> None:
    resolution = resolve(Asked(environ={}, now=datetime(2026, 1, 1, tzinfo=UTC), file=FOLDER / "trajworker.toml"))
    about = [problem.text.partition(":")[0] for problem in resolution.problems]
    assert about == ["the file /run/secrets/langsmith/api-key cannot be read", "no API key"]


def test_everything_that_is_applied_together_exists() -> None:
    (kustomization,) = documents("kustomization.yaml")
    named = {*kustomization["resources"], *kustomization["configMapGenerator"][0]["files"]}
    assert {path.name for path in FOLDER.iterdir()} == named | {"kustomization.yaml", "job.yaml"}
