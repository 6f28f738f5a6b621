/** Drawing beside what is there: on the map, along shared borders, and in the right datum. */

import type { Geometry, Position } from "geojson";
import { describe, expect, it } from "vitest";
import { moved } from "../../kit/map/bounds";
import { toGcj02 } from "../../kit/map/gcj02";
import { maps } from "../../kit/map/testing";
import { region, regions } from "../../kit/place";
import {
  type Answer,
  act,
  open,
  placed,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
} from "../../kit/testing";
import Digitise from "./digitise";

const [A, B, C, D]: [Position, Position, Position, Position] = [
  [118.0, 24.5],
  [118.02, 24.51],
  [118.04, 24.505],
  [118.06, 24.5],
];
/** An area whose southern border bends between its corners A and D. */
const areaOf = (...border: Position[]): Geometry => ({
  type: "Polygon",
  coordinates: [[...border, [118.06, 24.9], [118.0, 24.9], border[0] as Position]],
});
const HOLED: Geometry = {
  type: "Polygon",
  coordinates: [
    [
      [118.1, 24.5],
      [118.2, 24.5],
      [118.2, 24.8],
      [118.1, 24.5],
    ],
    [
      [118.15, 24.55],
      [118.18, 24.55],
      [118.18, 24.6],
      [118.15, 24.55],
    ],
  ],
};
const LINE: Geometry = { type: "LineString", coordinates: [A, B] };
const feature = (code: string, name: string, geometry: Geometry | null, more: object = {}) => ({
  type: "Feature" as const,
  id: code,
  geometry,
  properties: { code, name_zh: name, name_en: name, region: "xiamen", ...more },
});
const FOREST = feature("forest", "Forest", areaOf(A, B, C, D));
const MARSH = feature("marsh", "Marsh", null);
const MEADOW = feature("meadow", "Meadow", HOLED);
const RIVER = feature("river", "River", LINE);
/** It has the code of a corridor, which is another object. */
const WEIR = feature("river", "Weir", { type: "Point", coordinates: [118.3, 24.7] });
const listOf = (...features: object[]) => ({ type: "FeatureCollection", features, links: [] });
const schemaOf = (format: string, more: object = {}) => ({
  type: "object",
  required: ["name_zh"],
  properties: {
    geometry: { format },
    name_zh: { type: "string", title: "Chinese name" },
    name_en: { type: "string", title: "English name" },
    region: { type: "string", title: "Region" },
    ...more,
  },
});
const PATTERNS = [
  { code: "p-2024", name_zh: "格局", name_en: "Pattern of 2024" },
  { code: "p-2025", name_zh: "新格局", name_en: "" },
];
const regionOf = (code: string): object => ({ ...feature(code, code, null), geometry: null });
/** What is loaded when it is first needed takes longer on a busy machine. */
const LOADED = { timeout: 4000 };
const WAY = "/collections/pattern_components/items";

async function opened(
  { query = "", scopes = ["read", "write"] as ("read" | "write")[] } = {},
  answers: Record<string, Answer> = {},
) {
  const sent = serve({
    [`GET ${WAY}`]: listOf(FOREST, MEADOW, MARSH),
    "GET /collections/corridors/items": listOf(RIVER),
    "GET /collections/control_areas/items": listOf(),
    "GET /collections/projects/items": listOf(WEIR),
    "GET /collections/problems/items": listOf(),
    "GET /collections/mines/items": listOf(),
    "GET /collections/pattern_components/schema": schemaOf("geometry-multipolygon", {
      pattern: { type: "string", title: "Pattern" },
    }),
    "GET /patterns": { patterns: PATTERNS },
    "GET /collections/corridors/schema": schemaOf("geometry-multilinestring"),
    "GET /collections/regions/items/xiamen": regionOf("xiamen"),
    "GET /collections/regions/items/banan": regionOf("banan"),
    [`GET ${WAY}/forest`]: withHeaders(FOREST, { ETag: '"1"' }),
    [`GET ${WAY}/marsh`]: withHeaders(MARSH, { ETag: '"2"' }),
    [`GET ${WAY}/meadow`]: withHeaders(MEADOW, { ETag: '"3"' }),
    "GET /collections/corridors/items/river": withHeaders(RIVER, { ETag: '"4"' }),
    "GET /tiles/layers/{}/style.json": { version: 8, sources: {}, layers: [] },
    ...answers,
  });
  const hands = open(<Digitise />, { scopes, query });
  await waitFor(() => expect(maps).toHaveLength(1), LOADED);
  return { sent, hands };
}
type Hands = Awaited<ReturnType<typeof opened>>["hands"];

