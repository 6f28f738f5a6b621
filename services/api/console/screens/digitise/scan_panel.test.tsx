import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { keep, recall } from "../../kit/kept";
import type { MapPane } from "../../kit/map/engine";
import { placeAt } from "../../kit/map/geodesy";
import type { Clicked } from "../../kit/map/map_view";
import { StillMap } from "../../kit/map/testing";
import { act, cleanup, open, screen, waitFor, within } from "../../kit/testing";
import { notices } from "../../kit/ui";
import { Scan } from "./scan_panel";

const file = (name: string) => new File(["x"], name, { type: "image/png" });
const scan = () => open(<Scan pane={null} clicked={signal(null)} taking={signal(false)} />);
const input = () => document.querySelector('input[type="file"]') as HTMLInputElement;

beforeEach(() => {
  vi.stubGlobal("createImageBitmap", async () => ({ width: 8192, height: 4096, close() {} }));
});

it("points outlive a reload, for the same picture, which is to be chosen again", async () => {
  const typed = [{ x: "8000.0", y: "10.0", lon: "118", lat: "24" }];
  keep("draft.digitise.scan", { name: "a.png", width: 8192, height: 4096, typed });
  const hands = scan();
  expect(screen.getByText(/control points of a.png are here again/)).toBeTruthy();
  await hands.upload(input(), file("a.png"));
  const x = await screen.findByRole<HTMLInputElement>("textbox", { name: "Point 1 x" });
  expect(x.value).toBe("8000.0");
  await hands.upload(input(), file("b.png"));
  await waitFor(() => expect(screen.queryByRole("textbox", { name: "Point 1 x" })).toBeNull());
});
it("spots of a picture that is drawn smaller count in pixels of its file", async () => {
  const hands = scan();
  await hands.upload(input(), file("a.png"));
  const canvas = await waitFor(() => {
    const found = document.querySelector(".scan canvas");
    if (!found) throw new Error("no picture");
    return found;
  });
  const click = new MouseEvent("click", { bubbles: true });
  // It is 330 pixels wide: a tenth of that is a tenth of the file.
  Object.defineProperties(click, { offsetX: { value: 33 }, offsetY: { value: 33 } });
  canvas.dispatchEvent(click);
  const x = await screen.findByRole<HTMLInputElement>("textbox", { name: "Point 1 x" });
  expect(x.value).toBe("819.2");
  expect(recall("draft.digitise.scan")).toMatchObject({ name: "a.png", typed: [{ x: "819.2" }] });
});
it("what cannot be shown is told with what to do", async () => {
  vi.stubGlobal("createImageBitmap", () => Promise.reject(new Error("no")));
  const hands = scan();
  await hands.upload(input(), file("map.tif.png"));
  await waitFor(() =>
    expect(notices.value.some(({ text }) => /save it as PNG or JPEG/.test(text))).toBe(true),
  );
});

/** Where a pixel of a scan of 5 m a pixel lies, north up. */
const placeOf = (x: number, y: number) =>
  placeAt(117, { east: 610_000 + 5 * x, north: 2_730_000 - 5 * y });
const row = (x: number, y: number, off = 0) => {
  const [lon, lat] = placeOf(x + off, y);
  return { x: String(x), y: String(y), lon: lon.toFixed(9), lat: lat.toFixed(9) };
};
const THREE = [row(100, 100), row(8000, 200), row(400, 4000)];

