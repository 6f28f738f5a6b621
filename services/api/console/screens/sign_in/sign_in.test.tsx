import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { csrf } from "../../kit/api";
import { CONSOLE } from "../../kit/page";
import { account } from "../../kit/session";
import { type Answer, act, open, refused, screen, serve, waitFor } from "../../kit/testing";
import { lang } from "../../kit/words";
import SignIn from "./sign_in";

type Own = Schema<"OwnAccount">;

const ways = (password = true, ...issuers: string[]): Schema<"LoginWays"> => ({
  password,
  issuers,
});
const begun = (need: Own["need"] = null): Schema<"SessionBegun"> => ({ need, csrf: "fresh" });
const own = (change: Partial<Own> = {}): Own => ({
  owner: "account:1",
  name: "李工",
  own: true,
  key: false,
  roles: [],
  scopes: ["read"],
  need: null,
  csrf: "fresh",
  factor: false,
  authenticator: false,
  security_keys: [],
  recovery_codes: 0,
  password_changed: null,
  sessions: [],
  links: [],
  ...change,
});

/** A service at which people can sign in; what is not said goes well. */
const bureau = (answers: Record<string, Answer> = {}) =>
  serve({
    "GET /session/login": ways(),
    "POST /session/login": begun(),
    "POST /session/key": begun(),
    "POST /session/code": begun(),
    "GET /session": own(),
    ...answers,
  });

const submit = () => screen.getByRole("button", { name: "Sign in" });

async function byPassword(query = "") {
  const hands = open(<SignIn />, { query });
  await hands.type(await screen.findByLabelText("Account name"), "li.gong");
  await hands.type(screen.getByLabelText("Password"), "a long secret");
  return hands;
}

/** Show the screen to somebody who has signed in. */
async function signedIn(change: Partial<Own>, words: "zh" | "en" = "en", query = "") {
  const hands = open(<SignIn />, { lang: words, query, scopes: ["read"] });
  await act(async () => {
    account.value = own(change);
  });
  return hands;
}

