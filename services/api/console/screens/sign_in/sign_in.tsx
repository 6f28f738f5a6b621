/** Sign in by account, key or the bureau's identity provider; then: which roles are mine. */

import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { useLocation } from "preact-iso";
import { api, ask, type Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { address } from "../../kit/features";
import { API, CONSOLE } from "../../kit/page";
import { regionName } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { account, need, showCode, signIn, signInByKey } from "../../kit/session";
import { roleTitle } from "../../kit/terms";
import { Badge, Button, Empty, FaultBox, Field, Found, Panel, Tabs } from "../../kit/ui";
import { t } from "../../kit/words";

export default function SignIn() {
  const { query, route } = useLocation();
  const go = () => {
    if (need.value) return;
    const next = query.next ?? "";
    // Only on to a screen of our own.
    const own =
      next === CONSOLE || next.startsWith(`${CONSOLE}/`) || next.startsWith(`${CONSOLE}?`);
    route(own ? next : screenPath(""), true);
  };
  if (account.value && need.value) return <Unfinished go={go} />;
  if (account.value) return <Mine />;
  return <Ways go={go} next={query.next ?? CONSOLE} />;
}

function Ways({ go, next }: { go: () => void; next: string }) {
  const wanted = useSignal("account");
  const { asked, again } = useAsked(() => ask(api.GET("/session/login")), []);
  return (
    <div class="screen narrow">
      <header>
        <h1>{t("登录", "Sign in")}</h1>
      </header>
      <Found asked={asked} again={again}>
        {({ password, issuers }) => {
          const tabs = [
            ...(password ? [{ id: "account", label: t("账户", "Account") }] : []),
            ...(issuers.length
              ? [{ id: "provider", label: t("统一身份认证", "The bureau's sign-in") }]
              : []),
            { id: "key", label: t("接口密钥", "API key") },
          ];
          const way = (tabs.find(({ id }) => id === wanted.value) ?? tabs[0])?.id ?? "key";
          return (
            <Panel>
              <Tabs
                label={t("登录方式", "Ways to sign in")}
                chosen={way}
                onChoose={(id) => {
                  wanted.value = id;
                }}
                tabs={tabs}
              >
                {way === "account" && <ByPassword go={go} />}
                {way === "key" && <ByKey go={go} />}
                {way === "provider" &&
                  issuers.map((issuer) => (
                    <p key={issuer}>
                      <a
                        class="button main"
                        href={API + address("/session/login", { issuer, next })}
                      >
                        {new URL(issuer).host}
                      </a>
                    </p>
                  ))}
              </Tabs>
            </Panel>
          );
        }}
      </Found>
    </div>
  );
}

/** A form that sends itself once, and says what was refused. */
function useSending(send: () => Promise<void>, go: () => void) {
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const onSubmit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    fault.value = null;
    try {
      await send();
      go();
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return { busy, fault, onSubmit };
}

function ByPassword({ go }: { go: () => void }) {
  const name = useSignal("");
  const password = useSignal("");
  const { busy, fault, onSubmit } = useSending(() => signIn(name.value, password.value), go);
  return (
    <form class="form" onSubmit={onSubmit}>
      <FaultBox fault={fault.value} />
      <Field label={t("账户名", "Account name")}>
        <input
          required
          maxLength={100}
          autocomplete="username"
          value={name.value}
          onInput={({ currentTarget }) => {
            name.value = currentTarget.value;
          }}
        />
      </Field>
      <Field label={t("口令", "Password")}>
        <input
          required
          type="password"
          autocomplete="current-password"
          value={password.value}
          onInput={({ currentTarget }) => {
            password.value = currentTarget.value;
          }}
        />
      </Field>
      <Button kind="main" submits busy={busy.value}>
        {t("登录", "Sign in")}
      </Button>
    </form>
  );
}

function ByKey({ go }: { go: () => void }) {
  const key = useSignal("");
  const { busy, fault, onSubmit } = useSending(() => signInByKey(key.value), go);
  return (
    <form class="form" onSubmit={onSubmit}>
      <FaultBox fault={fault.value} />
      <Field
        label={t("接口密钥", "API key")}
        hint={t(
          "只用于换取会话，浏览器不保存密钥。",
          "It is exchanged for a session; the browser does not keep it.",
        )}
      >
        <input
          required
          type="password"
          autocomplete="off"
          value={key.value}
          onInput={({ currentTarget }) => {
            key.value = currentTarget.value;
          }}
        />
      </Field>
      <Button kind="main" submits busy={busy.value}>
        {t("登录", "Sign in")}
      </Button>
    </form>
  );
}

/** A sign-in that wants one thing more. */
function Unfinished({ go }: { go: () => void }) {
  const code = useSignal("");
  const { busy, fault, onSubmit } = useSending(() => showCode(code.value), go);
  const onPage = need.value !== "code";
  return (
    <div class="screen narrow">
      <header>
        <h1>{t("完成登录", "Finish signing in")}</h1>
      </header>
      <Panel>
        {onPage ? (
          <>
            <p>
              {need.value === "password"
                ? t("须先更改口令。", "The password must be changed first.")
                : t("须先设置第二重验证。", "A second factor must be set up first.")}
            </p>
            <p>
              <a class="button main" href={`${API}/session`}>
                {t("去设置", "Go on")}
              </a>
            </p>
          </>
        ) : (
          <form class="form" onSubmit={onSubmit}>
            <FaultBox fault={fault.value} />
            <Field label={t("验证码或恢复码", "Code, or recovery code")}>
              <input
                required
                minLength={6}
                maxLength={40}
                autocomplete="one-time-code"
                inputMode="numeric"
                value={code.value}
                onInput={({ currentTarget }) => {
                  code.value = currentTarget.value;
                }}
              />
            </Field>
            <div class="actions">
              <Button kind="main" submits busy={busy.value}>
                {t("继续", "Go on")}
              </Button>
              <a class="button" href={`${API}/session`}>
                {t("使用安全密钥", "Use a security key")}
              </a>
            </div>
          </form>
        )}
      </Panel>
    </div>
  );
}

/** Which regions and roles are mine. */
function Mine() {
  const own = account.value;
  if (!own) return <Empty>{t("尚未登录", "Nobody is signed in")}</Empty>;
  return (
    <div class="screen narrow">
      <header>
        <h1>{own.name}</h1>
        <p>{own.key ? t("以接口密钥登录", "signed in by an API key") : ""}</p>
      </header>
      <Panel title={t("我的角色", "My roles")}>
        {own.roles.length === 0 && <Empty>{t("没有角色", "No roles")}</Empty>}
        <ul class="plain">
          {own.roles.map(({ role, region }) => (
            <li key={role + region}>
              <Badge tone="info">{roleTitle(role)}</Badge>{" "}
              {region ? regionName(region) : t("所有区域", "all regions")}
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t("账户与安全", "Account and security")}>
        <p>
          <a href={`${API}/session`}>
            {t("会话、口令与第二重验证", "Sessions, password and second factor")}
          </a>
        </p>
        <p>
          <a href={screenPath("")}>{t("去工作台", "Go to home")}</a>
        </p>
      </Panel>
    </div>
  );
}
