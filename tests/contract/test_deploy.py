"""What is deployed fits together: compose file, images, locks and the code they name."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from ipaddress import IPv4Network, ip_address
from pathlib import Path, PurePath
from typing import Any

import pytest
import yaml

from docs.reference.tables import Command, commands_of
from shanhai.cli.app import loaded
from shanhai.cli.kit import all_settings
from shanhai.db.grants import ACCOUNTS, provision
from shanhai.local.demo import deployed
from shanhai.reporting.pages import PANGO_PACKAGES
from shanhai.settings import DatabaseSettings
from shanhai_api.kit.state import GROUPS
from shanhai_tiles.styles.legend import CJK_FONTS, SIGNS_FONT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKS = sorted((DEPLOY / "locks").glob("*.lock"))
CONSOLE = ROOT / "services/api/console"
COMMANDS = {command.words: command for command in commands_of(loaded())}
NOT_OURS = {"SHANHAI_DB_PASSWORD", "SHANHAI_REDIS_PASSWORD"}
"""What the compose file puts into URLs; no process reads them."""
FOR_COMPOSE = {
    "SHANHAI_TLS_HOSTS",
    "SHANHAI_TLS_FOLDER",
    "SHANHAI_HTTPS_PORT",
    "SHANHAI_BACKUPS_ROOT",
    "SHANHAI_PROXY_NETWORK",
}
"""What only the compose file reads; docs/operations.md explains them."""
OF_DEMO = {"SHANHAI_DEMO_API", "SHANHAI_HOME", "XDG_CACHE_HOME"}
"""What the demonstration alone reads: where it asks, and where it keeps data and its key."""
OF_POSTGRESQL = {"PGSSLMODE", "PGSSLROOTCERT"}
"""What every client of PostgreSQL reads."""
ACCOUNT_PASSWORDS = {f"SHANHAI_DB_{role.upper()}_PASSWORD" for role in ACCOUNTS}
ACCOUNT_OF = {
    "migrate": "owner",
    "gateway": "worker",
    "archive": "backup",
    "demo": "api",
    **{name: name for name in ("api", "worker", "tiles", "backup")},
}
"""By service, the role whose account of the database it has."""
DASK = {"dask-scheduler", "dask-worker"}
MADE_BY_CONSOLE = {
    "/srv/services/api/shanhai_api/static/console",
    "/srv/services/tiles/shanhai_tiles/static/vendor",
}
MADE_BY_BUILD = {"/opt/shanhai", "/tmp/dist", "/tmp/numpy", "/tmp/numpy.lock"}  # noqa: S108 - of the build
LETTERING = {str(CJK_FONTS[0]), str(SIGNS_FONT)}
"""Of Debian's packages, beside what sets type."""
MADE = {"console": MADE_BY_CONSOLE, "typesetting": LETTERING}
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|npmmirror\.com|tsinghua\.edu|aliyun\.com"
)
SOMEBODY_S_FOLDER = re.compile(r"(?<![\w.>}])/(root|home|work|workspace|Users|mnt)/\w")


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the Dockerfile."""

    name: str
    base: str
    instructions: tuple[tuple[str, str], ...]

    def copies(self) -> Iterator[tuple[str | None, list[str]]]:
        """The stage and the paths each COPY takes from it, or from the checkout."""
        for instruction, rest in self.instructions:
            if instruction == "COPY":
                *words, _target = rest.split()
                sources = [word for word in words if not word.startswith("--")]
                origin = next((o[7:] for o in words if o.startswith("--from=")), None)
                yield origin, sources


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found: dict[str, Stage] = {}
    for part in re.split(r"^(?=FROM )", joined, flags=re.MULTILINE):
        if part.strip():
            stage = _stage(part)
            found[stage.name] = stage
    return found


def _stage(text: str) -> Stage:
    (_, first), *rest = [
        (line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines() if line
    ]
    base, _, name = first.partition(" AS ")
    return Stage(name, base, tuple(rest))


def assert_is_command(words: list[str]) -> None:
    """The words call a command of ours, with an argument it takes."""
    assert words[0] == "shanhai", words
    command = next(
        (COMMANDS[w] for n in (1, 2) if (w := tuple(words[1 : 1 + n])) in COMMANDS), None
    )
    assert command is not None, words
    _assert_arguments(command, words[1 + len(command.words) :])


def _assert_arguments(command: Command, given: list[str]) -> None:
    options = {name for item in command.parameters if item.is_option for name in item.name.split()}
    assert {word.partition("=")[0] for word in given if word.startswith("--")} <= options
    given = [word for word in given if not word.startswith("--")]
    wanted = [parameter for parameter in command.parameters if not parameter.is_option]
    assert len(given) == len(wanted), (command.words, given)
    for parameter, value in zip(wanted, given, strict=True):
        assert not parameter.choices or value in parameter.choices, value


def postgres_on_kubernetes() -> dict[str, Any]:
    """The container of PostgreSQL in the example for Kubernetes."""
    example = DEPLOY / "kubernetes/examples/small/postgres.yaml"
    stateful, _service = yaml.safe_load_all(example.read_text("utf-8"))
    [container] = stateful["spec"]["template"]["spec"]["containers"]
    return dict(container)


def services_of_ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in compose["services"].items() if "build" in one}


def test_compose_runs_real_commands(compose: dict[str, Any]) -> None:
    ours = services_of_ours(compose)
    assert (
        set(ours)
        == {
            "certificates",
            "provision",
            "migrate",
            "api",
            "worker",
            "gateway",
            "tiles",
            "archive",
            "backup",
            "demo",
            "restore",
        }
        | DASK
    )
    for name, one in ours.items():
        if name == "demo":
            assert one["command"] == ["python", "-m", deployed.__name__]
        elif name == "restore":
            assert_is_command([word.strip('"') for word in one["entrypoint"][2].split()[:5]])
        else:
            assert_is_command(one["command"])


def test_settings_that_the_compose_file_does_not_name_reach_each_service(
    compose: dict[str, Any],
) -> None:
    files = {
        name: [(one["path"], one["required"]) for one in service["env_file"]]
        for name, service in compose["services"].items()
        if "env_file" in service
    }
    own = {"gateway": "worker", "archive": "backup", "restore": "backup"}
    served = ("api", "worker", "gateway", "tiles", "archive", "backup", "restore")
    expected = {
        name: [("settings.env", False), (f"{own.get(name, name)}.env", False)] for name in served
    }
    # They know no address of database or Redis, and read nothing that others do.
    expected |= {name: [("dask.env", False)] for name in ("dask-scheduler", "dask-worker")}
    assert files == expected


def test_what_is_run_once_stops_nothing_that_it_depends_on() -> None:
    """The first start and a restore apart, it is run beside a database that is there."""
    pages = [ROOT / "docker-compose.yml", *ROOT.glob("docs/**/*.md")]
    told = [
        line
        for page in pages
        for line in re.findall(r"docker compose [^`\n]*\brun [^`\n]*", page.read_text("utf-8"))
        if not re.search(r"\b(demo|restore)\b", line)
    ]
    assert len(told) > 8
    assert [line for line in told if "--no-deps" not in line] == []


def test_no_command_takes_the_name_of_the_project_for_granted(compose: dict[str, Any]) -> None:
    """Under another (`COMPOSE_PROJECT_NAME`) volumes and containers are called otherwise."""
    own = "|".join([*compose["volumes"], *compose["services"]])
    pages = [ROOT / "docker-compose.yml", *ROOT.glob("docs/**/*.md"), *DEPLOY.glob("**/*.sh")]
    named = rf"docker .*\bshanhai[_-](?:{own})\b.*"
    assert [found for one in pages for found in re.findall(named, one.read_text("utf-8"))] == []


def test_compose_builds_stages_that_exist(
    compose: dict[str, Any], stages: dict[str, Stage]
) -> None:
    for one in services_of_ours(compose).values():
        assert (ROOT / one["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")
        assert one["build"]["target"] in stages


def test_compose_sets_variables_that_are_read(compose: dict[str, Any]) -> None:
    known = {setting.name for setting in all_settings()}
    for name, one in services_of_ours(compose).items():
        own = OF_DEMO if name == "demo" else set()
        assert set(one.get("environment", {})) <= known | OF_POSTGRESQL | own, name


def test_compose_gives_what_is_required(compose: dict[str, Any]) -> None:
    required = {setting.name for setting in all_settings() if setting.default is None}
    for name, one in services_of_ours(compose).items():
        # Code of any kind may be sent to the parts of Dask, so they are told no secret.
        told = required & set(one.get("environment", {}))
        without = {"SHANHAI_DATABASE_URL"} if name == "restore" else set()
        assert told == (set() if name in DASK | {"certificates"} else required - without), name


def test_compose_keeps_the_dask_parts_to_a_network_with_the_worker(compose: dict[str, Any]) -> None:
    assert compose["networks"]["dask"]["internal"]
    for name, one in compose["services"].items():
        networks = set(one.get("networks", ["default"]))
        assert networks <= set(compose["networks"])
        assert ("dask" in networks) == (name in DASK | {"worker"}), name
        if name in DASK:
            assert networks == {"dask"}
            assert one["profiles"] == ["dask"]
            assert "ports" not in one


def test_compose_shares_the_worker_s_folders_with_the_dask_workers(compose: dict[str, Any]) -> None:
    worker, dask = (
        {volume.removesuffix(":ro") for volume in compose["services"][name]["volumes"]}
        for name in ("worker", "dask-worker")
    )
    # Code of any kind may be sent to them: what heads are signed with is the worker's alone.
    own = {volume for volume in worker if volume.startswith(("audit", "tls-ca"))}
    assert len(own) == 3
    assert dask == worker - own


def test_compose_asks_for_variables_that_are_ours_or_explained(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+)", json.dumps(compose)))
    assert asked <= {setting.name for setting in all_settings()} | NOT_OURS | FOR_COMPOSE
    explained = (ROOT / "docs/operations.md").read_text("utf-8")
    assert all(name in explained for name in FOR_COMPOSE)


def test_a_restored_server_is_given_time_to_read_its_log(compose: dict[str, Any]) -> None:
    """Until it is consistent, by its probes; until it takes changes, by who makes the accounts."""
    patience_s = signature(provision).parameters["patience_s"].default
    assert patience_s >= 600
    assert compose["services"]["postgres"]["healthcheck"]["start_period"] == f"{patience_s:.0f}s"
    probe = postgres_on_kubernetes()["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] == patience_s


def test_what_a_restore_writes_as_root_is_given_to_those_who_use_it(
    compose: dict[str, Any],
) -> None:
    """All it shares with the worker, and what it makes where result files lie in a bucket."""
    mounts = {
        name: {volume.split(":")[1] for volume in compose["services"][name]["volumes"]}
        for name in ("restore", "worker")
    }
    [given] = re.findall(
        r"chown -R 10001:10001([^&]+)", compose["services"]["restore"]["entrypoint"][2]
    )
    assert mounts["restore"] & mounts["worker"] == set(given.split())
    assert compose["x-artifacts"]["SHANHAI_ARTIFACTS_CACHE"] in given.split()


def test_postgresql_has_connections_for_what_is_scaled(compose: dict[str, Any]) -> None:
    """For two of each service, and of one of them twice as many while they are upgraded."""
    pool = DatabaseSettings.model_fields["pool_size"].default
    api, tiles, worker = 3 * pool + GROUPS + 2, 2 * pool + 2, pool + 1
    explained = (ROOT / "docs/operations.md").read_text("utf-8")
    assert (
        f"an API holds up to {api} connections, a tile service {tiles}, a worker {worker}"
        in explained
    )
    command = compose["services"]["postgres"]["command"]
    [most] = [int(word.partition("=")[2]) for word in command if "max_connections" in word]
    assert 2 * (api + tiles + worker) + 2 * api < most
    assert postgres_on_kubernetes()["args"] == command


def test_parallel_queries_have_memory_to_share(compose: dict[str, Any]) -> None:
    assert compose["services"]["postgres"]["shm_size"] == "1gb"


def test_postgresql_counts_as_well_once_others_can_connect(compose: dict[str, Any]) -> None:
    """On its socket the server listens before, while the image makes the database."""
    asked = compose["services"]["postgres"]["healthcheck"]["test"]
    assert "-h 127.0.0.1" in " ".join(asked)
    probe = postgres_on_kubernetes()["startupProbe"]["exec"]["command"]
    assert [word for word in probe if word != "-q"] == asked[1:]


def test_who_writes_in_the_audit_log_hashes_it_alike(compose: dict[str, Any]) -> None:
    suites = {
        compose["services"][name]["environment"]["SHANHAI_CRYPTO_SUITE"]
        for name in ("migrate", "api", "worker", "tiles", "gateway")
    }
    assert suites == {"${SHANHAI_CRYPTO_SUITE:-international}"}


def test_compose_has_no_default_password(compose: dict[str, Any]) -> None:
    for variable in NOT_OURS | ACCOUNT_PASSWORDS:
        uses = re.findall(rf"\$\{{{variable}([^}}]*)\}}", json.dumps(compose))
        assert uses
        assert all(use.startswith(":?") for use in uses)


def test_compose_gives_each_service_its_own_account_and_secrets(compose: dict[str, Any]) -> None:
    secret = {setting.name for setting in all_settings() if "secret" in setting.kind}
    told = {
        name: secret & set(one.get("environment", {}))
        for name, one in services_of_ours(compose).items()
    }
    for name, role in ACCOUNT_OF.items():
        url = compose["services"][name]["environment"]["SHANHAI_DATABASE_URL"]
        account = ACCOUNTS[role]  # type: ignore[index]  # a role, or the test fails
        password = f"SHANHAI_DB_{role.upper()}_PASSWORD"
        assert url.startswith(f"postgresql://{account}:${{{password}:?"), name
    bucket = {"SHANHAI_ARTIFACTS_S3_SECRET_ACCESS_KEY"}
    common = {"SHANHAI_DATABASE_URL", "SHANHAI_REDIS_URL", "SHANHAI_TILE_TOKENS_SECRET"}
    assert told["tiles"] == common | bucket | {"SHANHAI_BASEMAPS_TOKEN"}
    assert not any("SHANHAI_BASEMAPS_TOKEN" in told[name] for name in told if name != "tiles")
    assert told["migrate"] == {"SHANHAI_DATABASE_URL"}
    backups = {"SHANHAI_BACKUP_S3_SECRET_ACCESS_KEY"}
    assert told["archive"] == told["backup"] == {"SHANHAI_DATABASE_URL"} | bucket | backups
    assert [one for one in told if backups & told[one]] == ["archive", "backup", "restore"]
    assert told["provision"] == {"SHANHAI_DATABASE_URL"} | ACCOUNT_PASSWORDS
    knows_superuser = [
        name
        for name, one in compose["services"].items()
        if "SHANHAI_DB_PASSWORD" in json.dumps(one)
    ]
    assert knows_superuser == ["postgres", "provision"]


def test_compose_names_volumes_and_services_it_declares(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for volume in one.get("volumes", []):
            plain = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume)
            assert plain.partition(":")[0] in compose["volumes"], (name, volume)
        assert set(one.get("depends_on", {})) <= set(compose["services"]), name


def test_compose_lets_nothing_travel_in_the_clear(compose: dict[str, Any]) -> None:
    """Between its parts: what is published from here, to PostgreSQL, and to Redis."""
    for name, one in services_of_ours(compose).items():
        told = one.get("environment", {})
        if "SHANHAI_DATABASE_URL" in told:
            assert told["PGSSLMODE"] == "verify-full", name
            assert "tls-ca:/var/lib/shanhai/ca:ro" in one["volumes"], name
            assert told["PGSSLROOTCERT"] == "/var/lib/shanhai/ca/ca.pem", name
        if "SHANHAI_REDIS_URL" in told:
            assert told["SHANHAI_REDIS_URL"].startswith("rediss://"), name
            assert "ssl_ca_certs=/var/lib/shanhai/ca/ca.pem" in told["SHANHAI_REDIS_URL"], name
    access = (DEPLOY / "postgres" / "pg_hba.conf").read_text("utf-8").splitlines()
    kinds = {line.split()[0] for line in access if line and not line.startswith("#")}
    assert kinds == {"local", "hostssl"}
    [port] = compose["services"]["proxy"]["ports"]
    published = port.rpartition(":")[2]
    listening = (DEPLOY / "nginx" / "nginx.conf").read_text("utf-8")
    assert f"listen {published} ssl" in listening


def test_the_keys_of_servers_are_in_no_container_but_theirs(compose: dict[str, Any]) -> None:
    holding = {"tls-authority": set(), "tls-postgres": {"postgres"}, "tls-redis": {"redis"}}
    for volume, servers in {**holding, "tls-proxy": {"proxy"}}.items():
        found = {
            name
            for name, one in compose["services"].items()
            if any(volume in mounted for mounted in one.get("volumes", []))
        }
        assert found == servers | {"certificates"}, volume


def test_images_run_real_commands(stages: dict[str, Stage]) -> None:
    for target in ("api", "worker", "tiles"):
        last = stages[target].instructions[-1]
        assert last[0] == "CMD"
        words = json.loads(last[1])
        assert_is_command(words)
        assert words[-1] == target


def test_images_end_without_root_and_say_how_they_are(stages: dict[str, Stage]) -> None:
    for target in ("api", "worker", "tiles", "operations"):
        users = [rest for name, rest in stages[target].instructions if name == "USER"]
        assert users[-1] == "shanhai", target
        checks = [rest for name, rest in stages[target].instructions if name == "HEALTHCHECK"]
        assert len(checks) == 1, target
        if target != "operations":
            port = next(rest for name, rest in stages[target].instructions if name == "EXPOSE")
            assert checks[0].endswith(f'["healthy", "127.0.0.1", "{port}", "/health/live"]')


def test_compiled_code_is_kept_where_a_container_may_write(
    compose: dict[str, Any], stages: dict[str, Stage]
) -> None:
    """Numba finds no place beside the code of a read-only container, and fails on import."""
    settings = " ".join(rest for name, rest in stages["base"].instructions if name == "ENV")
    found = re.search(r"NUMBA_CACHE_DIR=(\S+)", settings)
    assert found is not None
    for name in ("api", "worker", "gateway", "dask-worker"):
        writable = [PurePath(path) for path in compose["services"][name]["tmpfs"]]
        assert any(PurePath(found[1]).is_relative_to(path) for path in writable), name


def test_who_sets_type_logs_nothing_of_fonts(
    compose: dict[str, Any], stages: dict[str, Stage]
) -> None:
    """Matplotlib and Fontconfig said in the log of each job that they can keep no cache."""
    typesetting = stages["typesetting"].instructions
    found = re.search(r"MPLCONFIGDIR=(\S+)", " ".join(r for n, r in typesetting if n == "ENV"))
    assert found is not None
    assert PurePath(found[1]).is_relative_to(compose["services"]["worker"]["tmpfs"][0])
    made = " ".join(rest for name, rest in typesetting if name == "RUN")
    assert re.search(r"rm -rf .*/var/cache/\*.* touch .* fc-cache$", made), made
    assert {stages[name].base for name in ("api", "worker", "demo")} == {"typesetting"}


def test_exported_files_lie_on_a_disk(compose: dict[str, Any]) -> None:
    """`/tmp` is memory, of which a file of all observations takes more than there is."""
    api = compose["services"]["api"]
    folder = api["environment"]["SHANHAI_ARTIFACTS_CACHE"]
    assert folder in {one.split(":")[1] for one in api["volumes"]}


def test_containers_are_confined(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert one["logging"] == {"driver": "local"}, f"{name}: its log is not bounded"
        if name == "postgres":
            assert one["stop_grace_period"] == "60s"
            continue
        assert one["read_only"], name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["mem_limit"], name
        assert one["pids_limit"], name


def test_what_ends_by_itself_is_of_no_profile_of_what_stays(compose: dict[str, Any]) -> None:
    profiles: dict[bool, set[str]] = {False: set(), True: set()}
    for one in compose["services"].values():
        profiles[one["restart"] == "no"] |= {*one.get("profiles", [])}
    assert not profiles[False] & profiles[True]


def test_only_the_proxy_and_devices_reach_in_from_outside(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for port in one.get("ports", []):
            assert name in {"proxy", "gateway"} or port.startswith("127.0.0.1:"), name


def test_compose_takes_configurations_from_files_that_exist(compose: dict[str, Any]) -> None:
    for one in compose["configs"].values():
        assert "content" in one or (ROOT / one["file"]).is_file()
    for name, one in compose["services"].items():
        for taken in one.get("configs", []):
            assert taken["source"] in compose["configs"], name


def test_no_configuration_is_copied_into_a_read_only_container(compose: dict[str, Any]) -> None:
    """Files are mounted; contents written inline are copied, which a read-only root refuses."""
    copied = {name for name, one in compose["configs"].items() if "content" in one}
    for name, one in compose["services"].items():
        taken = {config["source"] for config in one.get("configs", [])}
        assert not (one.get("read_only") and taken & copied), name


GIVEN_BY_ENGINES = (IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""Where Docker looks for a range for a network that names none."""


