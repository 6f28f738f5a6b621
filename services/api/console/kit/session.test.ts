import { describe, expect, it, vi } from "vitest";
import { csrf, ended, Fault, type Schema } from "./api";
import { keep, recall } from "./kept";
import {
  account,
  holds,
  may,
  need,
  refresh,
  type Scope,
  showCode,
  signIn,
  signInByKey,
  signOut,
} from "./session";
import { refused, serve } from "./testing";

const own = (some: Partial<Schema<"OwnAccount">> = {}): Schema<"OwnAccount"> => ({
  owner: "account:7",
  name: "李伟",
  own: true,
  key: false,
  roles: [],
  scopes: ["read"],
  need: null,
  csrf: "proof",
  factor: false,
  authenticator: false,
  security_keys: [],
  recovery_codes: 0,
  password_changed: null,
  sessions: [],
  links: [],
  ...some,
});
const begun = (need: Schema<"SessionBegun">["need"] = null): Schema<"SessionBegun"> => ({
  need,
  csrf: "first",
});

describe("who is signed in", () => {
  it("need not be asked where the browser has no session", async () => {
    const sent = serve({});
    await refresh(false);
    expect(account.value).toBeNull();
    expect(sent).toEqual([]);
  });
  it("is told with the proof of writes", async () => {
    serve({ "GET /session": own() });
    await refresh(true);
    expect(account.value?.name).toBe("李伟");
    expect(csrf.value).toBe("proof");
  });
  it.each([401, 404])(
    "is nobody where the service says %i, and nothing is proved",
    async (status) => {
      csrf.value = "old";
      serve({ "GET /session": refused(status, "none") });
      await refresh(true);
      expect(account.value).toBeNull();
      expect(csrf.value).toBe("");
    },
  );
  it("is not known where the service is away", async () => {
    serve({ "GET /session": refused(503, "away") });
    await expect(refresh(true)).rejects.toThrow("away");
    expect(account.value).toBeUndefined();
  });
});

describe("signing in", () => {
  it("by a name and a password ends with the account", async () => {
    const sent = serve({ "POST /session/login": begun(), "GET /session": own() });
    await signIn("li", "secret");
    expect(sent[0]?.body).toEqual({ name: "li", password: "secret" });
    expect(account.value?.owner).toBe("account:7");
  });
  it("by a key keeps the key nowhere", async () => {
    const sent = serve({ "POST /session/key": begun(), "GET /session": own({ key: true }) });
    await signInByKey("sk-long");
    expect(sent[0]?.body).toEqual({ key: "sk-long" });
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("sk-long");
  });
  it("shows the second factor with the proof of the session that has begun", async () => {
    let shown = false;
    const sent = serve({
      "POST /session/login": begun("code"),
      "POST /session/code": () => {
        shown = true;
        return begun();
      },
      "GET /session": () => own(shown ? {} : { need: "code", csrf: "half" }),
    });
    await signIn("li", "secret");
    expect(need.value).toBe("code");
    expect(may("read")).toBe(false);
    await showCode("123456");
    const code = sent.find(({ path }) => path === "/session/code");
    expect(code?.body).toEqual({ code: "123456" });
    expect(code?.headers.get("X-CSRF-Token")).toBe("half");
    expect(need.value).toBeNull();
    expect(may("read")).toBe(true);
  });
  it("that is refused leaves nobody signed in", async () => {
    account.value = null;
    serve({ "POST /session/login": refused(401, "the name or the password is wrong") });
    await expect(signIn("li", "no")).rejects.toThrow("the name or the password is wrong");
    expect(account.value).toBeNull();
    expect(csrf.value).toBe("");
  });
});