const button = (name: string) => screen.findByRole<HTMLButtonElement>("button", { name });
const press = async (hands: Hands, name: string) => hands.click(await button(name));
/** The names of what the map shows of the objects there are. */
const around = () =>
  (maps[0]?.getSource("overlay")?.data?.features ?? [])
    .map(({ properties }) => properties?.label)
    .toSorted();
const corners = () =>
  screen.findByRole<HTMLTextAreaElement>("textbox", { name: /Corners/, hidden: true });
const positions = async () =>
  (await corners()).value.split("\n").map((row) => row.split(" ").map(Number));
it("finds objects by name among more than are listed, and says that there are more", async () => {
  const many = Array.from({ length: 10_000 }, (_, n) => feature(`c${n}`, `C ${n}`, null));
  const { hands, sent } = await opened(
    {},
    {
      "GET /collections/corridors/items": ({ query }) =>
        query.has("filter") ? listOf(RIVER) : listOf(...many),
    },
  );
  await button("All 10,000+");
  expect(screen.getByText(/^At most 10,000 of a kind are listed/)).toBeTruthy();
  const find = screen.getByRole("searchbox", { name: "Find objects" });
  await hands.type(find, "river");
  await hands.tab();
  await waitFor(() => expect(screen.queryByText(/^At most/)).toBeNull());
  expect(await button("River")).toBeTruthy();
  const filters = sent.map(({ query }) => query.get("filter")).filter(Boolean);
  expect(filters[0]).toContain("LIKE CASEI('%river%')");
  await hands.clear(find);
  await hands.tab();
  await button("All 10,000+");
});

/** Wait for drawing to begin: the library for it is loaded with the first form. */
const drawing = () =>
  waitFor(async () => expect((await button("Area")).disabled).toBe(false), LOADED);

async function draw(hands: Hands, ...places: Position[]) {
  await drawing();
  const box = await corners();
  await hands.clear(box);
  await hands.type(box, places.map((at) => at.join(" ")).join("\n"));
  await hands.click(screen.getByRole("button", { name: "Draw these", hidden: true }));
}
const bodies = (sent: Sent[], method: string) =>
  sent
    .filter((one) => one.method === method)
    .map(({ body }) => body as { geometry?: Geometry | null; properties: object });
const ringOf = (shape: Geometry | null | undefined) =>
  shape?.type === "Polygon" ? (shape.coordinates[0] as Position[]) : [];
/** What the service keeps of a change. */
const saves = (of: ReturnType<typeof feature>, tag: string): Answer => {
  return ({ body }) =>
    withHeaders({ ...of, ...(body as object), properties: of.properties }, { ETag: tag });
};

