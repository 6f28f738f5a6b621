import { beforeEach, describe, expect, it, vi } from "vitest";

vi.hoisted(() => {
  document.documentElement.dataset.signIn = "";
});

import { keep, recall } from "./kept";
import { CONSOLE } from "./page";
import { plan, plans, region, regions } from "./place";
import { SCREENS, screenPath } from "./screens";
import { account } from "./session";
import { Shell } from "./shell";
import { type Answer, act, open, placed, refused, screen, serve, waitFor, within } from "./testing";
import { theme } from "./theme";
import { tell } from "./ui";
import { lang } from "./words";

const LEAVE = "POST /session/logout";

/** Show the shell around a few words, by default to somebody who is signed in. */
function shown({ answer, ...who }: { answer?: Answer } & Parameters<typeof open>[1] = {}) {
  const sent = serve(answer === undefined ? {} : { [LEAVE]: answer });
  const hands = open(
    <Shell>
      <p>What one works on</p>
    </Shell>,
    { scopes: ["read"], ...who },
  );
  return { sent, hands };
}
const button = (name: string | RegExp) => screen.getByRole<HTMLButtonElement>("button", { name });
const optionsOf = (name: string) =>
  [...screen.getByRole<HTMLSelectElement>("combobox", { name }).options].map(({ text }) => text);
const wayIn = () => {
  const href = screen.getByRole("link", { name: "Sign in" }).getAttribute("href") ?? "";
  const { pathname, searchParams } = new URL(href, location.origin);
  return [pathname, searchParams.get("next")];
};

beforeEach(() => {
  theme.value = "auto";
});

