import { useSignal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { recall } from "../../kit/kept";
import type { LayerListed } from "../../kit/map/layers";
import {
  type Answer,
  cleanup,
  open,
  refused,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import { Notices } from "../../kit/ui";
import { narrowing } from "./layers";
import { Sheets } from "./sheets";

const layer = (id: string, kind: "vector" | "raster", en: string, theme = ""): LayerListed => ({
  id,
  kind,
  title_zh: en,
  title_en: en,
  theme: theme || id,
  bounds: null,
  version: "1",
});
const text = (title: string) => ({ title, type: "string", maxLength: 2000 });
const features = {
  type: "object",
  properties: {
    kind: { type: "string", enum: ["features"] },
    collection: { type: "string", enum: ["zones", "projects", "corridors"] },
    scheme: text("Scheme"),
    plan: text("Plan"),
    filter: text("Filter"),
    labels: { type: "boolean", title: "Labels" },
  },
};
const raster = { type: "object", properties: { kind: {}, theme: {}, job: {}, dataset: {} } };
const layers = { type: "array", items: { oneOf: [raster, features] } };

const described = {
  id: "compose-map-sheet",
  inputs: {
    layers: { title: "Layers", description: "From the lowest up", schema: layers },
    bbox: {
      title: "Bounding box",
      description: "West, south, east, north in degrees; default: the region",
      schema: { type: "array", items: { type: "number" }, minItems: 4, maxItems: 4 },
    },
  },
};
const collection = (features: object[]) => ({ type: "FeatureCollection", features, links: [] });
const scheme = (code: string, version: number, name: string, region = "xiamen") => ({
  type: "Feature",
  id: code,
  geometry: null,
  properties: { code, version, region, name_zh: name, name_en: name },
});

const given: Record<string, Answer> = {
  "GET /tiles/layers": {
    layers: [
      layer("zones.xiamen", "raster", "Zones drawn", "zones"),
      layer("zones", "vector", "Zones"),
      layer("projects", "vector", "Projects"),
      layer("plans", "vector", "Plans"),
      layer("ndvi.banan", "raster", "Green of Banan", "ndvi"),
    ],
  },
  "GET /processes/compose-map-sheet": described,
  "GET /collections/datasets/items": collection([]),
  "GET /collections/zone_schemes/items": collection([
    scheme("five", 2, "Five zones"),
    scheme("five", 1, "Five zones, once"),
    scheme("nine", 1, "Nine zones"),
    scheme("bay", 1, "Bay", "xiamen.siming"),
  ]),
  "GET /jobs": { jobs: [], links: [] },
};
const analyst = { scopes: ["read", "jobs"] } as const;

function Chooser({ first }: { first: string | undefined }) {
  const job = useSignal(first);
  return (
    <>
      <Sheets
        job={job.value}
        onJob={(id) => {
          job.value = id;
        }}
      />
      <Notices />
    </>
  );
}

function show(answers: Record<string, Answer> = {}, job?: string, who: object = analyst) {
  const sent = serve({ ...given, ...answers });
  const events = follow();
  const hands = open(<Chooser first={job} />, who);
  const started = () => sent.filter(({ method }) => method === "POST");
  return { sent, hands, events, started };
}

const PATH = "/processes/compose-map-sheet/execution";
const accepted = { [`POST ${PATH}`]: jobOf("j1", "compose-map-sheet") };
const compose = () => screen.findByRole("button", { name: "Compose the sheet" });
const add = () => screen.getByLabelText<HTMLSelectElement>("Add a layer");
const lines = () => [...document.querySelectorAll(".layer-line > span:first-child")];
const onSheet = () => lines().map(({ textContent }) => textContent);
const inputsOf = (started: ReturnType<typeof show>["started"]) =>
  (started().at(-1)?.body as { inputs: Record<string, unknown> } | undefined)?.inputs;

describe("the layers of a sheet", () => {
  it("begin with the zoning of the region, and offer what is the region's", async () => {
    show();
    await compose();
    expect(onSheet()).toEqual(["Zones drawn"]);
    expect([...add().options].map(({ text }) => text)).toEqual([
      "Add a layer…",
      "Zones",
      "Projects",
    ]);
  });

  it("are put in order by keyboard, left out and put on again", async () => {
    const { hands } = show();
    await compose();
    await hands.selectOptions(add(), "Projects");
    screen.getByRole("button", { name: "Lower: Projects" }).focus();
    await hands.keyboard("{Enter}");
    expect(onSheet()).toEqual(["Projects", "Zones drawn"]);
    expect(screen.getByRole("button", { name: "Lower: Projects" })).toHaveProperty(
      "disabled",
      true,
    );
    await hands.click(screen.getByRole("button", { name: "Leave out: Zones drawn" }));
    expect(onSheet()).toEqual(["Projects"]);
    await hands.selectOptions(add(), "Zones drawn");
    expect(onSheet()).toEqual(["Projects", "Zones drawn"]);
  });

  it("are at least one", async () => {
    const { hands } = show();
    await compose();
    await hands.click(screen.getByRole("button", { name: "Leave out: Zones drawn" }));
    expect(await compose()).toHaveProperty("disabled", true);
  });

  it("are no more than eight", async () => {
    const many = Array.from({ length: 10 }, (_, n) =>
      layer(`t${n}.xiamen`, "raster", `Theme ${n}`, `t${n}`),
    );
    const { hands } = show({ "GET /tiles/layers": { layers: many } });
    await compose();
    for (let n = 1; n < 8; n++) await hands.selectOptions(add(), `Theme ${n}`);
    expect(onSheet()).toHaveLength(8);
    expect(screen.queryByLabelText("Add a layer")).toBeNull();
  });

  it("of features are narrowed by scheme, plan and filter, and carry names", async () => {
    const { hands, started } = show(accepted);
    await compose();
    await hands.click(screen.getByRole("button", { name: "Leave out: Zones drawn" }));
    await hands.selectOptions(add(), "Zones");
    await hands.click(screen.getByText("Narrow: Zones"));
    await hands.selectOptions(screen.getByLabelText("Scheme"), "Nine zones");
    await hands.selectOptions(screen.getByLabelText("Plan"), "Plan");
    await hands.type(screen.getByLabelText("Filter"), "class = 'A'");
    await hands.click(screen.getByLabelText("Names: Zones"));
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(1));
    expect(inputsOf(started)?.layers).toEqual([
      {
        kind: "features",
        collection: "zones",
        scheme: "nine",
        plan: "xiamen-1",
        filter: "class = 'A'",
        labels: true,
      },
    ]);
  });

  it("offer each scheme once, by the name of its newest version", async () => {
    const { hands } = show();
    await compose();
    await hands.selectOptions(add(), "Zones");
    await hands.click(screen.getByText("Narrow: Zones"));
    const options = [...screen.getByLabelText<HTMLSelectElement>("Scheme").options];
    expect(options.map(({ text }) => text)).toEqual([
      "(none)",
      "Bay · xiamen.siming",
      "Five zones",
      "Nine zones",
    ]);
  });

  it("show at their filter what is wrong with it", async () => {
    const { hands } = show({
      [`POST ${PATH}`]: refused(400, "/inputs/layers/1/filter: there is no property clas", [
        { pointer: "/inputs/layers/1/filter", detail: "there is no property clas" },
      ]),
    });
    await compose();
    await hands.selectOptions(add(), "Projects");
    await hands.click(screen.getByText("Narrow: Projects"));
    await hands.type(screen.getByLabelText("Filter"), "clas = 1");
    await hands.click(await compose());
    await screen.findByText("Layers › no. 2: there is no property clas");
    const [told] = screen.getAllByText("there is no property clas");
    expect(told?.closest(".field")?.querySelector("textarea")?.value).toBe("clas = 1");
  });
});

it("only zones have schemes, and rasters nothing to narrow by", () => {
  const names = (of: Parameters<typeof narrowing>[1]) => Object.keys(narrowing(layers, of));
  expect(names({ kind: "features", collection: "zones" })).toEqual(["scheme", "plan", "filter"]);
  expect(names({ kind: "features", collection: "corridors" })).toEqual(["plan", "filter"]);
  expect(names({ kind: "raster", theme: "ndvi" })).toEqual([]);
  expect(narrowing(undefined, { kind: "features", collection: "zones" })).toEqual({});
});

describe("what is written around a sheet", () => {
  it("is sent with its paper, its words and what differs from the usual", async () => {
    const { hands, started } = show(accepted);
    await compose();
    await hands.selectOptions(screen.getByLabelText(/^Paper/), "A3");
    await hands.selectOptions(screen.getByLabelText(/^Language/), "Both");
    await hands.type(screen.getByLabelText("Title in Chinese"), "厦门市分区图");
    await hands.type(screen.getByLabelText("Number of the sheet"), "XM-07");
    await hands.type(screen.getByLabelText("Dated"), "2026-03-01");
    await hands.click(screen.getByText("More options"));
    await hands.type(screen.getByLabelText(/^Scale/), "250000");
    await hands.selectOptions(screen.getByLabelText("Secrecy"), "Internal");
    await hands.click(screen.getByLabelText("Inset map"));
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(1));
    expect(inputsOf(started)).toEqual({
      region: "xiamen",
      paper: "A3",
      languages: "both",
      title_zh: "厦门市分区图",
      number: "XM-07",
      made_on: "2026-03-01",
      scale: 250000,
      secrecy: "internal",
      inset: false,
      layers: [{ kind: "raster", theme: "zones" }],
    });
    expect(started()[0]?.headers.get("Prefer")).toBe("respond-async");
  });

  it("has an extent of four sides", async () => {
    const { hands, started } = show(accepted);
    await compose();
    await hands.click(screen.getByText("More options"));
    const box = within(screen.getByRole("group", { name: "Bounding box" }));
    for (const [side, value] of Object.entries({
      West: "118.05",
      South: "24.4",
      East: "118.3",
      North: "24.6",
    }))
      await hands.type(box.getByRole("spinbutton", { name: side }), value);
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(1));
    expect(inputsOf(started)?.bbox).toEqual([118.05, 24.4, 118.3, 24.6]);
  });

  it("is not sent with half an extent, and without one once it is emptied", async () => {
    const { hands, started } = show(accepted);
    await compose();
    await hands.click(screen.getByText("More options"));
    const west = screen.getByRole("spinbutton", { name: "West" });
    await hands.type(west, "118");
    await hands.click(await compose());
    expect(started()).toEqual([]);
    await hands.clear(west);
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(1));
    expect(inputsOf(started)).not.toHaveProperty("bbox");
  });

  it("is there again after a reload, until it is thrown away", async () => {
    const first = show();
    await compose();
    await first.hands.type(screen.getByLabelText("Number of the sheet"), "XM-07");
    cleanup();
    const second = show();
    await compose();
    expect(screen.getByLabelText("Number of the sheet")).toHaveProperty("value", "XM-07");
    await second.hands.click(screen.getByRole("button", { name: "Begin anew" }));
    expect(screen.getByLabelText("Number of the sheet")).toHaveProperty("value", "");
    expect(recall("draft.sheet.xiamen")).toBeNull();
  });

  it("is one request however often it is sent, and another once it is changed", async () => {
    const { hands, started } = show({ [`POST ${PATH}`]: refused(503, "the queue is full") });
    await hands.click(await compose());
    await screen.findByText("the queue is full");
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(2));
    await hands.type(screen.getByLabelText("Number of the sheet"), "2");
    await hands.click(await compose());
    await waitFor(() => expect(started()).toHaveLength(3));
    const keys = started().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});

