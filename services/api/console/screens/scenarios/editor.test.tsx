import { signal } from "@preact/signals";
import type { Geometry, Position } from "geojson";
import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import { act, open, screen, serve, waitFor, within } from "../../kit/testing";
import { lang } from "../../kit/words";
import { Editor } from "./editor";
import { type Edit, type Scenario, wordsOf } from "./edits";
import { EDITS, GROUND } from "./testing";

const AREA: Position[] = [
  [118, 24],
  [118.01, 24],
  [118.01, 24.01],
  [118, 24.01],
];
const ROAD: Position[] = [
  [118, 24],
  [118.02, 24],
];
const edit = (name: string, kind: string, geometry: Geometry, more: Partial<Edit> = {}): Edit => ({
  kind,
  name_zh: name,
  name_en: name,
  geometry,
  ...more,
});
const FOREST = edit(
  "Wood",
  "restore",
  { type: "Polygon", coordinates: [[...AREA, AREA[0] as Position]] },
  { cover: "forest" },
);
const BRIDGE = edit(
  "Bridge",
  "build_road",
  { type: "LineString", coordinates: ROAD },
  { road: "main" },
);
const WEIR = edit("Weir", "remove_barrier", { type: "Point", coordinates: [118.1, 24.1] });

/** The editor of a scenario that has some edits already, with its map there. */
async function opened(...edits: Edit[]) {
  serve(GROUND);
  const scenario = signal<Scenario>({ name_zh: "情景1", name_en: "Scenario 1", edits });
  const Page = () => (
    <Editor
      scenario={scenario.value}
      words={wordsOf(EDITS)}
      onChange={(now) => {
        scenario.value = { ...scenario.peek(), edits: now };
      }}
    />
  );
  const hands = open(<Page />);
  await waitFor(() => expect(maps).toHaveLength(1));
  return { hands, scenario, edits: () => scenario.value.edits };
}
type Hands = Awaited<ReturnType<typeof opened>>["hands"];

const button = (name: string) => screen.getByRole<HTMLButtonElement>("button", { name });
const add = () => button("Add this edit");
const list = () =>
  within(screen.getByRole("list", { name: "Edits" }))
    .getAllByRole("listitem")
    .map((line) => [
      line.querySelector("button")?.textContent,
      line.querySelector("small")?.textContent,
    ]);
const shown = () => maps[0]?.getSource("overlay")?.data?.features ?? [];
const happens = (hands: Hands, kind: string) =>
  hands.selectOptions(screen.getByLabelText("What happens"), kind);

async function draw(hands: Hands, places: Position[]) {
  const box = await screen.findByRole("textbox", { name: /Corners/, hidden: true });
  await hands.clear(box);
  await hands.type(box, places.map((at) => at.join(" ")).join("\n"));
  await hands.click(screen.getByRole("button", { name: "Draw these", hidden: true }));
}
async function brush(hands: Hands) {
  await hands.click(screen.getByRole("radio", { name: "Brush" }));
  await waitFor(() => expect(maps[0]?.handlers.get("mousedown")?.length).toBeGreaterThan(0));
}
/** Tell the map of the mouse, or of a finger, at some places. */
const fire = (...events: [name: string, lng: number, lat: number, buttons?: number][]) =>
  act(async () => {
    for (const [name, lng, lat, buttons] of events)
      maps[0]?.fire(name, {
        lngLat: { lng, lat },
        originalEvent: name.startsWith("touch") ? {} : { buttons: buttons ?? 1 },
      });
  });
const easternmost = () =>
  Math.max(
    ...shown().flatMap(({ geometry }) =>
      geometry.type === "Polygon" ? geometry.coordinates.flat().map(([lon = 0]) => lon) : [],
    ),
  );

describe("edits that a scenario has already", () => {
  it("are told by name, by what they do, and by how large they are", async () => {
    await opened(FOREST, BRIDGE, WEIR);
    const [wood, bridge, weir] = list();
    expect(wood?.[0]).toBe("Wood");
    expect(wood?.[1]).toMatch(/^Restore nature: Forest · 112(\.\d+)? ha$/);
    expect(bridge).toEqual(["Bridge", "Build a road: Main road · 2.04 km"]);
    expect(weir).toEqual(["Weir", "Remove a barrier"]);
  });
  it("are on the map, each with its number and the colour it has in the list", async () => {
    await opened(FOREST, BRIDGE);
    await waitFor(() => expect(shown()).toHaveLength(2));
    const colours = [...document.querySelectorAll<HTMLElement>(".edits .swatch")].map(
      ({ style }) => style.background,
    );
    expect(new Set(colours).size).toBe(2);
    expect(shown().map(({ properties }) => [properties?.label, properties?.color])).toEqual([
      ["1 Wood", colours[0]],
      ["2 Bridge", colours[1]],
    ]);
  });
  it("have the number they have now once one before them is removed, on the map too", async () => {
    const { hands } = await opened(FOREST, BRIDGE);
    await hands.click(button("Remove Wood"));
    await waitFor(() =>
      expect(shown().map(({ properties }) => properties?.label)).toEqual(["1 Bridge"]),
    );
    await hands.click(button("Undo the last change of the list"));
    await waitFor(() => expect(shown()).toHaveLength(2));
    expect(list().map(([name]) => name)).toEqual(["Wood", "Bridge"]);
  });
  it("can be looked at, a point as well", async () => {
    const { hands } = await opened(FOREST, WEIR);
    await hands.click(button("Weir"));
    expect(maps[0]?.bounds).toEqual([
      [118.1, 24.1],
      [118.1, 24.1],
    ]);
  });
  it("are told in the language of whoever looks", async () => {
    await opened({ ...FOREST, name_zh: "林地" });
    await act(async () => {
      lang.value = "zh";
    });
    const edits = await screen.findByRole("list", { name: "编辑" });
    expect(within(edits).getByRole("button", { name: "移除 林地" })).toBeTruthy();
  });
});