describe("around every screen", () => {
  it("stand a way home, the screen itself and what is told in passing", async () => {
    const { hands } = shown();
    expect(screen.getByRole("link", { name: "Shanhai" }).getAttribute("href")).toBe(CONSOLE);
    expect(screen.getByRole("main").textContent).toBe("What one works on");
    await act(async () => tell("The file is too large", "bad"));
    expect(within(screen.getByRole("status")).getByText("The file is too large")).toBeTruthy();
    await hands.click(button("Close"));
    expect(screen.queryByText("The file is too large")).toBeNull();
  });
  it("is a menu of all screens, with pictures that are not read aloud", () => {
    shown({ lang: "zh" });
    const links = within(screen.getByRole("navigation", { name: "功能" })).getAllByRole("link");
    expect(links.map(({ textContent }) => textContent)).toEqual(SCREENS.map((one) => one.title()));
    expect(links.map((link) => link.getAttribute("href"))).toEqual(
      SCREENS.map(({ id }) => screenPath(id)),
    );
    for (const link of links)
      expect(link.querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
  });
  it("can be unfolded and folded by the keyboard, and tells which list that is", async () => {
    const { hands } = shown();
    const menu = button("Menu");
    const list = document.getElementById(menu.getAttribute("aria-controls") ?? "");
    expect(list).toBe(screen.getByRole("navigation"));
    const unfolded = () => [
      menu.getAttribute("aria-expanded"),
      document.querySelector(".shell")?.classList.contains("open"),
    ];
    expect(unfolded()).toEqual(["false", false]);
    menu.focus();
    await hands.keyboard("{Enter}");
    expect(unfolded()).toEqual(["true", true]);
    await hands.keyboard("{Enter}");
    expect(unfolded()).toEqual(["false", false]);
  });
});

describe("the region and the plan", () => {
  const places = () =>
    act(async () => {
      regions.value = [
        ...regions.value,
        placed("banan", { name_zh: "巴南区", name_en: "Banan" }),
        placed("empty", { name_zh: "无规划区", name_en: "" }),
      ];
      plans.value = [
        ...plans.value,
        placed("b-old", {
          name_zh: "修复规划",
          name_en: "Restoration",
          region: "banan",
          kind: "special_plan",
        }),
        placed("b-new", {
          name_zh: "总规",
          name_en: "Master plan",
          region: "banan",
          kind: "other",
        }),
      ];
    });

  it("are chosen by name; plans are those of the region alone", async () => {
    const { hands } = shown();
    await places();
    expect(optionsOf("Plan")).toEqual(["Plan"]);
    await hands.selectOptions(screen.getByLabelText("Region"), "Banan");
    expect(optionsOf("Plan")).toEqual(["Restoration", "Master plan"]);
  });
  it("begin with the plan of restoration, and are the same on the next visit", async () => {
    const { hands } = shown();
    await places();
    await hands.selectOptions(screen.getByLabelText("Region"), "Banan");
    expect(plan.value).toBe("b-old");
    await hands.selectOptions(screen.getByLabelText("Plan"), "Master plan");
    expect([region.value, plan.value]).toEqual(["banan", "b-new"]);
    // Where a name is longer than its place, it can still be read.
    expect(screen.getByLabelText("Plan").title).toBe("Master plan");
    expect([recall("region"), recall("plan")]).toEqual(["banan", "b-new"]);
  });
  it("have the name of the other language where theirs is empty", async () => {
    shown();
    await places();
    expect(optionsOf("Region")).toEqual(["Xiamen", "Banan", "无规划区"]);
    await act(async () => {
      lang.value = "zh";
    });
    expect(optionsOf("区域")).toEqual(["厦门市", "巴南区", "无规划区"]);
    expect(optionsOf("规划")).toEqual(["规划"]);
  });
});

describe("the looks", () => {
  it("are told in words, and the choice is kept", async () => {
    const { hands } = shown();
    const told: (string | null)[] = [];
    for (let turn = 0; turn < 3; turn++) {
      told.push(button(/^Theme/).getAttribute("aria-label"));
      await hands.click(button(/^Theme/));
    }
    expect(told).toEqual(["Theme: as the system", "Theme: light", "Theme: dark"]);
    await hands.click(button(/^Theme/));
    expect(recall("theme")).toBe("light");
    expect(document.documentElement.dataset.theme).toBe("light");
  });
  it("and the language turn at once, and the page says which it is in", async () => {
    const { hands } = shown();
    const turn = button("中文");
    expect(turn.getAttribute("lang")).toBe("zh-CN");
    await hands.click(turn);
    expect(document.documentElement.lang).toBe("zh-CN");
    expect(recall("lang")).toBe("zh");
    expect(button("外观：随系统").title).toBe("外观：随系统");
    await hands.click(button("English"));
    expect(document.documentElement.lang).toBe("en");
    expect(screen.getByText("Skip to content")).toBeTruthy();
  });
});

describe("whoever looks", () => {
  it("is offered nothing until it is known who they are", async () => {
    shown({ scopes: null });
    await act(async () => {
      account.value = undefined;
    });
    expect(screen.queryByRole("link", { name: "Sign in" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Sign out" })).toBeNull();
  });
  it("of the public signs in, and comes back with what was looked at", () => {
    shown({ scopes: null, query: "tab=scan&object=river" });
    expect(wayIn()).toEqual([`${CONSOLE}/sign-in`, `${CONSOLE}?tab=scan&object=river`]);
  });
  it("still comes back there from the screen of signing in", async () => {
    shown({ scopes: null });
    await act(async () => {
      history.pushState(null, "", screenPath("sign-in", { next: `${CONSOLE}/data?tab=export` }));
      dispatchEvent(new PopStateEvent("popstate"));
    });
    expect(wayIn()).toEqual([`${CONSOLE}/sign-in`, `${CONSOLE}/data?tab=export`]);
  });
  it("is named with a way to their roles", () => {
    shown();
    const name = screen.getByRole("link", { name: "test" });
    expect(name.getAttribute("href")).toBe(screenPath("sign-in"));
  });
});

describe("signing out", () => {
  beforeEach(() => {
    keep("draft.digitise.corridors.river", { form: { name_zh: "未公开" } });
    keep("draft.scenarios", { scenarios: [] });
  });
  const drafts = () => Object.keys(localStorage).filter((name) => name.includes("draft."));

  it("forgets what was not saved, and keeps the place and the looks", async () => {
    const { hands, sent } = shown({ answer: null });
    await hands.click(button(/^Theme/));
    expect(drafts()).toHaveLength(2);
    await hands.click(button("Sign out"));
    await screen.findByText("Signed out");
    expect(drafts()).toEqual([]);
    expect([recall("region"), recall("theme")]).toEqual(["xiamen", "light"]);
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([LEAVE]);
    expect(sent[0]?.headers.get("X-CSRF-Token")).toBe("proof");
  });
  it("that fails says so: one is still signed in, and has one's drafts", async () => {
    const { hands } = shown({ answer: () => refused(503, "the database is away") });
    await hands.click(button("Sign out"));
    expect(await screen.findByText("the database is away")).toBeTruthy();
    expect(screen.queryByText("Signed out")).toBeNull();
    expect(button("Sign out")).toBeTruthy();
    expect(drafts()).toHaveLength(2);
  });
  it("of a session that had ended is done, not refused", async () => {
    const { hands } = shown({ answer: () => refused(401, "no session"), lang: "zh" });
    await hands.click(button("退出"));
    await screen.findByText("已退出登录");
    await waitFor(() => expect(screen.getByRole("link", { name: "登录" })).toBeTruthy());
    expect(drafts()).toEqual([]);
    expect(screen.queryByText("no session")).toBeNull();
  });
});
