/** Two people have changed one object: theirs and mine beside each other, a choice for each. */

import { type Signal, useSignal } from "@preact/signals";
import type { Geometry } from "geojson";
import type { Feature, PropertySchema, Values } from "./features";
import { choicesOf, titleOf, useDraft } from "./form";
import { eachPosition } from "./map/bounds";
import { partsOf } from "./map/shapes";
import { Button, Dialog } from "./ui";
import { t } from "./words";

export const GEOMETRY = "geometry";

/** What I want to change of an object. */
export interface Change {
  geometry?: Geometry | null;
  properties: Values;
}

export interface Difference {
  name: string;
  mine: unknown;
  theirs: unknown;
  /** Whether they have changed it since I began; what only I changed need not be asked about. */
  both: boolean;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The members of which theirs and mine differ, or which either has changed.
 * @param base The object as it was when I began. */
export function differences(base: Feature, mine: Change, theirs: Feature): Difference[] {
  const found: Difference[] = [];
  const look = (name: string, before: unknown, wanted: unknown, now: unknown) => {
    const changed = !same(before, now);
    if (same(wanted, now) || (same(before, wanted) && !changed)) return;
    found.push({ name, mine: wanted, theirs: now, both: changed });
  };
  for (const [name, wanted] of Object.entries(mine.properties))
    look(name, base.properties[name], wanted, theirs.properties[name]);
  if (mine.geometry !== undefined) look(GEOMETRY, base.geometry, mine.geometry, theirs.geometry);
  return found;
}

/** What is sent: my change without what I leave to them. */
export function resolved(mine: Change, left: ReadonlySet<string>): Change {
  const kept = Object.entries(mine.properties).filter(([name]) => !left.has(name));
  return {
    properties: Object.fromEntries(kept),
    ...(mine.geometry === undefined || left.has(GEOMETRY) ? {} : { geometry: mine.geometry }),
  };
}

/** Members of a form that differ from the object as it was read; null takes a value away. */
export function changedMembers(before: Values, now: Values): Values {
  const changed: Values = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)]))
    if (!same(before[name], now[name])) changed[name] = now[name] ?? null;
  return changed;
}

interface Edits extends Values {
  change: Values;
  /** The members on which the change was begun, and the tag of that state. */
  base: Values;
  etag: string | null;
}

/** A form's values as what was read with what was typed since, which outlives a reload together with
 * what it was begun on: sent with that tag, it overwrites no change that others made meanwhile.
 * @param before The members as they were read.
 * @param etag The tag of the state they were read in. */
export function useEdits(name: string, before: Values, etag: string | null) {
  const fresh: Edits = { change: {}, base: before, etag };
  const { values: draft, restored, reset } = useDraft(name, fresh);
  // A browser may have kept a change alone, from before it was kept with what it was begun on.
  const begunOf = (kept: Values) => ("base" in kept ? (kept as Edits) : { ...fresh, change: kept });
  const values = {
    get value() {
      return { ...before, ...begunOf(draft.value).change };
    },
    set value(now: Values) {
      const change = changedMembers(before, now);
      const held = begunOf(draft.value);
      const begun = Object.keys(held.change).length ? held : fresh;
      draft.value = Object.keys(change).length ? { ...begun, change } : fresh;
    },
  } as Signal<Values>;
  return { values, begun: begunOf(draft.value), restored, reset };
}

/** A value as people read it; rows of a list are apart, and each of their members is on its line. */
export function shownValue(value: unknown, schema: PropertySchema | undefined): string {
  if (value === null || value === undefined || value === "") return t("（空）", "(empty)");
  const choice = schema && choicesOf(schema)?.find((one) => one.value === String(value));
  if (choice) return choice.label;
  if (Array.isArray(value)) {
    const rows = value.some((one) => one !== null && typeof one === "object");
    return value.map((one) => shownValue(one, schema?.items)).join(rows ? "\n\n" : "、");
  }
  if (typeof value === "boolean") return value ? t("是", "yes") : t("否", "no");
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .filter(([, member]) => member !== null && member !== "")
    .map(([name, member]) => {
      const described = schema?.properties?.[name];
      return `${titleOf(name, described ?? {})}${t("：", ": ")}${shownValue(member, described)}`;
    })
    .join("\n");
}

/** A geometry by its number of corners; the position that closes a ring is none. */
export function shownShape(shape: unknown): string {
  if (!shape) return t("（未绘制）", "(not drawn)");
  let corners = 0;
  for (const part of partsOf(shape as Geometry))
    if (part.type === "Polygon") corners -= part.coordinates.length;
  eachPosition(shape as Geometry, () => {
    corners += 1;
  });
  return t(`${corners} 个顶点`, `${corners} corners`);
}

export function Conflict({
  base,
  mine,
  theirs,
  members,
  onSend,
  onClose,
  onShow,
}: {
  base: Feature;
  mine: Change;
  theirs: Feature;
  members: Record<string, PropertySchema>;
  /** Send again what is left of my change, on top of theirs. */
  onSend: (change: Change) => void;
  onClose: () => void;
  /** Show their geometry on the map; without it there is none to show. */
  onShow?: () => void;
}) {
  const left = useSignal<ReadonlySet<string>>(new Set());
  const found = differences(base, mine, theirs);
  const leave = (name: string, to: boolean) => {
    const next = new Set(left.value);
    if (to) next.add(name);
    else next.delete(name);
    left.value = next;
  };
  const show = (name: string, value: unknown) =>
    name === GEOMETRY ? shownShape(value) : shownValue(value, members[name]);
  return (
    <Dialog title={t("他人已修改此对象", "Somebody else has changed this")} onClose={onClose} wide>
      <p>
        {t(
          "请逐项选择保留哪一方，再重新提交；双方的内容都在下面。",
          "Choose for each which one stays, then send again; what both of you wrote is below.",
        )}
      </p>
      <table class="conflict">
        <thead>
          <tr>
            <th>{t("内容", "Member")}</th>
            <th>{t("对方", "Theirs")}</th>
            <th>{t("我的", "Mine")}</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ name, mine, theirs, both }) => {
            const title =
              name === GEOMETRY ? t("图形", "Geometry") : titleOf(name, members[name] ?? {});
            const pick = (text: string, value: string, toThem: boolean) => (
              <td>
                <label class="check">
                  <input
                    type="radio"
                    name={`conflict-${name}`}
                    aria-label={`${title}: ${text}`}
                    checked={left.value.has(name) === toThem}
                    onChange={() => leave(name, toThem)}
                  />
                  <span class="as-written">{value}</span>
                </label>
              </td>
            );
            return (
              <tr key={name}>
                <th scope="row">
                  {title}
                  {!both && <small> {t("（仅我修改）", "(only I changed it)")}</small>}
                </th>
                {pick(t("对方", "theirs"), show(name, theirs), true)}
                {pick(t("我的", "mine"), show(name, mine), false)}
              </tr>
            );
          })}
        </tbody>
      </table>
      <div class="actions">
        <Button kind="main" onClick={() => onSend(resolved(mine, left.value))}>
          {t("按选择重新提交", "Send again as chosen")}
        </Button>
        {onShow && (
          <Button onClick={onShow}>{t("在地图上看对方的图形", "Show theirs on the map")}</Button>
        )}
        <Button onClick={onClose}>{t("返回继续编辑", "Back to editing")}</Button>
      </div>
    </Dialog>
  );
}
