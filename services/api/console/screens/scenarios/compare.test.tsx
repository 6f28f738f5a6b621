import type { FeatureCollection } from "geojson";
import { useState } from "preact/hooks";
import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import { type Answer, open, screen, serve, waitFor, within } from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import { Compare } from "./compare";
import Scenarios from "./scenarios";
import { csv, GROUND } from "./testing";

const PLANNER = { scopes: ["read", "jobs"] as const };
const HEAD = "\uFEFFgroup,item,name_zh,name_en,unit,before,after,change,change_percent\r\n";

const scenario = (id: string, more: Partial<Schema<"StatusInfo">> = {}) =>
  jobOf(id, "run-scenario", { created: "2024-05-06T02:00:00Z", ...more });
const done = (id: string, title?: string) =>
  scenario(id, { status: "successful", ...(title ? { title } : {}) });

const file = (id: string, output: string, type: string) => ({
  href: `/jobs/${id}/results/${output}`,
  rel: "item",
  type,
  title: output,
});
const lines = (change: string): FeatureCollection => ({
  type: "FeatureCollection",
  features: [
    {
      type: "Feature",
      geometry: {
        type: "LineString",
        coordinates: [
          [118, 24],
          [118.1, 24.1],
        ],
      },
      properties: { change, name_zh: null, name_en: null },
    },
  ],
});
const edited: FeatureCollection = {
  type: "FeatureCollection",
  features: [
    {
      type: "Feature",
      geometry: { type: "Point", coordinates: [118, 24] },
      properties: { kind: "restore", cover: "forest", name_zh: "造林", name_en: "New wood" },
    },
  ],
};

/** What the service says of jobs, each with its table and layers. */
function answers(
  jobs: Schema<"StatusInfo">[],
  tables: Record<string, string>,
  layers: Record<string, object> = {},
): Record<string, Answer> {
  return {
    ...GROUND,
    "GET /jobs": ({ query }) => ({
      jobs: jobs.filter(({ status }) => query.getAll("status").includes(status)),
      links: [],
    }),
    "GET /jobs/{}/results": ({ path }) => {
      const id = path.split("/")[2] ?? "";
      return {
        layers: layers[id] ?? {},
        table: file(id, "table", "text/csv"),
        corridor_lines: file(id, "corridor_lines", "application/geo+json"),
        edits: file(id, "edits", "application/geo+json"),
      };
    },
    "GET /jobs/{}/results/table": ({ path }) =>
      csv(HEAD + (tables[path.split("/")[2] ?? ""] ?? "")),
    "GET /jobs/{}/results/corridor_lines": ({ path }) =>
      lines(path.includes("/a/") ? "opened" : "closed"),
    "GET /jobs/{}/results/edits": edited,
  };
}

/** Tells what became of a job, once the screen follows it. */
function news() {
  const { followed, tell } = follow();
  return async (job: Schema<"StatusInfo">) => {
    await waitFor(() => expect(followed(job.jobID)).toBe(true));
    await tell(job);
  };
}

/** The screen with what is chosen kept, as its address keeps it. */
function Chosen({ from = [] }: { from?: string[] }) {
  const [chosen, choose] = useState(from);
  return <Compare chosen={chosen} onChoose={choose} />;
}

const cells = () =>
  within(screen.getByRole("region", { name: /Differences|情景差异/ }))
    .getAllByRole("row")
    .map((row) => [...row.children].map(({ textContent }) => textContent));

