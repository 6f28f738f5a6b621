/** The whole console: its shell, its ways between screens, and what goes wrong. */

import { render } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";

const page = vi.hoisted(() => {
  document.documentElement.dataset.signIn = "";
  return { broken: false };
});
vi.mock("./screens/data/data", () => ({
  default: () => {
    if (page.broken) throw new Error("no such member");
    return <h1>Data here</h1>;
  },
}));
vi.mock("./screens/home/home", () => ({ default: () => <h1>Home here</h1> }));

import { ended } from "./kit/api";
import { CONSOLE } from "./kit/page";
import { plan, region } from "./kit/place";
import { SCREENS } from "./kit/screens";
import { account } from "./kit/session";
import { type Answer, act, refused, screen, serve, waitFor, within } from "./kit/testing";
import { lang } from "./kit/words";
import { Console } from "./main";

const item = (id: string, properties: object) => ({
  type: "Feature",
  id,
  geometry: { type: "Point", coordinates: [118, 24] },
  properties,
});
const places: Record<string, Answer> = {
  "GET /collections/regions/items": {
    features: [
      item("xiamen", { name_zh: "厦门市", name_en: "Xiamen" }),
      item("banan", { name_zh: "巴南区", name_en: "Banan" }),
    ],
    links: [],
  },
  "GET /collections/plans/items": {
    features: [
      item("x-1", { name_zh: "规划一", name_en: "Plan 1", region: "xiamen", valid_from: "2020" }),
      item("x-2", { name_zh: "规划二", name_en: "Plan 2", region: "xiamen", valid_from: "2024" }),
    ],
    links: [],
  },
};

/** Open the console as whoever looks. */
function start(answers: Record<string, Answer> = places, { at = "", words = "en" } = {}) {
  const sent = serve(answers);
  lang.value = words as "en";
  history.replaceState(null, "", CONSOLE + at);
  render(<Console />);
  return { sent, hands: userEvent.setup() };
}
const heading = (name: string) => screen.findByRole("heading", { name });
const signedIn = (name: string) =>
  act(async () => {
    account.value = { owner: name, name, need: null, scopes: ["read"], roles: [] } as never;
  });

beforeEach(() => {
  page.broken = false;
});

describe("opening", () => {
  it("waits for the regions, and then shows the screen of the address", async () => {
    start(places, { at: "/data" });
    expect(screen.getByText("Loading…")).toBeTruthy();
    expect(await heading("Data here")).toBeTruthy();
    await waitFor(() => expect(document.title).toBe("Data · Shanhai"));
    expect([region.value, plan.value]).toEqual(["xiamen", "x-2"]);
  });
  it("tells that the service is away, and opens once it is there", async () => {
    let down = true;
    const { hands } = start({
      ...places,
      "GET /collections/plans/items": (one) =>
        down ? refused(503, "the database is away") : (places[`GET ${one.path}`] as object),
    });
    expect(await screen.findByText("the database is away")).toBeTruthy();
    expect(screen.queryByRole("heading", { name: "Home here" })).toBeNull();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await heading("Home here")).toBeTruthy();
  });
  it("lets the public on to sign in where it may read nothing", async () => {
    start({
      "GET /collections/regions/items": refused(401, "sign in first"),
      "GET /collections/plans/items": refused(401, "sign in first"),
    });
    expect(await heading("Home here")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Sign in" })).toBeTruthy();
    expect(screen.queryByText("sign in first")).toBeNull();
  });
  it("asks for the regions again where the session that was refused has ended", async () => {
    let ended = false;
    const [regions, plans] = Object.entries(places) as [[string, Answer], [string, Answer]];
    start({
      [regions[0]]: () => {
        const answer = ended ? regions[1] : refused(401, "sign in first");
        ended = true;
        return answer;
      },
      [plans[0]]: plans[1],
    });
    expect(await heading("Home here")).toBeTruthy();
    expect(await screen.findByRole("option", { name: "Xiamen" })).toBeTruthy();
  });
  it("leads back from an address that is none", async () => {
    start(places, { at: "/nonsense", words: "zh" });
    expect(await screen.findByText(/没有这个页面/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "回到工作台" }).getAttribute("href")).toBe(CONSOLE);
  });
});

describe("a screen that fails", () => {
  it("says so once, and the way to other screens stays open", async () => {
    page.broken = true;
    const { hands } = start(places, { at: "/data" });
    expect(await screen.findByText("the page failed: no such member")).toBeTruthy();
    await act(async () => {
      await new Promise((done) => requestAnimationFrame(done));
    });
    expect(screen.getByText("the page failed: no such member")).toBeTruthy();
    const screens = within(screen.getByRole("navigation", { name: "Screens" }));
    await hands.click(screens.getByRole("link", { name: "Home" }));
    expect(await heading("Home here")).toBeTruthy();
  });
});