describe("signing out", () => {
  const signedIn = () => {
    csrf.value = "proof";
    account.value = own();
    keep("draft.project.new", { name_zh: "机密" });
    keep("upload.机密.zip.3.7", "u1");
    keep("theme", "dark");
  };
  it("ends the session and forgets unsaved forms and sent files, but no choice of looks", async () => {
    signedIn();
    const sent = serve({ "POST /session/logout": null });
    await signOut();
    expect(sent[0]?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(account.value).toBeNull();
    expect(recall("draft.project.new")).toBeNull();
    expect(recall("upload.机密.zip.3.7")).toBeNull();
    expect(recall("theme")).toBe("dark");
  });
  it("works where the session has ended by itself", async () => {
    signedIn();
    serve({ "POST /session/logout": refused(401, "no session") });
    await signOut();
    expect(account.value).toBeNull();
    expect(csrf.value).toBe("");
    expect(recall("draft.project.new")).toBeNull();
  });
  it("that fails leaves the person signed in", async () => {
    signedIn();
    serve({ "POST /session/logout": refused(503, "away") });
    await expect(signOut()).rejects.toBeInstanceOf(Fault);
    expect(account.value?.name).toBe("李伟");
    expect(recall("draft.project.new")).not.toBeNull();
  });
});

describe("signing in in another tab", () => {
  const session = (id: number) =>
    own({ csrf: `proof ${id}`, sessions: [{ id, current: true } as Schema<"SessionShown">] });
  /** What other tabs keep is told to this one. */
  const elsewhere = (value: unknown) => {
    keep("session", value);
    dispatchEvent(new StorageEvent("storage", { key: "shanhai.session" }));
  };
  it("is told to the others once it is whole, and proves nothing", async () => {
    serve({ "GET /session": { ...session(3), need: "code" } });
    await refresh(true);
    expect(recall("session")).toBeNull();
    serve({ "GET /session": session(3) });
    await refresh(true);
    expect(recall("session")).toEqual({ session: 3, owner: "account:7" });
    serve({ "POST /session/logout": null });
    await signOut();
    expect(recall("session")).toBeNull();
  });
  it("goes on here with the proof of the new session", async () => {
    serve({ "GET /session": session(3) });
    await refresh(true);
    const times: number[] = [];
    const stop = ended.subscribe((now) => times.push(now));
    const sent = serve({ "GET /session": session(4) });
    elsewhere(null);
    dispatchEvent(new StorageEvent("storage", { key: "shanhai.lang" }));
    expect(sent).toHaveLength(0);
    elsewhere({ session: 4, owner: "account:7" });
    await vi.waitFor(() => expect(csrf.value).toBe("proof 4"));
    stop();
    // In between forms are kept, which were forgotten with signing out.
    expect(times).toEqual([0, 1, 0]);
    expect(account.value?.owner).toBe("account:7");
  });
  it("as somebody else leaves nothing on the screen here", async () => {
    serve({ "GET /session": session(3) });
    await refresh(true);
    const reload = vi.spyOn(location, "reload").mockImplementation(() => {});
    const sent = serve({});
    elsewhere({ session: 4, owner: "account:8" });
    expect(reload).toHaveBeenCalled();
    expect(sent).toHaveLength(0);
    reload.mockRestore();
  });
});

describe("what somebody may do", () => {
  it("is nothing for the public", () => {
    account.value = null;
    expect(may("read")).toBe(false);
    expect(holds(["planner"], "xiamen")).toBe(false);
  });
  it("is what their scopes are for", () => {
    account.value = own({ scopes: ["read", "jobs"] });
    expect([may("jobs"), may("write"), may("admin")]).toEqual([true, false, false]);
  });
  it("is everything for an administrator, in every region", () => {
    account.value = own({ scopes: ["admin"] });
    expect((["write", "projects", "observe"] as Scope[]).every(may)).toBe(true);
    expect(holds(["approver"], null)).toBe(true);
  });
  it("is nothing before the second factor", () => {
    account.value = own({
      scopes: ["admin"],
      roles: [{ role: "planner", region: null }],
      need: "factor",
    });
    expect(may("write")).toBe(false);
    expect(holds(["planner"], "xiamen")).toBe(false);
  });
});

describe("a role", () => {
  const planner = (region: string | null) => {
    account.value = own({ scopes: ["read", "write"], roles: [{ role: "planner", region }] });
  };
  it("in a region holds there and below", () => {
    planner("xiamen");
    expect(holds(["planner"], "xiamen")).toBe(true);
    expect(holds(["planner", "approver"], "xiamen.siming")).toBe(true);
  });
  it("in a region does not hold above it, nor in a namesake, nor everywhere", () => {
    planner("xiamen.siming");
    expect(holds(["planner"], "xiamen")).toBe(false);
    expect(holds(["planner"], "xiamen.siming2")).toBe(false);
    expect(holds(["planner"], null)).toBe(false);
  });
  it("everywhere holds in any region", () => {
    planner(null);
    expect(holds(["planner"], "banan")).toBe(true);
    expect(holds(["planner"], null)).toBe(true);
  });
  it("is not another role", () => {
    planner(null);
    expect(holds(["approver", "supervisor"], "xiamen")).toBe(false);
    expect(holds([], "xiamen")).toBe(false);
  });
});
