/** Forms that redraw zones: kept while they are unsent, and sent on the state of the zones that
 * they were begun on, so that nothing of somebody else is changed unseen. */

import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { Position } from "geojson";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Fault, write } from "../../kit/api";
import { told } from "../../kit/asked";
import type { Values } from "../../kit/features";
import { Restored, useDraft } from "../../kit/form";
import { km2 } from "../../kit/format";
import { heldBy, isStale } from "../../kit/held";
import { eachPosition } from "../../kit/map/bounds";
import type { Drawable, Kind, Sketch } from "../../kit/map/draw";
import type { MapPane } from "../../kit/map/engine";
import { useSketch } from "../../kit/map/sketch";
import { Button, Dialog, FaultBox, Field, tell } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { keyOfScheme, readZones, type Scheme, type Zone } from "./schemes";

export interface Editable {
  scheme: Scheme;
  zones: readonly Zone[];
  /** The state that the zones are in. */
  tag: string | null;
  pane: MapPane | null;
  /** Called with the version that was changed: another one where a draft was begun. */
  onChanged: (version: number) => void;
}

export const path = ({ properties }: Scheme, what: string) =>
  `/zone-schemes/${encodeURIComponent(properties.code)}/${what}`;

interface Redrawn {
  scheme: { version: number };
}

/** Send what changes zones, and tell how it ended. */
export function useSending(onChanged: (version: number) => void) {
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const key = useSignal(crypto.randomUUID());
  const sendIt = async (
    address: string,
    body: object,
    done: string,
    { tag = null, onDone, onStale }: Sending = {},
  ) => {
    busy.value = true;
    fault.value = null;
    try {
      const { data } = await write<Redrawn>("POST", address, body, {
        "Idempotency-Key": key.value,
        ...heldBy(tag),
      });
      tell(done);
      onDone?.();
      onChanged(data.scheme.version);
    } catch (error) {
      try {
        if (!onStale || !isStale(error)) throw error;
        await onStale();
      } catch (refusal) {
        fault.value = told(refusal);
      }
    } finally {
      // What was answered is another request when it is sent again; what had no answer is the same.
      if (fault.value?.status !== 0) key.value = crypto.randomUUID();
      busy.value = false;
    }
  };
  return { busy, fault, sendIt };
}

interface Sending {
  /** The state that it is for; null for any. */
  tag?: string | null;
  onDone?: () => void;
  /** Called where the zones are in another state by now. */
  onStale?: () => Promise<void>;
}

type Told = Pick<
  Zone["properties"],
  "name_zh" | "name_en" | "class_name_zh" | "class_name_en" | "area_km2"
>;
type ToldByCode = Record<string, Told>;

const toldOf = (zones: readonly Zone[]): ToldByCode =>
  Object.fromEntries(
    zones.map(
      ({ properties: { code, name_zh, name_en, class_name_zh, class_name_en, area_km2 } }) => [
        code,
        { name_zh, name_en, class_name_zh, class_name_en, area_km2 },
      ],
    ),
  );

interface Held {
  note: string;
  to_class: string;
  drawn: Drawable[];
  /** Codes of the zones that it is about. */
  zones: string[];
  /** The zones as they were when the first of it was typed or drawn. */
  begun: { tag: string | null; zones: ToldByCode } | null;
}

const BLANK: Held = { note: "", to_class: "", drawn: [], zones: [], begun: null };
const isBlank = ({ note, to_class, drawn }: Held) => !note && !to_class && !drawn.length;

/** The unsent form of a way to redraw a version.
 * @param chosen The zones that it is about, where one chooses them. */
export function useRedrawing(
  way: string,
  { scheme, zones, tag, onChanged }: Editable,
  chosen?: Signal<ReadonlySet<string>>,
) {
  const { version } = scheme.properties;
  const draft = useDraft(`zoning.${way}.${keyOfScheme(scheme)}`, BLANK as unknown as Values);
  const values = draft.values as unknown as Signal<Held>;
  const sending = useSending(onChanged);
  const changed = useSignal<Changed | null>(null);
  const shapes = useSignal<Drawable[]>(values.peek().drawn);
  const sketch = useRef<ReadonlySignal<Sketch | null> | null>(null);
  const present = useRef({ tag, zones });
  present.current = { tag, zones };
  const put = (change: Partial<Held>) => {
    const next = { ...values.peek(), ...change };
    if (chosen) next.zones = [...chosen.peek()];
    const { tag: now, zones: read } = present.current;
    next.begun ??= { tag: now, zones: toldOf(read) };
    values.value = isBlank(next) ? BLANK : next;
  };
  useEffect(() => {
    const kept = values.peek().zones;
    if (chosen && kept.length) chosen.value = new Set(kept);
    const stops = [
      shapes.subscribe((drawn) => {
        if (JSON.stringify(drawn) !== JSON.stringify(values.peek().drawn)) put({ drawn });
      }),
      chosen?.subscribe(() => {
        if (!isBlank(values.peek())) put({});
      }),
    ];
    return () => {
      for (const stop of stops) stop?.();
    };
  }, []);
  const reset = () => {
    sketch.current?.peek()?.clear();
    shapes.value = [];
    changed.value = null;
    draft.reset();
  };
  const submit = (
    what: string,
    body: object,
    done: string,
    mine: Mine,
    on: string | null = values.peek().begun?.tag ?? present.current.tag,
  ): Promise<void> =>
    sending.sendIt(path(scheme, what), { ...body, note: values.peek().note, version }, done, {
      tag: on,
      onDone: reset,
      onStale: async () => {
        const now = await readZones(scheme);
        changed.value = {
          before: values.peek().begun?.zones ?? toldOf(present.current.zones),
          now: toldOf(now.zones),
          mine,
          again: () => submit(what, body, done, mine, now.tag),
        };
        // The map shows them as they are now, the form as it was left.
        onChanged(version);
      },
    });
  return {
    ...sending,
    values,
    shapes,
    sketch,
    put,
    submit,
    reset,
    restored: draft.restored,
    changed,
  };
}

