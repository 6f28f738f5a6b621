"""`/session`: people sign in with a browser, see their sessions, and set what they prove it by."""

import base64
import hmac
import time
from dataclasses import astuple
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import ConfigDict, Field

from shanhai import passwords
from shanhai.crypto import SecretBox
from shanhai.db.authentication import KeySignedIn, SignedIn
from shanhai.db.identity import Identity
from shanhai.db.queries import accounts, keys, sign_ins
from shanhai.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ShanhaiError,
    Unauthenticated,
    Unavailable,
)
from shanhai.oidc import CodeFlow, CodeRequest
from shanhai.overload import address_bucket
from shanhai.settings import SignInSettings
from shanhai.vocabulary import Scope
from shanhai_api.accounts import RoleHeld
from shanhai_api.kit import answers, requests
from shanhai_api.kit.body import Body, FormBody
from shanhai_api.kit.dependencies import AnySignedIn, PageQuery, Person, TheView, Visitor
from shanhai_api.kit.errors import status_of
from shanhai_api.kit.routing import NO_STORE, Route
from shanhai_api.kit.state import ServiceState, state_of
from shanhai_api.kit.view import View

LONGEST_PATH = 2000
UNQUOTED = "%/?&=#:+!$,;'@()*[]~"
FLOW = "-flow"
"""What follows the name of the cookie in the one that waits for an identity provider."""
FLOW_S = 600
"""Seconds in which people sign in there."""
HOME = "/session"
Need = Literal["code", "password", "factor"]


class LoginQuery(PageQuery):
    """Parameters of the page on which people sign in."""

    next: str | None = Field(
        None, max_length=LONGEST_PATH, description="Path of the page to go on with"
    )


class ProviderQuery(LoginQuery):
    """Parameters of the page on which people sign in."""

    issuer: str | None = Field(
        None, max_length=500, description="Identity provider to go to, one of `issuers`"
    )


class CallbackQuery(PageQuery):
    """What an identity provider sends a browser back with; some say more, which is not read."""

    model_config = ConfigDict(extra="ignore")

    state: str = Field("", max_length=200, description="What the browser was sent there with")
    code: str | None = Field(None, max_length=4000, description="What stands for the sign-in")
    iss: str | None = Field(None, max_length=500, description="Who sends it back (RFC 9207)")
    error: str | None = Field(None, max_length=200, description="Why nobody signed in")


class LinkQuery(PageQuery):
    """Parameters of a one-time link."""

    link: str = Field(min_length=20, max_length=100, description="Its secret part")


class SessionForm(Body):
    """What all forms of a session send along."""

    csrf: str | None = Field(
        None, max_length=200, description="`csrf` of the session, where no X-CSRF-Token is sent"
    )
    next: str | None = Field(
        None, max_length=LONGEST_PATH, description="Path of the page to go on with"
    )


class SignInForm(SessionForm):
    """A name and a password."""

    name: str = Field(min_length=1, max_length=100, description="Name of an account of our own")
    password: str = Field(min_length=1, max_length=1000, description="Its password")


class KeyForm(SessionForm):
    """An API key, by which those who run a machine see what it may see."""

    key: str = Field(min_length=1, max_length=200, description="The whole key")


class LinkForm(SessionForm):
    """The first password, or a new one, by a one-time link."""

    link: str = Field(min_length=20, max_length=100, description="The secret part of the link")
    new: str = Field(min_length=1, max_length=1000, description="The new password")
    again: str | None = Field(None, max_length=1000, description="The same, where it is typed")


class PasswordForm(SessionForm):
    """A new password."""

    password: str = Field(min_length=1, max_length=1000, description="The present password")
    new: str = Field(min_length=1, max_length=1000, description="The new one")
    again: str | None = Field(None, max_length=1000, description="The same, where it is typed")


class CodeForm(SessionForm):
    """A code of the second factor, or a recovery code."""

    code: str = Field(min_length=6, max_length=40, description="Six digits, or a recovery code")


