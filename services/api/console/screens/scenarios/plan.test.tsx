import type { Geometry } from "geojson";
import { describe, expect, it, vi } from "vitest";
import { keep, recall } from "../../kit/kept";
import { maps } from "../../kit/map/testing";
import { chooseRegion } from "../../kit/place";
import { act, open, refused, screen, serve, waitFor, within } from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { blank, type Scenario } from "./edits";
import { Plan } from "./plan";
import { GROUND } from "./testing";

const PLANNER = { scopes: ["read", "jobs"] as const };
const SQUARE = "118 24\n118.01 24\n118.01 24.01\n118 24.01";
const START = "POST /processes/run-scenario/execution";

/** Open the form, with the map there. */
async function opened(answers: Parameters<typeof serve>[0] = {}, lang: "zh" | "en" = "en") {
  const sent = serve({ ...GROUND, ...answers });
  const started = vi.fn();
  const hands = open(
    <>
      <Plan onStarted={started} />
      <Notices />
    </>,
    { ...PLANNER, lang },
  );
  await screen.findByRole("group", { name: lang === "en" ? "How it is drawn" : "怎样画" });
  await waitFor(() => expect(maps).toHaveLength(1));
  return { sent, started, hands };
}

type Hands = Awaited<ReturnType<typeof opened>>["hands"];

/** Draw a polygon by its corners and add it. */
async function addTyped(hands: Hands, text = SQUARE) {
  const box = await screen.findByRole("textbox", { name: /Corners/, hidden: true });
  await hands.clear(box);
  await hands.type(box, text);
  await hands.click(screen.getByRole("button", { name: "Draw these", hidden: true }));
  await hands.click(screen.getByRole("button", { name: "Add this edit" }));
}

const listed = () =>
  within(screen.getByRole("list", { name: "Edits" }))
    .getAllByRole("listitem")
    .map(({ textContent }) => textContent);

/** Drag over the newest map. */
const drag = (...places: [number, number][]) =>
  act(async () => {
    const map = maps.at(-1);
    const at = ([lng, lat]: [number, number]) => ({ lngLat: { lng, lat } });
    const [first, ...rest] = places;
    map?.fire("mousedown", at(first as [number, number]));
    for (const place of rest) map?.fire("mousemove", at(place));
    map?.fire("mouseup", at(places.at(-1) as [number, number]));
  });

const ringsOf = (shape: Geometry | undefined) =>
  shape?.type === "Polygon" ? shape.coordinates : [];
/** What the screen itself draws on the map. */
const shown = () => maps[0]?.getSource("overlay")?.data?.features ?? [];
const answerOf = (jobID: string) => ({ jobID, processID: "run-scenario", status: "accepted" });
const kept = () => recall<{ scenarios: Scenario[] }>("draft.scenarios")?.scenarios ?? [];