describe("choosing scenarios", () => {
  it("calls them by their titles, with the time beside; by the time where there is none", async () => {
    serve(answers([done("a", "Green gap"), done("b")], {}));
    follow();
    open(<Chosen />, PLANNER);
    expect(await screen.findByRole("checkbox", { name: /^Green gap 2024/ })).toBeTruthy();
    expect(screen.getByRole("checkbox", { name: /^Scenario 2024/ })).toBeTruthy();
  });

  it("offers those that are done, and takes four at most", async () => {
    serve(
      answers(
        ["a", "b", "c", "d", "e"]
          .map((id) => done(id, `S ${id}`))
          .concat(scenario("f", { title: "F" })),
        {},
      ),
    );
    follow();
    const hands = open(<Chosen />, PLANNER);
    for (const id of ["a", "b", "c", "d"])
      await hands.click(await screen.findByRole("checkbox", { name: new RegExp(`^S ${id}`) }));
    const fifth = screen.getByRole("checkbox", { name: /^S e/ }) as HTMLInputElement;
    expect(fifth.disabled).toBe(true);
    expect(screen.queryByRole("checkbox", { name: /^F/ })).toBeNull();
    await hands.click(screen.getByRole("checkbox", { name: /^S a/ }));
    expect(fifth.disabled).toBe(false);
  });

  it("offers older ones page by page, and those of the address as soon as they are known", async () => {
    const next = [{ rel: "next", href: `${location.origin}/jobs?cursor=1` }];
    serve({
      ...answers([], {}),
      "GET /jobs": ({ query }) =>
        query.has("cursor")
          ? { jobs: [done("b", "Older"), done("c", "Oldest")], links: [] }
          : { jobs: [done("a", "Newest")], links: next },
    });
    const tell = news();
    const hands = open(<Chosen from={["c", "f"]} />, PLANNER);
    const offered = () =>
      screen.queryAllByRole("checkbox", { name: /^(New|Old|F)/ }).map((box) => {
        const { checked, parentElement } = box as HTMLInputElement;
        return [parentElement?.textContent?.split(" ")[0], checked];
      });
    await tell(done("c", "Oldest"));
    await tell(scenario("f", { title: "F", status: "running" }));
    expect(offered()).toEqual([
      ["Oldest", true],
      ["F", true],
      ["Newest", false],
    ]);
    await hands.click(screen.getByText("Choose two to four"));
    await hands.click(screen.getByRole("button", { name: "More" }));
    await waitFor(() =>
      expect(offered()).toEqual([
        ["F", true],
        ["Newest", false],
        ["Older", false],
        ["Oldest", true],
      ]),
    );
    await hands.click(screen.getByRole("checkbox", { name: /^F/ }));
    expect(screen.queryByRole("checkbox", { name: /^F/ })).toBeNull();
  });

  it("says where there is none", async () => {
    serve(answers([], {}));
    open(<Chosen />, PLANNER);
    expect(await screen.findByText("No scenario is done yet.")).toBeTruthy();
  });
});

