"""Keycloak as a process on this machine: an identity provider that is not of the tests' own making.

It has the realm of `deploy/keycloak`, and people in its groups.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from shanhai.errors import Unavailable
from shanhai.local.places import CHECKOUT, tail
from tests.support.certificates import make_certificates
from tests.support.workers import free_port

REALM_FILE = CHECKOUT / "deploy" / "keycloak" / "realm.json"
REALM = "city"
PROGRAM = "bin/kc.sh"
PATIENCE_S = 240.0
"""Seconds for its start, which takes 20 on two idle cores, and 70 on busy ones."""
CLIENT_SECRET = "p+/%= :ü"
MACHINE_SECRET = "secret of a machine"
PASSWORD = "Haicang-2026"
FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""What the authenticators of people with a second factor know."""
DESKTOP_PAGE = "http://127.0.0.1:49152/back"
"""Where a program of the desk would listen for the browser that comes back."""
PROOFS = {"auth-username-password-form": "pwd", "auth-otp-form": "otp"}
"""What tokens name each step of the provider's sign-in."""


def find_keycloak() -> Path:
    """The folder of an unpacked distribution that was built.

    Raises:
        Unavailable: there is none.
    """
    given = os.environ.get("SHANHAI_TEST_KEYCLOAK", "")
    if not given or not Path(given, PROGRAM).is_file():
        raise Unavailable(
            "SHANHAI_TEST_KEYCLOAK names no folder of Keycloak; `make test-provider` fetches one"
        )
    return Path(given).resolve()


