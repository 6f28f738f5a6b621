import type { MultiPolygon, Polygon } from "geojson";
import { describe, expect, it } from "vitest";
import { keep, recall } from "../../kit/kept";
import { maps } from "../../kit/map/testing";
import { act, fireEvent, open, refused, screen, waitFor } from "../../kit/testing";
import { lang } from "../../kit/words";
import Compliance from "./compliance";
import {
  checkButton,
  checked,
  corners,
  drawable,
  EXECUTION,
  mouse,
  questionIn,
  SITE,
  serveChecks,
} from "./testing";

const TYPED = "118 24\n118.1 24\n118.1 24.1";

/** The screen with the inputs of each check that it asks for. */
function opened(answers: Parameters<typeof serveChecks>[0] = {}, words: "zh" | "en" = "en") {
  const sent = serveChecks(answers);
  const hands = open(<Compliance />, { lang: words });
  const inputs = () =>
    sent
      .filter(({ path }) => path.endsWith("/execution"))
      .map(({ body }) => questionIn<Record<string, unknown>>(body));
  return { hands, sent, inputs };
}
const type = (text: string) => fireEvent.input(corners(), { target: { value: text } });
const drawIt = () => screen.getByRole("button", { name: "Draw these corners" });
const isOff = (button: HTMLElement) => button.hasAttribute("disabled");

describe("a site drawn by the mouse", () => {
  it("is checked as it was drawn, its corners in the text", async () => {
    const { hands, inputs } = opened();
    const map = await drawable();
    mouse(map, [118, 24], [118.5, 24], [118.5, 24.5], [118, 24.5], [118, 24]);
    await waitFor(() => expect(corners().value.split("\n")).toHaveLength(4));
    await hands.click(checkButton());
    expect(await screen.findByText("Pass")).toBeTruthy();
    const { geometry } = inputs()[0] as { geometry: Polygon };
    expect(geometry.type).toBe("Polygon");
    const ring = geometry.coordinates[0] ?? [];
    expect(ring).toHaveLength(5);
    expect(ring[0]).toEqual(ring[4]);
    expect(new Set(ring.map(([lon]) => lon))).toEqual(new Set([118, 118.5]));
  });
  it("cannot be checked while nothing is drawn, nor while its ring is open", async () => {
    opened();
    const map = await drawable();
    expect(isOff(checkButton())).toBe(true);
    mouse(map, [118, 24], [118.5, 24], [118.5, 24.5]);
    expect(isOff(checkButton())).toBe(true);
  });
  it("is taken away whole", async () => {
    const { hands } = opened();
    const map = await drawable();
    mouse(map, [118, 24], [118.5, 24], [118.5, 24.5], [118, 24]);
    await waitFor(() => expect(isOff(checkButton())).toBe(false));
    await hands.click(screen.getByRole("button", { name: "Clear" }));
    expect(isOff(checkButton())).toBe(true);
    expect(corners().value).toBe("");
    expect(recall("draft.compliance")).toBeNull();
  });
  it("is of two parts where two are drawn", async () => {
    const { hands, inputs } = opened();
    const map = await drawable();
    mouse(map, [118, 24], [118.5, 24], [118.5, 24.5], [118, 24]);
    mouse(map, [119, 24], [119.5, 24], [119.5, 24.5], [119, 24]);
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toHaveLength(1));
    expect(inputs()[0]?.geometry).toMatchObject({ type: "MultiPolygon" });
  });
  it("tells by its buttons whether corners are added or moved", async () => {
    const { hands } = opened();
    await drawable();
    const pressed = (name: string) =>
      screen.getByRole("button", { name }).getAttribute("aria-pressed");
    expect([pressed("Draw"), pressed("Move corners")]).toEqual(["true", "false"]);
    await hands.click(screen.getByRole("button", { name: "Move corners" }));
    expect([pressed("Draw"), pressed("Move corners")]).toEqual(["false", "true"]);
  });
});