describe("what the map shows", () => {
  it("is all that is drawn, by name; of what is opened the drawing alone", async () => {
    const { hands } = await opened();
    await waitFor(() => expect(around()).toEqual(["Forest", "Meadow", "River", "Weir"]));
    await press(hands, "Forest");
    await waitFor(() => expect(around()).toEqual(["Meadow", "River", "Weir"]));
    await press(hands, "← Back to the list");
    await waitFor(() => expect(around()).toContain("Forest"));
  });
  it("is what cannot be drawn upon too: an area with a hole stays as it is", async () => {
    const { hands } = await opened();
    await press(hands, "Meadow");
    await drawing();
    expect(await screen.findByText(/An area with holes stays as it is/)).toBeTruthy();
    expect(around()).toContain("Meadow");
    expect((await button("Save")).disabled).toBe(true);
  });
  it("is another object that has the same code in another collection", async () => {
    const { hands } = await opened();
    await press(hands, "River");
    await waitFor(() => expect(around()).toEqual(["Forest", "Meadow", "Weir"]));
  });
  it("is what is opened as well, to who cannot draw", async () => {
    const { hands } = await opened({ scopes: ["read"] });
    await press(hands, "Forest");
    await screen.findByText("Sign in as a planner to draw.");
    expect(around()).toEqual(["Forest", "Meadow", "River", "Weir"]);
  });
  it("is where an object lies once it is opened; one that is not drawn moves nothing", async () => {
    const { hands } = await opened();
    await press(hands, "Forest");
    const there = [
      [118, 24.5],
      [118.06, 24.9],
    ];
    expect(maps[0]?.bounds).toEqual(there);
    await press(hands, "← Back to the list");
    await press(hands, "Marsh");
    await drawing();
    expect(maps[0]?.bounds).toEqual(there);
  });
});

describe("an object as it is opened", () => {
  it("says what a click does from the beginning: draw, or move the corners there are", async () => {
    const pressed = async (name: string) => (await button(name)).getAttribute("aria-pressed");
    const { hands } = await opened();
    await press(hands, "Marsh");
    await drawing();
    expect([await pressed("Area"), await pressed("Move corners")]).toEqual(["true", "false"]);
    await press(hands, "← Back to the list");
    await press(hands, "Forest");
    await drawing();
    expect([await pressed("Area"), await pressed("Move corners")]).toEqual(["false", "true"]);
  });
  it("has its corners as text, and is not changed by being looked at", async () => {
    const { sent } = await opened({ query: "collection=pattern_components&object=forest" });
    await drawing();
    expect(await positions()).toEqual([A, B, C, D, [118.06, 24.9], [118.0, 24.9]]);
    expect((await button("Save")).disabled).toBe(true);
    expect(bodies(sent, "PATCH")).toEqual([]);
    expect(Object.keys(localStorage).filter((name) => name.includes("draft"))).toEqual([]);
  });
  it("can be cleared and brought back step by step", async () => {
    const { hands } = await opened({ query: "collection=pattern_components&object=forest" });
    await drawing();
    await press(hands, "Clear");
    expect((await corners()).value).toBe("");
    expect((await button("Save")).disabled).toBe(false);
    await press(hands, "Undo");
    expect(await positions()).toHaveLength(6);
    expect((await button("Save")).disabled).toBe(true);
    await press(hands, "Redo");
    expect((await corners()).value).toBe("");
  });
  it("stays open while the scanned map is looked at", async () => {
    const { hands } = await opened({ query: "collection=pattern_components&object=marsh" });
    await draw(hands, A, D, [118.03, 24.3]);
    await hands.click(screen.getByRole("tab", { name: "Scanned map" }));
    expect(location.search).toBe("?collection=pattern_components&object=marsh&tab=scan");
    await hands.click(screen.getByRole("tab", { name: "Objects" }));
    expect(await positions()).toEqual([A, D, [118.03, 24.3]]);
  });
});