describe("the ways to sign in", () => {
  it("are those that the bureau has", async () => {
    bureau({ "GET /session/login": ways(true, "https://id.example.org/realm") });
    open(<SignIn />);
    await screen.findByRole("tab", { name: "Account", selected: true });
    expect(screen.getAllByRole("tab").map((tab) => tab.textContent)).toEqual([
      "Account",
      "The bureau's sign-in",
      "API key",
    ]);
  });
  it("begin with the bureau's own where it keeps no passwords", async () => {
    bureau({ "GET /session/login": ways(false, "https://id.example.org/realm") });
    open(<SignIn />);
    await screen.findByRole("tab", { name: "The bureau's sign-in", selected: true });
    expect(screen.queryByLabelText("Password")).toBeNull();
    expect(screen.queryByRole("tab", { name: "Account" })).toBeNull();
  });
  it("leave the key where there is nothing else", async () => {
    bureau({ "GET /session/login": ways(false) });
    open(<SignIn />);
    await screen.findByRole("tab", { name: "API key", selected: true });
    expect(screen.getByLabelText("API key", { selector: "input" })).toBeTruthy();
    expect(screen.queryByLabelText("Account name")).toBeNull();
  });
  it("are asked for again where the service was away", async () => {
    let away = true;
    bureau({ "GET /session/login": () => (away ? refused(503, "starting up") : ways()) });
    const hands = open(<SignIn />);
    expect((await screen.findByRole("alert")).textContent).toContain("starting up");
    away = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByLabelText("Account name")).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("have words in Chinese", async () => {
    bureau({ "GET /session/login": ways(true, "https://id.example.org") });
    open(<SignIn />, { lang: "zh" });
    expect(await screen.findByLabelText("账户名")).toBeTruthy();
    expect(screen.getByRole("tab", { name: "统一身份认证" })).toBeTruthy();
    expect(screen.getByRole("heading", { name: "登录" })).toBeTruthy();
  });
  it("are gone through by the arrows, round the end", async () => {
    bureau();
    const hands = open(<SignIn />);
    const first = await screen.findByRole("tab", { name: "Account" });
    first.focus();
    await hands.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(screen.getByRole("tab", { name: "API key" }));
    await hands.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(first);
    expect(screen.getByLabelText("Account name")).toBeTruthy();
  });
});

describe("an account", () => {
  it("is signed in by name and password, and goes home", async () => {
    const sent = bureau();
    const hands = await byPassword();
    await hands.click(submit());
    await waitFor(() => expect(account.value?.name).toBe("李工"));
    const login = sent.find(({ method }) => method === "POST");
    expect(login).toMatchObject({
      path: "/session/login",
      body: { name: "li.gong", password: "a long secret" },
    });
    expect(csrf.value).toBe("fresh");
    expect(location.pathname).toBe(CONSOLE);
  });
  it("is signed in by the keyboard alone", async () => {
    const sent = bureau();
    const hands = open(<SignIn />);
    (await screen.findByLabelText("Account name")).focus();
    await hands.keyboard("li.gong{Tab}a long secret{Enter}");
    await waitFor(() => expect(account.value).toBeTruthy());
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      name: "li.gong",
      password: "a long secret",
    });
  });
  it("is told what was refused, keeps what was typed and can try again", async () => {
    let right = false;
    bureau({
      "POST /session/login": () =>
        right ? begun() : refused(401, "the name or the password is wrong"),
    });
    const hands = await byPassword();
    await hands.click(submit());
    expect((await screen.findByRole("alert")).textContent).toContain("password is wrong");
    expect(screen.getByLabelText<HTMLInputElement>("Account name").value).toBe("li.gong");
    expect(submit().hasAttribute("disabled")).toBe(false);
    expect(account.value).toBeNull();
    right = true;
    await hands.click(submit());
    await waitFor(() => expect(account.value).toBeTruthy());
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("is told when too many have tried", async () => {
    bureau({ "POST /session/login": refused(429, "too many attempts; try again in 60 s") });
    const hands = await byPassword();
    await hands.click(submit());
    expect(await screen.findByText(/try again in 60 s/)).toBeTruthy();
  });
  it("sends nothing without a password", async () => {
    const sent = bureau();
    const hands = open(<SignIn />);
    await hands.type(await screen.findByLabelText("Account name"), "li.gong");
    await hands.click(submit());
    expect(sent.filter(({ method }) => method === "POST")).toEqual([]);
  });
  it("leaves no password in what the browser keeps, nor in the address", async () => {
    bureau();
    const hands = await byPassword();
    await hands.click(submit());
    await waitFor(() => expect(account.value).toBeTruthy());
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("secret");
    expect(location.href).not.toContain("secret");
  });
});

describe("where one goes on to", () => {
  it.each([
    ["a screen", "/console/map?layer=zones", "/console/map?layer=zones"],
    ["home", "/console", "/console"],
    ["home with a region", "/console?region=xiamen", "/console?region=xiamen"],
    ["another site", "//elsewhere.example/console", "/console"],
    ["an address of another site", "https://elsewhere.example/console", "/console"],
    ["what only begins as the console does", "/consolers", "/console"],
  ])("is %s", async (_, next, reached) => {
    bureau();
    const hands = await byPassword(new URLSearchParams({ next }).toString());
    await hands.click(submit());
    await waitFor(() => expect(account.value).toBeTruthy());
    await waitFor(() => expect(location.pathname + location.search).toBe(reached));
  });
});

describe("a key", () => {
  async function key() {
    const hands = open(<SignIn />);
    await hands.click(await screen.findByRole("tab", { name: "API key" }));
    await hands.type(screen.getByLabelText("API key", { selector: "input" }), "shk_12345");
    return hands;
  }
  it("is exchanged for a session and not kept", async () => {
    const sent = bureau({ "GET /session": own({ key: true, name: "a script" }) });
    const hands = await key();
    await hands.click(submit());
    await waitFor(() => expect(account.value?.key).toBe(true));
    expect(sent.find(({ method }) => method === "POST")).toMatchObject({
      path: "/session/key",
      body: { key: "shk_12345" },
    });
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("shk_12345");
    expect(screen.getByText("signed in by an API key")).toBeTruthy();
  });
  it("is not to be read on the screen, nor offered for keeping", async () => {
    bureau();
    await key();
    const field = screen.getByLabelText<HTMLInputElement>("API key", { selector: "input" });
    expect(field.type).toBe("password");
    expect(field.autocomplete).toBe("off");
  });
  it("that was revoked is refused in words", async () => {
    bureau({ "POST /session/key": refused(401, "the key was revoked") });
    const hands = await key();
    await hands.click(submit());
    expect((await screen.findByRole("alert")).textContent).toContain("the key was revoked");
  });
});

describe("the bureau's provider", () => {
  it("is told where to come back to", async () => {
    const issuer = "https://id.example.org/realms/bureau";
    bureau({ "GET /session/login": ways(true, issuer) });
    const hands = open(<SignIn />, { query: "next=%2Fconsole%2Fmap" });
    await hands.click(await screen.findByRole("tab", { name: "The bureau's sign-in" }));
    const way = screen.getByRole("link", { name: "id.example.org" });
    const to = new URL(way.getAttribute("href") ?? "");
    expect(to.pathname).toBe("/session/login");
    expect(Object.fromEntries(to.searchParams)).toEqual({ issuer, next: "/console/map" });
  });
  it("comes back home where nothing else was asked for, whichever of them it is", async () => {
    const issuers = ["https://one.example", "https://two.example"];
    bureau({ "GET /session/login": ways(false, ...issuers) });
    open(<SignIn />);
    const links = await screen.findAllByRole("link");
    const asked = links.map((link) => new URL(link.getAttribute("href") ?? "").searchParams);
    expect(asked.map((query) => query.get("issuer"))).toEqual(issuers);
    expect(asked.map((query) => query.get("next"))).toEqual([CONSOLE, CONSOLE]);
  });
});

describe("the second factor", () => {
  const halfWay: Record<string, Answer> = {
    "POST /session/login": begun("code"),
    "GET /session": own({ need: "code" }),
  };
  it("is asked for before the screen that was wanted", async () => {
    bureau(halfWay);
    const hands = await byPassword("next=%2Fconsole%2Fmap");
    await hands.click(submit());
    expect(await screen.findByLabelText("Code, or recovery code")).toBeTruthy();
    expect(location.pathname).toBe(CONSOLE);
  });
  it("ends the sign-in and goes on to that screen", async () => {
    let shown = false;
    const sent = bureau({
      ...halfWay,
      "POST /session/code": () => {
        shown = true;
        return begun();
      },
      "GET /session": () => own({ need: shown ? null : "code" }),
    });
    const hands = await byPassword("next=%2Fconsole%2Fmap");
    await hands.click(submit());
    await hands.type(await screen.findByLabelText("Code, or recovery code"), "123456{Enter}");
    await waitFor(() => expect(location.pathname).toBe("/console/map"));
    const code = sent.find(({ path }) => path === "/session/code");
    expect(code?.body).toEqual({ code: "123456" });
    expect(code?.headers.get("X-CSRF-Token")).toBe("fresh");
  });
  it("that is wrong is asked for again", async () => {
    bureau({ ...halfWay, "POST /session/code": refused(401, "the code is wrong or was used") });
    const hands = await byPassword();
    await hands.click(submit());
    await hands.type(await screen.findByLabelText("Code, or recovery code"), "000000");
    await hands.click(screen.getByRole("button", { name: "Go on" }));
    expect((await screen.findByRole("alert")).textContent).toContain("wrong or was used");
    expect(account.value?.need).toBe("code");
  });
  it("may be a security key, on the page of sessions", async () => {
    bureau();
    await signedIn({ need: "code" });
    const link = screen.getByRole("link", { name: "Use a security key" });
    expect(new URL(link.getAttribute("href") ?? "").pathname).toBe("/session");
  });
  it.each([
    ["password", "须先更改口令。"],
    ["factor", "须先设置第二重验证。"],
  ] as const)("or a %s that must be set first has a page of its own", async (need, words) => {
    bureau();
    await signedIn({ need }, "zh");
    expect(screen.getByText(words)).toBeTruthy();
    const way = screen.getByRole("link", { name: "去设置" });
    expect(new URL(way.getAttribute("href") ?? "").pathname).toBe("/session");
    expect(screen.queryByRole("textbox")).toBeNull();
  });
});

describe("whoever is signed in", () => {
  it("sees which roles are theirs, and where", async () => {
    bureau();
    await signedIn({
      roles: [
        { role: "planner", region: "xiamen" },
        { role: "approver", region: null },
      ],
    });
    expect(screen.getByRole("heading", { name: "李工" })).toBeTruthy();
    const roles = screen.getAllByRole("listitem").map((item) => item.textContent);
    expect(roles).toEqual(["Planner Xiamen", "Approver all regions"]);
    await act(async () => {
      lang.value = "zh";
    });
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
      "规划编制 厦门市",
      "审批 所有区域",
    ]);
  });
  it("is told where there are none", async () => {
    bureau();
    await signedIn({ roles: [] }, "zh");
    expect(screen.getByText("没有角色")).toBeTruthy();
    expect(screen.queryByText("以接口密钥登录")).toBeNull();
  });
  it("finds the way home and to what guards the account", async () => {
    const sent = bureau();
    await signedIn({});
    expect(screen.getByRole("link", { name: "Go to home" }).getAttribute("href")).toMatch(
      /^\/console/,
    );
    const guards = screen.getByRole("link", { name: "Sessions, password and second factor" });
    expect(new URL(guards.getAttribute("href") ?? "").pathname).toBe("/session");
    expect(sent.filter(({ method }) => method !== "GET")).toEqual([]);
  });
});