describe("scenarios beside each other", () => {
  const tables = {
    a: "network,pc,连通概率,PC,1,0.1000,0.1200,0.02,20\r\nlinks,opened,新增廊道,Opened,1,,2,,\r\n",
    b: "network,pc,连通概率,PC,1,0.1000,3.407e-14,,\r\nareas,forest,林地面积,Forest,ha,7.50,8,,\r\n",
  };

  async function compared(layers = {}, lang: "zh" | "en" = "en") {
    const sent = serve(answers([done("a", "Gap"), done("b", "Wall")], tables, layers));
    const tell = news();
    const hands = open(<Chosen from={["a", "b"]} />, { ...PLANNER, lang });
    await screen.findByText(lang === "en" ? "Choose two to four" : "选二至四个情景");
    await tell(done("a", "Gap"));
    await tell(done("b", "Wall"));
    await screen.findByRole("region", { name: /Differences|情景差异/ });
    return { sent, hands };
  }

  it("have one table whose figures are those of the results, to the digit", async () => {
    await compared();
    expect(cells()).toEqual([
      ["What", "Unit", "Before", "Gap", "Wall"],
      ["PC", "", "0.1000", "0.1200", "3.407e-14"],
      ["Opened", "", "–", "2", "–"],
      ["Forest", "ha", "7.50", "–", "8"],
    ]);
  });

  it("are told in Chinese", async () => {
    await compared({}, "zh");
    expect(cells().map(([first]) => first)).toEqual(["项目", "连通概率", "新增廊道", "林地面积"]);
    expect(
      within(screen.getByRole("list", { name: "廊道图例" })).getByText("消失廊道"),
    ).toBeTruthy();
  });

  it("have a map each with edits and corridors, in the colour of what became of them", async () => {
    await compared();
    expect(await screen.findByRole("region", { name: "Gap" })).toBeTruthy();
    await waitFor(() => expect(maps).toHaveLength(2));
    const drawn = () => maps.map((map) => map.getSource("overlay")?.data?.features ?? []);
    await waitFor(() => expect(drawn().map(({ length }) => length)).toEqual([2, 2]));
    const [first, second] = drawn().map(([, line]) => line?.properties?.color);
    expect(first).not.toBe(second);
    expect(drawn()[0]?.[0]?.properties?.label).toBe("New wood");
  });

  it("have maps in step", async () => {
    await compared();
    await waitFor(() => expect(maps).toHaveLength(2));
    const moved: unknown[] = [];
    const [one, other] = maps;
    if (!one || !other) throw new Error("no maps");
    other.jumpTo = (...to: unknown[]) => {
      moved.push(...to);
    };
    await waitFor(() => expect(one.handlers.get("move")?.length).toBeGreaterThan(0));
    one.fire("move");
    expect(moved).toHaveLength(1);
  });

  it("show a raster of their own, and none that another scenario has published since", async () => {
    const own = (id: string) => ({ corridors_after: `corridors_after.${id}` });
    const shown: string[] = [];
    const sent = serve({
      ...answers([done("a", "Gap"), done("b", "Wall")], tables, { a: own("a"), b: own("b") }),
      "GET /tiles/layers/{}/style.json": ({ path }) => {
        shown.push(path.split("/")[3] ?? "");
        return { version: 8, sources: {}, layers: [] };
      },
    });
    const tell = news();
    open(<Chosen from={["a", "b"]} />, PLANNER);
    await screen.findByText("Choose two to four");
    await tell(done("a", "Gap"));
    await tell(done("b", "Wall"));
    await waitFor(() => expect(shown).toEqual(expect.arrayContaining(["corridors_after.a"])));
    expect(shown).toContain("corridors_after.b");
    expect(sent.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("show no raster that they share", async () => {
    const same = { corridors_after: "corridors_after.xiamen" };
    const { sent } = await compared({ a: same, b: same });
    await waitFor(() => expect(maps).toHaveLength(2));
    expect(sent.some(({ path }) => path.includes("corridors_after."))).toBe(false);
  });
});

describe("scenarios that go on", () => {
  it("are followed with their progress until they stand beside each other", async () => {
    serve(
      answers([], { a: "network,pc,连通,PC,1,1,2,,\r\n", b: "network,pc,连通,PC,1,1,3,,\r\n" }),
    );
    const tell = news();
    open(<Chosen from={["a", "b"]} />, PLANNER);
    await screen.findByText("Choose two to four");
    await tell(scenario("a", { title: "Gap", status: "running", progress: 40, message: "paths" }));
    await tell(scenario("b", { title: "Wall" }));
    expect(await screen.findByRole("heading", { name: "Being computed" })).toBeTruthy();
    const bar = screen.getByRole("progressbar", { name: "Gap" }) as HTMLProgressElement;
    expect(bar.value).toBe(40);
    expect(screen.queryByRole("region", { name: "Differences" })).toBeNull();
    await tell(done("a", "Gap"));
    await screen.findByRole("region", { name: "Differences" });
    expect(cells()[1]).toEqual(["PC", "", "1", "2"]);
    expect(screen.queryByRole("progressbar", { name: "Gap" })).toBeNull();
    await tell(done("b", "Wall"));
    await waitFor(() => expect(cells()[1]).toEqual(["PC", "", "1", "2", "3"]));
    expect(screen.queryByRole("heading", { name: "Being computed" })).toBeNull();
  });

  it("are not shown as running where the service is away, until it is back", async () => {
    serve(answers([], {}));
    const { followed, tell, lose, regain } = follow();
    open(<Chosen from={["a"]} />, PLANNER);
    await waitFor(() => expect(followed("a")).toBe(true));
    await lose("a");
    expect(screen.getByRole("alert").textContent).toContain("The connection has been lost since");
    await tell(scenario("a", { title: "Gap", status: "running", progress: 40 }));
    expect(screen.getByRole("progressbar", { name: "Gap" })).toBeTruthy();
    await lose("a");
    expect(screen.getByRole("alert").textContent).toContain("The connection has been lost since");
    expect(screen.queryByRole("progressbar")).toBeNull();
    await regain("a");
    expect(screen.getByRole("progressbar", { name: "Gap" })).toBeTruthy();
    expect(screen.getByText("running")).toBeTruthy();
  });

  it("are cancelled, and failed ones say why", async () => {
    const sent = serve({
      ...answers([], {}),
      "DELETE /jobs/a": scenario("a", { status: "dismissed" }),
    });
    const tell = news();
    const hands = open(<Chosen from={["a", "b"]} />, PLANNER);
    await screen.findByText("Choose two to four");
    await tell(scenario("a", { title: "Gap", status: "running" }));
    await tell(scenario("b", { title: "Wall", status: "failed", message: "no land cover" }));
    expect(await screen.findByText(/no land cover/)).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Cancel" }));
    expect(sent.at(-1)).toMatchObject({ method: "DELETE", path: "/jobs/a" });
    await tell(scenario("a", { title: "Gap", status: "dismissed" }));
    expect(await screen.findByText("cancelled")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Gap" }).getAttribute("href")).toBe(
      "/console/compute?job=a",
    );
  });
});

describe("the screen", () => {
  it("is told to the public, which sees no jobs", async () => {
    const sent = serve({});
    open(<Scenarios />, { lang: "zh" });
    expect(await screen.findByText("登录并具有分析角色后可以比较情景。")).toBeTruthy();
    expect(sent).toEqual([]);
  });

  it("keeps what is compared in its address", async () => {
    serve(answers([done("a", "Gap"), done("b", "Wall")], {}));
    const { followed } = follow();
    const hands = open(<Scenarios />, { ...PLANNER, query: "tab=compare&jobs=a" });
    await waitFor(() => expect(followed("a")).toBe(true));
    expect(followed("b")).toBe(false);
    await hands.click(screen.getByText("Choose two to four"));
    await hands.click(await screen.findByRole("checkbox", { name: /^Wall/ }));
    await waitFor(() => expect(followed("b")).toBe(true));
    expect(new URLSearchParams(location.search).get("jobs")).toBe("a,b");
  });
});
