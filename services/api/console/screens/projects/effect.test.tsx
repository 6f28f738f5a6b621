import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { cellsOf, open, refused, screen, serve, within } from "../../kit/testing";
import { Effect } from "./effect";
import { effect, measure } from "./testing";

const photo = (code: string, on: string): Schema<"PhotoShown"> => ({
  code,
  on,
  title: `The bay ${on}`,
  href: `http://localhost:3000/documents/${code}/file`,
  media_type: "image/jpeg",
});
const change: Schema<"IndicatorChange"> = {
  code: "ndvi",
  name: "NDVI",
  name_zh: "植被指数",
  name_en: "NDVI",
  unit: "1",
  of: "project",
  before_on: "2020",
  before: 0.31,
  after_on: "2024-06-30",
  after: 0.46,
  change: 0.15,
};

describe("what a project has effected", () => {
  it("is not known before anything was looked at", async () => {
    serve({ "GET /projects/P1/effect": effect() });
    open(<Effect code="P1" measures={[measure("plant")]} />);
    expect(await screen.findByText("Nothing is known of its effect yet.")).toBeTruthy();
    expect(screen.queryByRole("img")).toBeNull();
    expect(screen.getByRole("link").getAttribute("href")).toBe(
      `${location.origin}/projects/P1/effect?f=html&lang=en`,
    );
  });
  it("is shown by photos before and after, each with its day", async () => {
    const photos = [
      { measure: null, before: photo("p1", "2020-03-01"), after: photo("p2", "2024-05-06") },
    ];
    serve({ "GET /projects/P1/effect": effect({ photos }) });
    open(<Effect code="P1" measures={[measure("plant")]} />);
    const [before, after] = await screen.findAllByRole("figure");
    expect(
      within(before as HTMLElement)
        .getByRole("img")
        .getAttribute("src"),
    ).toContain("/p1/");
    expect(before?.textContent).toBe("The bay 2020-03-01 1 Mar 2020");
    expect(after?.textContent).toBe("The bay 2024-05-06 6 May 2024");
    expect(screen.queryByText("Nothing is known of its effect yet.")).toBeNull();
  });
  it("is shown by photos of each measure under its name", async () => {
    const pair = { before: photo("p1", "2020-03-01"), after: photo("p2", "2024-05-06") };
    const photos = [
      { measure: "plant", ...pair },
      { measure: "gone", ...pair },
    ];
    serve({ "GET /projects/P1/effect": effect({ photos }) });
    open(<Effect code="P1" measures={[measure("plant")]} />, { lang: "zh" });
    const named = await screen.findAllByRole("heading", { level: 3 });
    expect(named.map(({ textContent }) => textContent)).toEqual(["种植红树林", "gone"]);
  });
  it("is told by indicators, before, after and what has changed", async () => {
    const plain = {
      ...change,
      code: "area",
      name_en: "Mangroves",
      unit: "ha",
      of: "region",
    } as const;
    serve({
      "GET /projects/P1/effect": effect({
        indicators: [change, { ...plain, before: 3, after: 12, change: 9 }],
      }),
    });
    open(<Effect code="P1" measures={[measure("plant")]} />);
    expect(await cellsOf("Indicators and monitoring")).toEqual([
      ["NDVI", "0.31 (2020)", "0.46 (2024-06-30)", "0.15", ""],
      ["Mangroves", "3 (2020)", "12 (2024-06-30)", "9", "ha"],
    ]);
  });
  it("has pictures of rasters, and signs to look at, in Chinese too", async () => {
    serve({
      "GET /projects/P1/effect": effect({
        pictures: "http://localhost:3000/jobs/j1/results/pictures",
        signs: [
          {
            code: "sealed_grew",
            text: "the sealed share has grown",
            text_zh: "不透水面占比增加",
            text_en: "the sealed share has grown",
          },
        ],
      }),
    });
    open(<Effect code="P1" measures={[measure("plant")]} />, { lang: "zh" });
    const picture = await screen.findByRole("img", { name: "实施前后对比" });
    expect(picture.getAttribute("src")).toBe("http://localhost:3000/jobs/j1/results/pictures");
    expect(screen.getByText("不透水面占比增加")).toBeTruthy();
  });
  it("is refused with the reason", async () => {
    serve({ "GET /projects/P1/effect": refused(404, "there is no project 'P1'") });
    open(<Effect code="P1" measures={[measure("plant")]} />);
    expect((await screen.findByRole("alert")).textContent).toContain("there is no project 'P1'");
  });
});