describe("borders that are shared", () => {
  const SOUTH: Position = [118.03, 24.3];
  it("are taken over corner by corner, and saved so", async () => {
    const { hands, sent } = await opened(
      { query: "collection=pattern_components&object=marsh" },
      { [`PATCH ${WAY}/marsh`]: saves(MARSH, '"20"') },
    );
    await drawing();
    expect((await button("Follow shared borders")).disabled).toBe(true);
    await draw(hands, A, D, SOUTH);
    await press(hands, "Follow shared borders");
    expect(await positions()).toEqual([A, B, C, D, SOUTH]);
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "PATCH")).toHaveLength(1));
    expect(ringOf(bodies(sent, "PATCH")[0]?.geometry)).toEqual([A, B, C, D, SOUTH, A]);
  });
  it("are those the neighbour has now, once it has been moved", async () => {
    const [west, east]: [Position, Position] = [
      [118.02, 24.55],
      [118.04, 24.56],
    ];
    let forest = FOREST;
    const { hands, sent } = await opened(
      {},
      {
        [`GET ${WAY}`]: () => listOf(forest, MARSH),
        [`GET ${WAY}/forest`]: () => withHeaders(forest, { ETag: '"1"' }),
        [`PATCH ${WAY}/forest`]: ({ body }) => {
          forest = { ...forest, geometry: (body as typeof FOREST).geometry };
          return withHeaders(forest, { ETag: '"10"' });
        },
      },
    );
    await press(hands, "Forest");
    await draw(hands, A, west, east, D, [118.06, 24.9], [118.0, 24.9]);
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "PATCH")).toHaveLength(1));
    await waitFor(() => expect(sent.filter(({ path }) => path === WAY)).toHaveLength(2));
    await press(hands, "← Back to the list");
    await press(hands, "Marsh");
    await draw(hands, A, D, SOUTH);
    await press(hands, "Follow shared borders");
    expect(await positions()).toEqual([A, west, east, D, SOUTH]);
  });
  it("are none where there is nothing but the object itself", async () => {
    const { hands } = await opened(
      { query: "collection=pattern_components&object=forest" },
      { [`GET ${WAY}`]: listOf(FOREST), "GET /collections/corridors/items": listOf() },
    );
    await draw(hands, A, D, [118.06, 24.9]);
    expect((await button("Follow shared borders")).disabled).toBe(true);
    expect(await positions()).toEqual([A, D, [118.06, 24.9]]);
  });
});

describe("coordinates of a web map", () => {
  const shifted = (
    moved({ type: "LineString", coordinates: [A, B, C, D] }, toGcj02) as {
      coordinates: Position[];
    }
  ).coordinates.map((at) => at.map((part) => Number(part.toFixed(7))));
  const at = { query: "collection=pattern_components&object=marsh" };

  it("are suspected by the borders they miss, moved back, and saved in their place", async () => {
    const { hands, sent } = await opened(at, { [`PATCH ${WAY}/marsh`]: saves(MARSH, '"20"') });
    await draw(hands, ...shifted);
    const alert = await screen.findByRole("alert");
    const [, off, rest] =
      /some (\d+) m off .* and (\d+) m once/.exec(alert.textContent ?? "") ?? [];
    expect(Number(off)).toBeGreaterThan(150);
    expect(Number(rest)).toBeLessThan(2);
    await press(hands, "Correct to CGCS2000");
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "PATCH")).toHaveLength(1));
    const saved = ringOf(bodies(sent, "PATCH")[0]?.geometry);
    [A, B, C, D].forEach(([lon = 0, lat = 0], n) => {
      expect(saved[n]?.[0]).toBeCloseTo(lon, 6);
      expect(saved[n]?.[1]).toBeCloseTo(lat, 6);
    });
  });
  it("that were moved back can be had as they were drawn", async () => {
    const { hands } = await opened(at);
    await draw(hands, ...shifted);
    await screen.findByRole("alert");
    await press(hands, "Correct to CGCS2000");
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
    await press(hands, "Undo");
    await screen.findByRole("alert");
    expect(await positions()).toEqual(shifted);
  });
  it("are not suspected of what lies on the borders, but can be moved by whoever knows", async () => {
    const { hands } = await opened(at);
    await draw(hands, A, B, C, D);
    await screen.findByText("Coordinates from a web map?");
    expect(screen.queryByRole("alert")).toBeNull();
    await hands.click(screen.getByRole("button", { name: "Correct to CGCS2000", hidden: true }));
    const [[lon = 0, lat = 0] = []] = await positions();
    expect(Math.hypot(lon - (A[0] ?? 0), lat - (A[1] ?? 0)) * 111_320).toBeGreaterThan(300);
  });
});