describe("an edit that is added", () => {
  it("has a name that no other has, even after one was removed", async () => {
    const { hands, edits } = await opened();
    for (const east of [0, 0.1]) {
      await draw(
        hands,
        AREA.map(([lon = 0, lat = 0]) => [lon + east, lat]),
      );
      await hands.click(add());
    }
    await hands.click(button("Remove Restore nature: Forest 1"));
    await draw(
      hands,
      AREA.map(([lon = 0, lat = 0]) => [lon + 0.2, lat]),
    );
    await hands.click(add());
    const names = edits().map(({ name_en }) => name_en);
    expect(names).toEqual(["Restore nature: Forest 2", "Restore nature: Forest 3"]);
  });
  it("has the name that was typed without the blanks around it, and blanks alone are none", async () => {
    const { hands, edits } = await opened();
    const name = screen.getByLabelText<HTMLInputElement>("Name (may be empty)");
    await hands.type(name, "  East bank ");
    await draw(hands, AREA);
    await hands.click(add());
    expect(name.value).toBe("");
    await hands.type(name, "   ");
    await draw(hands, AREA);
    await hands.click(add());
    expect(edits().map(({ name_zh }) => name_zh)).toEqual([
      "East bank",
      "Restore nature: Forest 2",
    ]);
  });
  it("has the shapes that its kind takes: an area is no place for a line, and a line no area", async () => {
    const { hands, edits } = await opened();
    await happens(hands, "build_road");
    await draw(hands, ROAD);
    expect(add().disabled).toBe(false);
    await happens(hands, "restore");
    expect(add().disabled).toBe(true);
    await happens(hands, "build_barrier");
    await hands.click(add());
    expect(edits()[0]).toMatchObject({ kind: "build_barrier", geometry: { type: "LineString" } });
    expect(edits()[0]).not.toHaveProperty("road");
  });
  it.each(["0", "1001", "-3"])("has no resistance of %s: the field says so", async (text) => {
    const { hands, edits } = await opened();
    await happens(hands, "set_resistance");
    await draw(hands, AREA);
    const field = screen.getByLabelText<HTMLInputElement>("Resistance");
    await hands.clear(field);
    expect([field.value, add().disabled]).toEqual(["", true]);
    await hands.type(field, text);
    expect(screen.getByText("must lie between 1 and 1000")).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(add().disabled).toBe(true);
    await hands.clear(field);
    await hands.type(field, "2.05");
    expect(field.value).toBe("2.05");
    expect(screen.queryByText("must lie between 1 and 1000")).toBeNull();
    await hands.click(add());
    expect(edits()[0]).toMatchObject({ kind: "set_resistance", resistance: 2.05 });
  });
});

describe("the brush", () => {
  it("stops where the button was let go beside the map", async () => {
    const { hands } = await opened();
    await brush(hands);
    await fire(["mousedown", 118, 24], ["mousemove", 118.01, 24]);
    await waitFor(() => expect(easternmost()).toBeGreaterThan(118.009));
    // It comes back without a button, and there was no word of its end.
    await fire(["mousemove", 118.2, 24, 0], ["mousemove", 118.3, 24, 0]);
    expect(easternmost()).toBeLessThan(118.02);
    await fire(["mousedown", 118.3, 24], ["mousemove", 118.31, 24], ["mouseup", 118.31, 24]);
    await waitFor(() => expect(easternmost()).toBeGreaterThan(118.3));
  });
  it("paints by a finger as well", async () => {
    const { hands, edits } = await opened();
    await brush(hands);
    await fire(["touchstart", 118, 24], ["touchmove", 118.01, 24], ["touchend", 118.01, 24]);
    await fire(["touchmove", 118.2, 24]);
    await hands.click(add());
    expect(edits()[0]?.geometry.type).toBe("Polygon");
    await waitFor(() => expect(shown()).toHaveLength(1));
    expect(easternmost()).toBeLessThan(118.02);
  });
  it("makes no stroke of a press without a move", async () => {
    const { hands } = await opened();
    await brush(hands);
    await fire(["mousedown", 118, 24], ["mouseup", 118, 24]);
    expect(shown()).toHaveLength(0);
    expect(button("Undo a stroke").disabled).toBe(true);
  });
  it("paints beside what is in the list, which stays as it is", async () => {
    const { hands, edits } = await opened(FOREST);
    await brush(hands);
    await fire(["mousedown", 118.3, 24], ["mousemove", 118.31, 24], ["mouseup", 118.31, 24]);
    await waitFor(() => expect(shown()).toHaveLength(2));
    await hands.click(button("Undo a stroke"));
    await waitFor(() =>
      expect(shown().map(({ properties }) => properties?.label)).toEqual(["1 Wood"]),
    );
    expect(edits()).toEqual([FOREST]);
  });
  it("leaves nothing painted when shapes are drawn again", async () => {
    const { hands } = await opened();
    await brush(hands);
    await fire(["mousedown", 118.3, 24], ["mousemove", 118.31, 24], ["mouseup", 118.31, 24]);
    expect(add().disabled).toBe(false);
    await hands.click(screen.getByRole("radio", { name: "Shapes" }));
    expect(add().disabled).toBe(true);
    await waitFor(() => expect(shown()).toHaveLength(0));
  });
});