def by_default(value: str) -> str:
    """A value of the compose file where the variables it names are not set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def test_addresses_that_are_named_are_handed_out_to_nobody_else(compose: dict[str, Any]) -> None:
    named = [
        (network, ip_address(by_default(settings["ipv4_address"])))
        for one in compose["services"].values()
        if isinstance(one.get("networks"), dict)
        for network, settings in one["networks"].items()
    ]
    assert named
    for network, address in named:
        [pool] = compose["networks"][network]["ipam"]["config"]
        subnet, handed_out = (
            IPv4Network(by_default(pool[name])) for name in ("subnet", "ip_range")
        )
        assert address in subnet
        assert address not in handed_out
        assert handed_out.subnet_of(subnet)
        assert not any(subnet.overlaps(taken) for taken in GIVEN_BY_ENGINES)


def test_stages_come_from_earlier_ones_or_an_image(stages: dict[str, Stage]) -> None:
    earlier: set[str] = set()
    for stage in stages.values():
        assert stage.base in earlier or ":" in stage.base, stage.name
        origins = {origin for origin, _ in stage.copies() if origin is not None}
        assert origins <= earlier, stage.name
        earlier.add(stage.name)


def test_everything_copied_exists(stages: dict[str, Stage]) -> None:
    for stage in stages.values():
        for origin, sources in stage.copies():
            for source in sources:
                made = MADE.get(origin or "", MADE_BY_BUILD)
                assert source in made if origin else (ROOT / source).exists(), source


def test_each_image_installs_its_own_lock(stages: dict[str, Stage]) -> None:
    for target in ("api", "demo", "tiles", "worker"):
        installs = " ".join(rest for _, rest in stages[f"build-{target}"].instructions)
        assert re.findall(r"locks/([\w.]+)", installs) == [f"{target}.lock"]
    assert [path.stem for path in LOCKS] == ["api", "demo", "tiles", "worker"]


def test_images_that_multiply_large_matrices_keep_the_numpy_they_were_checked_with(
    stages: dict[str, Stage],
) -> None:
    targets = ("api", "demo", "tiles", "worker")
    compiled = {
        target
        for target in targets
        if "numpy" in {origin for origin, _ in stages[f"build-{target}"].copies()}
    }
    assert compiled == {"api", "tiles"}
    assert all("scipy" not in pinned(DEPLOY / f"locks/{target}.lock") for target in compiled)
    building = pinned(DEPLOY / "images/numpy-build.txt")
    assert {"cython", "meson-python", "ninja"} <= building.keys()
    assert all(hashes for _, hashes in building.values())


def test_images_that_write_pdf_have_what_sets_type(stages: dict[str, Stage]) -> None:
    writing = [lock.stem for lock in LOCKS if "weasyprint" in pinned(lock)]
    assert writing == ["api", "demo", "worker"]
    for name in writing:
        installed: list[str] = []
        stage: Stage | None = stages[name]
        while stage is not None:
            installed += " ".join(rest for _, rest in stage.instructions).split()
            stage = stages.get(stage.base)
        assert {*PANGO_PACKAGES, "fonts-droid-fallback"} <= {*installed}


def test_the_image_that_letters_legends_has_the_fonts(stages: dict[str, Stage]) -> None:
    copies = stages["tiles"].copies()
    assert {one for origin, of in copies if origin == "typesetting" for one in of} == LETTERING


def pinned(lock: Path) -> dict[str, tuple[str, int]]:
    """Version and number of hashes by package."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    found: dict[str, tuple[str, int]] = {}
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        assert match is not None, line
        found[match[1]] = (match[2], line.count("--hash=sha256:"))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_image_locks_agree_with_the_development_lock(lock: Path) -> None:
    versions = {name: version for name, (version, _) in pinned(ROOT / "requirements.lock").items()}
    image = {name: version for name, (version, _) in pinned(lock).items()}
    assert image
    assert image.items() <= versions.items()