class FactorAsked(SessionForm):
    """Who asks for a second factor."""

    password: str = Field(min_length=1, max_length=1000, description="The password")


class FactorShown(CodeForm):
    """A code that shows that an authenticator has the secret."""

    sealed: str = Field(min_length=20, max_length=500, description="`sealed` of the new factor")


class LoginWays(answers.Document):
    """How people sign in here."""

    template = "sign_in.html"
    stored = False

    password: bool = Field(description="By a name and a password")
    issuers: list[str] = Field(description="Through these identity providers")
    next: answers.Maybe[str] = Field(None, description="Path of the page to go on with")


class LinkOffered(answers.Document):
    """Whose password a one-time link sets."""

    template = "sign_in_link.html"
    stored = False

    name: str
    account: str = Field(description="The name to sign in by")


class SessionBegun(answers.Document):
    """A session, as it is told to who has begun it; its token is in the cookie alone."""

    stored = False

    need: Need | None = Field(description="What is to be done first; null: nothing")
    csrf: str = Field(description="To be sent as X-CSRF-Token with all that writes")


class SessionShown(answers.Answered):
    """A session of one's own."""

    id: int
    current: bool
    new_device: bool = Field(description="Nobody had signed in from there before")
    address: IPv4Address | IPv6Address | None
    agent: str = Field(description="What the browser says it is")
    made: answers.Moment = Field(validation_alias="made_at")
    used: answers.Moment = Field(validation_alias="used_at")
    expires: answers.Moment = Field(validation_alias="expires_at")
    ended: answers.Moment | None = Field(validation_alias="ended_at")


class SecurityKeyShown(answers.Answered):
    """A security key of one's own."""

    id: int
    name: str
    made: answers.Moment = Field(validation_alias="made_at")
    used: answers.Moment | None = Field(validation_alias="used_at")


class OwnAccount(answers.Document):
    """Who is signed in, and how."""

    template = "session.html"
    stored = False

    owner: str = Field(description="As rows and the audit log name it")
    name: str
    own: bool = Field(description="It is an account of our own, with a password")
    key: bool = Field(description="It is an API key, which has nothing but this session to show")
    roles: list[RoleHeld]
    scopes: list[Scope] = Field(description="What it may do; nothing while `need` is not done")
    need: Need | None
    csrf: str
    factor: bool = Field(description="It has a second factor")
    authenticator: bool = Field(description="It has an authenticator that makes codes")
    security_keys: list[SecurityKeyShown]
    recovery_codes: int = Field(description="Recovery codes that are left")
    password_changed: answers.Moment | None
    sessions: list[SessionShown]
    links: list[answers.Link]


class NewFactor(answers.Document):
    """A second factor that is not in force before a code of it was shown."""

    template = "second_factor.html"
    stored = False

    secret: str
    address: str = Field(description="`otpauth:` address of it")
    sealed: str = Field(description="To be sent back with a code")


class RecoveryCodes(answers.Document):
    """Codes to be kept, each good once in place of the second factor."""

    template = "recovery_codes.html"
    stored = False

    codes: list[str] = Field(
        description="Not shown again; none where a security key was added to a factor there was"
    )
    csrf: str


router = APIRouter(tags=["access"], route_class=Route)
SEE_OTHER: dict[int | str, dict[str, Any]] = {303: {"description": "Where a form leads"}}
BEGINS: dict[str, Any] = {"response_model": SessionBegun, "responses": SEE_OTHER}
"""Of a route by which a session begins, or goes on under a new token."""
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the session")]