describe("who composes", () => {
  it.each([
    ["the public", {}],
    ["a viewer", { scopes: ["read"] }],
  ])("%s is told who may", async (_, who) => {
    const { sent } = show({}, undefined, who);
    expect(await screen.findByText("Sign in as an analyst to compose sheets.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Compose the sheet" })).toBeNull();
    expect(sent.every(({ path }) => path === "/jobs")).toBe(true);
  });

  it("whoever composes is told where the layers cannot be had", async () => {
    show({ "GET /tiles/layers": refused(503, "no tiles today") });
    expect(await screen.findByText("no tiles today")).toBeTruthy();
  });
});

describe("a sheet", () => {
  const made: Record<string, Answer> = {
    "GET /jobs/j1/results": {
      pdf: { href: "/x", type: "application/pdf", title: "PDF", length: 2048 },
      png: { href: "/y", type: "image/png", title: "PNG" },
    },
    "GET /jobs/j1/results/sheet": { title_zh: "分区图", title_en: "Zoning", scale: 250000 },
  };
  const done = jobOf("j1", "compose-map-sheet", {
    status: "successful",
    finished: "2026-03-01T00:00:00Z",
  });

  it("is followed from its start to its files, and is then among the former ones", async () => {
    let jobs: object[] = [];
    const { hands, events } = show({
      ...accepted,
      ...made,
      "GET /jobs": () => ({ jobs, links: [] }),
    });
    expect(await screen.findByText("No sheets yet.")).toBeTruthy();
    await hands.click(await compose());
    await waitFor(() => expect(events.followed("j1")).toBe(true));
    await events.tell({ ...done, status: "running", progress: 40, message: "Drawing the map" });
    expect(screen.getByRole("progressbar", { name: "Sheet" })).toHaveProperty("value", 40);
    expect(screen.getByText("Drawing the map")).toBeTruthy();
    await events.lose("j1");
    expect(screen.getByRole("alert").textContent).toContain("The connection has been lost since");
    expect(screen.queryByRole("progressbar")).toBeNull();
    jobs = [done];
    await events.tell(done);
    expect(await screen.findByText("1:250,000", { exact: false })).toBeTruthy();
    expect(screen.getByRole("link", { name: /^PDF/ }).getAttribute("href")).toBe(
      `${location.origin}/jobs/j1/results/pdf`,
    );
    expect(screen.getByText("2.0 KiB")).toBeTruthy();
    expect(screen.queryByRole("link", { name: /^SVG/ })).toBeNull();
    expect(screen.getByRole("img", { name: "Zoning" })).toBeTruthy();
    const former = await screen.findByRole("button", { name: "Sheet 2026-03-01 08:00" });
    expect(former.getAttribute("aria-current")).toBe("true");
    expect(events.followed("j1")).toBe(false);
  });

  it("is among the former ones, however many were made since", async () => {
    const { sent, hands } = show({
      "GET /jobs": ({ query }) =>
        query.has("cursor")
          ? { jobs: [{ ...done, jobID: "j0", finished: "2020-03-01T00:00:00Z" }], links: [] }
          : { jobs: [done], links: [{ rel: "next", href: `${location.origin}/jobs?cursor=1` }] },
    });
    expect(await screen.findByRole("button", { name: "Sheet 2026-03-01 08:00" })).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "More" }));
    expect(await screen.findByRole("button", { name: "Sheet 2020-03-01 08:00" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
    expect(sent.filter(({ path }) => path === "/jobs")).toHaveLength(2);
  });

  it("is cancelled while it is made", async () => {
    const { sent, hands, events } = show({ "DELETE /jobs/j1": null }, "j1");
    await events.tell({ ...done, status: "running" });
    await hands.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(await screen.findByText("Cancelled")).toBeTruthy();
    expect(sent.some(({ method, path }) => method === "DELETE" && path === "/jobs/j1")).toBe(true);
    await events.tell({ ...done, status: "dismissed" });
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
    expect(screen.getByText("cancelled")).toBeTruthy();
  });

  it("tells why it failed", async () => {
    const { events } = show({}, "j1");
    const exception = { class: "InvalidInput", title: "failed", detail: "no features there" };
    await events.tell({ ...done, status: "failed", exception });
    expect((await screen.findByText("no features there")).getAttribute("role")).toBe("alert");
  });

  it("of before is opened from the list", async () => {
    const { hands, events } = show({ ...made, "GET /jobs": { jobs: [done], links: [] } });
    await hands.click(await screen.findByRole("button", { name: "Sheet 2026-03-01 08:00" }));
    await waitFor(() => expect(events.followed("j1")).toBe(true));
  });
});
