import { describe, expect, it } from "vitest";
import { outputPath, resultsOf, rowsOf, sortResults, tableOf } from "./results";
import { refused, serve } from "./testing";

describe("rows of a table", () => {
  it.each([
    ["lines of Windows", "a,b\r\n1,2\r\n", [{ a: "1", b: "2" }]],
    ["a mark of the byte order", "\uFEFFa\n1", [{ a: "1" }]],
    ["commas within quotes", 'a,b\n"x,y",2', [{ a: "x,y", b: "2" }]],
    ["quotes within quotes", 'a\n"he said ""no"""', [{ a: 'he said "no"' }]],
    ["lines within quotes", 'a,b\n"x\ny",2', [{ a: "x\ny", b: "2" }]],
    ["an empty quoted field", 'a,b\n"",2', [{ a: "", b: "2" }]],
    ["names in Chinese", "区域,面积\n厦门市,1700.61", [{ 区域: "厦门市", 面积: "1700.61" }]],
  ])("are read with %s", (_, text, rows) => expect(rowsOf(text)).toEqual(rows));

  it("keep each figure as it was written", () =>
    expect(rowsOf("a,b,c\n0.10,1e-7,007")).toEqual([{ a: "0.10", b: "1e-7", c: "007" }]));
  it("are whole where a line has fewer fields, and hold none without a name", () =>
    expect(rowsOf("a,b\n1\n1,2,3")).toEqual([
      { a: "1", b: "" },
      { a: "1", b: "2" },
    ]));
  it("may be empty in all but one field", () =>
    expect(rowsOf("a,b\n,\n,2")).toEqual([
      { a: "", b: "" },
      { a: "", b: "2" },
    ]));
  it("are none of a heading alone, nor of nothing", () => {
    expect(rowsOf("a,b\n")).toEqual([]);
    expect(rowsOf("a,b\n\n\n")).toEqual([]);
    expect(rowsOf("")).toEqual([]);
  });
});

describe("what a job left", () => {
  const file = { href: "/jobs/1/results/table", type: "text/csv", title: "Table", length: 12 };
  const told = {
    table: file,
    layers: { zones: "job-1.zones" },
    area_km2: 1700.61,
    report: null,
    counts: { href: 3 },
  };

  it("is sorted into files, layers of maps and values", () =>
    expect(sortResults(told)).toEqual({
      files: { table: file },
      layers: { zones: "job-1.zones" },
      values: { area_km2: 1700.61, report: null, counts: { href: 3 } },
    }));
  it("may be no layers at all", () => {
    expect(sortResults({ layers: null })).toEqual({
      files: {},
      layers: {},
      values: { layers: null },
    });
  });
  it("is read of a job", async () => {
    serve({ "GET /jobs/1/results": told });
    expect((await resultsOf("1")).files.table?.title).toBe("Table");
  });
  it("is refused where it has failed", async () => {
    serve({ "GET /jobs/1/results": refused(404, "the job failed") });
    await expect(resultsOf("1")).rejects.toThrow("the job failed");
  });
  it("stands at an address of its own", () =>
    expect(new URL(outputPath("1", "table")).pathname).toBe("/jobs/1/results/table"));
});

describe("a table that a job left", () => {
  it("is asked for as CSV", async () => {
    const sent = serve({
      "GET /jobs/1/results/table": () => new Response("zone,area_km2\nZ1,12.50\n"),
    });
    expect(await tableOf("1", "table")).toEqual([{ zone: "Z1", area_km2: "12.50" }]);
    expect(sent[0]?.headers.get("Accept")).toBe("text/csv");
  });
  it("is refused where the output is none", async () => {
    serve({ "GET /jobs/1/results/map": refused(406, "no table") });
    await expect(tableOf("1", "map")).rejects.toMatchObject({ status: 406, message: "no table" });
  });
});
