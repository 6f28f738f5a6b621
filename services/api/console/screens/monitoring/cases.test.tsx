import { describe, expect, it, vi } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import { region } from "../../kit/place";
import {
  type Answer,
  act,
  cellsOf,
  naming,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { lang } from "../../kit/words";
import { CaseDetails, CaseList, placeText, StateOfCase, stepBody } from "./cases";
import { MAP } from "./testing";

type Case = Schema<"Case">;

const supervisor = { scopes: ["read", "write"] } as const;
const shape = {
  type: "Polygon",
  coordinates: [
    [
      [118.1, 24.5],
      [118.11, 24.5],
      [118.11, 24.52],
      [118.1, 24.5],
    ],
  ],
};
const step = (more: Partial<Schema<"CaseStep">> = {}): Schema<"CaseStep"> => ({
  to: "assigned",
  name: "Assigned",
  roles: ["supervisor"],
  needs: ["assignee"],
  rule: "somebody is named who checks it",
  allowed: true,
  ...more,
});
const VERIFY = step({
  to: "verified",
  name: "Verified",
  needs: ["result", "note", "documents"],
  rule: "a result, a note and a photo from the site",
});
const paper = (code: string, more: Partial<Schema<"CaseDocument">> = {}) => ({
  code,
  kind: "photo",
  title_zh: `${code}照片`,
  title_en: null,
  filename: `${code}.jpg`,
  media_type: "image/jpeg",
  sha256: "0".repeat(64),
  file: `http://localhost:3000/documents/${code}/file`,
  ...more,
});
const event = (seq: number, more: Partial<Schema<"CaseHistory">> = {}): Schema<"CaseHistory"> => ({
  seq,
  from: "new",
  to: "assigned",
  to_name: "Assigned",
  at: "2026-01-02T03:00:00Z",
  actor: "key:li",
  note: null,
  result: null,
  assignee: null,
  due: null,
  documents: [],
  ...more,
});
const one = (more: Partial<Case> = {}): Case => ({
  code: "C-7",
  state: "new",
  kind: "filling",
  region: "xiamen",
  due: "2026-01-31",
  overdue: false,
  result: null,
  assignee: null,
  source: "satellite-monthly",
  external_id: "x1",
  sensed_before: "2025-10-01",
  sensed_after: "2025-12-01",
  confidence: 0.8,
  area_ha: 1.23456,
  inside_ha: 0.5,
  lines: [],
  lead_geometry: shape as never,
  opened_at: "2025-12-31T17:00:00Z",
  closed_at: null,
  links: [],
  state_name: "New",
  kind_name: "Filling of water or sea",
  result_name: null,
  steps: [step()],
  events: [],
  documents: [],
  ...more,
});

const details = (
  <>
    <CaseDetails code="C-7" onBack={() => {}} />
    <Notices />
  </>
);
const posts = (sent: Sent[]) => sent.filter(({ method }) => method === "POST");
const keys = (sent: Sent[]) => posts(sent).map(({ headers }) => headers.get("Idempotency-Key"));
const showing = (found: Case | (() => Case), more: Record<string, Answer> = {}) =>
  serve({
    ...MAP,
    "GET /actors": naming({ "key:li": "Li Wei" }),
    "GET /cases/C-7": () =>
      withHeaders(typeof found === "function" ? found() : found, { ETag: '"3"' }),
    ...more,
  });
const facts = async () => {
  await screen.findByRole("heading", { name: "What happened" });
  return document.querySelector("dl")?.textContent ?? "";
};
const submit = () => screen.getByRole("button", { name: "Submit" });

describe("what a step sends", () => {
  it("is what was filled in of what it asks, and the papers where it needs them", () =>
    expect(stepBody(VERIFY, { note: "x", result: "lawful" }, ["p"])).toEqual({
      to: "verified",
      note: "x",
      result: "lawful",
      documents: ["p"],
    }));
  it("leaves out what is empty, and what was typed for another step", () =>
    expect(stepBody({ to: "closed", needs: [] }, { note: "", assignee: "Li" }, [])).toEqual({
      to: "closed",
    }));
  it("may say where somebody stood", () => {
    lang.value = "en";
    const at = { lon: 118.0812346, lat: 24.4567891, accuracy_m: 12.4 };
    expect(placeText(at)).toBe("At 24.456789° N, 118.081235° E (within about 12 m)");
    lang.value = "zh";
    expect(placeText(at)).toBe("定位：东经 118.081235°，北纬 24.456789°（误差约 12 m）");
  });
});

describe("the list of cases", () => {
  const listed = (more: Partial<Case> = {}) => {
    const { steps, events, documents, ...row } = one(more);
    return row;
  };
  const rows = [
    listed(),
    listed({
      code: "C-8",
      kind: "mining",
      state: "rectification",
      due: "2025-12-31",
      overdue: true,
    }),
    listed({ code: "C-9", kind: "other", state: "closed", due: null, region: null, area_ha: 250 }),
  ];
  it("tells what was seen, where, how it stands, and what is overdue", async () => {
    serve({ "GET /cases": { cases: rows, links: [] } });
    open(<CaseList onOpen={() => {}} />, { scopes: ["read"] });
    expect(await cellsOf("Cases")).toEqual([
      ["filling of water or sea", "Xiamen", "new", "31 Jan 2026", "1.23", "2026-01-01 01:00"],
      [
        "mining and quarrying",
        "Xiamen",
        "in rectification",
        "31 Dec 2025 overdue",
        "1.23",
        "2026-01-01 01:00",
      ],
      ["other change", "–", "closed", "–", "250.00", "2026-01-01 01:00"],
    ]);
  });
  it("is narrowed to a state by the service", async () => {
    const sent = serve({
      "GET /cases": ({ query }) => ({
        cases: query.get("filter")?.startsWith("state") ? rows.slice(1, 2) : rows,
        links: [],
      }),
    });
    const hands = open(<CaseList onOpen={() => {}} />, { scopes: ["read"], lang: "zh" });
    await cellsOf("案件");
    await hands.selectOptions(screen.getByRole("combobox", { name: "状态" }), "整改中");
    await waitFor(async () => expect(await cellsOf("案件")).toHaveLength(1));
    expect(sent.at(-1)?.query.get("filter")).toBe(
      "state = 'rectification' AND (region = 'xiamen' OR region LIKE 'xiamen.%')",
    );
    expect((await cellsOf("案件"))[0]?.slice(0, 3)).toEqual(["采矿采石", "厦门市", "整改中"]);
  });
  it("tells of the chosen region and those below it, and of all regions where that is asked", async () => {
    const here = "(region = 'xiamen' OR region LIKE 'xiamen.%')";
    const sent = serve({
      "GET /cases": ({ query }) => ({
        cases: query.get("filter")?.includes(here) ? rows.slice(0, 1) : rows,
        links: [],
      }),
    });
    const hands = open(<CaseList onOpen={() => {}} />, { scopes: ["read"], lang: "zh" });
    expect(await cellsOf("案件")).toHaveLength(1);
    const where = screen.getByRole<HTMLSelectElement>("combobox", { name: "范围" });
    expect(where.selectedOptions[0]?.text).toBe("厦门市及下级区域");
    await hands.selectOptions(where, "全部区域");
    await waitFor(async () => expect(await cellsOf("案件")).toHaveLength(3));
    expect(sent.map(({ query }) => query.get("filter"))).toEqual([here, null]);
  });
  it("follows the region that is chosen elsewhere, and is whole where there is none", async () => {
    const sent = serve({ "GET /cases": { cases: rows, links: [] } });
    open(<CaseList onOpen={() => {}} />, { scopes: ["read"] });
    await cellsOf("Cases");
    act(() => {
      region.value = "xiamen.siming";
    });
    await waitFor(() => expect(sent.at(-1)?.query.get("filter")).toContain("'xiamen.siming'"));
    act(() => {
      region.value = "";
    });
    await waitFor(() => expect(sent.at(-1)?.query.has("filter")).toBe(false));
    expect(screen.queryByRole("combobox", { name: "Where" })).toBeNull();
  });
  it("puts the largest change first where that is asked", async () => {
    serve({ "GET /cases": { cases: rows, links: [] } });
    const hands = open(<CaseList onOpen={() => {}} />, { scopes: ["read"] });
    const area = await screen.findByRole("button", { name: /^Area/ });
    await hands.click(area);
    await hands.click(area);
    expect((await cellsOf("Cases"))[0]?.[4]).toBe("250.00");
  });
  it("opens one, and says where there is none", async () => {
    const opened: string[] = [];
    serve({
      "GET /cases": ({ query }) => ({
        cases: query.get("filter")?.startsWith("state") ? [] : rows,
        links: [],
      }),
    });
    const hands = open(<CaseList onOpen={(code) => opened.push(code)} />, { scopes: ["read"] });
    await hands.click(await screen.findByRole("button", { name: "mining and quarrying" }));
    expect(opened).toEqual(["C-8"]);
    await hands.selectOptions(screen.getByRole("combobox", { name: "State" }), "verified");
    expect(await screen.findByText("No such cases.")).toBeTruthy();
  });
  it("goes on behind a first page that is full, and ends with the last", async () => {
    const next = { rel: "next", href: "/cases?limit=1000&cursor=c2" };
    const sent = serve({
      "GET /cases": ({ query }) =>
        query.has("cursor")
          ? { cases: rows.slice(2), links: [] }
          : { cases: rows.slice(0, 2), links: [next] },
    });
    const hands = open(<CaseList onOpen={() => {}} />, { scopes: ["read"] });
    expect(await cellsOf("Cases")).toHaveLength(2);
    await hands.click(screen.getByRole("button", { name: "More" }));
    await waitFor(async () => expect(await cellsOf("Cases")).toHaveLength(3));
    expect((await cellsOf("Cases"))[2]?.[0]).toBe("other change");
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
    expect(sent.map(({ query }) => query.get("cursor"))).toEqual([null, "c2"]);
  });
  it("shows a state that is newer than this page by its code", async () => {
    open(<StateOfCase state="appealed" />);
    expect(screen.getByText("appealed")).toBeTruthy();
  });
});

describe("one case", () => {
  it("tells what was seen, when, how much, and by when something is due", async () => {
    showing(one({ overdue: true, assignee: "Chen", result: "lawful", result_name: "Lawful" }));
    open(details, { scopes: ["read"] });
    const told = await facts();
    expect(told).toContain("Images of1 Oct 2025 – 1 Dec 2025");
    expect(told).toContain("1.2346 ha, inside lines 0.5000 ha");
    expect(told).toContain("31 Jan 2026 overdue");
    expect(told).toContain("Checked byChen");
    expect(told).toContain("FoundLawful");
  });
  it("draws the change over the control areas, and looks there", async () => {
    const sent = showing(one());
    open(details, { scopes: ["read"], lang: "zh" });
    expect(await screen.findByRole("region", { name: "变化图斑" })).toBeTruthy();
    await waitFor(() =>
      expect(maps.at(-1)?.getSource("overlay")?.data?.features[0]?.geometry).toEqual(shape),
    );
    expect(maps.at(-1)?.bounds).toEqual([
      [118.1, 24.5],
      [118.11, 24.52],
    ]);
    await waitFor(() =>
      expect(sent.map(({ path }) => path)).toContain("/tiles/layers/control_areas/style.json"),
    );
  });
  it("shows photos as pictures, other papers by name, and what happened", async () => {
    const drawing = paper("d2", { media_type: "application/pdf", title_en: "Drawing" });
    showing(
      one({
        documents: [paper("p1"), drawing],
        events: [event(1, { note: "go and look" })],
      }),
    );
    open(details, { scopes: ["read"] });
    const photo = await screen.findByRole("link", { name: "p1照片" });
    expect(photo.querySelector("img")?.getAttribute("src")).toContain("/documents/p1/file");
    expect(screen.getByRole("link", { name: "Drawing" }).querySelector("img")).toBeNull();
    expect(screen.getByText("go and look")).toBeTruthy();
    expect((await screen.findByText("Li Wei")).title).toBe("key:li");
  });
  it.each([
    ["a viewer", { scopes: ["read"] } as const, one()],
    ["anybody once it is closed", supervisor, one({ state: "closed", steps: [] })],
  ])("takes nothing from %s", async (_, who, found) => {
    showing(found);
    open(details, who);
    await facts();
    expect(screen.queryByRole("button", { name: /Submit|Send the photo/ })).toBeNull();
  });
  it("takes photos, but no step, where every step is another's", async () => {
    showing(one({ steps: [step({ allowed: false })] }));
    open(details, supervisor);
    await facts();
    expect(screen.getByRole("button", { name: "Send the photo" })).toBeTruthy();
    expect(screen.queryByRole("heading", { name: "Next step" })).toBeNull();
  });
  it("is not to be known of by others", async () => {
    serve({ "GET /cases/C-7": refused(404, "there is no case 'C-7'") });
    open(details, { scopes: ["read"] });
    expect((await screen.findByRole("alert")).textContent).toContain("there is no case 'C-7'");
  });
});

describe("a step of a case", () => {
  it("names who checks it, over the state that was read", async () => {
    const sent = showing(one(), { "POST /cases/C-7/transitions": withHeaders({}, {}, 201) });
    const hands = open(details, supervisor);
    await hands.type(await screen.findByRole("textbox", { name: /^Who checks it/ }), "Chen");
    await hands.click(submit());
    await waitFor(() => expect(posts(sent)).toHaveLength(1));
    const [post] = posts(sent);
    expect(post?.body).toEqual({ to: "assigned", assignee: "Chen" });
    expect(post?.headers.get("If-Match")).toBe('"3"');
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    await waitFor(() => expect(sent.filter(({ path }) => path === "/cases/C-7")).toHaveLength(2));
    expect(localStorage.getItem("shanhai.draft.case.C-7")).toBeNull();
  });
  it("names the region that answers, where the lead lies in no district or in another's", async () => {
    const sent = showing(one({ region: null }), {
      "POST /cases/C-7/transitions": withHeaders({}, {}, 201),
    });
    const hands = open(details, supervisor);
    await hands.type(await screen.findByRole("textbox", { name: /^Who checks it/ }), "Chen");
    await hands.click(submit());
    expect(posts(sent)).toEqual([]);
    await hands.selectOptions(screen.getByRole("combobox", { name: /^Region/ }), "Xiamen");
    await hands.click(submit());
    await waitFor(() =>
      expect(posts(sent)[0]?.body).toEqual({
        to: "assigned",
        assignee: "Chen",
        region: "xiamen",
      }),
    );
  });
  it("is not sent before what it needs is there", async () => {
    const sent = showing(one({ state: "assigned", steps: [VERIFY] }));
    const hands = open(details, supervisor);
    await hands.type(await screen.findByRole("textbox", { name: /^Note/ }), "looked at");
    await hands.click(submit());
    expect(posts(sent)).toEqual([]);
    expect(screen.getByText("a result, a note and a photo from the site")).toBeTruthy();
    expect(screen.getByText("This step needs a photo or a document first.")).toBeTruthy();
  });
  it("rests on the papers that no step has used yet", async () => {
    const sent = showing(
      one({
        state: "assigned",
        steps: [VERIFY],
        documents: [paper("p1"), paper("p2"), paper("p3")],
        events: [event(1, { documents: ["p2"] })],
      }),
      { "POST /cases/C-7/transitions": withHeaders({}, {}, 201) },
    );
    const hands = open(details, supervisor);
    await hands.selectOptions(
      await screen.findByRole("combobox", { name: /^What was found/ }),
      "confirmed",
    );
    await hands.type(screen.getByRole("textbox", { name: /^Note/ }), "a dam of 40 m");
    await hands.click(submit());
    await waitFor(() =>
      expect(posts(sent)[0]?.body).toEqual({
        to: "verified",
        result: "confirmed",
        note: "a dam of 40 m",
        documents: ["p1", "p3"],
      }),
    );
  });
  it("does not send what was typed for another one", async () => {
    const again = step({ needs: ["assignee", "note"] });
    const sent = showing(one({ state: "assigned", steps: [again, VERIFY] }), {
      "POST /cases/C-7/transitions": withHeaders({}, {}, 201),
    });
    const hands = open(details, supervisor);
    await hands.type(await screen.findByRole("textbox", { name: /^Who checks it/ }), "Chen");
    await hands.selectOptions(screen.getByRole("combobox", { name: /^Region/ }), ["xiamen"]);
    await hands.selectOptions(screen.getByRole("combobox", { name: /^To/ }), "Verified");
    expect(screen.queryByRole("textbox", { name: /^Who checks it/ })).toBeNull();
    await hands.selectOptions(screen.getByRole("combobox", { name: /^What was found/ }), "lawful");
    await hands.type(screen.getByRole("textbox", { name: /^Note/ }), "has a permit");
    await hands.click(submit());
    await waitFor(() =>
      expect(posts(sent)[0]?.body).toEqual({
        to: "verified",
        result: "lawful",
        note: "has a permit",
      }),
    );
  });
  it("shows at its field what was refused, and is the same when it is sent again", async () => {
    const sent = showing(one(), {
      "POST /cases/C-7/transitions": refused(400, "/assignee: nobody is called so", [
        { pointer: "/assignee", detail: "nobody is called so" },
      ]),
    });
    const hands = open(details, supervisor);
    const who = await screen.findByRole<HTMLInputElement>("textbox", { name: /^Who checks it/ });
    await hands.type(who, "Nobody");
    await hands.click(submit());
    expect(await screen.findByText("Who checks it: nobody is called so")).toBeTruthy();
    expect(who.getAttribute("aria-invalid")).toBe("true");
    expect(who.value).toBe("Nobody");
    await hands.click(submit());
    await waitFor(() => expect(new Set(keys(sent)).size).toBe(1));
    expect(keys(sent)).toHaveLength(2);
  });
  it("shows the case anew where somebody else was first, and keeps the note", async () => {
    let reads = 0;
    showing(
      () => {
        reads += 1;
        return reads > 1
          ? one({ state_name: "Assigned", assignee: "Wang", steps: [VERIFY] })
          : one();
      },
      { "POST /cases/C-7/transitions": refused(412, "'C-7' has changed since it was read") },
    );
    const hands = open(details, supervisor);
    await hands.type(await screen.findByRole("textbox", { name: /^Who checks it/ }), "Chen");
    await hands.type(screen.getByRole("textbox", { name: /^Note/ }), "urgent");
    await hands.click(submit());
    await waitFor(async () => expect(await facts()).toContain("Checked byWang"));
    expect(screen.getByText("'C-7' has changed since it was read")).toBeTruthy();
    expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: /^Note/ }).value).toBe(
      "urgent",
    );
  });
  it("finds again what was typed in the field, and throws it away on demand", async () => {
    localStorage.setItem("shanhai.draft.case.C-7", JSON.stringify({ note: "half a sen" }));
    showing(one());
    const hands = open(details, { ...supervisor, lang: "zh" });
    const text = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "说明" });
    expect(text.value).toBe("half a sen");
    await hands.click(screen.getByRole("button", { name: "放弃" }));
    expect(text.value).toBe("");
  });
});