export type Redrawing = ReturnType<typeof useRedrawing>;
/** What was meant, by its names. */
export type Mine = readonly (readonly [name: string, value: string])[];

interface Changed {
  before: ToldByCode;
  now: ToldByCode;
  mine: Mine;
  again: () => Promise<void>;
}

/** Corners of all zones: what is drawn shares its borders with them. */
function cornersOfZones(zones: readonly Zone[]): Position[] {
  const corners: Position[] = [];
  for (const { geometry } of zones) if (geometry) eachPosition(geometry, (at) => corners.push(at));
  return corners;
}

/** Draw what a form is about. */
export function useDrawn(
  { pane, zones }: Editable,
  { shapes, sketch }: Redrawing,
  kind: Kind,
): ReadonlySignal<Sketch | null> {
  const corners = useMemo(() => cornersOfZones(zones), [zones]);
  const made = useSketch(pane, shapes, kind, () => corners);
  sketch.current = made;
  return made;
}

/** The reason, what was refused, and what somebody else has changed: the end of each form. */
export function Apply({
  form,
  label,
  ready,
  onApply,
}: {
  form: Redrawing;
  label: string;
  ready: boolean;
  onApply: () => void;
}) {
  const { values, put, busy, fault, changed } = form;
  const { note } = values.value;
  return (
    <>
      <Field label={t("理由", "Why")} needed hint={t("写入调整记录与审计", "kept with the change")}>
        <input
          type="text"
          required
          value={note}
          onInput={({ currentTarget }) => put({ note: currentTarget.value })}
        />
      </Field>
      <Button kind="main" busy={busy.value} disabled={!ready || !note.trim()} onClick={onApply}>
        {label}
      </Button>
      <FaultBox fault={fault.value} />
      {changed.value && (
        <ChangedMeanwhile
          {...changed.value}
          onClose={() => {
            changed.value = null;
          }}
        />
      )}
    </>
  );
}

/** Says that a form has what was typed before, and offers to begin anew. */
export const RestoredForm = ({ form: { restored, reset } }: { form: Redrawing }) => (
  <Restored restored={restored} reset={reset} />
);

function ChangedMeanwhile({
  before,
  now,
  mine,
  again,
  onClose,
}: Changed & { onClose: () => void }) {
  const codes = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (code) => JSON.stringify(before[code]) !== JSON.stringify(now[code]),
  );
  const shown = (zone: Told | undefined) =>
    zone
      ? `${called(zone)} · ${called(zone, "class_name")} · ${km2(zone.area_km2, 4)}`
      : t("（无）", "(none)");
  return (
    <Dialog
      title={t("他人已修改这些分区", "Somebody else has changed the zones")}
      onClose={onClose}
      wide
    >
      <p>
        {t(
          "您开始之后分区已有变化，尚未执行您的操作；您填写和绘制的内容都还在。",
          "The zones have changed since you began; nothing of yours was done yet, and nothing you typed or drew is lost.",
        )}
      </p>
      <table class="conflict">
        <thead>
          <tr>
            <th>{t("分区", "Zone")}</th>
            <th>{t("您开始时", "When you began")}</th>
            <th>{t("现在", "Now")}</th>
          </tr>
        </thead>
        <tbody>
          {codes.map((code) => (
            <tr key={code}>
              <th scope="row">
                <code>{code}</code>
              </th>
              <td>{shown(before[code])}</td>
              <td>{shown(now[code])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!codes.length && (
        <p class="hint">
          {t(
            "名称、类别与面积未变，变化的是其他属性或边界。",
            "Names, classes and areas are as they were: other attributes or borders have changed.",
          )}
        </p>
      )}
      <h3>{t("您的操作", "What you meant to do")}</h3>
      <dl class="facts">
        {mine.map(([name, value]) => [
          <dt key={`${name} name`}>{name}</dt>,
          <dd key={name}>{value}</dd>,
        ])}
      </dl>
      <div class="actions">
        <Button
          kind="main"
          onClick={() => {
            onClose();
            again();
          }}
        >
          {t("在现状上执行", "Do it on what is there now")}
        </Button>
        <Button onClick={onClose}>{t("返回继续编辑", "Back to editing")}</Button>
      </div>
    </Dialog>
  );
}