@router.get("/session/login", summary="How people sign in with a browser")
async def show_login(
    view: TheView, caller: Visitor, query: Annotated[ProviderQuery, Query()]
) -> LoginWays | Response:
    """Tell how, on a page with a form; with `issuer`, lead the browser to that provider."""
    _demand_offered(view)
    if query.issuer is None:
        return _ways(view, query.next)
    flow = _flow(view)
    if flow is None or query.issuer not in flow.tokens.issuers:
        raise InvalidInput(
            "issuer is none of those people sign in through here",
            message_zh="issuer 不是本服务可用的统一身份认证",
            pointer="issuer",
        )
    asked = CodeRequest.to(query.issuer, f"{view.base}/session/callback")
    content = orjson.dumps([time.time() + FLOW_S, own_path(query.next), *astuple(asked)])
    sealed = base64.urlsafe_b64encode(_flow_box(view).close(content, "flow")).decode()
    cookie = f"{requests.kept(view.request, sealed, FLOW)}; Max-Age={FLOW_S}"
    headers = {**NO_STORE, "Location": await flow.address(asked), "Set-Cookie": cookie}
    return Response(status_code=303, headers=headers)


@router.get(
    "/session/callback", summary="Where an identity provider sends the browser back", **BEGINS
)
async def come_back(
    view: TheView, caller: Visitor, query: Annotated[CallbackQuery, Query()]
) -> Response:
    """Begin a session for whoever has signed in there; good once, and for this browser alone."""
    _demand_offered(view)
    flow, state = _flow(view), state_of(view.request)
    wanted, asked = _asked_for(view, query)
    if flow is None or query.code is None:
        raise Unauthenticated(
            f"the identity provider signed nobody in: {query.error or 'no code'}",
            message_zh=f"统一身份认证未完成登录：{query.error or '没有授权码'}",
        )
    authenticator, origin = state.authenticator, origin_of(view)
    with requests.counting_refusals(view.request):
        claims = await flow.redeem(asked, query.code)
        holder = await authenticator.holder_of(claims)
        if holder.account.disabled_at is not None:
            raise Unauthenticated(
                "the account is disabled", message_zh="账户已停用", credential=holder.owner
            )
    async with state.sessions.begin() as session:
        token = await sign_ins.begin_session(
            session,
            holder.account,
            origin,
            state.configuration.sign_in,
            need=None,
            proofs=claims.proofs & {*authenticator.settings.admin_proof},
            groups=claims.groups & authenticator.groups.keys(),
        )
    await _end_former(view, origin)
    answer = await enter(view, token, wanted, page=True)
    answer.headers.append("Set-Cookie", requests.forgotten(view.request, FLOW))
    return answer


@router.post("/session/login", summary="Sign in", **BEGINS)
async def sign_in(view: TheView, caller: Visitor, form: FormBody[SignInForm]) -> Response:
    """Begin a session by a name and a password; its token comes as a cookie.

    What is wrong is not told apart. A form is answered with the page to go on with.
    """
    _demand_offered(view)
    requests.demand_own_page(view.request)
    state, origin = state_of(view.request), origin_of(view)
    try:
        token = await sign_ins.sign_in_by_password(
            state.sessions, form.name, form.password, origin, state.configuration.sign_in
        )
    except ShanhaiError as error:
        return again(view, error, _ways(view, form.next))
    await _end_former(view, origin)
    return await enter(view, token, form.next)


@router.post("/session/key", summary="Sign in by an API key", **BEGINS)
async def sign_in_by_key(view: TheView, caller: Visitor, form: FormBody[KeyForm]) -> Response:
    """Begin a session that may do what the key may, and ends with it; the token is a cookie.

    A key with the scope admin begins none where administrators show a second factor.
    """
    _demand_offered(view)
    requests.demand_own_page(view.request)
    state, origin = state_of(view.request), origin_of(view)
    try:
        identity = await requests.identify_key(view.request, form.key.strip())
        _demand_no_admin(identity, state.configuration.sign_in)
    except ShanhaiError as error:
        return again(view, error, _ways(view, form.next))
    async with state.sessions.begin() as session:
        token = await sign_ins.begin_key_session(
            session, identity.owner.removeprefix("key:"), origin, state.configuration.sign_in
        )
    await _end_former(view, origin)
    return await enter(view, token, form.next)


@router.get("/session/start", summary="What a one-time link is for")
async def show_link(
    view: TheView, caller: Visitor, query: Annotated[LinkQuery, Query()]
) -> answers.Answer[LinkOffered]:
    """Ask for a password: looking at a link does not use it up."""
    _demand_offered(view)
    return answers.Answer(await _link(view, query.link), page={"link": query.link})