describe("a new object", () => {
  it("is opened with its tag once it is there, and is in the list", async () => {
    const pond = feature("pond", "Pond", areaOf(A, D));
    const listed: object[] = [FOREST];
    const { hands, sent } = await opened(
      {},
      {
        [`GET ${WAY}`]: () => listOf(...listed),
        [`GET ${WAY}/pond`]: withHeaders(pond, { ETag: '"5"' }),
        [`POST ${WAY}`]: () => {
          listed.push(pond);
          return withHeaders(pond, { ETag: '"5"' }, 201);
        },
        [`PATCH ${WAY}/pond`]: saves(pond, '"6"'),
      },
    );
    await screen.findByRole("button", { name: "Forest" });
    await hands.click(screen.getAllByRole("button", { name: "New" })[1] as HTMLElement);
    await draw(hands, A, D, [118.06, 24.9], [118.0, 24.9]);
    await hands.type(await screen.findByLabelText(/Chinese name/), "Pond");
    await press(hands, "Save");
    await screen.findByRole("heading", { name: "Pond" });
    await draw(hands, A, D, [118.03, 24.8]);
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "PATCH")).toHaveLength(1));
    const patch = sent.find(({ method }) => method === "PATCH");
    expect(patch?.headers.get("If-Match")).toBe('"5"');
    await press(hands, "← Back to the list");
    expect(await button("Pond")).toBeTruthy();
  });
  it("is of the region that is worked on; another region has a form of its own", async () => {
    const made = feature("other", "Other", areaOf(A, D));
    const { hands, sent } = await opened(
      {},
      {
        [`POST ${WAY}`]: withHeaders(made, { ETag: '"5"' }, 201),
        [`GET ${WAY}/other`]: withHeaders(made, { ETag: '"5"' }),
      },
    );
    await act(async () => {
      regions.value = [...regions.value, placed("banan", { name_en: "Banan" })];
    });
    await screen.findByRole("button", { name: "Forest" });
    await hands.click(screen.getAllByRole("button", { name: "New" })[1] as HTMLElement);
    await hands.type(await screen.findByLabelText(/Chinese name/), "Here");
    const go = (to: string) =>
      act(async () => {
        region.value = to;
      });
    const name = () => screen.findByLabelText<HTMLInputElement>(/Chinese name/);
    await go("banan");
    await waitFor(async () => expect((await name()).value).toBe(""));
    await go("xiamen");
    await waitFor(async () => expect((await name()).value).toBe("Here"));
    await go("banan");
    await waitFor(async () => expect((await name()).value).toBe(""));
    await draw(hands, A, D, [118.03, 24.8]);
    await hands.type(await name(), "There");
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "POST")).toHaveLength(1));
    const [body] = bodies(sent, "POST");
    expect(body?.properties).toMatchObject({ name_zh: "There", region: "banan" });
    expect(ringOf(body?.geometry)).toHaveLength(4);
  });
});

describe("a shape that somebody else has drawn anew", () => {
  const THEIRS = { ...FOREST, geometry: areaOf(A, [118.03, 24.6], D) };
  const MINE: Position[] = [A, D, [118.03, 24.8]];

  /** Draw mine over what they have saved meanwhile. */
  async function both() {
    let taken = false;
    const found = await opened(
      { query: "collection=pattern_components&object=forest" },
      {
        [`GET ${WAY}/forest`]: () =>
          taken ? withHeaders(THEIRS, { ETag: '"8"' }) : withHeaders(FOREST, { ETag: '"7"' }),
        [`PATCH ${WAY}/forest`]: ({ headers, body }) => {
          const stale = headers.get("If-Match") === '"7"';
          taken = true;
          return stale
            ? refused(412, "somebody else has changed it")
            : withHeaders({ ...THEIRS, ...(body as object), properties: THEIRS.properties }, {});
        },
      },
    );
    await draw(found.hands, ...MINE);
    await press(found.hands, "Save");
    await screen.findByRole("dialog");
    return found;
  }
  const tags = (sent: Sent[]) =>
    sent.filter(({ method }) => method === "PATCH").map(({ headers }) => headers.get("If-Match"));

  it("is shown on the map before one chooses, and mine is not lost by going back", async () => {
    const { hands, sent } = await both();
    await press(hands, "Show theirs on the map");
    expect(maps[0]?.bounds).toEqual([
      [118, 24.5],
      [118.06, 24.9],
    ]);
    await press(hands, "Back to editing");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(await positions()).toEqual(MINE);
    // What was read before is still what one would change: it is asked about again.
    await press(hands, "Save");
    await screen.findByRole("dialog");
    expect(tags(sent)).toEqual(['"7"', '"7"']);
  });
  it("stays where theirs is chosen, and is what is drawn on then", async () => {
    const { hands, sent } = await both();
    await hands.click(screen.getByRole("radio", { name: "Geometry: theirs" }));
    await press(hands, "Send again as chosen");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(bodies(sent, "PATCH")[1]).toEqual({ properties: {} });
    expect(await positions()).toEqual([A, [118.03, 24.6], D, [118.06, 24.9], [118.0, 24.9]]);
    expect((await button("Save")).disabled).toBe(true);
  });
  it("gives way where mine is chosen, with the tag of theirs", async () => {
    const { hands, sent } = await both();
    await press(hands, "Send again as chosen");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(tags(sent)).toEqual(['"7"', '"8"']);
    expect(ringOf(bodies(sent, "PATCH")[1]?.geometry)).toEqual([...MINE, A]);
    expect((await button("Save")).disabled).toBe(true);
  });
});

