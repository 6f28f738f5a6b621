import { signal } from "@preact/signals";
import type { Geometry } from "geojson";
import { describe, expect, it, vi } from "vitest";
import {
  type Answer,
  act,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
} from "../../kit/testing";
import Digitise from "./digitise";

vi.mock("maplibre-gl", () => import("../../kit/map/testing"));

const LINE: Geometry = {
  type: "MultiLineString",
  coordinates: [
    [
      [118, 24.5],
      [118.1, 24.6],
    ],
  ],
};
const BOUNDARY: Geometry = {
  type: "Polygon",
  coordinates: [
    [
      [117.88, 24.4],
      [118.5, 24.4],
      [118.5, 24.9],
      [117.88, 24.9],
      [117.88, 24.4],
    ],
  ],
};
const corridor = (code: string, zh: string, en: string, geometry: Geometry | null = null) => ({
  type: "Feature" as const,
  id: code,
  geometry,
  properties: { code, name_zh: zh, name_en: en, width_m: 30, region: "xiamen" },
});
const RIVER = corridor("river", "溪流", "River", LINE);
const COAST = corridor("coast", "海岸", "Coast");
const collection = (features: object[] = []) => ({
  type: "FeatureCollection",
  features,
  links: [],
});
const STYLE = { version: 8, sources: {}, layers: [] };
const SCHEMA = {
  type: "object",
  required: ["name_zh", "region"],
  properties: {
    geometry: { format: "geometry-multilinestring" },
    code: { type: "string", title: "Code" },
    name_zh: { type: "string", title: "Chinese name" },
    name_en: { type: "string", title: "English name" },
    width_m: { type: "number", title: "Width" },
    region: { type: "string", title: "Region" },
  },
};

function service(more: Record<string, Answer> = {}): Sent[] {
  return serve({
    "GET /collections/corridors/items": collection([RIVER, COAST]),
    "GET /collections/pattern_components/items": collection(),
    "GET /collections/control_areas/items": collection(),
    "GET /collections/projects/items": collection(),
    "GET /collections/problems/items": collection(),
    "GET /collections/mines/items": collection(),
    "GET /collections/corridors/schema": SCHEMA,
    "GET /collections/regions/items": collection(),
    "GET /collections/regions/items/xiamen": {
      type: "Feature",
      id: "xiamen",
      geometry: BOUNDARY,
      properties: { name_zh: "厦门市", name_en: "Xiamen" },
    },
    "GET /collections/corridors/items/coast": withHeaders(COAST, { ETag: '"1"' }),
    "GET /collections/corridors/items/river": withHeaders(RIVER, { ETag: '"7"' }),
    "GET /tiles/layers/regions/style.json": STYLE,
    "GET /tiles/layers/zones/style.json": STYLE,
    ...more,
  });
}
const PLANNER = { scopes: ["read", "write"] } as const;
const writes = (sent: Sent[], method: string) => sent.filter((one) => one.method === method);
const button = (name: string) => screen.findByRole("button", { name });
const disabled = async (name: string) => ((await button(name)) as HTMLButtonElement).disabled;
const typed = (name: string | RegExp) => screen.findByLabelText(name) as Promise<HTMLInputElement>;