@router.post("/session/start", summary="Set a password by a one-time link, and sign in", **BEGINS)
async def start(view: TheView, caller: Visitor, form: FormBody[LinkForm]) -> Response:
    """Set the password, end all sessions of the account and the link, and begin a session."""
    _demand_offered(view)
    requests.demand_own_page(view.request)
    state, origin = state_of(view.request), origin_of(view)
    try:
        _demand_same(form.new, form.again)
        token = await sign_ins.sign_in_by_link(
            state.sessions, form.link, form.new, origin, state.configuration.sign_in
        )
    except InvalidInput as error:
        return again(view, error, await _link(view, form.link), link=form.link)
    return await enter(view, token, form.next)


@router.get("/session", summary="Who is signed in, and their sessions")
async def show_session(
    view: TheView, signed_in: AnySignedIn, query: Annotated[LoginQuery, Query()]
) -> answers.Answer[OwnAccount]:
    """Tell who, in which roles, from where, and what to send along with writes."""
    if isinstance(signed_in, KeySignedIn):
        told = await _own_key(view, signed_in)
    else:
        told = await own_account(view, signed_in)
    return answers.Answer(told, page={"next": own_path(query.next)})


@router.post("/session/code", summary="Show the second factor", **BEGINS)
async def show_code(view: TheView, person: Person, form: FormBody[CodeForm]) -> Response:
    """Go on with a sign-in by a code, under a new token."""
    state = demand_csrf(view, form)
    try:
        token = await sign_ins.prove_by_code(
            state.sessions,
            person.session,
            form.code,
            origin_of(view),
            state.configuration.sign_in,
        )
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    return await enter(view, token, form.next)


@router.post("/session/password", summary="Change the password", **BEGINS)
async def change_password(view: TheView, person: Person, form: FormBody[PasswordForm]) -> Response:
    """Change it, end the other sessions, and go on under a new token."""
    state, origin = demand_csrf(view, form), origin_of(view)
    settings, sessions = state.configuration.sign_in, state.sessions
    try:
        _demand_same(form.new, form.again)
        await sign_ins.check_own_password(sessions, person.session, form.password, origin, settings)
        token = await sign_ins.change_password(sessions, person.session, form.new, origin, settings)
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    return await enter(view, token, form.next)


@router.post("/session/factor", summary="Ask for a second factor", response_model=NewFactor)
async def ask_factor(view: TheView, person: Person, form: FormBody[FactorAsked]) -> Response:
    """Make a secret for an authenticator; the present factor holds until a code was shown."""
    state = demand_csrf(view, form)
    settings = state.configuration.sign_in
    try:
        await sign_ins.check_own_password(
            state.sessions, person.session, form.password, origin_of(view), settings
        )
    except ShanhaiError as error:
        return again(view, error, await own_account(view, person), next=own_path(form.next))
    secret = passwords.make_factor()
    sealed = sign_ins.factor_box(settings).close(secret, _sealed_for(person)).hex()
    return answer_page(view, _factor(person, secret, sealed), next=own_path(form.next))


@router.post(
    "/session/factor/confirm", summary="Set up the second factor", response_model=RecoveryCodes
)
async def confirm_factor(view: TheView, person: Person, form: FormBody[FactorShown]) -> Response:
    """Take the second factor whose code is shown, and tell the recovery codes, once."""
    state = demand_csrf(view, form)
    settings = state.configuration.sign_in
    try:
        secret = sign_ins.factor_box(settings).open(bytes.fromhex(form.sealed), _sealed_for(person))
    except (ValueError, Unavailable):
        raise InvalidInput(
            "sealed is not of this session; ask for a second factor again",
            message_zh="sealed 不属于本会话，请重新申请第二重验证",
            pointer="/sealed",
        ) from None
    try:
        token, codes = await sign_ins.set_factor(
            state.sessions, person.session, secret, form.code, origin_of(view), settings
        )
    except ShanhaiError as error:
        told = _factor(person, secret, form.sealed)
        return again(view, error, told, next=own_path(form.next))
    csrf = passwords.csrf_of(token)
    headers = {"Set-Cookie": requests.kept(view.request, token)}
    shown = RecoveryCodes(codes=codes, csrf=csrf)
    return answer_page(view, shown, headers, next=own_path(form.next), csrf=csrf)


