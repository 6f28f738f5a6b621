import { expect, test } from "vitest";
import { rowsOf, sortResults } from "../../kit/results";
import { differences, frontOf, within } from "./differences";

const HEAD = "\uFEFFgroup,item,name_zh,name_en,unit,before,after,change\r\n";

test("figures stay as they were written, to the digit", () => {
  const rows = rowsOf(`${HEAD}network,pc,连通,"PC, all",1,0.1000,3.407e-14,\r\n`);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ name_en: "PC, all", before: "0.1000", after: "3.407e-14" });
  expect(rowsOf('a,b\n"x ""y""\nz",2')[0]).toEqual({ a: 'x "y"\nz', b: "2" });
});

test("tables are joined by what they measure", () => {
  const one = rowsOf(`${HEAD}network,pc,,,1,1,2,1\nnetwork,iic,,,1,5,6,1\n`);
  const other = rowsOf(`${HEAD}network,pc,,,1,1,3,2\narea,water,,,ha,7,8,1\n`);
  const joined = differences([one, other]);
  expect(joined.map(({ key }) => key)).toEqual(["network/pc", "network/iic", "area/water"]);
  expect(joined.map(({ of }) => of.map((row) => row?.after))).toEqual([
    ["2", "3"],
    ["6", undefined],
    [undefined, "8"],
  ]);
});

test("a budget buys the dearest point of the front that it pays for", () => {
  const front = frontOf(rowsOf("cost,gain,sites\n20,0.5,3\n0.0,0.0,0\n40,0.7,9\n"));
  expect(front.map(({ cost }) => cost)).toEqual([0, 20, 40]);
  expect(within(front, 39)?.gain).toBe(0.5);
  expect(within(front, 40)?.sites).toBe("9");
  expect(within(front, -1)).toBeUndefined();
  // What former releases wrote told the number of sites alone.
  expect(front.map(({ codes }) => codes)).toEqual([null, null, null]);
  const named = frontOf(rowsOf("cost,gain,sites,codes\n0,0,0,\n20,0.5,2,a b\n"));
  expect(named.map(({ codes }) => codes)).toEqual([[], ["a", "b"]]);
});

test("results are files, layers and values", () => {
  const report = { href: "/r", type: "text/html", title: "报告" };
  const found = sortResults({ report, layers: { ratio: "ratio.x" }, cost: 3 });
  expect(found).toEqual({ files: { report }, layers: { ratio: "ratio.x" }, values: { cost: 3 } });
});
