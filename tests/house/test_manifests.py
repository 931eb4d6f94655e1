"""The pods that config/kubernetes describes are as closed as SECURITY.md says, and find their settings, valid ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, its stubs do not

import trajworker
from support.house import ROOT
from trajworker.config import Asked, resolve

FOLDER = ROOT / "config" / "kubernetes"
PODS = ["backfill/job.yaml", "statefulset.yaml"]


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def pod(name: str) -> dict[str, Any]:
    workload = next(document for document in documents(name) if "template" in document["spec"])
    template: dict[str, Any] = workload["spec"]["template"]["spec"]
    return template


@pytest.mark.parametrize("name", PODS)
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


@pytest.mark.parametrize("name", PODS)
def test_a_pod_gets_the_key_as_a_file_and_writes_to_its_volume_only(name: str) -> None:
    spec = pod(name)
    (container,) = spec["containers"]
    assert "env" not in container
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/data"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_this_release_and_leaves_it_time_to_stop(name: str) -> None:
    spec = pod(name)
    assert spec["containers"][0]["image"] == f"trajworker:{trajworker.__version__}"
    assert spec["terminationGracePeriodSeconds"] > 10


def test_the_settings_of_the_pod_are_valid_but_for_the_key_that_only_the_cluster_has() -> None:
    resolution = resolve(Asked(environ={}, file=FOLDER / "base" / "trajworker.toml"))
    about = [problem.text.partition(":")[0] for problem in resolution.problems]
    assert about == ["the file /run/secrets/langsmith/api-key cannot be read", "no API key"]


def applied(folder: Path) -> Iterator[Path]:
    """Every file that `kubectl apply -k` reads: resources and settings, those of folders that are named too."""
    (kustomization,) = yaml.safe_load_all((folder / "kustomization.yaml").read_text("utf-8"))
    assert kustomization["namespace"] == "trajworker"
    yield folder / "kustomization.yaml"
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        yield from applied(path) if path.is_dir() else [path]
    for generated in kustomization.get("configMapGenerator", []):
        assert generated["name"] == "trajworker"
        yield from (folder / name for name in generated["files"])


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_applied_together_with_its_namespace_and_settings(name: str) -> None:
    together = {path.relative_to(FOLDER).as_posix() for path in applied((FOLDER / name).parent)}
    assert {name, "base/namespace.yaml", "base/networkpolicy.yaml", "base/trajworker.toml"} <= together
    (settings,) = [volume["configMap"] for volume in pod(name)["volumes"] if "configMap" in volume]
    assert settings == {"name": "trajworker"}


def test_no_file_is_applied_by_nobody() -> None:
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == {
        path for name in PODS for path in applied((FOLDER / name).parent)
    }