@router.post("/session/logout", summary="Sign out", status_code=204, responses=SEE_OTHER)
async def sign_out(view: TheView, signed_in: AnySignedIn, form: FormBody[SessionForm]) -> Response:
    """End the session at once, on all services."""
    state, live = demand_csrf(view, form), signed_in.session
    await _end(state, live, origin_of(view), action="sign-out")
    return done(view, view.url("/", f="html"), {"Set-Cookie": requests.forgotten(view.request)})


@router.post(
    "/session/end-others", summary="End all other sessions", status_code=204, responses=SEE_OTHER
)
async def end_others(view: TheView, person: Person, form: FormBody[SessionForm]) -> Response:
    """End all sessions of the account but this one."""
    state, live = demand_csrf(view, form, finished=person), person.session
    async with state.sessions.begin() as session:
        await sign_ins.end_sessions(session, live.account_id, origin_of(view), but=live.id)
    return done(view, view.url(HOME))


@router.post(
    "/session/{number}/end",
    summary="End a session of one's own",
    status_code=204,
    responses=SEE_OTHER,
)
async def end_one(
    view: TheView, person: Person, number: Number, form: FormBody[SessionForm]
) -> Response:
    """End it at once, on all services."""
    state, live = demand_csrf(view, form, finished=person), person.session
    async with state.sessions.begin() as session:
        await sign_ins.end_sessions(session, live.account_id, origin_of(view), only=number)
    return done(view, view.url(HOME))


def own_path(given: str | None) -> str | None:
    """A path of our own; None of whatever could lead elsewhere."""
    if given is None or not given.startswith("/") or given[1:2] in {"/", "\\"}:
        return None
    return given if given.isprintable() and "\\" not in given else None


def _demand_offered(view: View) -> None:
    """Refuse where nobody can sign in, and say why.

    Raises:
        NotFound: the operator has set no secret.
        Conflict: the address is not one that browsers keep sessions for.
    """
    settings = state_of(view.request).configuration.sign_in
    if not settings.secret.get_secret_value():
        raise NotFound(
            "nobody signs in here with a browser: SHANHAI_SIGN_IN_SECRET is not set",
            message_zh="本服务未开放浏览器登录：未设置 SHANHAI_SIGN_IN_SECRET",
        )
    if urlsplit(view.base).scheme != "https" and not settings.plain_cookie:
        raise Conflict(
            f"{view.base} is not https, and browsers keep the cookie {settings.cookie} for https"
            " alone; for development on this machine set SHANHAI_SIGN_IN_PLAIN_COOKIE=true",
            message_zh=f"{view.base} 不是 https，浏览器只为 https 保存 {settings.cookie}；"
            "本机开发可设置 SHANHAI_SIGN_IN_PLAIN_COOKIE=true",
        )


def _ways(view: View, wanted: str | None) -> LoginWays:
    flow = _flow(view)
    issuers = [] if flow is None else [*flow.tokens.issuers]
    return LoginWays(password=True, issuers=issuers, next=own_path(wanted))


def _flow(view: View) -> CodeFlow | None:
    """What leads people through identity providers; None where none is set up for it."""
    tokens = state_of(view.request).authenticator.tokens
    return None if tokens is None or not tokens.settings.client_id else CodeFlow(tokens)


def _flow_box(view: View) -> SecretBox:
    secret = state_of(view.request).configuration.sign_in.secret.get_secret_value()
    return SecretBox(secret, "code flow")