describe("a shape that is refused", () => {
  it("is told with what is wrong of it, and can be drawn better and sent again", async () => {
    let good = false;
    const { hands, sent } = await opened(
      { query: "collection=pattern_components&object=marsh" },
      {
        [`PATCH ${WAY}/marsh`]: (one) =>
          good
            ? withHeaders({ ...MARSH, ...(one.body as object), properties: MARSH.properties }, {})
            : refused(400, "the shape is wrong", [
                { pointer: "/geometry", detail: "reaches beyond the region" },
              ]),
      },
    );
    await draw(hands, A, D, [118.03, 29]);
    await press(hands, "Save");
    await screen.findByText(/reaches beyond the region/);
    expect(await positions()).toEqual([A, D, [118.03, 29]]);
    good = true;
    await draw(hands, A, D, [118.03, 24.4]);
    await press(hands, "Save");
    await waitFor(() => expect(screen.queryByText(/reaches beyond the region/)).toBeNull());
    expect(ringOf(bodies(sent, "PATCH")[1]?.geometry)).toHaveLength(4);
  });
  it("of what somebody has deleted meanwhile is told as such, and not lost", async () => {
    let gone = false;
    const { hands } = await opened(
      { query: "collection=pattern_components&object=marsh" },
      {
        [`GET ${WAY}/marsh`]: () =>
          gone ? refused(404, "there is no such object") : withHeaders(MARSH, { ETag: '"2"' }),
        [`PATCH ${WAY}/marsh`]: () => {
          gone = true;
          return refused(412, "it has changed");
        },
      },
    );
    await draw(hands, A, D, [118.03, 24.4]);
    await press(hands, "Save");
    await screen.findByText(/there is no such object/);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(await positions()).toEqual([A, D, [118.03, 24.4]]);
  });
});

describe("the pattern an object belongs to", () => {
  it("is chosen by name among those of the region", async () => {
    const { hands, sent } = await opened(
      { query: "collection=pattern_components&object=marsh" },
      { [`PATCH ${WAY}/marsh`]: withHeaders(MARSH, { ETag: '"3"' }) },
    );
    await hands.click(await screen.findByText("Attributes"));
    await screen.findByRole("option", { name: "Pattern of 2024", hidden: true });
    const choice = screen.getByLabelText<HTMLSelectElement>("Pattern");
    expect([...choice.options].map(({ text }) => text)).toEqual([
      "(choose)",
      "Pattern of 2024",
      "新格局",
    ]);
    await hands.selectOptions(choice, "新格局");
    await press(hands, "Save");
    await waitFor(() => expect(bodies(sent, "PATCH")).toHaveLength(1));
    expect(bodies(sent, "PATCH")[0]).toEqual({ properties: { pattern: "p-2025" } });
    const asked = sent.find(({ path }) => path === "/patterns");
    expect(asked?.query.get("region")).toBe("xiamen");
  });
});
