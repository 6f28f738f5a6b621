import { describe, expect, it } from "vitest";
import { gathered } from "./shapefile";
import { namesIn } from "./zip";

const file = (name: string, lastModified = 5) => new File([name], name, { lastModified });
const names = (files: readonly File[]) => files.map(({ name }) => name);

describe("files that are dropped together", () => {
  it("are one zip of a Shapefile, in the place of its shapes, and the others as they are", async () => {
    const other = file("dem.tif");
    const found = await gathered([
      ...["地块.dbf", "地块.prj"].map((name) => file(name)),
      other,
      ...["地块.shp", "地块.shx", "地块.CPG"].map((name) => file(name)),
    ]);
    expect(names(found)).toEqual(["dem.tif", "地块.zip"]);
    expect(found[0]).toBe(other);
    const members = await namesIn(found[1] as File);
    expect(members.sort()).toEqual(["地块.CPG", "地块.dbf", "地块.prj", "地块.shp", "地块.shx"]);
  });

  it("are told apart by their names, however these are written", async () => {
    const found = await gathered(["a.shp", "A.DBF", "b.shp", "b.dbf", "c.dbf"].map((n) => file(n)));
    expect(names(found)).toEqual(["a.zip", "b.zip", "c.dbf"]);
    expect(await namesIn(found[0] as File)).toEqual(["a.shp", "A.DBF"]);
    expect(await namesIn(found[1] as File)).toEqual(["b.shp", "b.dbf"]);
  });

  it("leave out what programs write beside them", async () => {
    const found = await gathered(["a.shp", "a.sbn", "a.shp.xml", "a.dbf"].map((n) => file(n)));
    expect(names(found)).toEqual(["a.zip"]);
    expect(await namesIn(found[0] as File)).toEqual(["a.shp", "a.dbf"]);
  });

  it("are the same zip again the next time, of the day of the newest", async () => {
    const parts = () => [file("a.shp", 7), file("a.dbf", 9)];
    const [[one], [two]] = await Promise.all([gathered(parts()), gathered(parts())]);
    expect(one?.lastModified).toBe(9);
    expect(await one?.text()).toBe(await two?.text());
  });

  it("stay as they are without shapes", async () => {
    const parts = [file("a.dbf"), file("a.prj"), file("b.zip")];
    expect(await gathered(parts)).toEqual(parts);
    expect(await gathered([])).toEqual([]);
  });
});
