import { afterEach, describe, expect, it } from "vitest";
import {
  type Answer,
  act,
  cleanup,
  fireEvent,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import { zip } from "../../kit/testing_zip";
import type { Lang } from "../../kit/words";
import { Imports } from "./imports";

const input = (title: string, schema: object, minOccurs = 0, description = title) => ({
  title,
  description,
  schema,
  minOccurs,
});
const importDataset = {
  id: "import-dataset",
  inputs: {
    upload: input("Upload", { type: "string" }, 1),
    region: input("Region", { type: "string" }, 1),
    theme: {
      ...input("Theme", { type: "string", enum: ["dem", "ndvi"] }, 1),
      additionalParameters: {
        parameters: [
          { name: "dem", value: ["Elevation"] },
          { name: "ndvi", value: ["Greenness"] },
        ],
      },
    },
    scale: input("Scale", { type: "number" }, 0, "Multiplies the values"),
    licence: input("Licence", { type: "string", maxLength: 200 }),
    crs: input("Reference system", { type: "string", maxLength: 80 }),
    mode: input("Mode", { type: "string", enum: ["import", "check"] }),
  },
};
const importPlan = {
  id: "import-plan",
  inputs: { upload: input("Upload", { type: "string" }, 1) },
};

const FORM = "/processes/import-dataset/execution";

function show(
  answers: Record<string, Answer> = {},
  lang: Lang = "en",
  who: object = { scopes: ["jobs"] },
) {
  const total = (sent: Sent) => Number(sent.headers.get("Content-Range")?.split("/")[1]);
  const sent = serve({
    "POST /uploads": (one: Sent) => ({
      upload: "u1",
      bytes: total(one),
      total_bytes: total(one),
      sha256: "x",
    }),
    "GET /processes/import-dataset": importDataset,
    "GET /processes/import-plan": importPlan,
    "GET /processes": { processes: [{ id: "import-dataset", title: "Import a dataset" }] },
    "GET /collections": { collections: [{ id: "zones", title: "Zones", links: [] }] },
    [`POST ${FORM}`]: jobOf("j1", "import-dataset"),
    ...answers,
  });
  const events = follow();
  const hands = open(<Imports />, { lang, ...who });
  return { sent, hands, events };
}

const file = (name: string, size = 4) => new File(["x".repeat(size)], name, { lastModified: 5 });
const drop = (files: File[]) =>
  act(async () => {
    fireEvent.drop(screen.getByRole("region", { name: /^(Files to import|导入文件)$/ }), {
      dataTransfer: { files },
    });
  });
const panel = async (name: string) =>
  within(
    (await screen.findByText(name, { exact: false, selector: "h2" })).closest(
      "section",
    ) as HTMLElement,
  );

// Browsers' elements have these, by which handlers of drags are known; those of tests lack them.
for (const name of ["ondrop", "ondragover", "ondragleave"])
  Object.defineProperty(HTMLElement.prototype, name, { value: null, writable: true });

// Files stay while one looks at other screens: each test takes its own away.
afterEach(async () => {
  for (const button of screen.queryAllByRole("button", { name: /Take away|移出列表/ }))
    await act(async () => button.click());
});

describe("files to import", () => {
  it("are sent as they are dropped, and each has its own form by what it holds", async () => {
    const { sent } = show();
    await drop([file("dem.tif"), file("bays.zip")]);
    expect(await (await panel("dem.tif")).findByLabelText(/^Theme/)).toBeTruthy();
    expect(await (await panel("bays.zip")).findByLabelText("Import into")).toBeTruthy();
    expect(sent.filter(({ path }) => path === "/uploads")).toHaveLength(2);
    expect(sent.find(({ path }) => path === "/uploads")?.headers.get("X-CSRF-Token")).toBe("proof");
  });

  it("are one file where they are the parts of a Shapefile", async () => {
    const { sent } = show();
    await drop(["bays.shp", "bays.dbf", "bays.shx", "bays.prj"].map((name) => file(name)));
    expect(await (await panel("bays.zip")).findByLabelText("Import into")).toBeTruthy();
    const uploads = sent.filter(({ path }) => path === "/uploads");
    expect(uploads).toHaveLength(1);
    expect(String(uploads[0]?.body).slice(0, 2)).toBe("PK");
  });

  it("that cannot be read any more are refused with the reason", async () => {
    show();
    const gone = file("bays.shp");
    gone.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("moved away")) }) as never;
    await drop([gone, file("bays.dbf")]);
    expect((await screen.findByRole("alert")).textContent).toContain("moved away");
  });

  it("are chosen by hand, too", async () => {
    const { hands } = show();
    await hands.upload(screen.getByLabelText("Choose files", { selector: "input" }), [
      file("a.tif"),
      file("b.tif"),
    ]);
    expect(await screen.findAllByText(/^[ab]\.tif/, { selector: "h2" })).toHaveLength(2);
  });

  it("show that they would be taken while they are held over", async () => {
    show();
    const place = screen.getByRole("region", { name: "Files to import" });
    await act(async () => void fireEvent.dragOver(place));
    expect(place.className).toContain("over");
    await act(async () => void fireEvent.dragLeave(place));
    expect(place.className).not.toContain("over");
  });

  it("are still there after a look at another screen, and not sent twice", async () => {
    show();
    await drop([file("stay.tif")]);
    await (await panel("stay.tif")).findByLabelText(/^Theme/);
    cleanup();
    const again = show({
      "GET /uploads/u1": { upload: "u1", bytes: 4, total_bytes: 4, sha256: "x" },
    });
    expect(await (await panel("stay.tif")).findByLabelText(/^Theme/)).toBeTruthy();
    expect(again.sent.some(({ method }) => method === "POST")).toBe(false);
  });

  it("go on being sent once while one looks at other screens", async () => {
    const arrived = Promise.withResolvers<object>();
    const shown = show({ "POST /uploads": () => arrived.promise });
    await drop([file("slow.tif")]);
    expect(await (await panel("slow.tif")).findByRole("progressbar")).toBeTruthy();
    cleanup();
    const again = show();
    expect(await (await panel("slow.tif")).findByRole("progressbar")).toBeTruthy();
    await act(async () => arrived.resolve({ upload: "u9", bytes: 4, total_bytes: 4, sha256: "x" }));
    expect(await (await panel("slow.tif")).findByLabelText(/^Theme/)).toBeTruthy();
    const uploads = (sent: Sent[]) => sent.filter(({ path }) => path.startsWith("/uploads"));
    expect([uploads(shown.sent).length, uploads(again.sent).length]).toEqual([1, 0]);
  });

  it("that were imported are not sent again after a look at another screen", async () => {
    const { hands, events } = show();
    await drop([file("done.tif")]);
    const one = await panel("done.tif");
    await hands.selectOptions(await one.findByLabelText(/^Theme/), "Elevation");
    await hands.click(one.getByRole("button", { name: "Import" }));
    await waitFor(() => expect(events.followed("j1")).toBe(true));
    await events.tell(jobOf("j1", "import-dataset", { status: "successful" }));
    expect(await one.findByText("done")).toBeTruthy();
    cleanup();
    const again = show();
    await waitFor(() => expect(again.events.followed("j1")).toBe(true));
    await again.events.tell(jobOf("j1", "import-dataset", { status: "successful" }));
    expect(await (await panel("done.tif")).findByText("done")).toBeTruthy();
    expect(again.sent.filter(({ path }) => path.startsWith("/uploads"))).toEqual([]);
  });

  it("keep what was said of them while one looks at other screens", async () => {
    const { hands } = show();
    await drop([file("said.tif")]);
    const kind = await (await panel("said.tif")).findByLabelText("What it holds");
    await hands.selectOptions(kind, "vector");
    const crs = await (await panel("said.tif")).findByLabelText(/^Reference system/);
    await hands.type(crs, "EPSG:4548");
    cleanup();
    show();
    const one = await panel("said.tif");
    expect(one.getByLabelText("What it holds")).toHaveProperty("value", "vector");
    expect(await one.findByLabelText(/^Reference system/)).toHaveProperty("value", "EPSG:4548");
  });

  it("are no longer sent once they are taken away", async () => {
    const piece = Promise.withResolvers<object>();
    const { hands, sent } = show({ "POST /uploads": () => piece.promise });
    await drop([file("away.tif", 8)]);
    const one = await panel("away.tif");
    await waitFor(() => expect(sent.some(({ path }) => path === "/uploads")).toBe(true));
    await hands.click(one.getByRole("button", { name: "Take away" }));
    await act(async () => piece.resolve({ upload: "u1", bytes: 4, total_bytes: 8, sha256: null }));
    await new Promise((done) => setTimeout(done));
    expect(sent.filter(({ path }) => path.startsWith("/uploads"))).toHaveLength(1);
    expect(screen.queryByText(/^away\.tif/)).toBeNull();
  });

  it("are taken away one by one", async () => {
    const { hands } = show();
    await drop([file("a.tif"), file("b.tif")]);
    await hands.click((await panel("a.tif")).getByRole("button", { name: "Take away" }));
    expect(screen.queryByText(/^a\.tif/)).toBeNull();
    expect(screen.getByText(/^b\.tif/)).toBeTruthy();
  });

  it("that are empty are not sent at all", async () => {
    const { sent } = show();
    await drop([file("none.tif", 0)]);
    expect(await screen.findByText("none.tif: the file is empty")).toBeTruthy();
    expect(sent).toEqual([]);
  });

  it("that are refused say why, and are sent again on demand", async () => {
    let full = true;
    const { hands } = show({
      "POST /uploads": () =>
        full
          ? refused(413, "larger than what may be sent")
          : { upload: "u1", bytes: 4, total_bytes: 4, sha256: "x" },
    });
    await drop([file("big.tif")]);
    const one = await panel("big.tif");
    await one.findByText("larger than what may be sent");
    full = false;
    await hands.click(one.getByRole("button", { name: "Try again" }));
    expect(await one.findByLabelText(/^Theme/)).toBeTruthy();
    expect(one.queryByText("larger than what may be sent")).toBeNull();
  });
});