def _asked_for(view: View, query: CallbackQuery) -> tuple[str | None, CodeRequest]:
    """The page to go on with, and what this browser was sent to the provider with.

    Raises:
        Unauthenticated: it was not sent there, or what comes back belongs to another.
    """
    name = requests.cookie_name(view.request, FLOW)
    try:
        sealed = base64.urlsafe_b64decode(view.request.cookies.get(name, ""))
        until, wanted, *parts = orjson.loads(_flow_box(view).open(sealed, "flow"))
        asked = CodeRequest(*parts)
    except (ValueError, Unavailable):
        raise _not_asked() from None
    right = hmac.compare_digest(query.state.encode(), asked.state.encode())
    if not right or time.time() > until or query.iss not in {None, asked.issuer}:
        raise _not_asked()
    return wanted, asked


def _not_asked() -> Unauthenticated:
    return Unauthenticated(
        "this browser did not begin that sign-in, or did so too long ago; sign in again",
        message_zh="该登录不是由本浏览器发起，或已超时，请重新登录",
    )


def demand_csrf(view: View, form: SessionForm, *, finished: SignedIn | None = None) -> ServiceState:
    """Refuse what no page of the session sent, or what takes a finished sign-in."""
    token = requests.session_token(view.request) or ""
    requests.demand_csrf(token, view.request.headers.get("x-csrf-token") or form.csrf)
    if finished is not None and finished.session.need is not None:
        raise Conflict(
            "the sign-in is not finished: see /session", message_zh="登录尚未完成，请见 /session"
        )
    return state_of(view.request)


def _demand_no_admin(identity: Identity, settings: SignInSettings) -> None:
    if settings.second_factor != "none" and Scope.ADMIN in identity.scopes:
        raise Forbidden(
            "a key with the scope 'admin' begins no session: administrators sign in by an account"
            " with a second factor",
            message_zh="具有 'admin' 权限的密钥不能用于浏览器登录：管理员须用账户和第二重验证",
        )


def _demand_same(new: str, again: str | None) -> None:
    if again is not None and again != new:
        raise InvalidInput(
            "the two new passwords differ", message_zh="两次输入的新口令不一致", pointer="/again"
        )


def origin_of(view: View) -> sign_ins.SignInOrigin:
    """Where a request of a session comes from."""
    address = requests.client_address(view.request)
    agent = view.request.headers.get("user-agent", "")
    mails = bool(state_of(view.request).configuration.smtp.host)
    return sign_ins.SignInOrigin(
        address, address_bucket(address), agent, view.request_id, mails=mails
    )


def _sealed_for(person: SignedIn) -> str:
    return f"session:{person.session.id}"


def _factor(person: SignedIn, secret: bytes, sealed: str) -> NewFactor:
    name = person.holder.account.subject
    return NewFactor(
        secret=passwords.shown_factor(secret),
        address=passwords.factor_address(secret, name),
        sealed=sealed,
    )


async def _link(view: View, link: str) -> LinkOffered:
    async with state_of(view.request).reading() as session:
        account = (await sign_ins.find_link(session, link)).account
    return LinkOffered(name=account.name, account=account.subject)


async def _own_key(view: View, signed_in: KeySignedIn) -> OwnAccount:
    """Which key a session speaks for."""
    live, identity = signed_in.session, signed_in.identity
    async with state_of(view.request).reading() as session:
        key = await keys.find_key(session, live.prefix)
        rows = await sign_ins.list_key_sessions(session, key.id)
    token = requests.session_token(view.request) or ""
    return OwnAccount(
        owner=identity.owner,
        name=key.name,
        own=False,
        key=True,
        roles=[RoleHeld(**role) for role in key.roles or ()],
        scopes=sorted(identity.scopes),
        need=None,
        csrf=passwords.csrf_of(token),
        factor=False,
        authenticator=False,
        security_keys=[],
        recovery_codes=0,
        password_changed=None,
        sessions=[SessionShown.from_row(row, current=row.id == live.id) for row in rows],
        links=view.self_links(HOME),
    )