describe("on site", () => {
  const standing = (found: object | string) =>
    vi.stubGlobal("navigator", {
      ...navigator,
      userAgent: "test",
      geolocation: {
        getCurrentPosition: (done: (at: object) => void, fail: (why: object) => void) =>
          typeof found === "string" ? fail({ message: found }) : done({ coords: found }),
      },
    });
  const jpeg = new File(["\u00ff"], "IMG_7.jpg", { type: "image/jpeg" });
  const PHOTO = "POST /cases/C-7/documents";
  const choose = () => screen.findByLabelText(/^Take or choose a photo/);
  const send = () => screen.getByRole<HTMLButtonElement>("button", { name: "Send the photo" });

  it("one's place goes into the note behind what is there, and onto the map", async () => {
    standing({ longitude: 118.0812346, latitude: 24.4567891, accuracy: 12.4 });
    showing(one());
    const hands = open(details, supervisor);
    await waitFor(() => expect(maps.at(-1)?.getSource("overlay")?.data).toBeTruthy());
    const text = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: /^Note/ });
    await hands.type(text, "at the dam");
    await hands.click(screen.getByRole("button", { name: "Add where I am" }));
    expect(text.value).toBe("at the dam\nAt 24.456789° N, 118.081235° E (within about 12 m)");
    await waitFor(() =>
      expect(maps.at(-1)?.getSource("overlay")?.data?.features[1]?.geometry).toEqual({
        type: "Point",
        coordinates: [118.0812346, 24.4567891],
      }),
    );
  });
  it("a phone that does not tell its place says why", async () => {
    standing("User denied Geolocation");
    showing(one());
    const hands = open(details, supervisor);
    await hands.click(await screen.findByRole("button", { name: "Add where I am" }));
    expect(await screen.findByText("No place: User denied Geolocation")).toBeTruthy();
  });
  it("a photo is taken by the camera and sent as it is, with what it shows", async () => {
    let documents: Case["documents"] = [];
    const sent = showing(() => one({ documents }), {
      [PHOTO]: () => {
        documents = [paper("p1", { title_en: "The dam" })];
        return withHeaders(documents[0], {}, 201);
      },
    });
    const hands = open(details, supervisor);
    const input = await choose();
    expect(input.getAttribute("capture")).toBe("environment");
    expect(send().disabled).toBe(true);
    await hands.upload(input, jpeg);
    await hands.type(screen.getByRole("textbox", { name: "What it shows" }), " the dam ");
    await hands.click(send());
    expect(await screen.findByRole("link", { name: "The dam" })).toBeTruthy();
    const [post] = posts(sent);
    expect(Object.fromEntries(post?.query ?? [])).toEqual({
      filename: "IMG_7.jpg",
      kind: "photo",
      title_zh: "the dam",
    });
    expect(post?.headers.get("Content-Type")).toBe("image/jpeg");
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    // Ready for the next one.
    expect(send().disabled).toBe(true);
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "What it shows" }).value).toBe("");
  });
  it("a photo is the same one when it is sent again, and another one is another deed", async () => {
    const sent = showing(one(), {
      [PHOTO]: () => {
        throw new TypeError("no network");
      },
    });
    const hands = open(details, supervisor);
    await hands.upload(await choose(), jpeg);
    await hands.click(send());
    expect((await screen.findByRole("alert")).textContent).toContain("does not answer");
    await hands.click(send());
    await waitFor(() => expect(posts(sent)).toHaveLength(2));
    await waitFor(() => expect(send().disabled).toBe(false));
    await hands.upload(await choose(), new File(["y"], "IMG_8.jpg", { type: "image/jpeg" }));
    await hands.click(send());
    await waitFor(() => expect(posts(sent)).toHaveLength(3));
    const [first, second, third] = keys(sent);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
  it("a file that is no photo is refused with the reason, and can be replaced", async () => {
    showing(one(), { [PHOTO]: refused(400, "a photo is an image, not text/plain") });
    const hands = open(details, { ...supervisor, lang: "zh" });
    await hands.upload(await screen.findByLabelText(/^拍照或选择照片/), jpeg);
    await hands.click(screen.getByRole("button", { name: "上传照片" }));
    expect(await screen.findByText("a photo is an image, not text/plain")).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "上传照片" }).disabled).toBe(
      false,
    );
  });
});
