import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import type { Lang } from "../../kit/words";
import type { Finding, Summary } from "./mapping";
import { staying } from "./upload";
import { VectorForm } from "./vector";

const summary = (more: Partial<Summary> = {}): Summary => ({
  verdict: "checked",
  rows: 2,
  rejected: 0,
  format: "Shapefile",
  layer: null,
  encoding: "GBK",
  crs: "EPSG:4548",
  mapping: { MC: "name_zh" },
  code_from: "BSM",
  ignored: ["X"],
  columns: ["BSM", "MC", "BZ", "X"],
  preview: [
    ["A1", "甲湾", "note", ""],
    ["A2", "乙湾", "", "9"],
  ],
  ...more,
});
const finding = (row: number, more: Partial<Finding> = {}): Finding => ({
  row,
  code: `A${row}`,
  severity: "error",
  rule: "geometry",
  member: null,
  detail: "the ring crosses itself: mend it or tick repair",
  detail_zh: "环自相交：请修复或勾选修复",
  ...more,
});

const FORM = "/processes/import-features/execution";
const file = new File(["x"], "bays.zip");

/** The service, which judges files as the test says. */
let found: { summary: Summary; findings: Finding[] };
let jobs = 0;
beforeEach(() => {
  found = { summary: summary(), findings: [] };
  jobs = 0;
});

function show(answers: Record<string, Answer> = {}, lang: Lang = "en") {
  const sent = serve({
    "GET /collections": {
      collections: [
        { id: "zones", title: "Zones", links: [] },
        { id: "problems", title: "Problems", links: [] },
      ],
    },
    "GET /collections/{}/schema": {
      properties: {
        geometry: {},
        code: { title: "Code" },
        name_zh: { title: "Chinese name" },
        name_en: { title: "English name" },
        area_km2: { title: "Area", readOnly: true },
      },
    },
    "GET /processes": { processes: [{ id: "import-features", title: "Import features" }] },
    [`POST ${FORM}`]: () => jobOf(`j${++jobs}`, "import-features"),
    "GET /jobs/{}/results/report": () => found,
    "GET /jobs/{}/results": () => ({ summary: found.summary }),
    ...answers,
  });
  const done: string[] = [];
  const events = follow();
  const hands = open(
    <VectorForm file={file} upload="u1" stay={staying()} onDone={() => done.push("imported")} />,
    {
      scopes: ["jobs"],
      lang,
    },
  );
  const inputs = () =>
    sent
      .filter(({ method }) => method === "POST")
      .map(({ body }) => (body as { inputs: Record<string, unknown> }).inputs);
  /** The newest job comes to its end. */
  const end = async (
    status: "successful" | "failed" = "successful",
    more: Partial<Schema<"StatusInfo">> = {},
  ) => {
    await waitFor(() => expect(events.followed(`j${jobs}`)).toBe(true));
    await events.tell(jobOf(`j${jobs}`, "import-features", { status, ...more }));
  };
  return { sent, hands, events, inputs, end, done };
}

async function checked(answers: Record<string, Answer> = {}) {
  const shown = show(answers);
  await shown.hands.click(await screen.findByRole("button", { name: "Check" }));
  await shown.end();
  const fields = within(await screen.findByRole("region", { name: "Fields" }));
  return { ...shown, fields };
}

const becomes = (field: string) =>
  screen.getByLabelText<HTMLSelectElement>(`What field ${field} becomes`);
const importButton = () => screen.getByRole("button", { name: "Import" });