async def own_account(view: View, person: SignedIn) -> OwnAccount:
    """Who is signed in, and how."""
    account, live, state = person.holder.account, person.session, state_of(view.request)
    roles = state.authenticator.roles_of(person.holder, live.groups, live.proofs)
    async with state.reading() as session:
        rows = await sign_ins.list_sessions(session, account.id)
        kept = await sign_ins.credential_of(session, account.id)
        security_keys = await sign_ins.list_security_keys(session, account.id)
    token = requests.session_token(view.request) or ""
    return OwnAccount(
        owner=person.holder.owner,
        name=account.name,
        own=account.issuer == accounts.OWN,
        key=False,
        roles=[RoleHeld(**role.document()) for role in roles],
        scopes=[] if person.identity is None else sorted(person.identity.scopes),
        need=live.need,
        csrf=passwords.csrf_of(token),
        factor=kept.totp_at is not None or bool(security_keys),
        authenticator=kept.totp_at is not None,
        security_keys=[SecurityKeyShown.from_row(key) for key in security_keys],
        recovery_codes=len(kept.recovery),
        password_changed=kept.password_at,
        sessions=[SessionShown.from_row(row, current=row.id == live.id) for row in rows],
        links=view.self_links(HOME),
    )


async def _end_former(view: View, origin: sign_ins.SignInOrigin) -> None:
    """End the session that the same browser had: a sign-in takes its place."""
    token, state = requests.session_token(view.request), state_of(view.request)
    if token is None:
        return
    live = await sign_ins.find_session(state.quick, token, state.configuration.sign_in.idle_s)
    if live is not None:
        await _end(state, live, origin)


async def _end(
    state: ServiceState,
    live: sign_ins.LiveSession | sign_ins.KeySession,
    origin: sign_ins.SignInOrigin,
    *,
    action: str = "end-session",
) -> None:
    async with state.sessions.begin() as session:
        if isinstance(live, sign_ins.KeySession):
            await sign_ins.end_key_session(session, live, origin)
        else:
            await sign_ins.end_sessions(
                session, live.account_id, origin, only=live.id, action=action
            )


async def enter(view: View, token: str, wanted: str | None, *, page: bool = False) -> Response:
    """Hand the token to the browser, and lead on."""
    state = state_of(view.request)
    live = await sign_ins.find_session(state.quick, token, state.configuration.sign_in.idle_s)
    if live is None:
        raise sign_ins.ended_session()
    headers = {"Set-Cookie": requests.kept(view.request, token)}
    if page or requests.is_form(view.request):
        path = own_path(wanted)
        if live.need is None and path is not None:
            # Addresses are ASCII; what is quoted already stays so.
            return _see(f"{view.base}{quote(path, UNQUOTED)}", headers)
        return _see(view.url(HOME, next=path), headers)
    begun = SessionBegun(need=live.need, csrf=passwords.csrf_of(token))
    return answer_page(view, begun, headers)


def done(view: View, page: str, headers: dict[str, str] | None = None) -> Response:
    """Nothing to tell a program; a browser goes on to a page."""
    if not requests.is_form(view.request):
        return Response(status_code=204, headers={**NO_STORE, **(headers or {})})
    return _see(page, headers or {})


def _see(page: str, headers: dict[str, str]) -> Response:
    return Response(status_code=303, headers={**NO_STORE, **headers, "Location": page})


def answer_page(
    view: View, document: answers.Document, headers: dict[str, str] | None = None, **extra: Any
) -> Response:
    """A document that is told to this session alone."""
    return view.respond(
        document.as_json(),
        template=document.template,
        headers={**NO_STORE, **(headers or {})},
        extra=extra,
    )


def again(view: View, error: ShanhaiError, document: answers.Document, **extra: Any) -> Response:
    """The form once more, with what was wrong; a program is told the error.

    Raises:
        ShanhaiError: the error, where it was no form.
    """
    if not requests.is_form(view.request):
        raise error
    return view.respond(
        document.as_json(),
        template=document.template,
        status=status_of(type(error)),
        headers={**NO_STORE, **getattr(error, "headers", {})},
        extra={"fault": error.localised(view.lang), **extra},
    )
