import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import { type Answer, open, refused, screen, waitFor, within } from "../../kit/testing";
import { box, scheme, zoned } from "./testing";
import Zones from "./zones";

type Compared = Schema<"ZoningsCompared">;

const named = (version: number): Schema<"SchemeNamed"> => ({
  code: "xm",
  version,
  status: "draft",
});
const compared = (change: Partial<Compared> = {}): Compared => ({
  from: named(1),
  to: named(2),
  unchanged_km2: 90,
  changed_km2: 10,
  from_classes: [
    { class: "keep", name: "Conservation", area_km2: 70 },
    { class: "mend", name: "Restoration", area_km2: 30 },
  ],
  to_classes: [
    { class: "keep", name: "Conservation", area_km2: 62 },
    { class: "mend", name: "Restoration", area_km2: 36 },
    { class: "new", name: "Watch", area_km2: 2 },
  ],
  moves: [
    { from: "keep", to: "keep", area_km2: 60 },
    { from: "keep", to: "new", area_km2: 2 },
    { from: "keep", to: "mend", area_km2: 8 },
    { from: "outside", to: "mend", area_km2: 1 },
  ],
  links: [],
  ...change,
});
const places = {
  from: named(1),
  to: named(2),
  differences: [
    {
      from: "keep",
      to: "mend",
      color: "#aa5522",
      area_km2: 8,
      geometry: { type: "MultiPolygon", coordinates: [box(118.1, 24).coordinates] },
    },
  ],
  links: [],
} satisfies Schema<"ZoningDifferences">;

async function comparing(answers: Record<string, Answer> = {}, of = "xm@2") {
  const sent = zoned([scheme(1, "published"), scheme(2, "draft"), scheme(3, "draft")], {
    "GET /zone-schemes/xm/compare": compared(),
    "GET /zone-schemes/xm/differences": places,
    ...answers,
  });
  const hands = open(<Zones />, { query: `tab=compare&scheme=${of}` });
  const other = await screen.findByRole<HTMLSelectElement>("combobox", { name: "Compared with" });
  await hands.selectOptions(other, "xm@1");
  const asked = () =>
    sent
      .filter(({ path }) => path.endsWith("/compare"))
      .map(({ query }) => [query.get("version"), query.get("with"), query.get("with_version")]);
  return { hands, asked, other };
}
const rows = () =>
  within(screen.getByRole("region", { name: "Classes" }))
    .getAllByRole("row")
    .slice(1)
    .map((row) =>
      within(row)
        .getAllByRole("cell")
        .map(({ textContent }) => textContent),
    );
const overlay = () => maps[0]?.getSource("overlay")?.data?.features ?? [];

describe("two versions", () => {
  it("are compared from the older on, whichever is chosen first", async () => {
    const { hands, asked, other } = await comparing();
    await waitFor(() => expect(asked().at(-1)).toEqual(["1", "xm", "2"]));
    await hands.selectOptions(other, "xm@3");
    await waitFor(() => expect(asked().at(-1)).toEqual(["2", "xm", "3"]));
  });
  it("have areas before and after, and what came and went", async () => {
    await comparing();
    await screen.findByRole("region", { name: "Classes" });
    expect(rows()).toEqual([
      ["Conservation", "70.00", "62.00", "-8.00"],
      ["Restoration", "30.00", "36.00", "+6.00"],
      ["Watch", "0.00", "2.00", "+2.00"],
    ]);
    expect(screen.getByText("10.00 km²")).toBeTruthy();
    expect(screen.getByText("90.00 km²")).toBeTruthy();
  });
  it("say nothing of the area of what nobody has drawn", async () => {
    await comparing({
      "GET /zone-schemes/xm/compare": compared({
        from_classes: [{ class: "keep", name: "Conservation", area_km2: null }],
        to_classes: [{ class: "keep", name: "Conservation", area_km2: 62 }],
      }),
    });
    await screen.findByRole("region", { name: "Classes" });
    expect(rows()).toEqual([["Conservation", "–", "62.00", "–"]]);
  });
  it("list what went from class to class, the largest first, with a way to it", async () => {
    const { hands } = await comparing();
    const first = await screen.findByRole("button", { name: "Conservation → Restoration" });
    const moves = screen.getAllByRole("button", { name: /→/ });
    expect(moves.map(({ textContent }) => textContent)).toEqual([
      "Conservation → Restoration",
      "Conservation → Watch",
      "outside → Restoration",
    ]);
    await waitFor(() => expect(maps).toHaveLength(1));
    await hands.click(first);
    expect(maps[0]?.bounds[0]).toEqual([118.1, 24]);
    expect(moves[1]?.hasAttribute("disabled")).toBe(true);
  });
  it("show where they differ in place of the zones, until one looks elsewhere", async () => {
    const { hands } = await comparing();
    await waitFor(() =>
      expect(overlay().map(({ properties }) => properties?.color)).toEqual(["#aa5522"]),
    );
    await hands.click(screen.getByRole("tab", { name: "Areas" }));
    await waitFor(() => expect(overlay()).toHaveLength(3));
  });
  it("may not differ", async () => {
    await comparing({
      "GET /zone-schemes/xm/compare": compared({
        changed_km2: 0,
        moves: [{ from: "keep", to: "keep", area_km2: 70 }],
      }),
      "GET /zone-schemes/xm/differences": { ...places, differences: [] },
    });
    expect(await screen.findByText("The two do not differ.")).toBeTruthy();
  });
  it("are asked for again where the service refused", async () => {
    let busy = true;
    const { hands } = await comparing({
      "GET /zone-schemes/xm/compare": () => (busy ? refused(503, "too busy") : compared()),
    });
    const alert = await screen.findByRole("alert");
    busy = false;
    await hands.click(within(alert).getByRole("button"));
    expect(await screen.findByRole("region", { name: "Classes" })).toBeTruthy();
  });
});

it("one version alone has nothing to be compared with", async () => {
  zoned([scheme(1, "published")]);
  open(<Zones />, { lang: "zh", query: "tab=compare" });
  expect(await screen.findByText("只有一个版本，没有可比较的。")).toBeTruthy();
});