/** Choose a scan again of which control points were kept, beside a map. */
async function chosen(typed: object[] = []) {
  keep("draft.digitise.scan", { name: "a.png", width: 8192, height: 4096, typed });
  const style = { sources: {}, layers: [{ id: "ground" }, { id: "overlay-fill" }] } as never;
  const container = document.createElement("div");
  const map = new StillMap({ container, bounds: [118, 24, 119, 25], style });
  const clicked = signal<Clicked | null>(null);
  const taking = signal(false);
  const pane = { map } as unknown as MapPane;
  const hands = open(<Scan pane={pane} clicked={clicked} taking={taking} />);
  await hands.upload(input(), file("a.png"));
  const canvas = await waitFor(() => {
    const found = document.querySelector<HTMLCanvasElement>(".scan canvas");
    if (!found) throw new Error("no picture");
    return found;
  });
  return {
    ...{ hands, map, taking, canvas },
    spot: (x: number, y: number) =>
      act(async () => {
        const click = new MouseEvent("click", { bubbles: true });
        Object.defineProperties(click, { offsetX: { value: x }, offsetY: { value: y } });
        canvas.dispatchEvent(click);
      }),
    place: (lon: number, lat: number) =>
      act(async () => {
        clicked.value = { lon, lat };
      }),
  };
}
const table = () => within(screen.getByRole("region", { name: "Control points", hidden: false }));
const points = () =>
  within(table().getByRole("table"))
    .getAllByRole("row")
    .slice(1)
    .map((line) =>
      within(line)
        .queryAllByRole<HTMLInputElement>("textbox")
        .map(({ value }) => value),
    );
const missed = () =>
  [...document.querySelectorAll("tbody .numeric")].map(({ textContent }) => textContent);

describe("a spot of the picture", () => {
  it("gets the place that is clicked next on the map, and no click after it", async () => {
    const { spot, place, taking } = await chosen();
    await spot(33, 66);
    expect(taking.value).toBe(true);
    expect(screen.getByText("Now click the same place on the map.")).toBeTruthy();
    await place(118.1, 24.5);
    expect(points()).toEqual([["819.2", "1638.4", "118.1000000", "24.5000000"]]);
    expect(taking.value).toBe(false);
    await place(119, 25);
    expect(points()).toHaveLength(1);
    expect(points()[0]?.[2]).toBe("118.1000000");
  });
  it("that was clicked last gets it, where one before it was left without a place", async () => {
    const { spot, place } = await chosen();
    await spot(33, 33);
    await spot(66, 66);
    await place(118.1, 24.5);
    expect(points().map(([, , lon]) => lon)).toEqual(["", "118.1000000"]);
  });
  it("can be taken by the keyboard: the middle of what is in sight", async () => {
    const { hands, taking } = await chosen();
    const picture = screen.getByRole("img", { name: "Scanned map" });
    Object.defineProperties(picture, {
      clientWidth: { value: 300 },
      clientHeight: { value: 120 },
      scrollLeft: { value: 15 },
      scrollTop: { value: 0 },
    });
    picture.focus();
    await hands.keyboard("{Enter}");
    const [[x, y] = []] = points();
    expect(Number(x)).toBeCloseTo((165 * 8192) / 330, 0);
    expect(Number(y)).toBeCloseTo((60 * 8192) / 330, 0);
    expect(taking.value).toBe(true);
  });
  it("is the same pixel of the file when the picture is shown larger", async () => {
    const { hands, spot, canvas } = await chosen();
    await hands.click(screen.getByRole("button", { name: "Larger" }));
    await waitFor(() => expect(Number.parseFloat(canvas.style.width)).toBeCloseTo(495, 3));
    await spot(49.5, 49.5);
    expect(points()[0]?.slice(0, 2)).toEqual(["819.2", "819.2"]);
    await hands.click(screen.getByRole("button", { name: "Smaller" }));
    await waitFor(() => expect(Number.parseFloat(canvas.style.width)).toBeCloseTo(330, 3));
  });
});

