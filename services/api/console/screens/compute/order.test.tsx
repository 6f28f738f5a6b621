import { describe, expect, it, vi } from "vitest";
import { keep, recall } from "../../kit/kept";
import { chooseRegion, plans, regions } from "../../kit/place";
import {
  type Answer,
  act,
  open,
  placed,
  refused,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { lang } from "../../kit/words";
import Compute from "./compute";
import type { Description } from "./inputs";
import { Order } from "./order";

const ANALYST = { scopes: ["read", "jobs"] as const };
const EXECUTE = "POST /processes/assess/execution";
const dataset = (
  id: string,
  theme: string,
  stand_in = false,
  observed_to: string | null = null,
) => ({
  type: "Feature",
  id,
  geometry: null,
  properties: { name_zh: `数据${id}`, name_en: `Data ${id}`, theme, stand_in, observed_to },
});
const ASSESS: Description = {
  id: "assess",
  title: "Assess",
  description: "Supplies and demands.",
  additionalParameters: {
    parameters: [
      { name: "dem", value: ["dem"] },
      { name: "ndvi", value: ["ndvi"] },
      { name: "evapotranspiration", value: ["evapotranspiration", "reference_et"] },
      { name: "soil", value: ["soil"] },
    ],
  },
  inputs: {
    region: { title: "Region", description: "", schema: { type: "string" }, minOccurs: 1 },
    plan: { title: "Plan", description: "", schema: { type: "string" }, minOccurs: 0 },
    cell_m: {
      title: "Cell, m",
      description: "",
      schema: { type: "number", default: 100, minimum: 10, maximum: 5000 },
      minOccurs: 0,
    },
    datasets: {
      title: "Datasets",
      description: "",
      minOccurs: 0,
      schema: {
        type: "object",
        properties: {
          dem: { title: "Elevation" },
          ndvi: { title: "Greenness" },
          soil: { title: "Soil" },
          evapotranspiration: { title: "Evapotranspiration" },
          reference_et: { title: "Reference evapotranspiration" },
          roads: { title: "Roads" },
        },
      },
    },
    profile: {
      title: "Profile",
      description: "",
      minOccurs: 0,
      schema: { type: "string", enum: ["index", "biophysical"] },
      additionalParameters: {
        parameters: [
          { name: "index", value: ["By index"] },
          { name: "biophysical", value: ["In physical units"] },
        ],
      },
    },
    edits: {
      title: "Edits",
      description: "",
      minOccurs: 0,
      schema: { type: "array", items: { type: "object" } },
    },
    sites: {
      title: "Sites",
      description: "",
      minOccurs: 0,
      schema: {
        type: "array",
        maxItems: 9,
        items: {
          type: "object",
          required: ["name_zh"],
          properties: {
            name_zh: { title: "Name", type: "string", maxLength: 20 },
            cost: { title: "Cost", type: "number" },
            region: { title: "District", type: "string" },
            geometry: { title: "Shape", type: "object", additionalProperties: true },
          },
        },
      },
    },
  },
  outputs: {},
};

const answers = (more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /processes/assess": ASSESS,
  "GET /collections/datasets/items": {
    type: "FeatureCollection",
    features: [
      dataset("d1", "dem", false, "2020-12-31"),
      dataset("d2", "ndvi", true),
      dataset("d3", "reference_et"),
    ],
    links: [],
  },
  ...more,
});

async function opened(more: Record<string, Answer> = {}, lang: "zh" | "en" = "en") {
  const sent = serve(answers(more));
  const started = vi.fn();
  const hands = open(<Order process="assess" onStarted={started} />, { ...ANALYST, lang });
  await screen.findByText("Supplies and demands.");
  return { sent, started, hands };
}

const job = { jobID: "j1", processID: "assess", status: "accepted" };

