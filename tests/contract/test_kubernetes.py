"""The manifests for Kubernetes fit the schemas, the images and the code, and confine their pods."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import kubernetes_validate
import pytest
import yaml

from docs.reference.tables import commands_of
from shanhai.cli.app import loaded
from shanhai.cli.kit import all_settings
from shanhai.db.grants import ACCOUNTS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/kubernetes/base"
SMALL = ROOT / "deploy/kubernetes/examples/small"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
VERSION = "1.31"
SERVICES = {"api": 8000, "tiles": 8001, "worker": 8002}
SECRETS_OF = {"migrate": "owner", "archive": "backup", "prune": "backup"}
"""Whose secrets a process is told where they are not its own."""
COMMANDS = {command.words for command in commands_of(loaded())}

Document = dict[str, Any]


def documents() -> Iterator[Document]:
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((FOLDER / name).read_text("utf-8"))


DOCUMENTS = list(documents())
PODS: dict[str, Document] = {}
for one in DOCUMENTS:
    if one["kind"] in {"Deployment", "Job"}:
        PODS[one["metadata"]["name"]] = one["spec"]["template"]
    if one["kind"] == "CronJob":
        PODS[one["metadata"]["name"]] = one["spec"]["jobTemplate"]["spec"]["template"]


def of_kind(kind: str) -> dict[str, Document]:
    return {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == kind}


def test_every_file_is_listed() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_documents_fit_the_schemas(document: Document) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS.keys())
def test_pods_are_confined(pod: Document) -> None:
    spec = pod["spec"]
    assert not spec["automountServiceAccountToken"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


def test_who_keeps_files_has_a_folder_for_what_a_bucket_gives() -> None:
    [restore] = [
        one["spec"]["template"]
        for one in yaml.safe_load_all((SMALL / "restoring/restore.yaml").read_text("utf-8"))
        if one["kind"] == "Job"
    ]
    plain = of_kind("ConfigMap")["shanhai"]["data"]
    keeping = []
    for name, pod in {**PODS, "restore": restore}.items():
        [container] = pod["spec"]["containers"]
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        if plain["SHANHAI_ARTIFACTS_ROOT"] in mounted:
            own = {one["name"]: one["value"] for one in container.get("env", [])}
            folder = PurePath((plain | own)["SHANHAI_ARTIFACTS_CACHE"])
            assert any(folder.is_relative_to(path) for path in mounted), name
            keeping.append(name)
    assert {"api", "worker", "archive", "restore"} <= set(keeping)


def test_the_account_is_that_of_the_images() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    uid = int(re.findall(r"useradd .*--uid (\d+)", dockerfile)[0])
    assert {pod["spec"]["securityContext"]["runAsUser"] for pod in PODS.values()} == {uid}


def test_images_are_targets_and_run_real_commands() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    named = {image["name"] for image in KUSTOMIZATION["images"]}
    for pod in PODS.values():
        for container in pod["spec"]["containers"]:
            assert container["image"] in named
            assert f" AS {container['image'].removeprefix('shanhai-')}\n" in dockerfile
            words = tuple(container["args"])
            assert words[0] == "shanhai"
            assert words[1:2] in COMMANDS or words[1:3] in COMMANDS


def test_probes_ask_what_the_services_answer() -> None:
    deployments = of_kind("Deployment")
    for name, port in SERVICES.items():
        container = deployments[name]["spec"]["template"]["spec"]["containers"][0]
        assert container["ports"] == [{"name": "http", "containerPort": port}]
        probed = {
            kind: container[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "liveness", "readiness")
        }
        assert probed == {
            "startup": "/health/live",
            "liveness": "/health/live",
            "readiness": "/health/ready",
        }


NOT_OURS = {"PGSSLMODE", "SHANHAI_BACKUPS_ROOT"}
"""What every client of PostgreSQL reads, and an argument of the commands of backups."""


def test_settings_exist_and_secrets_are_only_referred_to() -> None:
    known = {setting.name: setting.kind for setting in all_settings()}
    plain = of_kind("ConfigMap")["shanhai"]["data"]
    own = {
        variable["name"]
        for pod in PODS.values()
        for container in pod["spec"]["containers"]
        for variable in container.get("env", [])
    }
    assert set(plain) | own <= set(known) | NOT_OURS
    assert [name for name in plain if "secret" in known.get(name, "")] == []
    assert of_kind("Secret") == {}
    for name, pod in PODS.items():
        [container] = pod["spec"]["containers"]
        told = [one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one]
        assert told == [f"shanhai-{SECRETS_OF.get(name, name)}"], name


def test_the_secrets_of_each_process_are_explained() -> None:
    text = (FOLDER / "settings.yaml").read_text("utf-8")
    for process in {SECRETS_OF.get(name, name) for name in PODS}:
        account = ACCOUNTS[process]  # type: ignore[index]  # a role, or the test fails
        assert re.search(
            rf"^#   shanhai-{process} .*(\n# {{4,}}\S.*)*{account}", text, re.MULTILINE
        )


def test_what_scales_and_what_is_kept_running() -> None:
    budgets, scalers = of_kind("PodDisruptionBudget"), of_kind("HorizontalPodAutoscaler")
    assert set(budgets) == set(scalers) == set(SERVICES)
    metric = scalers["worker"]["spec"]["metrics"][0]["external"]["metric"]["name"]
    assert f'"{metric}"' in (ROOT / "services/worker/shanhai_worker/metrics.py").read_text("utf-8")
    for name in SERVICES:
        # Written down, a number would be set again with each release.
        assert "replicas" not in of_kind("Deployment")[name]["spec"]


def test_everything_is_closed_but_what_is_named() -> None:
    policies = of_kind("NetworkPolicy")
    closed = policies["closed"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    into = {
        port["port"]
        for name, policy in policies.items()
        if name != "closed"
        for rule in policy["spec"].get("ingress", [])
        for port in rule["ports"]
    }
    assert into == set(SERVICES.values())


def test_the_ingress_leads_to_services_that_exist() -> None:
    services = of_kind("Service")
    for ingress in of_kind("Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"]["name"] in services


# It fails once, at the third password.
FAILING_OPENSSL = """#!/bin/sh
echo >>"$0.calls"
[ "$(wc -l <"$0.calls")" -ne 3 ] || exit 1
exec {openssl} "$@"
"""


def test_passwords_are_made_whole_or_not_at_all(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None
    program = tmp_path / "bin/openssl"
    program.parent.mkdir()
    program.write_text(FAILING_OPENSSL.format(openssl=openssl))
    program.chmod(0o755)
    script = shutil.copy(SMALL / "secrets.sh", tmp_path)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    assert subprocess.run([script], env=environment, check=False).returncode
    assert not (tmp_path / "secrets/passwords").exists()
    subprocess.run([script], env=environment, check=True)
    made = (tmp_path / "secrets/passwords").read_text().splitlines()
    assert len(made) == 9
    assert all(re.fullmatch(r"[A-Z_]+=[0-9a-f]{48}", line) for line in made)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), "DNS:localhost"),
        (("plans.example", "10.1.2.3"), "DNS:plans.example, IP Address:10.1.2.3"),
    ],
)
def test_a_renewed_certificate_has_the_names_of_the_first(
    tmp_path: Path, given: tuple[str, ...], named: str
) -> None:
    script = shutil.copy(SMALL / "secrets.sh", tmp_path)
    certificate = tmp_path / "secrets/proxy.pem"
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(certificate)]
    for hosts in (given, ()):
        subprocess.run([script, *hosts], check=True)
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert told.splitlines()[1].strip() == named
        certificate.unlink()