@dataclass(slots=True)
class Keycloak:
    """A provider with files in a folder of its own; what it is told is forgotten at its end.

    Attributes:
        api: The address of the API whose callback it leads browsers back to.
        url: Its address by TLS.
        plain_url: Its address without, for a browser on this machine.
        ca: Whom to believe that it is the one.
    """

    folder: Path
    api: str
    url: str
    plain_url: str
    ca: Path
    _process: subprocess.Popen[bytes]
    _admin: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Be ready to tell it things."""
        self._admin = httpx.Client(base_url=self.plain_url, timeout=60)

    @property
    def issuer(self) -> str:
        """As its tokens name it."""
        return f"{self.url}/realms/{REALM}"

    def endpoint(self, name: str) -> str:
        """An address of its protocol: `auth`, `token` and the like."""
        return f"{self.issuer}/protocol/openid-connect/{name}"

    def administer(self, method: str, path: str, content: Any = None) -> Any:
        """What its administration answers about the realm."""
        fields = {"grant_type": "password", "client_id": "admin-cli"}
        given = {**fields, "username": "admin", "password": PASSWORD}
        answer = self._admin.post("/realms/master/protocol/openid-connect/token", data=given)
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        path = f"/admin/realms/{REALM}{path}"
        answer = self._admin.request(method, path, json=content, headers=headers)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def add_person(self, name: str, *groups: str, shown: str = "", factor: bool = False) -> None:
        """Somebody with a password, in groups, and perhaps with a second factor."""
        credentials: list[dict[str, Any]] = [{"type": "password", "value": PASSWORD}]
        if factor:
            kind = {"subType": "totp", "digits": 6, "period": 30, "algorithm": "HmacSHA1"}
            credentials.append(
                {
                    "type": "otp",
                    "secretData": json.dumps({"value": FACTOR}),
                    "credentialData": json.dumps({**kind, "secretEncoding": "BASE32"}),
                }
            )
        person = {
            "username": name,
            "enabled": True,
            "email": f"{name}@city.example",
            "firstName": shown or name,
            "lastName": "工",
            "groups": groups,
            "credentials": credentials,
        }
        self.administer("POST", "/users", person)

    def name_proofs(self) -> None:
        """Let tokens tell by which steps somebody signed in (`amr`), as the guide says.

        Codes are good for their 30 s, not once: tests do not wait for the next.
        """
        realm = self.administer("GET", "")
        self.administer("PUT", "", {**realm, "otpPolicyCodeReusable": True})
        for step in self.administer("GET", "/authentication/flows/browser/executions"):
            if proof := PROOFS.get(step.get("providerId")):
                config = {"default.reference.value": proof, "default.reference.maxAge": "3600"}
                path = f"/authentication/executions/{step['id']}/config"
                self.administer("POST", path, {"alias": proof, "config": config})

    @contextmanager
    def changed(self, client: str, attributes: dict[str, str]) -> Iterator[None]:
        """A client with other values of some attributes, until the block ends."""
        found = self._client(client)
        path, former = f"/clients/{found['id']}", found["attributes"]
        self.administer("PUT", path, {**found, "attributes": {**former, **attributes}})
        try:
            yield
        finally:
            self.administer("PUT", path, found)

    def lead_back_to(self, client: str, address: str) -> None:
        """Let a client's browsers come back to one more address."""
        found = self._client(client)
        addresses = [*found["redirectUris"], address]
        self.administer("PUT", f"/clients/{found['id']}", {**found, "redirectUris": addresses})

    def _client(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.administer("GET", f"/clients?clientId={name}")[0]
        return found

    def leave_groups(self, name: str) -> None:
        """Take somebody out of all groups."""
        person = self.administer("GET", f"/users?username={name}&exact=true")[0]["id"]
        for group in self.administer("GET", f"/users/{person}/groups"):
            self.administer("DELETE", f"/users/{person}/groups/{group['id']}")

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish the former ones no longer."""
        components = "/components?type=org.keycloak.keys.KeyProvider"
        former = [
            key
            for key in self.administer("GET", components)
            if key["providerId"] == "rsa-generated"
        ]
        new = {
            "name": f"rsa-{len(former)}",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(1000 + len(former))]},
        }
        self.administer("POST", "/components", new)
        for key in former:
            self.administer("DELETE", f"/components/{key['id']}")

    def tell(self, sign: signal.Signals) -> None:
        """Stop it, or let it go on, as the system does."""
        os.killpg(self._process.pid, sign)

    def close(self) -> None:
        """End it at once, unless it has ended."""
        self._admin.close()
        if self._process.poll() is None:
            self.tell(signal.SIGKILL)
            self._process.wait(PATIENCE_S)


@contextmanager
def running_keycloak(folder: Path, api: str) -> Iterator[Keycloak]:
    """A provider that knows the API at an address, on ports of its own, until the block ends."""
    home, certificates = folder / "home", make_certificates(folder / "tls", "localhost")
    _lay_out(find_keycloak(), home)
    port, plain_port = free_port(), free_port()
    command = [
        *("bash", str(home / PROGRAM), "start", "--optimized", "--import-realm"),
        *("--cache=local", "--hostname-strict=false", "--http-enabled=true"),
        *("--http-host=127.0.0.1", f"--http-port={plain_port}", f"--https-port={port}"),
        f"--https-certificate-file={certificates['tls_cert']}",
        f"--https-certificate-key-file={certificates['tls_key']}",
    ]
    surroundings = {
        **os.environ,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "SHANHAI_API_URL": api,
        "SHANHAI_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "MACHINE_SECRET": MACHINE_SECRET,
    }
    log = folder / "keycloak.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=surroundings, stdout=sink, stderr=sink, start_new_session=True
        )
    plain_url = f"http://localhost:{plain_port}"
    url, ca = f"https://localhost:{port}", Path(certificates["tls_ca"])
    keycloak = Keycloak(folder, api, url, plain_url, ca, process)
    try:
        _await_realm(keycloak, process, log)
        yield keycloak
    finally:
        keycloak.close()


def _lay_out(distribution: Path, home: Path) -> None:
    """A home that shares what the distribution has, and keeps nothing in it."""
    for shared in ("lib", "conf", "providers", "themes"):
        home.mkdir(exist_ok=True)
        (home / shared).symlink_to(distribution / shared)
    (home / "bin").mkdir()
    shutil.copy(distribution / PROGRAM, home / PROGRAM)
    imported = home / "data" / "import"
    imported.mkdir(parents=True)
    shutil.copy(REALM_FILE, imported / f"{REALM}-realm.json")


def _await_realm(keycloak: Keycloak, process: subprocess.Popen[bytes], log: Path) -> None:
    started = time.monotonic()
    while True:
        try:
            if httpx.get(f"{keycloak.plain_url}/realms/{REALM}").is_success:
                return
        except httpx.TransportError:
            pass  # it does not listen yet
        if process.poll() is not None or time.monotonic() - started > PATIENCE_S:
            raise RuntimeError(f"Keycloak did not start: {tail(log)}")
        time.sleep(0.2)


class Form(HTMLParser):
    """The first form of a page: where it leads, and what its fields are called."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note a form or a field."""
        given = dict(attrs)
        if tag == "form" and not self.action:
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            self.fields.append(str(given["name"]))


async def pass_forms(browser: httpx.AsyncClient, address: str, who: str, code: str = "") -> str:
    """Where the provider leads a browser that came to an address, once somebody has signed in.

    Raises:
        AssertionError: it shows another page than its forms.
    """
    answer = await browser.get(address)
    for given in ({"username": who, "password": PASSWORD}, {"otp": code}):
        if answer.status_code == 302:
            break
        form = Form(answer.text)
        assert {*given} <= {*form.fields}, f"{answer.status_code}: asks for {form.fields}"
        answer = await browser.post(form.action, data=given)
    assert answer.status_code == 302, f"asks for {Form(answer.text).fields}"
    return answer.headers["Location"]


async def tokens_of(
    keycloak: Keycloak,
    browser: httpx.AsyncClient,
    client: str,
    who: str,
    *,
    code: str = "",
    page: str = DESKTOP_PAGE,
    secret: str | None = None,
) -> dict[str, Any]:
    """The tokens a client of the provider is given for somebody, who signs in for that."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": page,
        "scope": "openid profile email",
        "state": "x",
        "nonce": "y",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    back = await pass_forms(browser, f"{keycloak.endpoint('auth')}?{urlencode(asked)}", who, code)
    query = dict(parse_qsl(urlsplit(back).query))
    fields = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": page,
        "code_verifier": verifier,
        "client_id": client,
        **({} if secret is None else {"client_secret": secret}),
    }
    answer = await browser.post(keycloak.endpoint("token"), data=fields)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens
