import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Column, inOrder, inSight, Table } from "./table";
import { lang } from "./words";

interface Row {
  code: string;
  size: number | null;
}

const COLUMNS: Column<Row>[] = [
  { id: "code", title: "代码", cell: ({ code }) => code, order: ({ code }) => code },
  { id: "size", title: "面积", cell: ({ size }) => size, order: ({ size }) => size, numeric: true },
];
const ROWS: Row[] = [
  { code: "项目10", size: 3 },
  { code: "项目2", size: null },
  { code: "项目1", size: 7 },
];

afterEach(() => {
  document.body.innerHTML = "";
  lang.value = "zh";
});

function shown(rows: Row[], onOpen?: (row: Row) => void) {
  const box = document.createElement("div");
  document.body.append(box);
  act(() =>
    render(
      <Table
        label="项目"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ code }) => code}
        {...(onOpen ? { onOpen } : {})}
      />,
      box,
    ),
  );
  return box;
}

const codes = (box: HTMLElement) =>
  [...box.querySelectorAll("tbody td:first-child")].map((cell) => cell.textContent);

describe("inOrder", () => {
  it("numbers within words count as numbers", () =>
    expect(inOrder(ROWS, COLUMNS, { id: "code", down: false }).map(({ code }) => code)).toEqual([
      "项目1",
      "项目2",
      "项目10",
    ]));

  it("rows without a value come last in either direction", () => {
    const sizes = (down: boolean) =>
      inOrder(ROWS, COLUMNS, { id: "size", down }).map(({ size }) => size);
    expect(sizes(false)).toEqual([3, 7, null]);
    expect(sizes(true)).toEqual([7, 3, null]);
  });

  it("no order leaves the rows as they came", () =>
    expect(inOrder(ROWS, COLUMNS, null)).toBe(ROWS));
});

describe("inSight", () => {
  it("takes some rows beyond either edge", () =>
    // 36 px a row: rows 100 to 120 are in sight, six more on either side.
    expect(inSight(3600, 720, 10_000)).toEqual([94, 126]));

  it("ends with the rows", () => expect(inSight(0, 720, 10)).toEqual([0, 10]));

  it("shows what is left after many were scrolled through", () => {
    expect(inSight(360_000, 720, 5)).toEqual([0, 5]);
  });
});

describe("Table", () => {
  it("orders by a click on a heading, and the other way by the next", () => {
    const box = shown(ROWS);
    const heading = box.querySelector<HTMLButtonElement>("th button");
    act(() => heading?.click());
    expect(codes(box)).toEqual(["项目1", "项目2", "项目10"]);
    expect(box.querySelector("th")?.getAttribute("aria-sort")).toBe("ascending");
    act(() => heading?.click());
    expect(codes(box)).toEqual(["项目10", "项目2", "项目1"]);
  });

  it("opens a row once, by its first cell", () => {
    const open = vi.fn();
    const box = shown(ROWS, open);
    act(() => box.querySelector<HTMLButtonElement>("td button")?.click());
    expect(open).toHaveBeenCalledTimes(1);
    expect(open).toHaveBeenCalledWith(ROWS[0]);
  });

  it("draws few of many rows", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({ code: `p${n}`, size: n }));
    const box = shown(many);
    expect(box.querySelectorAll("tbody tr").length).toBeLessThan(60);
    expect(box.querySelector("table")?.getAttribute("aria-rowcount")).toBe("10001");
  });

  it("says that there is nothing", () => expect(shown([]).textContent).toBe("没有记录"));
});