describe("control points", () => {
  it("that are too few place nothing, and it is told how many are needed", async () => {
    const { map } = await chosen(THREE.slice(0, 2));
    expect(screen.getByText("3 points or more are needed, not in one line")).toBeTruthy();
    expect(missed()).toEqual(["–", "–"]);
    expect(map.getLayer("scan")).toBeUndefined();
  });
  it("lay the picture under the drawing, its corners where they belong", async () => {
    const { map } = await chosen(THREE);
    await waitFor(() => expect(map.getLayer("scan")).toBeTruthy());
    expect(map.layers.map(({ id }) => id)).toEqual(["ground", "scan", "overlay-fill"]);
    const given = map.getSource("scan")?.given as { coordinates: [number, number][] } | undefined;
    const corners = [placeOf(0, 0), placeOf(8192, 0), placeOf(8192, 4096), placeOf(0, 4096)];
    corners.forEach(([lon, lat], n) => {
      expect(given?.coordinates[n]?.[0]).toBeCloseTo(lon, 6);
      expect(given?.coordinates[n]?.[1]).toBeCloseTo(lat, 6);
    });
    expect(screen.getByText("RMS 0.0 m")).toBeTruthy();
  });
  it("tell each by how many metres it is missed, one by one", async () => {
    const four = [row(0, 0), row(8000, 0), row(8000, 4000), row(0, 4000, 8)];
    await chosen(four);
    // Of 40 m at a corner of a rectangle each corner bears a quarter.
    expect(missed()).toEqual(["10.0", "10.0", "10.0", "10.0"]);
    expect(screen.getByText("RMS 10.0 m")).toBeTruthy();
  });
  it("are corrected by typing: what is no place counts for nothing until it is one", async () => {
    const { hands, map } = await chosen(THREE);
    const lat = screen.getByRole<HTMLInputElement>("textbox", { name: "Point 3 Latitude" });
    const good = lat.value;
    await hands.clear(lat);
    await hands.type(lat, "north");
    expect(missed()).toEqual(["–", "–", "–"]);
    await waitFor(() => expect(map.getLayer("scan")).toBeUndefined());
    await hands.clear(lat);
    await hands.type(lat, good);
    expect(missed()).toEqual(["0.0", "0.0", "0.0"]);
    await waitFor(() => expect(map.getLayer("scan")).toBeTruthy());
  });
  it("are added by rows, and removed, and the map follows", async () => {
    const { hands, map } = await chosen(THREE);
    await hands.click(screen.getByRole("button", { name: "Add a row" }));
    expect(points()[3]).toEqual(["", "", "", ""]);
    expect(missed()).toEqual(["0.0", "0.0", "0.0", "–"]);
    await hands.click(screen.getByRole("button", { name: "Remove point 2" }));
    expect(points().map(([x]) => x)).toEqual(["100", "400", ""]);
    await waitFor(() => expect(map.getLayer("scan")).toBeUndefined());
    expect(map.getSource("scan")).toBeUndefined();
  });
  it("that were kept of a picture can be thrown away", async () => {
    keep("draft.digitise.scan", { name: "a.png", width: 8192, height: 4096, typed: THREE });
    const hands = scan();
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect(screen.queryByText(/control points of a.png are here again/)).toBeNull();
    expect(recall("draft.digitise.scan")).toBeNull();
  });
  it("are not those of another picture with the same name", async () => {
    vi.stubGlobal("createImageBitmap", async () => ({ width: 800, height: 4096, close() {} }));
    await chosen(THREE);
    expect(points()).toEqual([]);
  });
});

describe("the picture on the map", () => {
  it("is as thin as it is set to, at once and when it is laid anew", async () => {
    const { map, hands } = await chosen(THREE);
    const thin = () => map.getLayer("scan")?.paint?.["raster-opacity"];
    await waitFor(() => expect(thin()).toBe(0.6));
    const slider = screen.getByRole<HTMLInputElement>("slider", { name: "Opacity" });
    await act(async () => {
      slider.value = "0.25";
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(thin()).toBe(0.25);
    await hands.type(screen.getByRole("textbox", { name: "Point 1 x" }), "1");
    expect(thin()).toBe(0.25);
  });
  it("goes with the form; where the map has gone before, nothing is left to take away", async () => {
    const first = await chosen(THREE);
    await waitFor(() => expect(first.map.getLayer("scan")).toBeTruthy());
    act(() => cleanup());
    await waitFor(() => expect(first.map.getLayer("scan")).toBeUndefined());
    const second = await chosen(THREE);
    await waitFor(() => expect(second.map.getLayer("scan")).toBeTruthy());
    second.map.remove();
    const asked = vi.spyOn(second.map, "removeLayer");
    act(() => cleanup());
    expect(asked).not.toHaveBeenCalled();
  });
});
