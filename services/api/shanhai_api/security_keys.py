"""`/session/security-keys`: a second factor by WebAuthn, shown, added and removed.

What a security key signs is verified by the library `webauthn`; where it is good (the relying
party) is told by the public address of the API alone, whatever a proxy says.
"""

import hmac
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import orjson
import structlog
from fastapi import APIRouter, Path, Response
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import passwords
from shanhai.db.queries import sign_ins
from shanhai.errors import Conflict, InvalidInput, ShanhaiError
from shanhai_api.kit import answers, requests
from shanhai_api.kit.body import FormBody
from shanhai_api.kit.dependencies import Person, TheView
from shanhai_api.kit.middleware import POLICY
from shanhai_api.kit.routing import Route
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import View
from shanhai_api.notices import ShortText
from shanhai_api.session import (
    BEGINS,
    HOME,
    SEE_OTHER,
    FactorAsked,
    RecoveryCodes,
    SessionForm,
    again,
    answer_page,
    demand_csrf,
    done,
    enter,
    origin_of,
    own_account,
    own_path,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LONGEST_ID, LONGEST_KEY = 1023, 2048
"""Bytes of a credential's id, as WebAuthn has it, and of a public key."""
SCRIPTED = f"{POLICY}; script-src 'self'"
"""Of the page with a script, which calls the security key."""
Parsed = TypeVar("Parsed")
Verified = TypeVar("Verified")


@cache
def _library() -> Any:
    """`webauthn` and its parts, which most processes of the API never need."""
    import webauthn.helpers.cose
    import webauthn.helpers.structs

    return webauthn


def _algorithms() -> list[Any]:
    known = _library().helpers.cose.COSEAlgorithmIdentifier
    return [known.ECDSA_SHA_256, known.EDDSA, known.RSASSA_PKCS1_v1_5_SHA_256]


def _of_form(given: Any) -> Any:
    """What a form sends as text is the JSON of it."""
    try:
        return orjson.loads(given) if isinstance(given, str) else given
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg}") from None


Credential = Annotated[dict[str, Any], BeforeValidator(_of_form)]


class SecurityKeyForm(SessionForm):
    """A security key as it is shown to go on with a sign-in."""

    credential: Credential = Field(
        description="What `navigator.credentials.get` gave, as its `toJSON()`; in a form, as text"
    )


class NewSecurityKeyForm(SessionForm):
    """A security key as it is shown to be added."""

    credential: Credential = Field(
        description="What `navigator.credentials.create` gave, as its `toJSON()`; in a form, as"
        " text"
    )
    name: ShortText = Field(description="By which its owner tells it from others")


class SecurityKeyChallenge(answers.Document):
    """What a security key is to sign, good once and for five minutes."""

    template = "security_key.html"
    stored = False

    options: dict[str, Any] = Field(
        description="Options of WebAuthn in the form of `PublicKeyCredential.parse…OptionsFromJSON`"
    )


router = APIRouter(tags=["access"], route_class=Route)
PATH = "/session/security-keys"
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the security key")]


@router.post(
    f"{PATH}/challenge",
    summary="Ask what a security key is to sign",
    response_model=SecurityKeyChallenge,
)
async def ask_challenge(view: TheView, person: Person, form: FormBody[SessionForm]) -> Response:
    """Set a challenge to go on with a sign-in; the one before it is good no longer."""
    state, live = demand_csrf(view, form), person.session
    try:
        host, _ = _relying_party(state)
        async with state.sessions.begin() as session:
            challenge = await sign_ins.set_challenge(session, live, adding=False)
            allowed = await _described(session, live.account_id)
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    options = _library().generate_authentication_options(
        rp_id=host,
        challenge=challenge,
        timeout=sign_ins.CHALLENGE_S * 1000,
        allow_credentials=allowed,
        user_verification=_library().helpers.structs.UserVerificationRequirement.PREFERRED,
    )
    return _asked(view, _library().helpers.options_to_json_dict(options), form)


@router.post(f"{PATH}/show", summary="Show a security key", **BEGINS)
async def show_security_key(
    view: TheView, person: Person, form: FormBody[SecurityKeyForm]
) -> Response:
    """Go on with a sign-in by a security key, under a new token."""
    state = demand_csrf(view, form)
    host, origin = _relying_party(state)
    shown = _parsed(_library().helpers.parse_authentication_credential_json, form.credential)

    def verify(challenge: bytes, public_key: bytes) -> int:
        verified = _verified(
            lambda: _library().verify_authentication_response(
                credential=shown,
                expected_challenge=challenge,
                expected_rp_id=host,
                expected_origin=origin,
                credential_public_key=public_key,
                # What was counted before is compared where it is kept, and locked.
                credential_current_sign_count=0,
            )
        )
        number: int = verified.new_sign_count
        return number

    try:
        token = await sign_ins.prove_by_security_key(
            state.sessions,
            person.session,
            shown.raw_id,
            verify,
            origin_of(view),
            state.configuration.sign_in,
        )
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    return await enter(view, token, form.next)