describe("the list", () => {
  it("has what nobody has drawn first, and counts it", async () => {
    service();
    open(<Digitise />, PLANNER);
    await screen.findByText("1 objects are not drawn yet");
    const names = (await screen.findAllByRole("button"))
      .map(({ textContent }) => textContent)
      .filter((name) => name === "Coast" || name === "River");
    expect(names).toEqual(["Coast", "River"]);
  });
  it("is in Chinese for whom it is", async () => {
    service();
    open(<Digitise />, { ...PLANNER, lang: "zh" });
    await screen.findByText("1 个要素还没有图形");
    await button("海岸");
  });
  it("offers what a scope may write: mines and projects to who keeps the projects", async () => {
    service({
      "GET /collections/mines/schema": SCHEMA,
      "GET /collections/mines/items/m1": withHeaders({ ...COAST, id: "m1" }, { ETag: '"1"' }),
    });
    const query = "collection=mines&object=m1";
    const hands = open(<Digitise />, { scopes: ["read", "projects"], query });
    await button("Save");
    await hands.click(await button("← Back to the list"));
    await screen.findByText("1 objects are not drawn yet");
    const named = screen.getAllByRole("button", { name: "New" });
    expect(named.map((one) => one.closest("section")?.querySelector("h2")?.textContent)).toEqual([
      "Projects0",
      "Mines0",
    ]);
  });
  it("offers nothing new to a viewer, and tells them in the form to sign in", async () => {
    service();
    const hands = open(<Digitise />, { scopes: ["read"] });
    await hands.click(await button("Coast"));
    await screen.findByText("Sign in as a planner to draw.");
    expect(screen.queryByRole("button", { name: "New" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  });
  it("and what is opened, or the scanned map, are kept in the address", async () => {
    service();
    const hands = open(<Digitise />, { ...PLANNER, query: "tab=scan" });
    expect(screen.getByRole("tab", { name: "Scanned map", selected: true })).toBeTruthy();
    await hands.click(screen.getByRole("tab", { name: "Objects" }));
    await hands.click(await button("Coast"));
    expect(location.search).toBe("?collection=corridors&object=coast");
    await hands.click(await button("← Back to the list"));
    expect(location.search).toBe("");
  });
  it("follows the address: back, and away from an object by a link", async () => {
    service();
    const hands = open(<Digitise />, { ...PLANNER, query: "collection=corridors&object=coast" });
    await screen.findByDisplayValue("Coast");
    await hands.click(screen.getByRole("tab", { name: "Scanned map" }));
    await hands.click(screen.getByRole("tab", { name: "Objects" }));
    await hands.click(await button("← Back to the list"));
    await hands.click(await button("River"));
    await screen.findByDisplayValue("River");
    act(() => history.back());
    await screen.findByDisplayValue("Coast");
    expect(location.search).toBe("?collection=corridors&object=coast&tab=scan");
    act(() => history.pushState(null, "", location.pathname));
    act(() => void dispatchEvent(new PopStateEvent("popstate")));
    await button("River");
  });
  it("shows more than the first eight when asked", async () => {
    const many = Array.from({ length: 11 }, (_, n) => corridor(`c${n}`, `廊${n}`, `Number ${n}`));
    service({ "GET /collections/corridors/items": collection(many) });
    const hands = open(<Digitise />, PLANNER);
    await button("Number 7");
    expect(screen.queryByRole("button", { name: "Number 8" })).toBeNull();
    await hands.click(await button("All 11"));
    await button("Number 10");
  });
  it("can be asked for again where the service refused", async () => {
    let down = true;
    service({
      "GET /collections/corridors/items": () =>
        down ? refused(503, "the database is away") : collection([COAST]),
    });
    const hands = open(<Digitise />, PLANNER);
    await screen.findByText(/the database is away/);
    down = false;
    await hands.click(await button("Try again"));
    await button("Coast");
  });
});

describe("an object that nobody had drawn", () => {
  it("is drawn by typing, and only its shape is sent with the tag it had", async () => {
    const sent = service({
      "PATCH /collections/corridors/items/coast": withHeaders(
        { ...COAST, geometry: LINE },
        { ETag: '"2"' },
      ),
    });
    const hands = open(<Digitise />, PLANNER);
    await hands.click(await button("Coast"));
    expect(await disabled("Save")).toBe(true);
    await hands.click(await screen.findByText("Type coordinates"));
    await hands.type(await typed(/^Corners/), "118 24.5\n118.1 24.6");
    await hands.click(await button("Draw these"));
    await hands.click(await button("Save"));
    await screen.findByText(/Length/);
    const [patch] = await waitFor(() => {
      const found = writes(sent, "PATCH");
      expect(found).toHaveLength(1);
      return found;
    });
    expect(patch?.headers.get("If-Match")).toBe('"1"');
    expect(patch?.body).toEqual({
      properties: {},
      geometry: {
        type: "LineString",
        coordinates: (LINE as { coordinates: unknown[] }).coordinates[0],
      },
    });
  });
  it("keeps what was typed over a reload, and throws it away when told so", async () => {
    service();
    const hands = open(<Digitise />, { ...PLANNER, query: "collection=corridors&object=coast" });
    await hands.click(await screen.findByText("Attributes"));
    const name = await typed("English name");
    await hands.clear(name);
    await hands.type(name, "Shore");
    await hands.click(await button("← Back to the list"));
    await hands.click(await button("Coast"));
    await screen.findByText("What you had not saved is here again.");
    expect((await typed("English name")).value).toBe("Shore");
    await hands.click(await button("Throw away"));
    expect((await typed("English name")).value).toBe("Coast");
    expect(await disabled("Save")).toBe(true);
  });
});

it("what is saved when one has left leads nobody back", async () => {
  let answer: (saved: Response) => void = () => {};
  const sent = service({
    "PATCH /collections/corridors/items/coast": () =>
      new Promise<Response>((done) => {
        answer = done;
      }),
  });
  const there = signal(true);
  const Shell = () => (there.value ? <Digitise /> : null);
  const hands = open(<Shell />, { ...PLANNER, query: "collection=corridors&object=coast" });
  await hands.click(await screen.findByText("Type coordinates"));
  await hands.type(await typed(/^Corners/), "118 24.5\n118.1 24.6");
  await hands.click(await button("Draw these"));
  await hands.click(await button("Save"));
  await waitFor(() => expect(writes(sent, "PATCH")).toHaveLength(1));
  act(() => {
    there.value = false;
    history.pushState(null, "", "?tab=layers");
  });
  await act(async () => {
    answer(withHeaders({ ...COAST, geometry: LINE }, { ETag: '"2"' }));
    await new Promise((done) => setTimeout(done, 50));
  });
  expect(location.search).toBe("?tab=layers");
});

describe("a change that is refused", () => {
  async function renamed(answers: Record<string, Answer>) {
    const sent = service(answers);
    const hands = open(<Digitise />, { ...PLANNER, query: "collection=corridors&object=river" });
    await hands.click(await screen.findByText("Attributes"));
    const name = await typed("English name");
    await hands.clear(name);
    await hands.type(name, "Stream");
    await hands.click(await button("Save"));
    return { sent, hands };
  }
  it("stands at its field", async () => {
    await renamed({
      "PATCH /collections/corridors/items/river": refused(400, "a member is wrong", [
        { pointer: "/properties/name_en", detail: "is taken already" },
      ]),
    });
    expect((await screen.findAllByText(/is taken already/)).length).toBeGreaterThan(0);
    expect((await typed("English name")).value).toBe("Stream");
  });
  it("shows theirs beside mine, and sends what I choose with their tag", async () => {
    const theirs = { ...RIVER, properties: { ...RIVER.properties, name_en: "Brook", width_m: 50 } };
    let changed = false;
    const { sent, hands } = await renamed({
      "GET /collections/corridors/items/river": () =>
        changed ? withHeaders(theirs, { ETag: '"8"' }) : withHeaders(RIVER, { ETag: '"7"' }),
      "PATCH /collections/corridors/items/river": ({ headers, body }) => {
        if (headers.get("If-Match") === '"7"') {
          changed = true;
          return refused(412, "somebody else has changed it");
        }
        const { properties } = body as { properties: object };
        const now = { ...theirs, properties: { ...theirs.properties, ...properties } };
        return withHeaders(now, { ETag: '"9"' });
      },
    });
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("Brook");
    expect(dialog.textContent).toContain("Stream");
    await hands.click(await button("Send again as chosen"));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const patches = writes(sent, "PATCH");
    expect(patches.map(({ headers }) => headers.get("If-Match"))).toEqual(['"7"', '"8"']);
    expect(patches[1]?.body).toEqual({ properties: { name_en: "Stream" } });
  });
  it("is told where theirs cannot be read either, and can be sent again", async () => {
    let read = 0;
    await renamed({
      "GET /collections/corridors/items/river": () => {
        read += 1;
        return read > 1 ? refused(503, "away for now") : withHeaders(RIVER, { ETag: '"7"' });
      },
      "PATCH /collections/corridors/items/river": refused(412, "somebody else has changed it"),
    });
    await screen.findByText(/away for now/);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(await disabled("Save")).toBe(false);
  });
});

describe("a new object", () => {
  it("is sent with one key, however often it is refused", async () => {
    const sent = service({
      "POST /collections/corridors/items": refused(503, "away for now"),
    });
    const hands = open(<Digitise />, PLANNER);
    await hands.click((await screen.findAllByRole("button", { name: "New" }))[0] as HTMLElement);
    await screen.findByText("New: Corridors");
    await hands.type(await typed(/^Chinese name/), "新廊道");
    await hands.click(await button("Save"));
    await screen.findByText(/away for now/);
    await hands.click(await button("Save"));
    const posts = await waitFor(() => {
      const found = writes(sent, "POST");
      expect(found).toHaveLength(2);
      return found;
    });
    const [first, second] = posts.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(first).toBeTruthy();
    expect(second).toBe(first);
    expect(posts[0]?.body).toMatchObject({
      geometry: null,
      properties: { name_zh: "新廊道", region: "xiamen" },
    });
  });
});
