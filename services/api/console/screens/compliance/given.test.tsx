import type { Polygon } from "geojson";
import { describe, expect, it } from "vitest";
import type { Feature } from "../../kit/features";
import { LARGEST_BYTES } from "../../kit/map/files";
import { planeAt } from "../../kit/map/geodesy";
import { maps } from "../../kit/map/testing";
import { regions } from "../../kit/place";
import {
  type Answer,
  act,
  fireEvent,
  open,
  placed,
  refused,
  screen,
  waitFor,
  within,
} from "../../kit/testing";
import { dbf, shp } from "../../kit/testing_shapefile";
import Compliance from "./compliance";
import { checkButton, corners, drawable, questionIn, serveChecks } from "./testing";

// Browsers' elements have it, by which the handler of drops is known; those of tests lack it.
Object.defineProperty(HTMLElement.prototype, "ondrop", { value: null, writable: true });

interface Inputs {
  geometry?: Polygon;
  project?: string;
}

function opened(answers: Record<string, Answer> = {}, query = "", words: "zh" | "en" = "en") {
  const sent = serveChecks(answers);
  const hands = open(<Compliance />, { query, lang: words });
  const inputs = () =>
    sent
      .filter(({ path }) => path.endsWith("/execution"))
      .map(({ body }) => questionIn<Inputs>(body));
  return { hands, sent, inputs };
}
const isOff = (button: HTMLElement) => button.hasAttribute("disabled");
const drawn = () => maps[0]?.getSource("overlay")?.data?.features ?? [];
const square: Polygon = {
  type: "Polygon",
  coordinates: [
    [
      [118, 24],
      [118.1, 24],
      [118.1, 24.1],
      [118, 24.1],
      [118, 24],
    ],
  ],
};

