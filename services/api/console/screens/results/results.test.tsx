import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { Fault } from "../../kit/api";
import { mergedForm, restOf } from "../../kit/editing";
import { nextOf } from "../../kit/pages";
import { regions } from "../../kit/place";
import { Secret } from "../../kit/secret";
import { account, holds, may } from "../../kit/session";
import { lang } from "../../kit/words";
import { accountBody } from "./accounts";
import { changesOf, filterOf } from "./audit";
import { keyBody, keyState } from "./keys";
import { collectionsOf, onSheet, sheetInputs } from "./layers";
import { partsOf } from "./preview";
import { documentsOf } from "./reports";
import { roleCode, roleOf, rolesSchema, roleWords } from "./roles";
import { subscriptionForm } from "./subscriptions";
import { formOf } from "./templates";

afterEach(() => {
  document.body.replaceChildren();
  lang.value = "zh";
  account.value = null;
  regions.value = [];
});

lang.value = "zh";

const signedIn = (scopes: string[], roles: { role: string; region: string | null }[]) => {
  account.value = { owner: "key:a", name: "a", need: null, scopes, roles } as never;
};

test("layers of the region go onto its sheet, those of others do not", () => {
  const collections = ["zones", "corridors"];
  const datasets = new Set(["xiamen.dem.demo"]);
  const of = (id: string, kind: "vector" | "raster", theme: string) =>
    onSheet({ id, kind, theme }, "xiamen", collections, datasets);
  expect(of("zones", "vector", "zones")).toEqual({ kind: "features", collection: "zones" });
  expect(of("plans", "vector", "plans")).toBeNull();
  expect(of("ratio.cooling.xiamen", "raster", "ratio.cooling")).toEqual({
    kind: "raster",
    theme: "ratio.cooling",
  });
  expect(of("ratio.cooling.banan", "raster", "ratio.cooling")).toBeNull();
  expect(of("dataset.xiamen.dem.demo", "raster", "dem")).toEqual({
    kind: "raster",
    dataset: "xiamen.dem.demo",
  });
  expect(of("dataset.banan.dem.demo", "raster", "dem")).toBeNull();
});

test("the process says which collections it draws", () => {
  const features = { properties: { collection: { enum: ["zones", "mines"] } } };
  expect(collectionsOf({ items: { oneOf: [{ properties: {} }, features] } })).toEqual([
    "zones",
    "mines",
  ]);
  expect(collectionsOf(undefined)).toEqual([]);
});

test("a sheet is asked for without what says nothing, and with names where they are wanted", () => {
  const zones = { kind: "features", collection: "zones" } as const;
  const ratio = { kind: "raster", theme: "ratio" } as const;
  const asked = sheetInputs(
    "xiamen",
    [ratio, { ...zones, labels: true, filter: "", scheme: undefined }],
    { paper: "A3", number: "", title_zh: undefined, inset: false },
  );
  expect(asked).toEqual({
    region: "xiamen",
    paper: "A3",
    inset: false,
    layers: [ratio, { ...zones, labels: true }],
  });
});

test("their form takes my changes and keeps theirs", () => {
  // I changed c as well, and leave theirs: it is not among what I chose.
  expect(mergedForm({ a: 1, b: 7, c: 5 }, { a: 9 })).toEqual({ a: 9, b: 7, c: 5 });
});

test("what stands at a field is not told twice", () => {
  const at = [
    { pointer: "/url", detail: "x" },
    { pointer: "/sections/2/text_zh", detail: "y" },
  ];
  const members = { url: { title: "Address" }, sections: { title: "Sections" } };
  const rest = restOf(new Fault(400, "/url: x", at), members);
  expect(rest?.message).toBe("Address: x");
  expect(rest?.at).toEqual([{ pointer: "Sections", detail: "y" }]);
});

test("roles are words for people and codes in forms", () => {
  regions.value = [{ code: "xiamen", properties: { name_zh: "厦门市", name_en: "Xiamen" } }];
  const held = { role: "planner", region: "xiamen" } as const;
  expect(roleCode(held)).toBe("planner@xiamen");
  expect(roleOf("planner@xiamen")).toEqual(held);
  expect(roleOf("admin")).toEqual({ role: "admin", region: null });
  expect(roleWords(held)).toBe("规划编制 · 厦门市");
  expect(roleWords(roleOf("auditor"))).toBe("审计 · 全部区域");
  lang.value = "en";
  expect(rolesSchema().items?.["x-enum-titles"]).toMatchObject({
    "planner@xiamen": "Planner · Xiamen",
    viewer: "Viewer · everywhere",
  });
});

test("a role holds in its region and what lies below, an administrator's everywhere", () => {
  signedIn(["read", "write"], [{ role: "approver", region: "xiamen" }]);
  expect(holds(["approver"], "xiamen")).toBe(true);
  expect(holds(["approver"], "xiamen.siming")).toBe(true);
  expect(holds(["approver"], "xiamenx")).toBe(false);
  expect(holds(["approver"], null)).toBe(false);
  expect(holds(["planner"], "xiamen")).toBe(false);
  expect(may("admin")).toBe(false);
  signedIn(["admin"], [{ role: "admin", region: null }]);
  expect(may("write")).toBe(true);
  expect(holds(["approver"], null)).toBe(true);
  account.value = null;
  expect(holds(["approver"], "xiamen")).toBe(false);
});