describe("the shell", () => {
  it("leads to each screen by name, and marks where one is", async () => {
    const { hands } = start();
    await heading("Home here");
    const nav = within(screen.getByRole("navigation", { name: "Screens" }));
    expect(nav.getAllByRole("link")).toHaveLength(SCREENS.length);
    expect(nav.getByRole("link", { name: "Home" }).getAttribute("aria-current")).toBe("page");
    await hands.click(nav.getByRole("link", { name: "Data" }));
    await heading("Data here");
    expect(nav.getByRole("link", { name: "Data" }).getAttribute("aria-current")).toBe("page");
    expect(nav.getByRole("link", { name: "Home" }).getAttribute("aria-current")).toBeNull();
  });
  it("begins with a way past the menu, for the keyboard", async () => {
    const { hands } = start();
    await heading("Home here");
    await hands.tab();
    expect(document.activeElement?.textContent).toBe("Skip to content");
    expect(document.activeElement?.getAttribute("href")).toBe("#main");
    expect(screen.getByRole("main").id).toBe("main");
  });
  it("folds its menu away once a screen is chosen", async () => {
    const { hands } = start();
    await heading("Home here");
    const menu = screen.getByRole("button", { name: "Menu" });
    await hands.click(menu);
    expect(menu.getAttribute("aria-expanded")).toBe("true");
    await hands.click(screen.getByRole("link", { name: "Data" }));
    await waitFor(() => expect(menu.getAttribute("aria-expanded")).toBe("false"));
  });
  it("turns all words to the other language", async () => {
    const { hands } = start();
    await heading("Home here");
    await hands.click(screen.getByRole("button", { name: "中文" }));
    expect(await screen.findByRole("link", { name: "数据" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "English" }).getAttribute("lang")).toBe("en");
    await waitFor(() => expect(document.title).toBe("工作台 · 山海"));
  });
  it("goes from the system's looks to light, dark and back", async () => {
    const { hands } = start();
    const looks = () => document.documentElement.dataset.theme;
    const seen: (string | undefined)[] = [looks()];
    for (let turn = 0; turn < 3; turn++) {
      await hands.click(screen.getByRole("button", { name: /^Theme/ }));
      seen.push(looks());
    }
    expect(seen).toEqual([undefined, "light", "dark", undefined]);
  });
  it("goes on with another region, which may have no plan", async () => {
    const { hands } = start();
    await heading("Home here");
    await hands.selectOptions(screen.getByRole("combobox", { name: "Plan" }), "Plan 1");
    expect(plan.value).toBe("x-1");
    await hands.selectOptions(screen.getByRole("combobox", { name: "Region" }), "Banan");
    expect([region.value, plan.value]).toEqual(["banan", ""]);
    expect(screen.queryByRole("combobox", { name: "Plan" })).toBeNull();
  });
});

describe("somebody signed in", () => {
  it("comes back to where they were", async () => {
    start(places, { at: "/data?tab=import" });
    await heading("Data here");
    const way = screen.getByRole("link", { name: "Sign in" }).getAttribute("href") ?? "";
    const next = new URL(way, location.origin).searchParams.get("next");
    expect(next).toBe(`${CONSOLE}/data?tab=import`);
  });
  it("sees other regions, and is named", async () => {
    const { sent } = start();
    await heading("Home here");
    const before = sent.length;
    await signedIn("li");
    expect(screen.getByRole("link", { name: "li" })).toBeTruthy();
    await waitFor(() => expect(sent.length).toBe(before + 2));
  });
  it("signs out with a word of it", async () => {
    const { hands } = start({ ...places, "POST /session/logout": null });
    await heading("Home here");
    await signedIn("li");
    await hands.click(screen.getByRole("button", { name: "Sign out" }));
    expect(await screen.findByText("Signed out")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Sign in" })).toBeTruthy();
  });
  it("whose session ends is told, and asked no more once they go on", async () => {
    const { hands } = start({
      ...places,
      "GET /session/login": { password: true, issuers: [], links: [] },
    });
    await heading("Home here");
    await signedIn("li");
    await act(async () => {
      ended.value += 1;
    });
    expect(screen.getByText(/what you typed is kept/)).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Sign in again" }));
    await waitFor(() => expect(location.pathname).toBe(`${CONSOLE}/sign-in`));
    expect(screen.queryByText(/what you typed is kept/)).toBeNull();
    expect(account.value).toBeNull();
    await signedIn("li");
    expect(screen.queryByText(/what you typed is kept/)).toBeNull();
  });
});