describe("a file", () => {
  const file = (name: string, ...content: (string | Uint8Array<ArrayBuffer>)[]) =>
    new File(content, name);
  const geojson = (name = "site.geojson") => file(name, JSON.stringify(square));
  async function chosen(one: File, words: "zh" | "en" = "en") {
    const screenOf = opened({}, "", words);
    await screenOf.hands.click(screen.getByRole("tab", { name: words === "en" ? "File" : "文件" }));
    await waitFor(() => expect(maps).toHaveLength(1));
    // Some test files are of kinds that the chooser would not offer.
    fireEvent.change(input(), { target: { files: [one] } });
    return screenOf;
  }
  const input = () => document.querySelector('input[type="file"]') as HTMLInputElement;

  it("of GeoJSON is shown, gone to and checked as it is", async () => {
    const { hands, inputs } = await chosen(geojson());
    expect(await screen.findByText("site.geojson: 1 shapes")).toBeTruthy();
    await waitFor(() => expect(drawn().map(({ geometry }) => geometry)).toEqual([square]));
    expect(maps[0]?.bounds).toEqual([
      [118, 24],
      [118.1, 24.1],
    ]);
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: square }]));
  });
  it("is read again where it is mended and chosen by the same name", async () => {
    const { hands } = opened({}, "");
    await hands.click(screen.getByRole("tab", { name: "File" }));
    await hands.upload(input(), file("site.geojson", "{"));
    await screen.findByRole("alert");
    // A browser tells nothing of a file that stands in the field already.
    expect([...(input().files ?? [])]).toEqual([]);
    await hands.upload(input(), geojson());
    expect(await screen.findByText("site.geojson: 1 shapes")).toBeTruthy();
  });
  it("of a region that is not drawn is checked as one of that region", async () => {
    const { hands, inputs } = await chosen(geojson());
    regions.value = [{ ...placed("xiamen", { name_zh: "厦门市" }), undrawn: true }];
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: square, region: "xiamen" }]));
  });
  it("of several shapes of a kind is one site of several parts", async () => {
    const features = [square, square].map((geometry) => ({ type: "Feature", geometry }));
    const { hands, inputs } = await chosen(
      file("two.json", JSON.stringify({ type: "FeatureCollection", features })),
    );
    await screen.findByText("two.json: 2 shapes");
    await hands.click(checkButton());
    await waitFor(() =>
      expect(inputs()[0]?.geometry).toEqual({
        type: "MultiPolygon",
        coordinates: [square.coordinates, square.coordinates],
      }),
    );
  });
  it("of KML, as a telephone writes it, is read", async () => {
    const ring = square.coordinates[0]?.map((at) => at.join(",")).join(" ");
    const { hands, inputs } = await chosen(
      file(
        "way.kml",
        `<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><Polygon><outerBoundaryIs>
         <LinearRing><coordinates>${ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>
         </Placemark></kml>`,
      ),
    );
    await screen.findByText("way.kml: 1 shapes");
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: square }]));
  });
  it("with a table of corners in GBK is read, latitude first or last", async () => {
    // 点号 in GBK.
    const heading = new Uint8Array([0xb5, 0xe3, 0xba, 0xc5]);
    const rows = ",X,Y\n1,24,118\n2,24,118.1\n3,24.1,118.1\n4,24.1,118\n";
    const { hands, inputs } = await chosen(file("corners.csv", heading, rows));
    await screen.findByText("corners.csv: 1 shapes");
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: square }]));
  });
  const dropped = async (files: File[]) => {
    const screenOf = opened();
    await screenOf.hands.click(screen.getByRole("tab", { name: "File" }));
    await waitFor(() => expect(maps).toHaveLength(1));
    await act(async () => {
      fireEvent.drop(input().closest(".drop") as Element, { dataTransfer: { files } });
    });
    return screenOf;
  };
  it("of a Shapefile, dropped as its several files, is read", async () => {
    const ring = square.coordinates[0] ?? [];
    const { hands, inputs } = await dropped([
      file("地块.dbf", dbf()),
      file("地块.shp", shp(ring)),
      file("地块.cpg", "GBK"),
    ]);
    await screen.findByText("地块.zip: 1 shapes");
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toMatchObject([{ geometry: square }]));
  });
  it("is one: two at a time are refused by their names", async () => {
    await dropped([geojson("a.geojson"), geojson("b.geojson")]);
    expect((await screen.findByRole("alert")).textContent).toContain("a.geojson, b.geojson");
    expect(isOff(checkButton())).toBe(true);
  });
  it("of a Shapefile without its shapes is refused", async () => {
    await dropped([file("a.dbf", dbf())]);
    expect((await screen.findByRole("alert")).textContent).toMatch(/a\.dbf: .*with the \.shp/);
  });
  it("of plane coordinates tells its meridian by the number of its zone", async () => {
    const rows = (square.coordinates[0] ?? []).slice(0, 4).map(([lon = 0, lat = 0]) => {
      const { north, east } = planeAt(117, lon, lat);
      return `${north},${39_000_000 + east}`;
    });
    const { hands, inputs } = await chosen(file("plane.csv", rows.join("\n")));
    const meridian = await screen.findByLabelText<HTMLSelectElement>(/Central meridian/);
    expect(meridian.value).toBe("117");
    await waitFor(() => expect(isOff(checkButton())).toBe(false));
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toHaveLength(1));
    const ring = inputs()[0]?.geometry?.coordinates[0] ?? [];
    expect(ring).toHaveLength(5);
    for (const [n, [lon = 0, lat = 0]] of ring.entries()) {
      const [x = 0, y = 0] = square.coordinates[0]?.[n] ?? [];
      expect(lon).toBeCloseTo(x, 7);
      expect(lat).toBeCloseTo(y, 7);
    }
  });
  it("of plane coordinates without a zone is no site until the meridian is said", async () => {
    const { hands, inputs } = await chosen(
      file("plane.csv", "2657000,602000\n2657000,603000\n2658000,603000\n"),
    );
    const meridian = await screen.findByLabelText<HTMLSelectElement>(/Central meridian/);
    expect(isOff(checkButton())).toBe(true);
    await hands.selectOptions(meridian, "117");
    await waitFor(() => expect(isOff(checkButton())).toBe(false));
    await hands.selectOptions(meridian, "120");
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toHaveLength(1));
    const [[at] = []] = inputs()[0]?.geometry?.coordinates ?? [];
    // 102 km east of 120° at 24° north is about one degree.
    expect(at?.[0]).toBeCloseTo(121, 0);
  });
  it.each([
    ["of a kind that is not read", () => file("plan.dwg", "AC1032"), /plan\.dwg: GeoJSON, KML/],
    ["that is broken", () => file("cut.geojson", '{"type": "Poly'), /cut\.geojson: cannot be read/],
    ["without shapes", () => file("none.geojson", "{}"), /none\.geojson: holds no shapes/],
    [
      "with a line that has no coordinates",
      () => file("t.csv", "118,24\n118.1,x\n118.1,24.1"),
      /line 2 has no two coordinates/,
    ],
    [
      "that is too large",
      () => file("big.geojson", new Uint8Array(LARGEST_BYTES + 1)),
      /big\.geojson: 20\.0 MiB, at most 20\.0 MiB/,
    ],
  ])("%s is refused by name", async (_, make, told) => {
    await chosen(make());
    expect((await screen.findByRole("alert")).textContent).toMatch(told);
    expect(isOff(checkButton())).toBe(true);
  });
  it("that is refused takes the one before away, and a good one is taken after it", async () => {
    await chosen(geojson());
    await screen.findByText("site.geojson: 1 shapes");
    fireEvent.change(input(), { target: { files: [file("bad.geojson", "[")] } });
    expect((await screen.findByRole("alert")).textContent).toContain("bad.geojson");
    await waitFor(() => expect(isOff(checkButton())).toBe(true));
    expect(screen.queryByText(/1 shapes/)).toBeNull();
    fireEvent.change(input(), { target: { files: [geojson("good.geojson")] } });
    await screen.findByText("good.geojson: 1 shapes");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(isOff(checkButton())).toBe(false);
  });
  it("leaves this machine only as the site of a check", async () => {
    const { sent } = await chosen(geojson());
    await screen.findByText("site.geojson: 1 shapes");
    expect(sent.filter(({ method }) => method !== "GET")).toEqual([]);
  });
  it("can be gone on with by drawing", async () => {
    const { hands } = await chosen(geojson());
    await screen.findByText("site.geojson: 1 shapes");
    await hands.click(screen.getByRole("tab", { name: "Draw" }));
    await drawable();
    expect(corners().value.split("\n")).toHaveLength(4);
    expect(drawn()).toEqual([]);
    expect(isOff(checkButton())).toBe(false);
  });
});