describe("a site typed as corners", () => {
  it("is checked by the keyboard alone", async () => {
    const { hands, inputs } = opened();
    await drawable();
    corners().focus();
    await hands.keyboard("118 24{Enter}118.1 24{Enter}118.1 24.1");
    await hands.tab();
    await hands.keyboard("{Enter}");
    checkButton().focus();
    await hands.keyboard("{Enter}");
    expect(await screen.findByText("Pass")).toBeTruthy();
    expect(inputs()).toEqual([{ geometry: SITE }]);
  });
  it("may be in degrees, minutes and seconds, and closed", async () => {
    const { hands, inputs } = opened();
    await drawable();
    type("118°00′00″ 24°\n118°06′ 24°\n118°06′ 24°06′00.0″\n118 24");
    await hands.click(drawIt());
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: SITE }]));
  });
  it("is gone to on the map", async () => {
    const { hands } = opened();
    const map = await drawable();
    type(TYPED);
    await hands.click(drawIt());
    expect(map.bounds).toEqual([
      [118, 24],
      [118.1, 24.1],
    ]);
  });
  it.each([
    ["a line that is no place", "118 24\nnowhere\n118.1 24.1\n118 24.1", "line 2"],
    ["two lines that are none", "118 24\n118.1\n118.1 24.1\n200 95", "line 2, 4"],
  ])("says where it has %s", async (_, text, told) => {
    opened();
    await drawable();
    type(text);
    const alert = screen.getByRole("alert");
    expect(alert.textContent).toContain(`${told}: no longitude`);
    expect(corners().getAttribute("aria-invalid")).toBe("true");
    expect(corners().getAttribute("aria-describedby")).toContain(alert.id);
    expect(isOff(drawIt())).toBe(true);
  });
  it("needs three corners", async () => {
    opened();
    await drawable();
    type("118 24\n118.1 24");
    expect(isOff(drawIt())).toBe(true);
    type(`${TYPED}\n\n`);
    expect(isOff(drawIt())).toBe(false);
  });
  it("says in Chinese which line is wrong", async () => {
    opened({}, "zh");
    await drawable("zh");
    type("118 24\n某处");
    expect(screen.getByRole("alert").textContent).toBe("第 2 行不是经纬度");
  });
  it("is kept while it is typed, though a map comes late", async () => {
    keep("draft.compliance", SITE);
    opened();
    type("118 24\n118.1 24\n118.2");
    await drawable();
    expect(corners().value).toBe("118 24\n118.1 24\n118.2");
  });
  it("changes the first part alone, and keeps the holes and the others", async () => {
    const hole = [
      [118.06, 24.02],
      [118.08, 24.02],
      [118.08, 24.04],
      [118.06, 24.02],
    ];
    const other = [
      [
        [119, 24],
        [119.1, 24],
        [119.1, 24.1],
        [119, 24],
      ],
    ];
    keep("draft.compliance", {
      type: "MultiPolygon",
      coordinates: [[...SITE.coordinates, hole], other],
    });
    const { hands, inputs } = opened();
    await drawable();
    type("118 24\n118.2 24\n118.2 24.2");
    await hands.click(drawIt());
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toHaveLength(1));
    const { geometry } = inputs()[0] as { geometry: MultiPolygon };
    const { coordinates } = geometry;
    expect(coordinates).toHaveLength(2);
    expect(coordinates).toContainEqual(other);
    expect(coordinates.find(([ring]) => ring?.[1]?.[0] === 118.2)?.[1]).toEqual(hole);
    // Drawing knows no holes: that part is shown beneath it.
    const shown = maps[0]?.getSource("overlay")?.data?.features ?? [];
    expect(shown.map(({ geometry }) => (geometry as Polygon).coordinates.length)).toEqual([2]);
  });
});

describe("a site that was not checked yet", () => {
  it("is there again after a reload, on the map and in the text", async () => {
    keep("draft.compliance", SITE);
    const { hands, inputs } = opened();
    expect(corners().value).toBe(TYPED);
    await drawable();
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: SITE }]));
  });
  it("keeps its verdict in the other language's map", async () => {
    keep("draft.compliance", SITE);
    const { hands } = opened();
    await drawable();
    await hands.click(checkButton());
    await screen.findByText("Pass");
    await act(async () => {
      lang.value = "zh";
    });
    await drawable("zh");
    expect(screen.getByText("通过")).toBeTruthy();
    expect(corners().value).toBe(TYPED);
  });
  it("survives with more digits than the drawing has", async () => {
    const fine: Polygon = {
      type: "Polygon",
      coordinates: [
        [
          [118.012345678912, 24.012345678912],
          [118.112345678912, 24],
          [118.1, 24.1],
          [118.012345678912, 24.012345678912],
        ],
      ],
    };
    keep("draft.compliance", fine);
    const { hands, inputs } = opened();
    await drawable();
    expect(isOff(checkButton())).toBe(false);
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toHaveLength(1));
    const { geometry } = inputs()[0] as { geometry: Polygon };
    const [[at] = []] = geometry.coordinates;
    expect(at?.[0]).toBeCloseTo(118.012345679, 9);
  });
  it("leaves a browser that kept nonsense without a site", async () => {
    localStorage.setItem("shanhai.draft.compliance", "{");
    opened();
    await drawable();
    expect(corners().value).toBe("");
    expect(isOff(checkButton())).toBe(true);
  });
});

