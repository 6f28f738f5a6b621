import { useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import {
  type Answer,
  act,
  cleanup,
  fireEvent,
  open,
  refused,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { jobOf } from "../../kit/testing_jobs";
import { Sites, siteAt } from "./sites";
import { csv, GROUND } from "./testing";

const PLANNER = { scopes: ["read", "jobs"] as const };

/** A square of a tenth of a degree, with a hole where asked. */
const plot = (code: string, west: number, holed = false) => {
  const square = (by: number) => [
    [west + by, 24 + by],
    [west + 0.1 - by, 24 + by],
    [west + 0.1 - by, 24.1 - by],
    [west + by, 24.1 - by],
    [west + by, 24 + by],
  ];
  return {
    type: "Feature" as const,
    id: code,
    geometry: {
      type: "MultiPolygon" as const,
      coordinates: [holed ? [square(0), square(0.03)] : [square(0)]],
    },
    properties: { code, name_zh: `地块${code}`, name_en: `Plot ${code}` },
  };
};
const SHAPES: FeatureCollection = {
  type: "FeatureCollection",
  features: [plot("a", 118), plot("b", 118.2, true), plot("c", 118.4)],
};
const TABLE = [
  "\uFEFFcode,name_zh,name_en,phase,area_ha,cost,chosen",
  "a,地块a,Plot a,一期,12.50,1000.00,True",
  "b,地块b,Plot b,二期,7.0,250.10,True",
  "c,地块c,Plot c,,9,300,False",
].join("\r\n");
const FRONT =
  "cost,gain,gap,status,sites,codes\r\n0,0,0,optimal,0,\r\n250.1,3,0,optimal,1,b\r\n1250.1,8,0,optimal,2,a b";
const STATISTICS = {
  alternatives: [{ cost: 1300, objective: 7.25, sites: ["a", "c"] }],
};
const file = (output: string, type: string) => ({
  href: `/jobs/j1/results/${output}`,
  rel: "item",
  type,
  title: output,
});
const RESULTS = {
  table: file("table", "text/csv"),
  sites: file("sites", "application/geo+json"),
  pareto: file("pareto", "text/csv"),
  statistics: file("statistics", "application/json"),
};
const selection = (id: string, created: string) =>
  jobOf(id, "select-sites", { status: "successful", created });

const answers = (more: Record<string, Answer> = {}): Record<string, Answer> => ({
  ...GROUND,
  "GET /jobs": { jobs: [selection("j1", "2024-05-06T02:00:00Z")], links: [] },
  "GET /jobs/{}/results": RESULTS,
  "GET /jobs/{}/results/table": () => csv(TABLE),
  "GET /jobs/{}/results/sites": SHAPES,
  "GET /jobs/{}/results/pareto": () => csv(FRONT),
  "GET /jobs/{}/results/statistics": STATISTICS,
  ...more,
});

const rows = (name: string) =>
  within(screen.getByRole("region", { name }))
    .getAllByRole("row")
    .slice(1)
    .map((row) => [...row.children].map(({ textContent }) => textContent));
const colours = () =>
  Object.fromEntries(
    (maps[0]?.getSource("overlay")?.data?.features ?? []).map(({ id, properties }) => [
      id,
      properties?.color,
    ]),
  );

let chosen: [string, boolean | undefined][] = [];

/** The screen with the job that its address names. */
function Shown({ job }: { job?: string }) {
  const now = useSignal(job);
  return (
    <Sites
      job={now.value}
      onChoose={(id, instead) => {
        chosen.push([id, instead]);
        now.value = id;
      }}
    />
  );
}

async function opened(more: Record<string, Answer> = {}, lang: "zh" | "en" = "en", job?: string) {
  chosen = [];
  const sent = serve(answers(more));
  const hands = open(<Shown {...(job ? { job } : {})} />, { ...PLANNER, lang });
  await screen.findByRole("heading", { name: lang === "en" ? "2 sites chosen" : "选中 2 处" });
  return { sent, hands };
}

describe("sites that were chosen", () => {
  it("are listed with areas in hectares and costs as people write them", async () => {
    await opened();
    expect(rows("Sites chosen")).toEqual([
      ["Plot a", "一期", "12.50", "0.1 ×10⁴ CNY"],
      ["Plot b", "二期", "7.00", "0.02501 ×10⁴ CNY"],
    ]);
  });

  it("stand on the map apart from candidates that were left", async () => {
    await opened();
    await waitFor(() => expect(Object.keys(colours())).toHaveLength(3));
    expect(colours().a).toBe(colours().b);
    expect(colours().a).not.toBe(colours().c);
    expect(maps[0]?.bounds).toEqual([
      [118, 24],
      [118.5, 24.1],
    ]);
  });

  it("are marked and gone to on the map by their row", async () => {
    const { hands } = await opened();
    await waitFor(() => expect(Object.keys(colours())).toHaveLength(3));
    await hands.click(screen.getByRole("button", { name: "Plot a" }));
    await waitFor(() => expect(colours().a).not.toBe(colours().b));
    expect(maps[0]?.bounds[1][0]).toBeCloseTo(118.1, 6);
  });

  it("are marked in the table by a click on the map; others and holes are none", async () => {
    await opened();
    await waitFor(() => expect(maps).toHaveLength(1));
    const marked = () =>
      screen.getByRole("region", { name: "Sites chosen" }).querySelector("tr.chosen")?.textContent;
    await act(async () => maps[0]?.click(118.05, 24.05));
    await waitFor(() => expect(marked()).toContain("Plot a"));
    await act(async () => maps[0]?.click(118.25, 24.05));
    await act(async () => maps[0]?.click(118.45, 24.05));
    expect(marked()).toContain("Plot a");
  });

  it("can be had as a file", async () => {
    await opened();
    expect(screen.getByRole("link", { name: "Download the sites" }).getAttribute("href")).toMatch(
      /\/jobs\/j1\/results\/sites$/,
    );
  });

  it("are told in Chinese", async () => {
    await opened({}, "zh");
    expect(rows("选中的地块").map(([name]) => name)).toEqual(["地块a", "地块b"]);
    expect(rows("备选方案")[0]?.[0]).toBe("最优方案");
  });
});

describe("a site at a place", () => {
  const all = new Set(["a", "b", "c"]);
  it.each([
    ["within one", [118.05, 24.05], all, "a"],
    ["in a hole", [118.25, 24.05], all, null],
    ["between hole and border", [118.21, 24.05], all, "b"],
    ["beside all", [119, 24.05], all, null],
    ["of another plan", [118.45, 24.05], new Set(["a"]), null],
  ] as const)("%s", (_, place, taken, found) => {
    expect(siteAt(SHAPES, taken, [...place])).toBe(found);
  });
});

describe("the budget", () => {
  it("reaches the dearest plan it pays for, and no dearer one", async () => {
    await opened();
    const slider = screen.getByRole("slider", { name: /Budget/ }) as HTMLInputElement;
    expect(slider.value).toBe("1250.1");
    expect(screen.getByText(/gain 8, 2 sites/)).toBeTruthy();
    await act(async () => {
      fireEvent.input(slider, { target: { value: "1250" } });
    });
    expect(screen.getByText(/gain 3, 1 sites/)).toBeTruthy();
    await act(async () => {
      fireEvent.input(slider, { target: { value: "100" } });
    });
    expect(screen.getByText(/gain 0, 0 sites/)).toBeTruthy();
  });

  it("shows on map and table what it buys, until another plan is looked at", async () => {
    const { hands } = await opened();
    const listed = () => rows("Sites chosen").length;
    const slider = screen.getByRole("slider", { name: /Budget/ }) as HTMLInputElement;
    expect(screen.getByText(/Move the slider/)).toBeTruthy();
    await act(async () => {
      fireEvent.input(slider, { target: { value: "300" } });
    });
    expect(listed()).toBe(1);
    expect(screen.getByText(/Map and table show it/)).toBeTruthy();
    await act(async () => {
      fireEvent.input(slider, { target: { value: "100" } });
    });
    expect(screen.queryByRole("region", { name: "Sites chosen" })).toBeNull();
    await hands.click(screen.getByRole("button", { name: "The best one" }));
    expect(listed()).toBe(2);
  });

  it("is not asked where there is no front", async () => {
    const { pareto: _, ...without } = RESULTS;
    const { sent } = await opened({ "GET /jobs/{}/results": without });
    expect(screen.queryByRole("slider")).toBeNull();
    expect(sent.some(({ path }) => path.endsWith("/pareto"))).toBe(false);
  });
});

describe("alternatives", () => {
  it("tell their cost and what they have in common with the best plan", async () => {
    await opened();
    const [best, other] = rows("Alternatives");
    expect(best?.[0]).toBe("The best one");
    expect(best?.slice(3)).toEqual(["2", "2"]);
    expect(other?.[0]).toBe("Alternative 1");
    expect(other?.slice(2)).toEqual(["7.25", "2", "1"]);
  });

  it("show their own sites in table and map, and the best plan's again", async () => {
    const { hands } = await opened();
    await waitFor(() => expect(Object.keys(colours())).toHaveLength(3));
    await hands.click(screen.getByRole("button", { name: "Plot b" }));
    await hands.click(screen.getByRole("button", { name: "Alternative 1" }));
    expect(rows("Sites chosen").map(([name]) => name)).toEqual(["Plot a", "Plot c"]);
    // What was marked is no part of this plan.
    await waitFor(() => expect(colours().a).toBe(colours().c));
    expect(colours().b).not.toBe(colours().a);
    await hands.click(screen.getByRole("button", { name: "The best one" }));
    expect(rows("Sites chosen").map(([name]) => name)).toEqual(["Plot a", "Plot b"]);
  });

  it("are not shown where none were asked for", async () => {
    await opened({ "GET /jobs/{}/results/statistics": { alternatives: [] } });
    expect(screen.queryByRole("heading", { name: "Alternatives" })).toBeNull();
  });
});

describe("selections", () => {
  it("are chosen among, the newest first", async () => {
    const jobs = [selection("j1", "2024-05-06T02:00:00Z"), selection("j2", "2024-05-05T02:00:00Z")];
    const { sent, hands } = await opened({ "GET /jobs": { jobs, links: [] } });
    const asked = (id: string) => sent.some(({ path }) => path === `/jobs/${id}/results/table`);
    expect([asked("j1"), asked("j2")]).toEqual([true, false]);
    await hands.selectOptions(screen.getByLabelText("Selection"), "j2");
    await waitFor(() => expect(asked("j2")).toBe(true));
  });

  it("are in the address: the newest in place of none, another by choice", async () => {
    const jobs = [selection("j1", "2024-05-06T02:00:00Z"), selection("j2", "2024-05-05T02:00:00Z")];
    const { hands } = await opened({ "GET /jobs": { jobs, links: [] } });
    await waitFor(() => expect(chosen).toEqual([["j1", true]]));
    await hands.selectOptions(screen.getByLabelText("Selection"), "j2");
    expect(chosen.at(-1)).toEqual(["j2", undefined]);
    const link = screen.getByRole("link", { name: "Show the job in compute" });
    expect(link.getAttribute("href")).toBe("/console/compute?job=j2");
  });

  it("are shown by their address, also older than all that are listed", async () => {
    const { sent } = await opened(
      { "GET /jobs/old": selection("old", "2020-01-01T02:00:00Z") },
      "en",
      "old",
    );
    const choice = screen.getByLabelText("Selection") as HTMLSelectElement;
    expect(choice.value).toBe("old");
    expect([...choice.options].map(({ value }) => value)).toEqual(["old", "j1"]);
    expect(sent.some(({ path }) => path === "/jobs/old/results/table")).toBe(true);
    expect(chosen).toEqual([]);
  });

  it("are all to be had, page by page, each once", async () => {
    const next = [{ rel: "next", href: `${location.origin}/jobs?cursor=1` }];
    const old = selection("old", "2020-01-01T02:00:00Z");
    const { hands } = await opened(
      {
        "GET /jobs/old": old,
        "GET /jobs": ({ query }) =>
          query.has("cursor")
            ? { jobs: [selection("j2", "2023-01-01T02:00:00Z"), old], links: [] }
            : { jobs: [selection("j1", "2024-05-06T02:00:00Z")], links: next },
      },
      "en",
      "old",
    );
    const listed = () =>
      [...(screen.getByLabelText("Selection") as HTMLSelectElement).options].map(
        ({ value }) => value,
      );
    expect(listed()).toEqual(["old", "j1"]);
    await hands.click(screen.getByRole("button", { name: "More" }));
    await waitFor(() => expect(listed()).toEqual(["old", "j1", "j2"]));
  });

  it("that are not done, and jobs of another kind, say so", async () => {
    const running = jobOf("now", "select-sites", { status: "running" });
    serve(answers({ "GET /jobs/now": running }));
    open(<Shown job="now" />, PLANNER);
    expect(await screen.findByText("This selection has no result so far.")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Show the job in compute" })).toBeTruthy();
    cleanup();
    serve(answers({ "GET /jobs/zones": jobOf("zones", "delineate-zones", {}) }));
    open(<Shown job="zones" />, PLANNER);
    expect(await screen.findByText("This job is no selection of sites.")).toBeTruthy();
  });

  it("are none at first", async () => {
    serve(answers({ "GET /jobs": { jobs: [], links: [] } }));
    open(<Shown />, PLANNER);
    expect(await screen.findByText("No selection is done yet.")).toBeTruthy();
  });

  it("that are refused say why, and are asked for again", async () => {
    let gone = true;
    serve(
      answers({
        "GET /jobs/{}/results": () =>
          gone ? refused(410, "the files were cleared away") : RESULTS,
      }),
    );
    const hands = open(<Shown />, PLANNER);
    expect(await screen.findByText("the files were cleared away")).toBeTruthy();
    gone = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { name: "2 sites chosen" })).toBeTruthy();
  });
});