describe("a project", () => {
  const project = (id: string, name_en: string, geometry: Feature["geometry"]): Feature => ({
    type: "Feature",
    id,
    geometry,
    properties: { name_zh: `项目${id}`, name_en },
  });
  const register: Record<string, Answer> = {
    "GET /collections/projects/items": {
      features: [project("p1", "Wetland", null), project("p2", "Road", null)],
      links: [],
    },
    "GET /collections/projects/items/p1": project("p1", "Wetland", square),
    "GET /collections/projects/items/p2": project("p2", "Road", null),
  };
  const list = () => screen.findByRole<HTMLSelectElement>("combobox", { name: "Project" });
  async function choosing(answers: Record<string, Answer> = {}) {
    const screenOf = opened({ ...register, ...answers });
    await screenOf.hands.click(screen.getByRole("tab", { name: "Project" }));
    return screenOf;
  }

  it("is chosen out of those of the region and what lies in it", async () => {
    const { hands, sent, inputs } = await choosing();
    await hands.selectOptions(await list(), "Wetland");
    await waitFor(() => expect(drawn().map(({ geometry }) => geometry)).toEqual([square]));
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ project: "p1" }]));
    const asked = sent.find(({ path }) => path === "/collections/projects/items");
    expect(asked?.query.get("filter")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'");
  });
  it("is found by its name or code where there are many, and stays while others are", async () => {
    const features = Array.from({ length: 30 }, (_, n) => project(`p${n}`, `Dam ${n}`, null));
    const { hands } = await choosing({
      "GET /collections/projects/items": { features, links: [] },
      "GET /collections/projects/items/p7": project("p7", "Dam 7", square),
    });
    const choices = async () => [...(await list()).options].map(({ text }) => text);
    expect(await choices()).toHaveLength(31);
    const filter = screen.getByRole("searchbox", { name: "Filter projects" });
    await hands.type(filter, " dam 7");
    expect(await choices()).toEqual(["(choose)", "Dam 7"]);
    await hands.selectOptions(await list(), "Dam 7");
    await hands.clear(filter);
    await hands.type(filter, "P21");
    expect(await choices()).toEqual(["(choose)", "Dam 7", "Dam 21"]);
    expect((await list()).value).toBe("p7");
  });
  it("is the one that a link names", async () => {
    const { hands, inputs } = opened(register, "project=p2");
    expect(screen.getByRole("tab", { name: "Project", selected: true })).toBeTruthy();
    await waitFor(async () => expect((await list()).value).toBe("p2"));
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ project: "p2" }]));
  });
  it("is kept in the address with the way, and no verdict stands under another", async () => {
    const { hands } = await choosing();
    await hands.selectOptions(await list(), "Wetland");
    expect(location.search).toBe("?way=project&project=p1");
    await hands.click(checkButton());
    await screen.findByText("No rule forbids it");
    act(() => history.back());
    await screen.findByRole("tab", { name: "Draw", selected: true });
    await waitFor(() => expect(screen.queryByText("No rule forbids it")).toBeNull());
  });
  it("cannot be checked before one is chosen", async () => {
    await choosing();
    expect((await list()).value).toBe("");
    expect(isOff(checkButton())).toBe(true);
  });
  it("that is not drawn leaves nothing of the one before on the map", async () => {
    const { hands } = await choosing();
    await hands.selectOptions(await list(), "Wetland");
    await waitFor(() => expect(drawn()).toHaveLength(1));
    await hands.selectOptions(await list(), "Road");
    await waitFor(() => expect(drawn()).toEqual([]));
  });
  it("whose place is refused says so, shows no other place, and is asked for again", async () => {
    let secret = true;
    const { hands } = await choosing({
      "GET /collections/projects/items/p2": () =>
        secret ? refused(403, "its place is not for you") : project("p2", "Road", square),
    });
    await hands.selectOptions(await list(), "Wetland");
    await waitFor(() => expect(drawn()).toHaveLength(1));
    await hands.selectOptions(await list(), "Road");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("its place is not for you");
    expect(drawn()).toEqual([]);
    secret = false;
    await hands.click(within(alert).getByRole("button"));
    await waitFor(() => expect(drawn()).toHaveLength(1));
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("that nobody has drawn is refused in the service's words", async () => {
    const { hands } = await choosing({
      "POST /processes/check-compliance/execution": refused(400, "project 'p2' has no geometry", [
        { pointer: "/inputs/project", detail: "it has no geometry" },
      ]),
    });
    await hands.selectOptions(await list(), "Road");
    await hands.click(checkButton());
    expect((await screen.findByRole("alert")).textContent).toContain("has no geometry");
  });
  it("leaves the site that was drawn for later", async () => {
    const { hands } = await choosing();
    await hands.selectOptions(await list(), "Wetland");
    await hands.click(screen.getByRole("tab", { name: "Draw" }));
    await drawable();
    expect(corners().value).toBe("");
    expect(location.search).toBe("?way=draw&project=p1");
    expect(isOff(checkButton())).toBe(true);
    await hands.click(screen.getByRole("tab", { name: "Project" }));
    expect((await list()).value).toBe("p1");
  });
  it("is not to be had in a region without any", async () => {
    await choosing({ "GET /collections/projects/items": { features: [], links: [] } });
    expect(await screen.findByText("The region has no projects.")).toBeTruthy();
  });
  it("is found on the pages after the first as well", async () => {
    await choosing({
      "GET /collections/projects/items": ({ query }) =>
        query.has("offset")
          ? { features: [project("p2", "Road", null)], links: [] }
          : {
              features: [project("p1", "Wetland", null)],
              links: [{ rel: "next", href: "/collections/projects/items?offset=1" }],
            },
    });
    const names = within(await list()).getAllByRole("option");
    expect(names.map(({ textContent }) => textContent)).toEqual(["(choose)", "Wetland", "Road"]);
  });
});