describe("a file of features", () => {
  it("is checked first, into zones, with nothing that the file says itself", async () => {
    const { hands, inputs, sent } = show();
    expect(screen.queryByRole("button", { name: "Import" })).toBeNull();
    await hands.click(await screen.findByRole("button", { name: "Check" }));
    await waitFor(() => expect(inputs()).toHaveLength(1));
    expect(inputs()[0]).toEqual({ upload: "u1", collection: "zones", mode: "check" });
    const posted = sent.find(({ method }) => method === "POST");
    expect(posted?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Check" }).getAttribute("aria-disabled")).toBe(
      "true",
    );
  });

  it("is checked with what people say of it", async () => {
    const { hands, inputs } = show();
    await hands.selectOptions(await screen.findByLabelText("Import into"), "Problems");
    await hands.click(screen.getByText("What the file does not say itself"));
    await hands.selectOptions(screen.getByLabelText("Encoding"), "GBK");
    await hands.type(screen.getByLabelText("Reference system"), " EPSG:4548 ");
    await hands.selectOptions(screen.getByLabelText("Who may read new objects"), "everybody");
    await hands.click(screen.getByLabelText(/^Mend invalid geometry/));
    await hands.click(screen.getByRole("button", { name: "Check" }));
    await waitFor(() => expect(inputs()).toHaveLength(1));
    expect(inputs()[0]).toEqual({
      upload: "u1",
      collection: "problems",
      mode: "check",
      encoding: "GBK",
      crs: "EPSG:4548",
      visibility: "public",
      repair: true,
    });
  });

  it("goes into the collection of the last one", async () => {
    const first = show();
    await first.hands.selectOptions(await screen.findByLabelText("Import into"), "Problems");
    document.body.replaceChildren();
    show();
    expect(await screen.findByLabelText("Import into")).toHaveProperty("value", "problems");
  });

  it("is refused before a job begins, and can be sent again", async () => {
    const { hands } = show({ [`POST ${FORM}`]: refused(400, "the upload is unknown") });
    await hands.click(await screen.findByRole("button", { name: "Check" }));
    expect(await screen.findByText("the upload is unknown")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Check" })).toHaveProperty("disabled", false);
  });

  it("that cannot be read says why, by its name", async () => {
    const { hands, end } = show();
    await hands.click(await screen.findByRole("button", { name: "Check" }));
    await end("failed", {
      exception: {
        class: "InvalidInput",
        title: "refused",
        detail: "the archive holds no .shp: pack all four files",
      },
    });
    const alert = (await screen.findByText(/holds no .shp/)).closest("[role=alert]");
    expect(alert?.textContent).toBe("bays.zip: the archive holds no .shp: pack all four files");
    expect(screen.getByRole("button", { name: "Check" })).toHaveProperty("disabled", false);
  });
});

describe("the matching of fields", () => {
  it("is shown as the service understood it, with the first rows", async () => {
    const { fields } = await checked();
    expect(becomes("BSM").value).toBe("code");
    expect(becomes("MC").value).toBe("name_zh");
    expect(becomes("BZ").selectedOptions[0]?.text).toBe("(kept as it is)");
    expect(becomes("X").selectedOptions[0]?.text).toBe("(left out)");
    const row = fields.getByText("MC").closest("tr");
    expect(row?.cells[2]?.textContent).toBe("甲湾, 乙湾");
    expect(fields.getByText("BZ").closest("tr")?.cells[2]?.textContent).toBe("note");
  });

  it("offers what can be written alone", async () => {
    await checked();
    const offered = [...becomes("BZ").options].map(({ text }) => text);
    expect(offered).toEqual(["(kept as it is)", "Code", "Chinese name", "English name"]);
  });

  it("gives a property to one field alone, and is checked and imported so", async () => {
    const { hands, inputs, end, done } = await checked();
    await hands.selectOptions(becomes("BZ"), "Chinese name");
    expect(becomes("MC").value).toBe("");
    await hands.selectOptions(becomes("MC"), "English name");
    await hands.click(screen.getByRole("button", { name: "Check again with this matching" }));
    await end();
    await waitFor(() => expect(importButton()).toHaveProperty("disabled", false));
    await hands.click(importButton());
    found = { summary: summary({ verdict: "imported" }), findings: [] };
    await end();
    await waitFor(() => expect(done).toEqual(["imported"]));
    const mapping = { BSM: "code", BZ: "name_zh", MC: "name_en" };
    expect(inputs().map(({ mode, mapping }) => [mode, mapping])).toEqual([
      ["check", undefined],
      ["check", mapping],
      ["all_or_nothing", mapping],
    ]);
  });

  it("begins anew in another encoding, which calls the fields otherwise", async () => {
    const { hands, inputs } = await checked();
    await hands.selectOptions(screen.getByLabelText("Encoding"), "UTF-8");
    expect(screen.queryByRole("region", { name: "Fields" })).toBeNull();
    await hands.click(screen.getByRole("button", { name: "Check" }));
    await waitFor(() => expect(inputs()).toHaveLength(2));
    expect(inputs()[1]).not.toHaveProperty("mapping");
  });

  it("begins anew for another collection", async () => {
    const { hands } = await checked();
    await hands.selectOptions(screen.getByLabelText("Import into"), "Problems");
    expect(screen.queryByRole("region", { name: "Fields" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Import" })).toBeNull();
  });

  it("keeps its collection and encoding while it is checked, and goes on after it", async () => {
    const { hands, end, inputs } = show();
    const into = await screen.findByLabelText<HTMLSelectElement>("Import into");
    await hands.click(screen.getByRole("button", { name: "Check" }));
    await hands.selectOptions(into, "problems");
    await hands.selectOptions(screen.getByLabelText("Encoding"), "GBK");
    await end();
    await screen.findByRole("region", { name: "Fields" });
    expect(into.value).toBe("zones");
    await hands.selectOptions(into, "problems");
    await hands.click(screen.getByRole("button", { name: "Check" }));
    await waitFor(() => expect(inputs()).toHaveLength(2));
    expect(inputs().map(({ collection }) => collection)).toEqual(["zones", "problems"]);
    expect(inputs()[1]).not.toHaveProperty("encoding");
  });
  it("is not lost where the check of it is refused", async () => {
    let down = false;
    const { hands } = await checked({
      [`POST ${FORM}`]: () =>
        down ? refused(503, "the queue is full") : jobOf(`j${++jobs}`, "import-features"),
    });
    await hands.selectOptions(becomes("BZ"), "English name");
    down = true;
    await hands.click(screen.getByRole("button", { name: "Check again with this matching" }));
    await screen.findByText("the queue is full");
    expect(becomes("BZ").value).toBe("name_en");
  });
});

describe("rows with faults", () => {
  beforeEach(() => {
    found = {
      summary: summary({ rows: 1200, rejected: 1, created: 1100, updated: 9, unchanged: 90 }),
      findings: [
        finding(7),
        finding(8, { member: "name_zh", detail: "is required", detail_zh: "必填" }),
        finding(0, {
          code: null,
          severity: "note",
          detail: "no system named",
          detail_zh: "未注明坐标系",
        }),
      ],
    };
  });

  it("are told with what to do about them", async () => {
    await checked();
    expect(screen.getByText(/1,200 rows, 1 with faults/).textContent).toContain(
      "1 with faults; 1,100 would be created, 9 changed, 90 as before",
    );
    expect(screen.getByText("Shapefile · GBK · EPSG:4548")).toBeTruthy();
    const report = within(screen.getByRole("region", { name: "Report by row" }));
    const rows = report.getAllByRole("row").slice(1);
    expect(rows.map((row) => row.textContent)).toEqual([
      "7A7faultthe ring crosses itself: mend it or tick repair",
      "8A8Chinese namefaultis required",
      "allnoteno system named",
    ]);
    expect(screen.getByRole("link", { name: /report as a table/ }).getAttribute("href")).toBe(
      `${location.origin}/jobs/j1/results/table`,
    );
  });

  it("are told in Chinese to who reads Chinese", async () => {
    const { hands, end } = show({}, "zh");
    await hands.click(await screen.findByRole("button", { name: "检查" }));
    await end();
    expect(await screen.findByText("环自相交：请修复或勾选修复")).toBeTruthy();
    expect(screen.getByText("已检查，未写入")).toBeTruthy();
  });

  it("keep the file out, until they are left out by choice", async () => {
    const { hands, inputs, end, done } = await checked();
    expect(importButton()).toHaveProperty("disabled", true);
    await hands.click(screen.getByLabelText(/^Leave out rows with faults/));
    await hands.click(importButton());
    await waitFor(() => expect(inputs()).toHaveLength(2));
    expect(inputs()[1]?.mode).toBe("valid_rows");
    found = {
      summary: summary({
        verdict: "partly_imported",
        rejected: 1,
        created: 3,
        updated: 2,
        unchanged: 1,
      }),
      findings: [],
    };
    await end();
    expect(await screen.findByText("imported in part")).toBeTruthy();
    expect(screen.getByText(/3 created, 2 changed, 1 as before/)).toBeTruthy();
    // What was left out may be mended and sent again.
    expect(done).toEqual([]);
  });

  it("are still told, with the table of their own job, while it is checked again", async () => {
    const { hands, inputs } = await checked();
    await hands.click(screen.getByRole("button", { name: "Check again with this matching" }));
    await waitFor(() => expect(inputs()).toHaveLength(2));
    expect(screen.getByRole("link", { name: /report as a table/ }).getAttribute("href")).toContain(
      "/jobs/j1/",
    );
  });
});

it("an import that is refused as a whole says so, and writes nothing down as done", async () => {
  const { hands, end, done } = await checked();
  await hands.click(importButton());
  found = { summary: summary({ verdict: "refused", rejected: 2 }), findings: [finding(1)] };
  await end();
  expect(await screen.findByText("refused")).toBeTruthy();
  expect(done).toEqual([]);
  expect(screen.queryByRole("button", { name: "Import" })).toBeNull();
});

it("a report that cannot be read is told, and the file can be checked again", async () => {
  const { hands, end } = show({
    "GET /jobs/{}/results/report": (_: Sent) => refused(404, "results are kept for a month"),
  });
  await hands.click(await screen.findByRole("button", { name: "Check" }));
  await end();
  expect(await screen.findByText("results are kept for a month")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Check" })).toHaveProperty("disabled", false);
});
