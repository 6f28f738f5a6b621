/** Tables that stay quick with ten thousand rows: only those in sight are drawn. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Empty } from "./ui";
import { t } from "./words";

export interface Column<Row> {
  id: string;
  title: string;
  /** What a cell shows. */
  cell: (row: Row) => ComponentChildren;
  /** What rows are put in order by; a column without it has no order. */
  order?: (row: Row) => string | number | null | undefined;
  /** Numbers stand at the right. */
  numeric?: boolean;
  width?: string;
}

const ROW_PX = 36;
/** Tables up to this many rows are drawn whole, as tall as they need. */
const FEW = 60;
const BEYOND = 6;

export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
  onOpen,
  opens = () => true,
  chosen,
  empty,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  onOpen?: (row: Row) => void;
  /** Whether a row can be opened, where not all can. */
  opens?: (row: Row) => boolean;
  chosen?: string | null;
  empty?: string;
}) {
  const order = useSignal<{ id: string; down: boolean } | null>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const box = useRef<HTMLDivElement>(null);
  const many = rows.length > FEW;
  const sorted = useMemo(() => inOrder(rows, columns, order.value), [rows, columns, order.value]);
  useEffect(() => {
    const element = box.current;
    if (!element || !many) return;
    const seen = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    seen.observe(element);
    return () => seen.disconnect();
  }, [many]);
  if (!rows.length) return <Empty>{empty ?? t("没有记录", "Nothing here")}</Empty>;
  const [from, to] = many ? inSight(top.value, height.value, sorted.length) : [0, sorted.length];
  const turn = (id: string) => {
    const now = order.value;
    order.value = { id, down: now?.id === id && !now.down };
  };
  return (
    <div
      ref={box}
      class={`table${many ? " many" : ""}`}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={({ currentTarget }) => {
        top.value = currentTarget.scrollTop;
      }}
    >
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                class={column.numeric ? "numeric" : ""}
                style={column.width ? { width: column.width } : undefined}
                aria-sort={sortOf(order.value, column.id)}
              >
                {column.order ? (
                  <button type="button" onClick={() => turn(column.id)}>
                    {column.title}
                    <span aria-hidden="true">{arrow(order.value, column.id)}</span>
                  </button>
                ) : (
                  column.title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {from > 0 && <Gap rows={from} columns={columns.length} />}
          {sorted.slice(from, to).map((row, at) => {
            const key = keyOf(row);
            const open = onOpen && opens(row) ? () => onOpen(row) : undefined;
            return (
              <tr
                key={key}
                aria-rowindex={from + at + 2}
                class={key === chosen ? "chosen" : ""}
                onClick={open && ((event) => besideControls(event) && open())}
              >
                {columns.map((column, n) => {
                  const cell = column.cell(row);
                  // Lines of long tables are one line high, and cut what is longer.
                  const whole = many && typeof cell === "string" ? cell : undefined;
                  return (
                    <td key={column.id} class={column.numeric ? "numeric" : ""} title={whole}>
                      {n === 0 && open ? (
                        <button type="button" class="link" onClick={open}>
                          {cell}
                        </button>
                      ) : (
                        cell
                      )}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {to < sorted.length && <Gap rows={sorted.length - to} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

/** Whether a click in a row was meant for the row, not for a control that stands in it. */
function besideControls({ target }: MouseEvent): boolean {
  return !(target as Element).closest("button, a, input, select, label, summary, dialog");
}

function Gap({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true" style={{ height: `${rows * ROW_PX}px` }}>
      <td colSpan={columns} />
    </tr>
  );
}

/** Which rows are in sight, with some beyond either edge. */
export function inSight(top: number, height: number, count: number): [number, number] {
  const first = Math.max(0, Math.floor(top / ROW_PX) - BEYOND);
  const last = Math.min(count, Math.ceil((top + height) / ROW_PX) + BEYOND);
  // Few rows are left where many were scrolled through.
  return first < last ? [first, last] : [0, Math.min(count, FEW)];
}

/** Rows in the order of a column; those without a value come last either way. */
export function inOrder<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: { id: string; down: boolean } | null,
): readonly Row[] {
  const by = columns.find(({ id }) => id === order?.id)?.order;
  if (!by || !order) return rows;
  const sign = order.down ? -1 : 1;
  const worded = new Intl.Collator("zh-CN", { numeric: true });
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort(({ value: a }, { value: b }) => {
      const none = Number(a === null || a === undefined) - Number(b === null || b === undefined);
      if (none || a === null || a === undefined || b === null || b === undefined) return none;
      if (typeof a === "number" && typeof b === "number") return sign * (a - b);
      return sign * worded.compare(String(a), String(b));
    })
    .map(({ row }) => row);
}

function sortOf(order: { id: string; down: boolean } | null, id: string) {
  if (order?.id !== id) return undefined;
  return order.down ? "descending" : "ascending";
}

function arrow(order: { id: string; down: boolean } | null, id: string): string {
  return { undefined: "", ascending: " ▲", descending: " ▼" }[sortOf(order, id) ?? "undefined"];
}