describe("a raster", () => {
  const dropped = async (answers: Record<string, Answer> = {}, lang: Lang = "en") => {
    const shown = show(answers, lang);
    await drop([file("dem.tif")]);
    const one = await panel("dem.tif");
    await one.findByLabelText(/^Theme/);
    const inputs = () => {
      const posted = shown.sent.filter(({ path }) => path === FORM).at(-1);
      return (posted?.body as { inputs: object } | undefined)?.inputs;
    };
    return { ...shown, one, inputs };
  };
  const press = async ({ hands, one }: Awaited<ReturnType<typeof dropped>>) =>
    hands.click(one.getByRole("button", { name: "Import" }));

  it("is imported into the region one works in, with what was said of it", async () => {
    const shown = await dropped();
    const { hands, one, inputs } = shown;
    expect(one.getByLabelText(/^Region/)).toHaveProperty("value", "xiamen");
    await hands.selectOptions(one.getByLabelText(/^Theme/), "Elevation");
    await hands.type(one.getByLabelText("Licence"), "CC0-1.0");
    await hands.click(one.getByText("More options"));
    await hands.type(one.getByLabelText("Reference system"), "EPSG:4548");
    await press(shown);
    await waitFor(() => expect(inputs()).toBeTruthy());
    expect(inputs()).toEqual({
      upload: "u1",
      region: "xiamen",
      theme: "dem",
      licence: "CC0-1.0",
      crs: "EPSG:4548",
    });
  });

  it("does not ask for the number of its own upload", async () => {
    const { one } = await dropped();
    expect(one.queryByLabelText(/^Upload/)).toBeNull();
  });

  it("is refused at the field that is wrong", async () => {
    const shown = await dropped({
      [`POST ${FORM}`]: refused(400, "one is wrong", [
        { pointer: "/inputs/scale", detail: "must not be nought" },
      ]),
    });
    await shown.hands.selectOptions(shown.one.getByLabelText(/^Theme/), "Elevation");
    await shown.hands.type(shown.one.getByLabelText("Scale"), "0");
    await press(shown);
    await shown.one.findByText("one is wrong");
    const [told] = shown.one.getAllByText("must not be nought");
    expect(told?.closest(".field")?.textContent).toContain("Multiplies the values");
  });

  it("whose values are ten thousand times too large is told what to do, by its name", async () => {
    const shown = await dropped();
    await shown.hands.selectOptions(shown.one.getByLabelText(/^Theme/), "Greenness");
    await press(shown);
    await waitFor(() => expect(shown.events.followed("j1")).toBe(true));
    await shown.events.tell(jobOf("j1", "import-dataset", { status: "running", progress: 60 }));
    expect(shown.one.getByRole("progressbar")).toHaveProperty("value", 60);
    const exception = {
      class: "InvalidInput",
      title: "refused",
      detail: "values up to 9,000: give scale 0.0001",
    };
    await shown.events.lose("j1");
    expect(screen.getByRole("alert").textContent).toContain("The connection has been lost since");
    expect(screen.queryByRole("progressbar")).toBeNull();
    await shown.events.tell(jobOf("j1", "import-dataset", { status: "failed", exception }));
    const told = await shown.one.findByText(/give scale 0.0001/);
    expect(told.textContent).toMatch(/^dem.tif: /);
    expect(shown.one.getByLabelText(/^Theme/)).toHaveProperty("value", "ndvi");
  });

  describe("that is checked", () => {
    const summary = {
      verdict: "checked",
      ...{ crs: "EPSG:4490", bands: 1, columns: 300, rows: 200, resolution_m: 30.4 },
      ...{ unit: "m", lowest: -1.5, highest: 305, empty_percent: 2.5 },
      findings: [{ detail: "a mean of 3 is unusual", detail_zh: "均值 3 异常" }],
    };
    const checked = async (lang: Lang = "en") => {
      const shown = await dropped({ "GET /jobs/j1/results": { summary } }, lang);
      const zh = lang === "zh";
      await shown.hands.selectOptions(shown.one.getByLabelText(/^Theme/), "Elevation");
      await shown.hands.click(shown.one.getByRole("button", { name: zh ? "检查" : "Check" }));
      await waitFor(() => expect(shown.events.followed("j1")).toBe(true));
      await shown.events.tell(jobOf("j1", "import-dataset", { status: "successful" }));
      await shown.one.findByText(zh ? "已检查，未写入" : "checked, nothing written");
      return shown;
    };

    it("is told of, and stays to be imported", async () => {
      const shown = await checked();
      expect(shown.inputs()).toMatchObject({ upload: "u1", theme: "dem", mode: "check" });
      expect(shown.one.getByText(/values from -1.5 to 305 m; 2.5% without data/)).toBeTruthy();
      expect(shown.one.getByText("EPSG:4490 · 300×200 cells · some 30.4 m · 1 bands")).toBeTruthy();
      expect(shown.one.getByText("a mean of 3 is unusual")).toBeTruthy();
      expect(Object.keys(localStorage).some((name) => name.includes("upload.dem.tif"))).toBe(true);
      await press(shown);
      await waitFor(() => expect(shown.inputs()).not.toHaveProperty("mode"));
      expect(shown.inputs()).toMatchObject({ upload: "u1", theme: "dem" });
    });

    it("is told of in Chinese", async () => {
      const { one } = await checked("zh");
      expect(one.getByText(/值 -1.5 至 305 m；无数据 2.5%/)).toBeTruthy();
      expect(one.getByText("均值 3 异常")).toBeTruthy();
    });

    it("is told of only while the form says what was checked", async () => {
      const { hands, one } = await checked();
      await hands.selectOptions(one.getByLabelText(/^Theme/), "Greenness");
      expect(one.queryByText("checked, nothing written")).toBeNull();
    });

    it("is asked for by its button alone", async () => {
      const { one } = await dropped();
      expect(one.queryByLabelText("Mode")).toBeNull();
    });

    it("says why its results cannot be had", async () => {
      const shown = await dropped({ "GET /jobs/j1/results": refused(503, "not now") });
      await shown.hands.selectOptions(shown.one.getByLabelText(/^Theme/), "Elevation");
      await shown.hands.click(shown.one.getByRole("button", { name: "Check" }));
      await waitFor(() => expect(shown.events.followed("j1")).toBe(true));
      await shown.events.tell(jobOf("j1", "import-dataset", { status: "successful" }));
      expect(await shown.one.findByText("not now")).toBeTruthy();
    });
  });

  it("that was imported is forgotten, so that the same file is sent anew", async () => {
    const shown = await dropped();
    expect(Object.keys(localStorage).some((name) => name.includes("upload.dem.tif"))).toBe(true);
    await shown.hands.selectOptions(shown.one.getByLabelText(/^Theme/), "Elevation");
    await press(shown);
    await waitFor(() => expect(shown.events.followed("j1")).toBe(true));
    await shown.events.tell(jobOf("j1", "import-dataset", { status: "successful" }));
    await waitFor(() =>
      expect(Object.keys(localStorage).some((name) => name.includes("upload.dem.tif"))).toBe(false),
    );
    expect(shown.one.getByText("done")).toBeTruthy();
  });

  it("may be something else than it is taken for", async () => {
    const { hands, one } = await dropped();
    await hands.selectOptions(one.getByLabelText("What it holds"), "plan package");
    await waitFor(() => expect(one.queryByLabelText(/^Theme/)).toBeNull());
    await hands.selectOptions(one.getByLabelText("What it holds"), "vector");
    expect(await one.findByLabelText("Import into")).toBeTruthy();
  });
});

