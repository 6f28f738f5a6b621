/** Lists that are filled in as rows of fields, each row by the schema of the list's members. */

import { type Signal, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { PropertySchema, Values } from "./features";
import {
  choicesOf,
  Fields,
  faultAt,
  faultWithin,
  Member,
  type MemberProps,
  titleOf,
  Wrong,
} from "./form";
import { Button } from "./ui";
import { t } from "./words";

/** Whether a list is filled in as rows of fields: its members are objects of known members, or lists
 * of their own. */
export function isRows({ type, items }: PropertySchema): boolean {
  if (type !== "array" || !items) return false;
  if (items.type === "array") return Boolean(items.items && !rowKinds(items.items).length);
  return rowKinds(items).length > 0;
}

/** Whether a part of what is sent has a field of its own that tells what is wrong with it.
 * @param parts Names and numbers that lead to it. */
export function hasField(schema: PropertySchema, parts: readonly string[]): boolean {
  const [part, ...deeper] = parts;
  if (part === undefined) return true;
  if (isRows(schema)) {
    const kinds = rowKinds(schema.items ?? {});
    return !deeper.length || !kinds.length || kinds.some((kind) => hasField(kind, deeper));
  }
  const member = schema.properties?.[part];
  if (!member) return false;
  return member.properties || isRows(member) ? hasField(member, deeper) : true;
}

/** The ways in which a row may be described, each by its members. */
function rowKinds(items: PropertySchema): PropertySchema[] {
  const ways = items.oneOf ?? items.anyOf ?? [items];
  return ways.every(({ properties }) => properties) ? ways : [];
}

/** What a row is described by: of several ways the one that it names, with a choice of the others. */
export function rowSchema(items: PropertySchema, row: unknown): PropertySchema {
  const [first, ...others] = rowKinds(items);
  if (!first || !others.length) return first ?? items;
  const ways = [first, ...others];
  const [name] =
    Object.entries(first.properties ?? {}).find(([, { enum: listed }]) => listed?.length === 1) ??
    [];
  if (!name) return first;
  const codeOf = (way: PropertySchema) => way.properties?.[name]?.enum?.[0];
  const said = (row as Values | undefined)?.[name];
  const way = ways.find((one) => codeOf(one) === said) ?? first;
  const choice = {
    ...way.properties?.[name],
    enum: ways.flatMap((one) => one.properties?.[name]?.enum ?? []),
    "x-enum-titles": Object.assign(
      {},
      ...ways.map((one) => one.properties?.[name]?.["x-enum-titles"] ?? {}),
    ),
  };
  return { ...way, properties: { ...way.properties, [name]: choice } };
}

/** What a row is called in its list: its first member that says something. */
function rowName({ properties = {} }: PropertySchema, row: unknown): string {
  const values = (row ?? {}) as Values;
  for (const [name, schema] of Object.entries(properties)) {
    const value = values[name];
    if (typeof value === "string" || typeof value === "number")
      return choicesOf(schema)?.find((one) => one.value === String(value))?.label ?? String(value);
  }
  return "";
}

/** The list with one of its members moved by a step; as it is at its ends. */
export function moved<T>(list: readonly T[], at: number, step: number): T[] {
  const to = at + step;
  const found = [...list];
  const [one] = found.splice(at, 1);
  if (one === undefined || to < 0 || to >= list.length) return [...list];
  found.splice(to, 0, one);
  return found;
}

let rowsMade = 0;
const made = (number: number) => Array.from({ length: number }, () => ++rowsMade);

/** A list whose members have fields of their own: rows that are added, taken out and moved. */
export function Rows({ name, schema, value, set, needed, at, wrong, controls }: MemberProps) {
  const rows = Array.isArray(value) ? value : [];
  const items = schema.items ?? {};
  // A row keeps its fields, and what was refused of it, wherever it is moved to.
  const held = useRef<number[]>([]);
  if (held.current.length !== rows.length) {
    const kept = held.current.slice(0, rows.length);
    held.current = [...kept, ...made(rows.length - kept.length)];
  }
  const keys = held.current;
  const refused = useMemo(() => [...keys], [wrong]);
  const opened = useSignal(0);
  const put = (now: unknown[], own: number[]) => {
    held.current = own;
    set(now.length ? now : undefined);
  };
  const most = schema.maxItems ?? Number.POSITIVE_INFINITY;
  return (
    <fieldset class="rows">
      <legend class="label">
        {titleOf(name, schema)}
        {needed && (
          <span class="needed" aria-hidden="true">
            {" "}
            *
          </span>
        )}
      </legend>
      {schema.description && <small>{schema.description}</small>}
      <Wrong fault={faultAt(wrong, at)} />
      {rows.map((row, n) => {
        const key = keys[n] as number;
        const place = `${at}/${refused.indexOf(key)}`;
        const own = rowSchema(items, row);
        const change = (now: unknown) =>
          put(
            rows.map((one, m) => (m === n ? now : one)),
            keys,
          );
        return (
          <details
            key={key}
            class="group"
            open={
              opened.value === key || Boolean(faultAt(wrong, place) ?? faultWithin(wrong, place))
            }
          >
            <summary>
              {t(`第 ${n + 1} 项`, `No. ${n + 1}`)} {rowName(own, row)}
            </summary>
            <Wrong fault={own.properties && faultAt(wrong, place)} />
            {own.properties ? (
              <Fields
                members={own.properties}
                required={own.required ?? []}
                values={rowValues(items, row, change)}
                wrong={wrong}
                controls={controls}
                at={place}
              />
            ) : (
              <Member
                name={t("内容", "Members")}
                schema={own}
                needed
                value={row}
                set={(now) => change(now ?? [])}
                at={place}
                wrong={wrong}
                controls={{}}
              />
            )}
            <div class="actions">
              <Button
                disabled={n === 0}
                onClick={() => put(moved(rows, n, -1), moved(keys, n, -1))}
              >
                {t("上移", "Up")}
              </Button>
              <Button
                disabled={n === rows.length - 1}
                onClick={() => put(moved(rows, n, 1), moved(keys, n, 1))}
              >
                {t("下移", "Down")}
              </Button>
              <Button
                kind="danger"
                onClick={() =>
                  put(
                    rows.filter((_, m) => m !== n),
                    keys.filter((_, m) => m !== n),
                  )
                }
              >
                {t("删除此项", "Take out")}
              </Button>
            </div>
          </details>
        );
      })}
      <div class="actions">
        <Button
          disabled={rows.length >= most}
          onClick={() => {
            const [key] = made(1) as [number];
            opened.value = key;
            put([...rows, newRow(items)], [...keys, key]);
          }}
        >
          {t("添加一项", "Add one")}
        </Button>
        {Number.isFinite(most) && rows.length >= most && (
          <small>{t(`最多 ${most} 项`, `at most ${most}`)}</small>
        )}
      </div>
    </fieldset>
  );
}

/** What a new row says: which of several ways it is, where it must say so. */
function newRow(items: PropertySchema): unknown {
  if (items.type === "array") return [];
  const [first, ...others] = rowKinds(items);
  const codes = Object.entries(first?.properties ?? {}).flatMap(([name, { enum: listed }]) =>
    listed?.length === 1 ? [[name, listed[0]]] : [],
  );
  return others.length ? Object.fromEntries(codes) : {};
}

/** A row's values as fields read and write them; another way takes its own members alone. */
function rowValues(
  items: PropertySchema,
  row: unknown,
  change: (now: Values) => void,
): Signal<Values> {
  return {
    get value() {
      return (row ?? {}) as Values;
    },
    set value(now: Values) {
      const known = rowSchema(items, now).properties ?? {};
      change(Object.fromEntries(Object.entries(now).filter(([name]) => name in known)));
    },
  } as Signal<Values>;
}