describe("a check", () => {
  async function ready(answers: Parameters<typeof serveChecks>[0] = {}) {
    keep("draft.compliance", SITE);
    const screenOf = opened(answers);
    await drawable();
    return screenOf;
  }

  it("is asked for once, however often one clicks", async () => {
    let answer = (_: object) => {};
    const { hands, inputs } = await ready();
    const slow = new Promise<object>((resolve) => {
      answer = resolve;
    });
    const before = globalThis.fetch;
    globalThis.fetch = async (...asked) => {
      const given = await before(...asked);
      if (String((asked[0] as Request).url).endsWith("/execution")) await slow;
      return given;
    };
    await hands.click(checkButton());
    await waitFor(() => expect(checkButton().getAttribute("aria-busy")).toBe("true"));
    await hands.click(checkButton());
    answer({});
    expect(await screen.findByText("Pass")).toBeTruthy();
    expect(inputs()).toHaveLength(1);
    expect(isOff(checkButton())).toBe(false);
  });
  it("that is refused says at what, and can be asked for again", async () => {
    let bad = true;
    const { hands } = await ready({
      [EXECUTION]: () =>
        bad
          ? refused(400, "the geometry crosses itself", [
              { pointer: "/inputs/geometry", detail: "self-intersection at 118.05 24.02" },
            ])
          : { result: checked() },
    });
    await hands.click(checkButton());
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("the geometry crosses itself");
    expect(alert.textContent).toContain("self-intersection at 118.05 24.02");
    bad = false;
    await hands.click(checkButton());
    await screen.findByText("Pass");
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("takes the verdict before away when it is refused", async () => {
    let down = false;
    const { hands } = await ready({
      [EXECUTION]: () => (down ? refused(503, "too busy") : { result: checked() }),
    });
    await hands.click(checkButton());
    await screen.findByText("Pass");
    down = true;
    await hands.click(checkButton());
    expect(await screen.findByText("too busy")).toBeTruthy();
    expect(screen.queryByText("Pass")).toBeNull();
  });
  it("of a place so large that it is a job says so", async () => {
    const { hands } = await ready({
      [EXECUTION]: Response.json({ jobID: "j1", status: "accepted" }, { status: 201 }),
    });
    await hands.click(checkButton());
    expect((await screen.findByRole("alert")).textContent).toContain("a job has begun");
  });
  it("is over when the site is another", async () => {
    const { hands } = await ready();
    await hands.click(checkButton());
    await screen.findByText("Pass");
    type("118 24\n118.2 24\n118.2 24.2");
    await hands.click(drawIt());
    expect(screen.queryByText("Pass")).toBeNull();
  });
  it("needs nobody to be signed in, and sends no proof then", async () => {
    const { hands, sent } = await ready();
    await hands.click(checkButton());
    await screen.findByText("Pass");
    const asked = sent.find(({ method }) => method === "POST");
    expect(asked?.headers.has("X-CSRF-Token")).toBe(false);
  });
});

describe("what is to be done there", () => {
  const activity = (name: string) => screen.findByRole("checkbox", { name });
  async function ready() {
    keep("draft.compliance", SITE);
    const screenOf = opened();
    await drawable();
    return screenOf;
  }

  it("is building where nothing is named, and then nothing is sent of it", async () => {
    const { hands, inputs } = await ready();
    expect(screen.getByText("usually: development")).toBeTruthy();
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()).toEqual([{ geometry: SITE }]));
  });
  it("is sent by its codes in the order of choosing", async () => {
    const { hands, inputs } = await ready();
    await hands.click(await activity("Tourism"));
    await hands.click(await activity("Mining"));
    expect(screen.getByText("2", { selector: ".count" })).toBeTruthy();
    await hands.click(checkButton());
    await waitFor(() => expect(inputs()[0]?.activities).toEqual(["tourism", "mining"]));
  });
  it("asks anew when it is another", async () => {
    const { hands } = await ready();
    await hands.click(checkButton());
    await screen.findByText("Pass");
    await hands.click(await activity("Mining"));
    expect(screen.queryByText("Pass")).toBeNull();
    await hands.click(await activity("Mining"));
    expect(screen.getByText("usually: development")).toBeTruthy();
  });
  it("is found by a part of its name, those chosen stay in sight", async () => {
    const { hands } = await ready();
    await hands.click(await activity("Tourism"));
    await hands.type(screen.getByRole("searchbox", { name: "Filter activities" }), " MINING ");
    const names = screen.getAllByRole("checkbox").map((box) => box.closest("label")?.textContent);
    expect(names).toEqual(["Mining", "Sand mining", "Tourism"]);
    await hands.click(await activity("Tourism"));
    expect(screen.queryByRole("checkbox", { name: "Tourism" })).toBeNull();
  });
  it("has Chinese words", async () => {
    opened({}, "zh");
    expect(await activity("采砂")).toBeTruthy();
    expect(screen.getByText("默认：开发建设")).toBeTruthy();
  });
});