describe("edits of a scenario", () => {
  it("are drawn by typed corners, told in words with their size, and shown on the map", async () => {
    const { hands } = await opened();
    expect(screen.getByText("No edits yet: draw one and add it.")).toBeTruthy();
    await addTyped(hands);
    expect(listed()[0]).toMatch(/Restore nature: Forest 1.*Restore nature: Forest · .*ha/);
    await waitFor(() => expect(shown()).toHaveLength(1));
    expect(shown()[0]?.properties?.label).toBe("1 Restore nature: Forest 1");
  });

  it("cannot be added before anything is drawn, nor twice", async () => {
    const { hands } = await opened();
    const add = screen.getByRole("button", { name: "Add this edit" }) as HTMLButtonElement;
    expect(add.disabled).toBe(true);
    await addTyped(hands);
    await waitFor(() => expect(add.disabled).toBe(true));
  });

  it("have the name that is given, and the class that is chosen", async () => {
    const { hands } = await opened();
    await hands.selectOptions(screen.getByLabelText("What happens"), "set_cover");
    await hands.selectOptions(screen.getByLabelText("Becomes"), "Built-up land");
    await hands.type(screen.getByLabelText("Name (may be empty)"), "New town");
    await addTyped(hands);
    expect(listed()[0]).toContain("New town");
    expect(kept()[0]?.edits[0]).toMatchObject({
      kind: "set_cover",
      cover: "built_up",
      name_zh: "New town",
      name_en: "New town",
      geometry: { type: "Polygon" },
    });
  });

  it("restore natural cover alone, whatever was chosen before", async () => {
    const { hands } = await opened();
    const kind = screen.getByLabelText("What happens");
    await hands.selectOptions(kind, "set_cover");
    await hands.selectOptions(screen.getByLabelText("Becomes"), "built_up");
    await hands.selectOptions(kind, "restore");
    const becomes = screen.getByLabelText("Becomes") as HTMLSelectElement;
    expect([...becomes.options].map(({ value }) => value)).toEqual(["forest", "grassland"]);
    expect(becomes.value).toBe("forest");
  });

  it("say the kind of a road, a number for a resistance, and nothing more of a barrier", async () => {
    const { hands } = await opened();
    const kind = screen.getByLabelText("What happens");
    await hands.selectOptions(kind, "build_road");
    expect(screen.getByLabelText("Kind of road")).toBeTruthy();
    expect(screen.queryByLabelText("Becomes")).toBeNull();
    await hands.selectOptions(kind, "set_resistance");
    await hands.clear(screen.getByLabelText("Resistance"));
    await hands.type(screen.getByLabelText("Resistance"), "40");
    await addTyped(hands);
    await hands.selectOptions(kind, "build_barrier");
    expect(screen.queryByLabelText("Resistance")).toBeNull();
    await addTyped(hands, "118 24\n118.02 24.02");
    expect(kept()[0]?.edits).toMatchObject([
      { kind: "set_resistance", resistance: 40 },
      { kind: "build_barrier", geometry: { type: "LineString" } },
    ]);
    expect(kept()[0]?.edits[1]).not.toHaveProperty("resistance");
  });

  it("are removed one by one, and each change of the list is undone", async () => {
    const { hands } = await opened();
    await addTyped(hands);
    await addTyped(hands, "118.1 24\n118.2 24\n118.2 24.1");
    expect(listed()).toHaveLength(2);
    await hands.click(screen.getByRole("button", { name: "Remove Restore nature: Forest 1" }));
    expect(listed()).toHaveLength(1);
    expect(listed()[0]).toContain("Forest 2");
    const undo = screen.getByRole("button", { name: "Undo the last change of the list" });
    await hands.click(undo);
    expect(listed()).toHaveLength(2);
    await hands.click(undo);
    await hands.click(undo);
    expect(screen.queryByRole("list", { name: "Edits" })).toBeNull();
    expect((undo as HTMLButtonElement).disabled).toBe(true);
  });

  it("are shown on the map when their name is pressed", async () => {
    const { hands } = await opened();
    await addTyped(hands);
    await hands.click(screen.getByRole("button", { name: "Restore nature: Forest 1" }));
    expect(maps[0]?.bounds).toEqual([
      [118, 24],
      [118.01, 24.01],
    ]);
  });
});

describe("the brush", () => {
  const brush = async (hands: Hands) => {
    await hands.click(screen.getByRole("radio", { name: "Brush" }));
    await screen.findByLabelText("Width of the brush");
    await waitFor(() => expect(maps[0]?.handlers.get("mousedown")?.length).toBeGreaterThan(0));
  };

  it("paints where it is dragged, and the painted land becomes an edit", async () => {
    const { hands } = await opened();
    await brush(hands);
    await drag([118.1, 24.5], [118.12, 24.5], [118.12, 24.51]);
    await hands.click(screen.getByRole("button", { name: "Add this edit" }));
    const [edit] = kept()[0]?.edits ?? [];
    expect(edit?.geometry.type).toBe("Polygon");
    expect(listed()).toHaveLength(1);
    // The next stroke is not part of what was added.
    await drag([118.2, 24.6], [118.201, 24.6]);
    await hands.click(screen.getByRole("button", { name: "Add this edit" }));
    const [, next] = kept()[0]?.edits ?? [];
    const [ring = []] = ringsOf(next?.geometry);
    expect(Math.min(...ring.map(([lon = 0]) => lon))).toBeGreaterThan(118.19);
  });

  it("paints a cell where one clicks, as Enter does in the middle of the map", async () => {
    const { hands } = await opened();
    await brush(hands);
    await act(async () => maps[0]?.click(118.2, 24.5));
    await waitFor(() => expect(shown()).toHaveLength(1));
    await act(async () => {
      maps[0]?.getCanvas().dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    });
    // The middle of the map is elsewhere: two cells that do not touch.
    await waitFor(() => expect(shown()).toHaveLength(2));
  });

  it("undoes a stroke, and erases", async () => {
    const { hands } = await opened();
    await brush(hands);
    await drag([118.1, 24.5], [118.11, 24.5]);
    await drag([118.2, 24.6], [118.21, 24.6]);
    await waitFor(() => expect(shown()).toHaveLength(2));
    await hands.click(screen.getByRole("button", { name: "Undo a stroke" }));
    await waitFor(() => expect(shown()).toHaveLength(1));
    await hands.click(screen.getByRole("button", { name: "Erase" }));
    await drag([118.1, 24.5], [118.11, 24.5]);
    await waitFor(() => expect(shown()).toHaveLength(0));
    const erase = screen.getByRole("button", { name: "Erase" });
    expect(erase.getAttribute("aria-pressed")).toBe("false");
  });

  it("keeps its width while something is painted", async () => {
    const { hands } = await opened();
    await brush(hands);
    const width = screen.getByLabelText("Width of the brush") as HTMLSelectElement;
    await hands.selectOptions(width, "1000");
    await drag([118.1, 24.5], [118.1001, 24.5]);
    expect(width.disabled).toBe(true);
    await waitFor(() => expect(shown()).toHaveLength(1));
    const [painted] = shown();
    const [ring = []] = ringsOf(painted?.geometry);
    const lats = ring.map(([, lat = 0]) => lat);
    expect((Math.max(...lats) - Math.min(...lats)) * 111_320).toBeCloseTo(1000, -1);
  });

  it("is there only for what may be an area", async () => {
    const { hands } = await opened();
    await brush(hands);
    await hands.click(screen.getByRole("radio", { name: "Shapes" }));
    expect(screen.queryByLabelText("Width of the brush")).toBeNull();
    await drag([118.1, 24.5], [118.11, 24.5]);
    expect(shown()).toHaveLength(0);
  });
});