describe("the lights of what a process needs", () => {
  it("are green for data, yellow for stand-ins, red for none; one of several will do", async () => {
    await opened();
    const lights = await screen.findByRole("list", { name: "Whether needed data are there" });
    const told = within(lights)
      .getAllByRole("listitem")
      .map((light) => [light.textContent, light.querySelector(".badge")?.className]);
    expect(told).toEqual([
      ["Elevation there", "badge good"],
      ["Greenness stand-in only", "badge warn"],
      ["Evapotranspiration or Reference evapotranspiration there", "badge good"],
      ["Soil none here", "badge bad"],
    ]);
  });

  it("are told in Chinese", async () => {
    await opened({}, "zh");
    const lights = await screen.findByRole("list", { name: "所需数据是否齐备" });
    expect(within(lights).getByText("仅替代数据")).toBeTruthy();
    expect(
      within(lights).getByText("Evapotranspiration 或 Reference evapotranspiration"),
    ).toBeTruthy();
  });

  it("turn red for a dataset that was refused", async () => {
    const { hands } = await opened({
      [EXECUTE]: refused(400, "refused", [
        { pointer: "/inputs/datasets/dem", detail: "is of another region" },
      ]),
    });
    await hands.click(await screen.findByRole("button", { name: "Start" }));
    const lights = await screen.findByRole("list", { name: "Whether needed data are there" });
    await waitFor(() =>
      expect(within(lights).getAllByRole("listitem")[0]?.textContent).toBe("Elevation none here"),
    );
    expect(screen.getAllByText("is of another region").length).toBeGreaterThan(0);
  });

  it("are not there where a process says of nothing that it is needed", async () => {
    const { additionalParameters: _, ...without } = ASSESS;
    await opened({ "GET /processes/assess": without });
    expect(await screen.findByLabelText("Elevation")).toBeTruthy();
    expect(screen.queryByRole("list", { name: "Whether needed data are there" })).toBeNull();
    expect(screen.queryByText("Other data")).toBeNull();
  });

  it("of supplies are chosen among the layers of each service", async () => {
    const supplies = {
      title: "Supplies",
      description: "",
      minOccurs: 0,
      schema: { type: "object", properties: { carbon_sink: { title: "Carbon sink" } } },
    };
    await opened({
      "GET /processes/assess": { ...ASSESS, inputs: { ...ASSESS.inputs, supplies } },
      "GET /collections/datasets/items": {
        type: "FeatureCollection",
        features: [dataset("s1", "supply.carbon_sink")],
        links: [],
      },
    });
    const chosen = (await screen.findByLabelText("Carbon sink")) as HTMLSelectElement;
    expect([...chosen.options].map(({ value }) => value)).toEqual(["", "s1"]);
  });

  it("are asked of the region of the form", async () => {
    const { sent } = await opened();
    await screen.findByRole("list", { name: "Whether needed data are there" });
    const asked = sent.find(({ path }) => path === "/collections/datasets/items");
    expect(asked?.query.get("region")).toBe("xiamen");
  });
});

