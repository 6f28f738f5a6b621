/** Scenarios beside each other: the rows of their tables, each figure as the result has it. */

import type { Row } from "../../kit/results";

export interface Difference {
  key: string;
  row: Row;
  /** Of each scenario what its table says; nothing where it has no such row. */
  of: (Row | undefined)[];
}

/** Rows of several tables joined by what they measure, in the order they come. */
export function differences(tables: readonly (readonly Row[])[]): Difference[] {
  const found = new Map<string, Difference>();
  for (const [n, rows] of tables.entries()) {
    for (const row of rows) {
      const key = `${row.group}/${row.item}`;
      const known = found.get(key) ?? { key, row, of: tables.map(() => undefined) };
      known.of[n] = row;
      found.set(key, known);
    }
  }
  return [...found.values()];
}

export interface FrontPoint {
  cost: number;
  gain: number;
  sites: string;
  /** The codes of its sites; null in selections of releases that did not tell them. */
  codes: string[] | null;
}

/** The front of cost and gain, the cheapest first. */
export function frontOf(rows: readonly Row[]): FrontPoint[] {
  return rows
    .map(({ cost, gain, sites = "", codes }) => ({
      cost: Number(cost),
      gain: Number(gain),
      sites,
      codes: codes === undefined ? null : codes.split(" ").filter(Boolean),
    }))
    .filter(({ cost, gain }) => Number.isFinite(cost) && Number.isFinite(gain))
    .sort((a, b) => a.cost - b.cost);
}

/** The dearest point that a budget pays for. */
export const within = (front: readonly FrontPoint[], budget: number): FrontPoint | undefined =>
  front.filter(({ cost }) => cost <= budget).at(-1);