@pytest.mark.parametrize("lock", [*LOCKS, ROOT / "requirements.lock"], ids=lambda path: path.stem)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    assert [name for name, (_, hashes) in pinned(lock).items() if hashes == 0] == []


@pytest.mark.parametrize("lock", [*LOCKS, ROOT / "requirements.lock"], ids=lambda path: path.stem)
def test_locks_name_no_index(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text


def test_the_console_s_lock_leaves_the_registry_open() -> None:
    packages = json.loads((CONSOLE / "package-lock.json").read_bytes())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_npm_writes_no_addresses_into_a_lock() -> None:
    manifests = [path.parent for path in ROOT.glob("services/*/**/package.json")]
    folders = [folder for folder in manifests if "node_modules" not in folder.parts]
    assert CONSOLE in folders
    for folder in folders:
        settings = (folder / ".npmrc").read_text("utf-8").splitlines()
        assert "omit-lockfile-registry-resolved=true" in settings, folder


def test_the_viewer_s_map_library_is_that_of_the_console_s_lock() -> None:
    packages = json.loads((CONSOLE / "package-lock.json").read_bytes())["packages"]
    vendored = ROOT / "services/tiles/shanhai_tiles/static/vendor/VERSION"
    if not vendored.exists():
        pytest.skip("the console is not built here")
    version = packages["node_modules/maplibre-gl"]["version"]
    assert vendored.read_text("utf-8") == f"{version}\n"


def tracked_texts() -> Iterator[tuple[str, str]]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the git of whoever works on the checkout
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".webp", ".jpg", ".tif"}:
            yield name, path.read_text("utf-8")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout of git")
def test_no_file_names_a_registry_or_somebody_s_folder() -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in tracked_texts()
        for pattern in (REGISTRIES, SOMEBODY_S_FOLDER)
        for match in pattern.finditer(text)
    ]
    assert found == []