describe("a plan package", () => {
  const members: [string, string][] = [
    ["manifest.json", "{}"],
    ["plan.gpkg", "shapes"],
    ["rows/plan.json", "[]"],
  ];
  const made = (name: string, of = members) => new File([zip(of)], name, { lastModified: 5 });

  it.each(["package.zip", "规划.dat"])("is known by what is in it, called %s", async (name) => {
    const { hands, sent } = show({
      "POST /processes/import-plan/execution": jobOf("j2", "import-plan"),
    });
    await drop([made(name)]);
    const one = await panel(name);
    await hands.click(await one.findByRole("button", { name: "Import" }));
    expect(one.getByLabelText("What it holds")).toHaveProperty("value", "plan");
    const posted = await waitFor(() => {
      const found = sent.find(({ path }) => path === "/processes/import-plan/execution");
      expect(found).toBeTruthy();
      return found as Sent;
    });
    expect(posted.body).toMatchObject({ inputs: { upload: "u1" } });
  });

  it.each([
    ["a zipped Shapefile", [["bays.shp", "x"]]],
    [
      "the archive of a project",
      [
        ["manifest.json", "{}"],
        ["project.geojson", "{}"],
      ],
    ],
    ["an empty zip", []],
  ] as [string, [string, string][]][])("is not %s", async (_, of) => {
    show();
    await drop([made("plan-package.zip", of)]);
    const one = await panel("plan-package.zip");
    expect(await one.findByLabelText("Import into")).toBeTruthy();
    expect(one.getByLabelText("What it holds")).toHaveProperty("value", "vector");
  });
});