test("an account is sent what changed, its roles as pairs", () => {
  const base = { name: "李伟", roles: ["planner@xiamen"], disabled: false };
  expect(accountBody({ ...base, name: "李维" }, base)).toEqual({ name: "李维" });
  expect(accountBody({ ...base, roles: ["viewer"] }, base)).toEqual({
    roles: [{ role: "viewer", region: null }],
  });
  expect(accountBody({ name: "李伟", disabled: true }, base)).toEqual({
    roles: [],
    disabled: true,
  });
  expect(accountBody({ subject: "li.wei" }, {})).toEqual({ subject: "li.wei" });
});

test("keys stand as they are, and end with the last moment of a day", () => {
  const key = { revoked: null, expires: null, successor: null } as never;
  expect(keyState(key).text).toBe("有效");
  expect(keyState({ ...(key as object), successor: "b" } as never).tone).toBe("warn");
  const over = { ...(key as object), expires: "2026-01-01T00:00:00Z" } as never;
  expect(keyState(over, Date.parse("2026-01-02T00:00:00Z")).text).toBe("已过期");
  expect(keyState({ ...(over as object), revoked: "2025-01-01T00:00:00Z" } as never).tone).toBe(
    "bad",
  );
  const sent = keyBody({ name: "k", roles: ["feed"], expires_at: "2027-03-01" });
  expect(sent.roles).toEqual([{ role: "feed", region: null }]);
  expect(sent.expires_at).toBe("2027-03-01T15:59:59.000Z");
});

test("the log is asked by what was filled in", () => {
  const asked = filterOf({ actor: " key:a ", action: "", since: "2026-01-01T08:00" });
  expect(asked.actor).toBe("key:a");
  expect(asked).not.toHaveProperty("action");
  expect(asked.since).toBe("2026-01-01T00:00:00.000Z");
});

test("an entry tells the members that changed", () => {
  expect(changesOf({ before: { a: 1, b: [1] }, after: { a: 2, b: [1], c: null } })).toEqual([
    { name: "a", before: "1", after: "2" },
    { name: "c", before: "–", after: "–" },
  ]);
  expect(changesOf({ before: null, after: { a: { x: 1 } } })[0]?.after).toBe('{"x":1}');
});

test("processes with a report are listed with its forms", () => {
  expect(
    documentsOf([
      { id: "echo", outputs: { echo: {} } },
      { id: "assess", outputs: { report: {}, report_pdf: {}, map: {} } },
    ]),
  ).toEqual({ assess: ["report", "report_pdf"] });
});

test("the next page is the one that is linked", () => {
  expect(nextOf({ links: [{ rel: "self", href: "/a" }] })).toBeUndefined();
  expect(nextOf({ links: [{ rel: "next", href: "/b" }] })).toBe("/b");
});

test("a page is shown without its scripts, its styles taken aside", () => {
  const { rules, root } = partsOf(
    `<html><head><style media="all">p { color: red }</style><script>x()</script></head>` +
      `<body><p style="margin: 0">一</p><a href="/x">二</a></body></html>`,
  );
  expect(rules).toContain("color: red");
  expect(root.querySelector("script, style, [style]")).toBeNull();
  expect(root.querySelector("p")?.getAttribute("data-style")).toBe("margin: 0");
  expect(root.querySelector("a")?.getAttribute("target")).toBe("_blank");
});

test("a template's form has its contents alone", () => {
  const form = formOf({
    code: "default",
    version: 3,
    created: null,
    created_by: null,
    links: [],
    name_zh: "公报",
    sections: [],
  } as never);
  expect(form).toEqual({ name_zh: "公报", sections: [] });
});

test("a subscription's form leaves out what says nothing", () => {
  const form = subscriptionForm({
    id: 1,
    unsubscribed: null,
    created: "2026-01-01T00:00:00Z",
    links: [],
    name: "值班",
    region: null,
    levels: ["red"],
  } as never);
  expect(form).toEqual({ name: "值班", levels: ["red"] });
});

test("a secret can be copied and is kept nowhere", async () => {
  const written = vi.fn().mockResolvedValue(undefined);
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: written } });
  HTMLDialogElement.prototype.showModal ??= () => {};
  const place = document.body.appendChild(document.createElement("div"));
  await act(() =>
    render(
      <Secret told={{ title: "密钥", text: "shk_a_b", hint: "" }} onClose={() => {}} />,
      place,
    ),
  );
  expect(place.querySelector<HTMLInputElement>("input")?.value).toBe("shk_a_b");
  await act(async () => place.querySelector<HTMLButtonElement>(".button.main")?.click());
  expect(written).toHaveBeenCalledWith("shk_a_b");
  expect(place.textContent).toContain("已复制");
  expect(JSON.stringify({ ...localStorage })).not.toContain("shk_a_b");
  vi.unstubAllGlobals();
});
