/** What stands around every screen: where one is, for which region, in which language, as whom. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { SIGN_IN } from "./page";
import { chooseRegion, plan, planChoices, plansHere, region, regions } from "./place";
import { SCREENS, screenPath } from "./screens";
import { account, signOut } from "./session";
import { type Theme, theme } from "./theme";
import { attempt, Button, Notices, Select } from "./ui";
import { called, lang, t } from "./words";

export function Shell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const open = useSignal(false);
  return (
    <div class={`shell${open.value ? " open" : ""}`}>
      <a class="skip" href="#main">
        {t("跳到正文", "Skip to content")}
      </a>
      <header class="top">
        <Button
          kind="quiet"
          class="menu"
          aria-expanded={open.value}
          aria-controls="screens"
          aria-label={t("菜单", "Menu")}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          ☰
        </Button>
        <a class="name" href={screenPath("")}>
          {t("山海", "Shanhai")}
        </a>
        <PlaceChoice />
        <span class="gap" />
        <Looks />
        <Person />
      </header>
      <nav id="screens" aria-label={t("功能", "Screens")}>
        <ul>
          {SCREENS.map((screen) => (
            <li key={screen.id}>
              <a
                href={screenPath(screen.id)}
                aria-current={path === screenPath(screen.id) ? "page" : undefined}
                onClick={() => {
                  open.value = false;
                }}
              >
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d={screen.icon} />
                </svg>
                {screen.title()}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Notices />
    </div>
  );
}

function PlaceChoice() {
  return (
    <div class="place">
      <Select
        aria-label={t("区域", "Region")}
        value={region.value}
        onChoose={chooseRegion}
        choices={regions.value.map(({ code, properties }) => ({
          value: code,
          label: called(properties),
        }))}
      />
      {plansHere.value.length > 0 && (
        <Select
          aria-label={t("规划", "Plan")}
          value={plan.value}
          onChoose={(code) => {
            plan.value = code;
          }}
          choices={planChoices()}
        />
      )}
    </div>
  );
}

const THEMES: Record<Theme, [zh: string, en: string, next: Theme]> = {
  auto: ["随系统", "as the system", "light"],
  light: ["浅色", "light", "dark"],
  dark: ["深色", "dark", "auto"],
};

function Looks() {
  const [zh, en, next] = THEMES[theme.value];
  const words = t(`外观：${zh}`, `Theme: ${en}`);
  return (
    <>
      <Button
        kind="quiet"
        aria-label={words}
        title={words}
        onClick={() => {
          theme.value = next;
        }}
      >
        {{ auto: "◐", light: "☀", dark: "☾" }[theme.value]}
      </Button>
      <Button
        kind="quiet"
        class="language"
        lang={lang.value === "zh" ? "en" : "zh-CN"}
        onClick={() => {
          lang.value = lang.value === "zh" ? "en" : "zh";
        }}
      >
        {lang.value === "zh" ? "English" : "中文"}
      </Button>
    </>
  );
}

function Person() {
  const own = account.value;
  const { path, url } = useLocation();
  if (own === undefined || (own === null && !SIGN_IN)) return null;
  if (own === null) {
    // Who is about to sign in goes on to where they came from, not to where they do so.
    const way = path === screenPath("sign-in") ? url : screenPath("sign-in", { next: url });
    return (
      <a class="button main" href={way}>
        {t("登录", "Sign in")}
      </a>
    );
  }
  return (
    <span class="person">
      <a href={screenPath("sign-in")}>{own.name}</a>
      <Button kind="quiet" onClick={() => attempt(signOut, t("已退出登录", "Signed out"))}>
        {t("退出", "Sign out")}
      </Button>
    </span>
  );
}