describe("the form of a process", () => {
  it("begins with the region and plan that one works on, and sends what was said alone", async () => {
    const { sent, started, hands } = await opened({ [EXECUTE]: job });
    await hands.click(screen.getByRole("button", { name: "Start" }));
    await waitFor(() => expect(started).toHaveBeenCalledWith("j1"));
    const post = sent.find(({ method }) => method === "POST");
    expect(post?.body).toEqual({ inputs: { region: "xiamen", plan: "xiamen-1" } });
    expect(post?.headers.get("Prefer")).toBe("respond-async");
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(recall("draft.process.assess")).toBeNull();
  });

  it("has words for choices, and datasets with their year", async () => {
    const { sent, hands } = await opened({ [EXECUTE]: job });
    const dem = (await screen.findByLabelText("Elevation")) as HTMLSelectElement;
    expect([...dem.options].map(({ textContent }) => textContent)).toEqual([
      "the newest",
      "Data d1 · 2020",
    ]);
    expect((screen.getByLabelText("Soil") as HTMLSelectElement).disabled).toBe(true);
    await hands.selectOptions(dem, "d1");
    await hands.selectOptions(screen.getByLabelText("Profile"), "In physical units");
    await hands.click(screen.getByRole("button", { name: "usual 100 m" }));
    await hands.click(screen.getByRole("button", { name: "Start" }));
    await waitFor(() => expect(sent.some(({ method }) => method === "POST")).toBe(true));
    expect(sent.at(-1)?.body).toHaveProperty("inputs", {
      region: "xiamen",
      plan: "xiamen-1",
      datasets: { dem: "d1" },
      profile: "biophysical",
      cell_m: 100,
    });
  });

  it("forgets a dataset that is given up again, and all by the defaults", async () => {
    const { hands } = await opened();
    const dem = await screen.findByLabelText("Elevation");
    await hands.selectOptions(dem, "d1");
    await hands.selectOptions(dem, "");
    expect(recall("draft.process.assess")).toBeNull();
    await hands.click(screen.getByRole("button", { name: "fine 30 m" }));
    expect(recall("draft.process.assess")).toMatchObject({ cell_m: 30 });
    await hands.click(screen.getByRole("button", { name: "Defaults" }));
    expect(recall("draft.process.assess")).toBeNull();
  });

  it("sends the same key again where nothing changed, and another after a change", async () => {
    const { sent, hands } = await opened({ [EXECUTE]: refused(503, "the queue is away") });
    const start = screen.getByRole("button", { name: "Start" });
    await hands.click(start);
    expect(await screen.findByText("the queue is away")).toBeTruthy();
    await hands.click(start);
    await waitFor(() => expect(sent.filter(({ method }) => method === "POST")).toHaveLength(2));
    await hands.click(screen.getByRole("button", { name: "quick 250 m" }));
    await hands.click(start);
    await waitFor(() => expect(sent.filter(({ method }) => method === "POST")).toHaveLength(3));
    const [first, second, third] = sent.flatMap(
      ({ headers }) => headers.get("Idempotency-Key") ?? [],
    );
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it("tells what was refused at its field, and beside the form where there is none", async () => {
    const { hands } = await opened({
      [EXECUTE]: refused(400, "two things are wrong", [
        { pointer: "/inputs/cell_m", detail: "is finer than the data" },
        { pointer: "/inputs/edits/0/cover", detail: "is no class" },
      ]),
    });
    await hands.click(screen.getByRole("button", { name: "Start" }));
    expect(await screen.findByText("two things are wrong")).toBeTruthy();
    const cell = screen.getByLabelText("Cell, m");
    expect(cell.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByText("/inputs/edits/0/cover")).toBeTruthy();
    expect(screen.queryByText("/inputs/cell_m")).toBeNull();
  });

  it("takes lists of objects as JSON, and says where it is none", async () => {
    const { hands } = await opened();
    const edits = screen.getByLabelText("Edits");
    await hands.type(edits, "[[{{");
    await hands.tab();
    expect(await screen.findByText("is no JSON")).toBeTruthy();
    await hands.clear(edits);
    await hands.type(edits, '[[{{"kind": "restore"}]');
    await hands.tab();
    expect(screen.queryByText("is no JSON")).toBeNull();
    expect(recall("draft.process.assess")).toMatchObject({ edits: [{ kind: "restore" }] });
  });

  it("takes lists of objects as rows, with districts by name and shapes as JSON", async () => {
    const { sent, hands } = await opened({
      [EXECUTE]: job,
      "GET /collections/regions/items": {
        type: "FeatureCollection",
        features: [
          {
            type: "Feature",
            id: "xiamen.siming",
            geometry: null,
            properties: { name_zh: "思明区", name_en: "Siming", parent: "xiamen" },
          },
        ],
        links: [],
      },
    });
    const sites = within(screen.getByRole("group", { name: "Sites" }));
    await hands.click(sites.getByRole("button", { name: "Add one" }));
    await hands.type(sites.getByLabelText(/Name/), "北岸");
    await hands.type(sites.getByLabelText("Cost"), "12");
    await hands.selectOptions(await sites.findByLabelText("District"), "Siming");
    await hands.type(sites.getByLabelText("Shape"), '{{"type": "Point"}');
    await hands.tab();
    await hands.click(screen.getByRole("button", { name: "Start" }));
    await waitFor(() => expect(sent.some(({ method }) => method === "POST")).toBe(true));
    expect(sent.at(-1)?.body).toMatchObject({
      inputs: {
        sites: [
          { name_zh: "北岸", cost: 12, region: "xiamen.siming", geometry: { type: "Point" } },
        ],
      },
    });
    const asked = sent.find(({ path }) => path === "/collections/regions/items");
    expect(asked?.query.get("filter")).toBe("parent = 'xiamen'");
  });

  it("tells what was refused in a row at its field, and not a second time", async () => {
    keep("draft.process.assess", { region: "xiamen", sites: [{ name_zh: "甲" }, { cost: -1 }] });
    const { hands } = await opened({
      "GET /collections/regions/items": { type: "FeatureCollection", features: [], links: [] },
      [EXECUTE]: refused(400, "one thing is wrong", [
        { pointer: "/inputs/sites/1/cost", detail: "is below 0" },
      ]),
    });
    for (const field of screen.getAllByLabelText(/Name/)) field.removeAttribute("required");
    await hands.click(screen.getByRole("button", { name: "Start" }));
    expect(await screen.findByText("one thing is wrong")).toBeTruthy();
    const [first, second] = screen.getAllByLabelText("Cost");
    expect(first?.getAttribute("aria-invalid")).not.toBe("true");
    expect(second?.getAttribute("aria-invalid")).toBe("true");
    expect(second?.closest("details")?.open).toBe(true);
    expect(screen.queryByText("/inputs/sites/1/cost")).toBeNull();
  });

  it("shows JSON that came from outside, as when all is thrown away", async () => {
    keep("draft.process.assess", {
      region: "xiamen",
      plan: "xiamen-1",
      edits: [{ kind: "restore" }],
    });
    const { hands } = await opened();
    const edits = screen.getByLabelText("Edits") as HTMLTextAreaElement;
    expect(JSON.parse(edits.value)).toEqual([{ kind: "restore" }]);
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    await waitFor(() => expect(edits.value).toBe(""));
  });

  it("keeps the place of the job that it repeats, until one goes on with another", async () => {
    keep("draft.process.assess", { region: "banan", plan: "banan-1" });
    const { sent, hands } = await opened({ [EXECUTE]: job });
    const shown = () =>
      [/^Region/, /^Plan/].map((name) => screen.getByLabelText(name)) as HTMLSelectElement[];
    await act(async () => {
      regions.value = [...regions.value, placed("banan", { name_en: "Banan" })];
      plans.value = [...plans.value, placed("banan-1", { name_en: "Of Banan", region: "banan" })];
      lang.value = "zh";
    });
    await waitFor(() =>
      expect(sent.filter(({ path }) => path === "/processes/assess")).toHaveLength(2),
    );
    expect(shown().map(({ value }) => value)).toEqual(["banan", "banan-1"]);
    act(() => chooseRegion("xiamen"));
    expect(recall("draft.process.assess")).toMatchObject({ region: "banan", plan: "banan-1" });
    act(() => chooseRegion("banan"));
    act(() => chooseRegion("xiamen"));
    await hands.click(screen.getByRole("button", { name: "开始计算" }));
    await waitFor(() => expect(sent.at(-1)?.method).toBe("POST"));
    expect(sent.at(-1)?.body).toEqual({ inputs: { region: "xiamen", plan: "xiamen-1" } });
  });

  it("is restored after a reload, and can be thrown away", async () => {
    keep("draft.process.assess", { region: "xiamen", plan: "xiamen-1", cell_m: 30 });
    const { hands } = await opened();
    expect((screen.getByLabelText("Cell, m") as HTMLInputElement).value).toBe("30");
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect((screen.getByLabelText("Cell, m") as HTMLInputElement).value).toBe("");
  });

  it("is read by whoever may not start it, without a control that does", async () => {
    serve(answers());
    open(<Order process="assess" onStarted={() => {}} />);
    expect(await screen.findByText("Sign in as an analyst to start it.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Start" })).toBeNull();
  });
});

describe("the screen", () => {
  const processes = {
    processes: [
      { id: "assess", title: "Assess" },
      { id: "echo", title: "Echo" },
    ],
  };
  const echo: Description = { ...ASSESS, id: "echo", description: "Says it again.", inputs: {} };

  it("shows the form of the process that its address names, and of the one chosen", async () => {
    serve({ ...answers(), "GET /processes": processes, "GET /processes/echo": echo });
    const hands = open(<Compute />, { ...ANALYST, query: "process=assess" });
    await screen.findByText("Supplies and demands.");
    await hands.selectOptions(screen.getByLabelText("What is computed"), "echo");
    expect(await screen.findByText("Says it again.")).toBeTruthy();
    expect(new URLSearchParams(location.search).get("process")).toBe("echo");
  });

  it("keeps jobs and schedules from the public, in Chinese as well", async () => {
    const sent = serve({});
    open(<Compute />, { lang: "zh", query: "tab=schedules" });
    expect(await screen.findByText("登录并具有分析角色后可以看到作业。")).toBeTruthy();
    expect(sent).toEqual([]);
  });
});