describe("several scenarios", () => {
  it("begin as two, grow to four, and shrink to two", async () => {
    const { hands } = await opened();
    const more = screen.getByRole("button", { name: "Another scenario" }) as HTMLButtonElement;
    const less = screen.getByRole("button", { name: "Remove this one" }) as HTMLButtonElement;
    expect(less.disabled).toBe(true);
    await hands.click(more);
    await hands.click(more);
    expect(more.disabled).toBe(true);
    expect(screen.getByRole("button", { name: "Start 4 scenarios" })).toBeTruthy();
    await hands.click(less);
    await hands.click(less);
    expect(less.disabled).toBe(true);
    expect(screen.getByRole("button", { name: "Start 2 scenarios" })).toBeTruthy();
  });

  it("have edits of their own; a copy has those of its model", async () => {
    const { hands } = await opened();
    await addTyped(hands);
    await hands.click(screen.getByRole("radio", { name: "Scenario 2 (0)" }));
    expect(screen.getByText("No edits yet: draw one and add it.")).toBeTruthy();
    await hands.click(screen.getByRole("radio", { name: "Scenario 1 (1)" }));
    await hands.click(screen.getByRole("button", { name: "Copy this one" }));
    expect(
      (screen.getByRole("radio", { name: "Scenario 3 (1)" }) as HTMLInputElement).checked,
    ).toBe(true);
    expect(kept().map(({ edits }) => edits.length)).toEqual([1, 0, 1]);
  });

  it("take with them what could be undone, and leave no name twice", async () => {
    const { hands } = await opened();
    await addTyped(hands);
    await hands.click(screen.getByRole("button", { name: "Another scenario" }));
    await hands.click(screen.getByRole("radio", { name: "Scenario 1 (1)" }));
    await addTyped(hands, "118.1 24\n118.2 24\n118.2 24.1");
    const undo = () =>
      screen.getByRole<HTMLButtonElement>("button", { name: "Undo the last change of the list" });
    expect(undo().disabled).toBe(false);
    await hands.click(screen.getByRole("button", { name: "Remove this one" }));
    expect(undo().disabled).toBe(true);
    await hands.click(screen.getByRole("button", { name: "Another scenario" }));
    expect(kept().map(({ name_zh }) => name_zh)).toEqual(["情景2", "情景3", "情景1"]);
  });

  it("are started with their names and edits over one ground, and followed together", async () => {
    let number = 0;
    const { hands, sent, started } = await opened({ [START]: () => answerOf(`j${++number}`) });
    await addTyped(hands);
    await hands.click(screen.getByRole("radio", { name: "Scenario 2 (0)" }));
    const english = screen.getByLabelText(/Name in English/);
    await hands.clear(english);
    await hands.type(english, "Town");
    await addTyped(hands, "118.1 24\n118.2 24\n118.2 24.1");
    await hands.click(screen.getByRole("button", { name: "Start 2 scenarios" }));
    await waitFor(() => expect(started).toHaveBeenCalledWith(["j1", "j2"]));
    const bodies = sent
      .filter(({ method }) => method === "POST")
      .map(({ body }) => (body as { inputs: Scenario & { region: string } }).inputs);
    expect(bodies.map(({ name_en }) => name_en)).toEqual(["Scenario 1", "Town"]);
    expect(bodies.map(({ region }) => region)).toEqual(["xiamen", "xiamen"]);
    expect(bodies.map(({ edits }) => edits.length)).toEqual([1, 1]);
    const keys = sent.flatMap(({ headers }) => headers.get("Idempotency-Key") ?? []);
    expect(new Set(keys).size).toBe(2);
    expect(kept()).toEqual([]);
  });

  it("are not started while one has no edits, and that one is shown", async () => {
    const { hands, sent } = await opened();
    await addTyped(hands);
    await hands.click(screen.getByRole("button", { name: "Start 2 scenarios" }));
    expect(await screen.findByText("Scenario 2 has no edits yet")).toBeTruthy();
    expect(
      (screen.getByRole("radio", { name: "Scenario 2 (0)" }) as HTMLInputElement).checked,
    ).toBe(true);
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
  });

  it("tell a refusal at its edit; started ones have the same key when it is tried again", async () => {
    let beyond = true;
    const { hands, sent, started } = await opened({
      [START]: ({ body }) => {
        const { name_en } = (body as { inputs: Scenario }).inputs;
        return name_en === "Scenario 2" && beyond
          ? refused(400, "refused", [
              { pointer: "/inputs/edits/0/geometry", detail: "reaches beyond the region" },
            ])
          : answerOf(name_en);
      },
    });
    await addTyped(hands);
    await hands.click(screen.getByRole("radio", { name: "Scenario 2 (0)" }));
    await addTyped(hands);
    await hands.click(screen.getByRole("radio", { name: "Scenario 1 (1)" }));
    await hands.click(screen.getByRole("button", { name: "Start 2 scenarios" }));
    expect(
      await screen.findByText("1 Restore nature: Forest 1: reaches beyond the region"),
    ).toBeTruthy();
    expect(screen.getByRole("radio", { name: /Scenario 2 \(1\).*refused/ })).toBeTruthy();
    expect(started).not.toHaveBeenCalled();
    beyond = false;
    await hands.click(screen.getByRole("button", { name: "Start 2 scenarios" }));
    await waitFor(() => expect(started).toHaveBeenCalledWith(["Scenario 1", "Scenario 2"]));
    const keys = sent.flatMap(({ headers }) => headers.get("Idempotency-Key") ?? []);
    expect(keys).toHaveLength(4);
    expect(keys[0]).toBe(keys[2]);
    expect(keys[1]).toBe(keys[3]);
  });

  it("survive a reload until they are thrown away", async () => {
    const { hands } = await opened();
    await addTyped(hands);
    open(<Plan onStarted={() => {}} />, PLANNER);
    expect(await screen.findByText("What you had not saved is here again.")).toBeTruthy();
    expect(screen.getAllByRole("radio", { name: "Scenario 1 (1)" }).length).toBeGreaterThan(0);
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect(kept()).toEqual([]);
  });

  it("are told in Chinese", async () => {
    await opened({}, "zh");
    expect(screen.getByRole("button", { name: "开始计算 2 个情景" })).toBeTruthy();
    expect(screen.getByText("情景1 (0)", { exact: false })).toBeTruthy();
    expect(screen.getByText("还没有编辑：画出一处后加入。")).toBeTruthy();
  });
});

it("the ground of a kept form is its own, until one goes on with another region", async () => {
  keep("draft.scenarios", { base: { region: "banan" }, scenarios: [blank(1), blank(2)] });
  await opened({ "GET /collections/regions/items/elsewhere": { geometry: null } });
  const base = () => recall<{ base: object }>("draft.scenarios")?.base;
  expect(base()).toEqual({ region: "banan" });
  act(() => chooseRegion("elsewhere"));
  expect(base()).toEqual({ region: "elsewhere" });
});

it("the ground is the region that one works on, its data told by lights", async () => {
  await opened();
  const lights = await screen.findByRole("list", { name: "Whether needed data are there" });
  expect(within(lights).getByText("Land cover")).toBeTruthy();
  expect(within(lights).getByText("there")).toBeTruthy();
  expect(screen.queryByRole("textbox", { name: "Chinese name" })).toBeNull();
});
