/** Tables as people read them: long ones, by keyboard, in order. */

import { useSignal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import { type Column, Table } from "./table";
import { act, fireEvent, open, screen, within } from "./testing";

interface Project {
  code: string;
  name: string;
  budget: number | null;
}

const COLUMNS: Column<Project>[] = [
  { id: "code", title: "Code", cell: ({ code }) => code, order: ({ code }) => code },
  { id: "name", title: "Name", cell: ({ name }) => name },
  {
    id: "budget",
    title: "Budget",
    cell: ({ budget }) => budget ?? "–",
    order: ({ budget }) => budget,
    numeric: true,
    width: "8rem",
  },
];
const projects = (count: number): Project[] =>
  Array.from({ length: count }, (_, n) => ({
    code: `P-${n + 1}`,
    name: `Project ${n + 1}`,
    budget: (n * 7919) % count,
  }));

function table(rows: readonly Project[], more: Partial<Parameters<typeof Table<Project>>[0]> = {}) {
  return open(
    <Table label="Projects" columns={COLUMNS} rows={rows} keyOf={({ code }) => code} {...more} />,
  );
}
const box = () => screen.getByRole("region", { name: "Projects" });
/** The rows that are drawn: their numbers among all, and their first cells. */
const drawn = () =>
  [...box().querySelectorAll("tr[aria-rowindex]")].map((row) => ({
    at: Number(row.getAttribute("aria-rowindex")),
    code: row.querySelector("td")?.textContent,
  }));
const scroll = (top: number) =>
  act(async () => {
    box().scrollTop = top;
    fireEvent.scroll(box());
  });
const heading = (name: string) => screen.getByRole("button", { name: new RegExp(`^${name}`) });
const sorting = (name: string) =>
  screen.getByRole("columnheader", { name: new RegExp(`^${name}`) }).getAttribute("aria-sort");

describe("ten thousand rows", () => {
  const many = projects(10_000);

  it("tell the whole of a cell that may be cut", () => {
    table(many);
    expect(screen.getByText("Project 1").closest("td")?.title).toBe("Project 1");
  });

  it("are drawn where one has scrolled to, and tell which they are", async () => {
    table(many);
    // Rows of 36 px under a head: row 5,000 is the 5,001st of the table.
    await scroll(36 * 4999);
    const shown = drawn();
    expect(shown.length).toBeLessThan(80);
    expect(shown).toContainEqual({ at: 5001, code: "P-5000" });
    expect(shown.some(({ code }) => code === "P-1")).toBe(false);
  });
  it("leave the room of those that are not drawn", async () => {
    table(many);
    await scroll(36 * 4999);
    const gaps = [...box().querySelectorAll<HTMLElement>("tbody tr[aria-hidden]")];
    const room = gaps.reduce((sum, gap) => sum + Number.parseFloat(gap.style.height), 0);
    expect(room + 36 * drawn().length).toBe(36 * 10_000);
  });
  it("end with the last", async () => {
    table(many);
    await scroll(36 * 10_000);
    expect(drawn().at(-1)).toEqual({ at: 10_001, code: "P-10000" });
    expect(box().querySelector("table")?.getAttribute("aria-rowcount")).toBe("10001");
  });
  it("are put in order as a whole, not those in sight alone", async () => {
    const hands = table(many);
    await hands.click(heading("Budget"));
    await hands.click(heading("Budget"));
    expect(drawn()[0]?.code).toBe(many.find(({ budget }) => budget === 9999)?.code);
  });
  it("show what a filter leaves of them, wherever one was", async () => {
    function Filtered() {
      const rows = useSignal(many);
      return (
        <>
          <button
            type="button"
            onClick={() => {
              rows.value = many.slice(0, 3);
            }}
          >
            Three
          </button>
          <Table label="Projects" columns={COLUMNS} rows={rows.value} keyOf={({ code }) => code} />
        </>
      );
    }
    const hands = open(<Filtered />);
    await scroll(36 * 9000);
    await hands.click(screen.getByRole("button", { name: "Three" }));
    expect(drawn().map(({ code }) => code)).toEqual(["P-1", "P-2", "P-3"]);
  });
});

it("sixty rows are drawn whole, as tall as they are", () => {
  table(projects(60));
  expect(drawn()).toHaveLength(60);
  expect(box().className).toBe("table");
});

describe("the order of rows", () => {
  const rows = [
    { code: "b", name: "", budget: 2 },
    { code: "a", name: "", budget: null },
    { code: "c", name: "", budget: 10 },
  ];
  const codes = () => drawn().map(({ code }) => code);

  it("is turned by keyboard", async () => {
    const hands = table(rows);
    await hands.tab();
    expect(document.activeElement).toBe(box());
    await hands.tab();
    await hands.keyboard("{Enter}");
    expect(codes()).toEqual(["a", "b", "c"]);
    await hands.keyboard(" ");
    expect(codes()).toEqual(["c", "b", "a"]);
    expect(sorting("Code")).toBe("descending");
  });
  it("is that of one column at a time", async () => {
    const hands = table(rows);
    await hands.click(heading("Code"));
    await hands.click(heading("Budget"));
    expect([sorting("Code"), sorting("Budget")]).toEqual([null, "ascending"]);
    expect(codes()).toEqual(["b", "c", "a"]);
  });
  it("begins anew going up when one comes back to a column", async () => {
    const hands = table(rows);
    await hands.click(heading("Code"));
    await hands.click(heading("Code"));
    await hands.click(heading("Budget"));
    await hands.click(heading("Code"));
    expect(sorting("Code")).toBe("ascending");
  });
  it("is not offered where a column has none", () => {
    table(rows);
    expect(screen.queryByRole("button", { name: "Name" })).toBeNull();
    expect(screen.getByRole("columnheader", { name: "Name" })).toBeTruthy();
  });
  it("holds while the rows are read again", async () => {
    const again = { rows: [...rows] };
    function Reading() {
      const held = useSignal(again.rows);
      return (
        <>
          <button
            type="button"
            onClick={() => {
              held.value = [...held.value, { code: "aa", name: "", budget: 5 }];
            }}
          >
            Read
          </button>
          <Table label="Projects" columns={COLUMNS} rows={held.value} keyOf={({ code }) => code} />
        </>
      );
    }
    const hands = open(<Reading />);
    await hands.click(heading("Code"));
    await hands.click(screen.getByRole("button", { name: "Read" }));
    expect(codes()).toEqual(["a", "aa", "b", "c"]);
  });
});

describe("opening a row", () => {
  it("goes by a click anywhere in it", async () => {
    const opened = vi.fn();
    const rows = projects(3);
    const hands = table(rows, { onOpen: opened });
    await hands.click(screen.getByText("Project 2"));
    expect(opened.mock.calls).toEqual([[rows[1]]]);
  });
  it("goes by keyboard from its first cell, once", async () => {
    const opened = vi.fn();
    const rows = projects(3);
    const hands = table(rows, { onOpen: opened });
    (within(box()).getByRole("button", { name: "P-3" }) as HTMLElement).focus();
    await hands.keyboard("{Enter}");
    expect(opened.mock.calls).toEqual([[rows[2]]]);
  });
  it("is not meant by a click on a control in it", async () => {
    const opened = vi.fn();
    const pressed = vi.fn();
    const deed = {
      id: "deed",
      title: "Actions",
      cell: ({ code }: Project) => (
        <button type="button" onClick={() => pressed(code)}>
          <span>End {code}</span>
        </button>
      ),
    };
    const hands = open(
      <Table
        label="Projects"
        keyOf={({ code }) => code}
        columns={[{ id: "code", title: "Code", cell: ({ code }: Project) => code }, deed]}
        rows={projects(2)}
        onOpen={opened}
      />,
    );
    await hands.click(screen.getByText("End P-2"));
    expect(pressed.mock.calls).toEqual([["P-2"]]);
    expect(opened).not.toHaveBeenCalled();
  });
  it("marks the one that is open", () => {
    table(projects(3), { chosen: "P-2", onOpen: () => {} });
    expect(box().querySelector("tr.chosen")?.textContent).toContain("P-2");
    expect(box().querySelectorAll("tr.chosen")).toHaveLength(1);
  });
  it("is not offered where there is nothing to open", () => {
    table(projects(3));
    expect(screen.queryByRole("button", { name: "P-1" })).toBeNull();
  });
});

it("an empty table says why it is empty", () => {
  table([], { empty: "No project is late." });
  expect(screen.getByText("No project is late.")).toBeTruthy();
  expect(screen.queryByRole("table")).toBeNull();
});