@router.post(PATH, summary="Ask for a new security key", response_model=SecurityKeyChallenge)
async def ask_security_key(view: TheView, person: Person, form: FormBody[FactorAsked]) -> Response:
    """Set a challenge for a security key that is to be added to those there are."""
    state, live, account = demand_csrf(view, form), person.session, person.holder.account
    settings = state.configuration.sign_in
    try:
        host, _ = _relying_party(state)
        await sign_ins.check_own_password(
            state.sessions, live, form.password, origin_of(view), settings
        )
        async with state.sessions.begin() as session:
            challenge = await sign_ins.set_challenge(session, live, adding=True)
            known = await _described(session, live.account_id)
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    secret = settings.secret.get_secret_value().encode()
    options = _library().generate_registration_options(
        rp_id=host,
        rp_name="Shanhai",
        # Security keys tell it to whoever holds them, so that it names nobody.
        user_id=hmac.digest(secret, f"security keys of {account.id}".encode(), "sha256"),
        user_name=account.subject,
        user_display_name=account.name,
        challenge=challenge,
        timeout=sign_ins.CHALLENGE_S * 1000,
        authenticator_selection=_library().helpers.structs.AuthenticatorSelectionCriteria(
            resident_key=_library().helpers.structs.ResidentKeyRequirement.DISCOURAGED,
            user_verification=_library().helpers.structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=known,
        supported_pub_key_algs=_algorithms(),
    )
    return _asked(view, _library().helpers.options_to_json_dict(options), form)


@router.post(
    f"{PATH}/confirm",
    summary="Add a security key",
    response_model=RecoveryCodes,
    responses=SEE_OTHER,
)
async def add_security_key(
    view: TheView, person: Person, form: FormBody[NewSecurityKeyForm]
) -> Response:
    """Take the security key that is shown; with the first factor, tell recovery codes, once."""
    state = demand_csrf(view, form)
    host, origin = _relying_party(state)
    shown = _parsed(_library().helpers.parse_registration_credential_json, form.credential)

    def verify(challenge: bytes) -> sign_ins.VerifiedKey:
        verified = _verified(
            lambda: _library().verify_registration_response(
                credential=shown,
                expected_challenge=challenge,
                expected_rp_id=host,
                expected_origin=origin,
                supported_pub_key_algs=_algorithms(),
            )
        )
        number, key = verified.credential_id, verified.credential_public_key
        if number != shown.raw_id or len(number) > LONGEST_ID or len(key) > LONGEST_KEY:
            raise sign_ins.unproven()
        return sign_ins.VerifiedKey(number, key, verified.sign_count)

    try:
        token, codes = await sign_ins.add_security_key(
            state.sessions,
            person.session,
            form.name,
            verify,
            origin_of(view),
            state.configuration.sign_in,
        )
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    if not codes and requests.is_form(view.request):
        return await enter(view, token, form.next)
    csrf = passwords.csrf_of(token)
    headers = {"Set-Cookie": requests.kept(view.request, token)}
    told = RecoveryCodes(codes=codes, csrf=csrf)
    return answer_page(view, told, headers, next=own_path(form.next), csrf=csrf)


@router.post(
    f"{PATH}/{{number}}/remove",
    summary="Remove a security key of one's own",
    status_code=204,
    responses=SEE_OTHER,
)
async def remove_security_key(
    view: TheView, person: Person, number: Number, form: FormBody[FactorAsked]
) -> Response:
    """Remove it and end the other sessions; where a factor is needed, the last one stays."""
    state, live = demand_csrf(view, form, finished=person), person.session
    settings, origin = state.configuration.sign_in, origin_of(view)
    try:
        await sign_ins.check_own_password(state.sessions, live, form.password, origin, settings)
        async with state.sessions.begin() as session:
            await sign_ins.remove_security_key(session, live, number, origin, settings)
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    return done(view, view.url(HOME))


def _relying_party(state: ServiceState) -> tuple[str, str]:
    """The host for which security keys are good, and the origin whose pages call them.

    Raises:
        Conflict: the host is an address, for which browsers call none.
    """
    parts = urlsplit(state.configuration.public.api_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host, f"{parts.scheme}://{parts.netloc}"
    raise Conflict(
        f"security keys need a name of a host: SHANHAI_API_URL has the address {host}",
        message_zh=f"安全密钥须使用主机名：SHANHAI_API_URL 为地址 {host}",
    )


async def _described(session: AsyncSession, account_id: int) -> list[Any]:
    found = await sign_ins.list_security_keys(session, account_id)
    descriptor = _library().helpers.structs.PublicKeyCredentialDescriptor
    return [descriptor(id=one.credential_id) for one in found]


def _asked(view: View, options: dict[str, Any], form: SessionForm) -> Response:
    headers = {"Content-Security-Policy": SCRIPTED}
    told = SecurityKeyChallenge(options=options)
    return answer_page(view, told, headers, next=own_path(form.next))


def _parsed(parse: Callable[[dict[str, Any]], Parsed], given: dict[str, Any]) -> Parsed:
    """A credential as the library has it.

    Raises:
        InvalidInput: it has not the form of one.
    """
    try:
        return parse(given)
    except Exception as error:
        # The library lets errors of what it calls through as well (binascii, KeyError).
        raise InvalidInput(
            f"credential is not what a browser gives of a security key: {error}",
            message_zh="credential 不是浏览器返回的安全密钥凭据",
            pointer="/credential",
        ) from error


def _verified(verify: Callable[[], Verified]) -> Verified:
    """What the library has found to be as it should.

    Raises:
        Unauthenticated: it has found something else.
    """
    try:
        return verify()
    except Exception as error:
        # Of what was made up it raises whatever its parsers do; nothing is proven then.
        log.info("a security key was refused", reason=f"{type(error).__name__}: {error}")
        raise sign_ins.unproven() from error
