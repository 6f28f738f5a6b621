/** One object: its shape and what is said of it, kept while it is unsaved, saved with its tag. */

import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { Geometry, Position } from "geojson";
import { useEffect, useMemo } from "preact/hooks";
import { type Fault, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { type Change, Conflict, changedMembers } from "../../kit/conflict";
import {
  addFeature,
  address,
  type CollectionSchema,
  changeFeature,
  type Feature,
  isConflict,
  readFeature,
  schemaOf,
  type Values,
} from "../../kit/features";
import {
  type Controls,
  Fields,
  inWords,
  memberOf,
  Restored,
  SubmitForm,
  useDraft,
} from "../../kit/form";
import { fixed } from "../../kit/format";
import { boundsOf, moved } from "../../kit/map/bounds";
import type { Drawable } from "../../kit/map/draw";
import type { MapPane } from "../../kit/map/engine";
import { fromGcj02, suspectGcj02 } from "../../kit/map/gcj02";
import { joined, partsOf } from "../../kit/map/shapes";
import { cornersOf, SketchTools, useSketch } from "../../kit/map/sketch";
import { plan, plans, planTitle, region, regions } from "../../kit/place";
import { Button, FaultBox, Found, Select, tell } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { following } from "./borders";
import type { Borders, Opened } from "./digitise";
import { kindsOf, mayDraw, membersOf } from "./objects";

interface FormProps {
  opened: Opened;
  pane: MapPane | null;
  borders: Borders;
  /** Whether clicks on the map are for something else than the drawing. */
  taking: ReadonlySignal<boolean>;
  onSaved: (code: string) => void;
  onClose: () => void;
}

export function ObjectForm(props: FormProps) {
  const { collection, code } = props.opened;
  const { asked, again } = useAsked(async () => {
    const [schema, present] = await Promise.all([
      schemaOf(collection.id),
      code ? readFeature(collection.id, code) : null,
    ]);
    return { schema, present: present?.data ?? null, etag: present?.etag ?? null };
    // A new object has no code; null would mean that there is nothing to ask yet.
  }, [collection.id, code ?? ""]);
  return (
    <>
      <Button kind="quiet" onClick={props.onClose}>
        ← {t("返回列表", "Back to the list")}
      </Button>
      <Found asked={asked} again={again}>
        {(found) => <Form {...props} {...found} />}
      </Found>
    </>
  );
}

interface Kept {
  form: Values;
  geometry: Geometry | null;
  base: Feature | null;
  etag: string | null;
}

/** The members of an object that its form has. */
const formOf = (properties: Values, names: readonly string[]): Values =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = properties[name];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );

/** Whether these are the same shapes; their order says nothing. */
const sameShapes = (a: readonly Drawable[], b: readonly Drawable[]) => {
  const told = (shapes: readonly Drawable[]) =>
    shapes
      .map(({ type, coordinates }) => JSON.stringify([type, coordinates]))
      .toSorted()
      .join();
  return told(a) === told(b);
};

function Form({
  opened: { collection, code },
  pane,
  borders,
  taking,
  onSaved,
  schema,
  present,
  etag,
}: FormProps & { schema: CollectionSchema; present: Feature | null; etag: string | null }) {
  const members = useMemo(() => membersOf(schema), [schema]);
  const names = Object.keys(members);
  const fresh = (base: Feature | null, tag: string | null): Kept => ({
    form: base ? formOf(base.properties, names) : startOf(names),
    geometry: base?.geometry ?? null,
    base,
    etag: tag,
  });
  const initial = useMemo(() => fresh(present, etag) as unknown as Values, []);
  const draft = useDraft(`digitise.${collection.id}.${code ?? region.value}`, initial);
  const now = draft.values.value as unknown as Kept;
  const values = useMemo(() => memberOf(draft.values, "form"), [draft.values]);
  const shapes = useSignal<Drawable[]>(partsOf(now.geometry));
  const kinds = kindsOf(schema);
  const near = useMemo(() => borders.flat(), [borders]);
  const writes = mayDraw(collection);
  const sketch = useSketch(writes ? pane : null, shapes, kinds[0] ?? "point", () =>
    inSight(near, pane),
  );
  useEffect(() => sketch.value?.pause(taking.value), [sketch.value, taking.value]);
  useEffect(
    () =>
      shapes.subscribe((drawn) => {
        const held = draft.values.peek() as unknown as Kept;
        // A shape of one part that was read as a multi-part one is the same shape.
        if (sameShapes(drawn, partsOf(held.geometry))) return;
        draft.values.value = { ...held, geometry: joined(drawn) } as unknown as Values;
      }),
    [],
  );
  const key = useMemo(() => crypto.randomUUID(), []);
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const conflict = useSignal<{ mine: Change; theirs: Feature; etag: string | null } | null>(null);
  const changed = changedMembers(now.base ? formOf(now.base.properties, names) : {}, now.form);
  const redrawn = !sameShapes(partsOf(now.geometry), partsOf(now.base?.geometry ?? null));
  const put = (drawn: Drawable[]) => {
    if (sketch.value) sketch.value.replace(drawn);
    else shapes.value = drawn;
  };
  const begin = (base: Feature | null, tag: string | null) => {
    const state = fresh(base, tag);
    draft.reset(state as unknown as Values);
    put(partsOf(state.geometry));
  };
  const save = async (change: Change, tag: string | null) => {
    busy.value = true;
    fault.value = null;
    try {
      if (code === null) {
        const { geometry = null, properties } = change;
        const { data } = await addFeature(collection.id, { geometry, properties }, key);
        draft.reset();
        tell(t("已新建", "Added"));
        onSaved(data.id);
        return;
      }
      const { data, etag: next } = await changeFeature(collection.id, code, change, tag);
      conflict.value = null;
      begin(data, next);
      tell(t("已保存", "Saved"));
      onSaved(code);
    } catch (error) {
      const refused = told(error);
      conflict.value = null;
      if (code !== null && isConflict(refused)) {
        await readFeature(collection.id, code).then(
          ({ data, etag: next }) => {
            conflict.value = { mine: change, theirs: data, etag: next };
          },
          (unread) => {
            fault.value = told(unread);
          },
        );
      } else fault.value = refused;
    } finally {
      busy.value = false;
    }
  };
  const mine = (): Change => ({
    properties: changed,
    ...(redrawn || code === null ? { geometry: now.geometry } : {}),
  });
  return (
    <SubmitForm onSubmit={() => save(mine(), now.etag)}>
      <h2>
        {now.base
          ? called(now.base.properties) || now.base.id
          : t(`新建：${collection.title()}`, `New: ${collection.title()}`)}
      </h2>
      <Restored restored={draft.restored} reset={() => begin(present, etag)} />
      {writes ? (
        <>
          <SketchTools sketch={sketch} shapes={shapes} kinds={kinds} pane={pane} />
          <Button
            disabled={!shapes.value.length || !borders.length}
            onClick={() => put(shapes.value.map((shape) => following(shape, borders)))}
          >
            {t("沿共用边界补点", "Follow shared borders")}
          </Button>
          <Suspected shapes={shapes} borders={borders} onCorrect={put} pane={pane} />
          <details class="group" open={code === null || fault.value !== null}>
            <summary>{t("属性", "Attributes")}</summary>
            <Fields
              members={members}
              required={(schema.required ?? []).filter((name) => name in members)}
              values={values}
              wrong={fault.value?.at ?? []}
              controls={CONTROLS}
              at="/properties"
            />
          </details>
          <FaultBox fault={inWords(fault.value, members, "/properties")} />
          <Button
            kind="main"
            submits
            busy={busy.value}
            disabled={!redrawn && !Object.keys(changed).length}
          >
            {t("保存", "Save")}
          </Button>
        </>
      ) : (
        <p class="hint">{t("登录并具有规划角色后可绘制。", "Sign in as a planner to draw.")}</p>
      )}
      {conflict.value && now.base && (
        <Conflict
          base={now.base}
          mine={conflict.value.mine}
          theirs={conflict.value.theirs}
          members={members}
          onClose={() => {
            conflict.value = null;
          }}
          onSend={(change) => save(change, conflict.value?.etag ?? null)}
          onShow={() => {
            const bounds = boundsOf(conflict.value?.theirs.geometry);
            if (bounds) pane?.fit(bounds);
          }}
        />
      )}
    </SubmitForm>
  );
}

/** Warns that a shape seems to come from a map in GCJ-02, and moves it back. */
function Suspected({
  shapes,
  borders,
  onCorrect,
  pane,
}: {
  shapes: Signal<Drawable[]>;
  borders: Borders;
  onCorrect: (drawn: Drawable[]) => void;
  pane: MapPane | null;
}) {
  const drawn = shapes.value;
  const found = useMemo(() => suspectGcj02(drawn.flatMap(cornersOf), borders), [drawn, borders]);
  const correct = () => {
    const back = drawn.map((shape) => moved(shape, fromGcj02));
    onCorrect(back);
    const bounds = boundsOf(...back);
    if (bounds) pane?.fit(bounds);
  };
  return (
    <>
      {found && (
        <div class="notice warn" role="alert">
          <p>
            {t(
              `疑似 GCJ-02（火星坐标）：顶点距现有边界约 ${fixed(found.asDrawn, 0)} 米，改正后约 ${fixed(found.corrected, 0)} 米。`,
              `This looks like GCJ-02: corners lie some ${fixed(found.asDrawn, 0)} m off the borders there are, and ${fixed(found.corrected, 0)} m once corrected.`,
            )}
          </p>
          <Button onClick={correct}>{t("改正为 CGCS2000", "Correct to CGCS2000")}</Button>
        </div>
      )}
      {!found && drawn.length > 0 && (
        <details class="group">
          <summary>{t("坐标来自网络地图？", "Coordinates from a web map?")}</summary>
          <p class="hint">
            {t(
              "国内网络地图的坐标偏移约 500 米（GCJ-02），可改正为 CGCS2000。",
              "Chinese web maps shift coordinates by some 500 m (GCJ-02); they can be corrected.",
            )}
          </p>
          <Button onClick={correct}>{t("改正为 CGCS2000", "Correct to CGCS2000")}</Button>
        </details>
      )}
    </>
  );
}

const MOST_NEAR = 4000;

/** Those corners that are on the map as it is now. */
function inSight(corners: readonly Position[], pane: MapPane | null): readonly Position[] {
  const bounds = pane?.map.getBounds();
  if (!bounds) return [];
  const here: Position[] = [];
  for (const corner of corners) {
    if (!bounds.contains([corner[0] ?? 0, corner[1] ?? 0])) continue;
    here.push(corner);
    if (here.length === MOST_NEAR) break;
  }
  return here;
}

/** What a new object begins with. */
function startOf(names: readonly string[]): Values {
  const known: Values = { region: region.peek(), plan: plan.peek() || undefined };
  return Object.fromEntries(
    names.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])),
  );
}

const CONTROLS: Controls = {
  region: ({ value, set, id }) => (
    <Select
      id={id}
      value={String(value ?? "")}
      empty={t("（选择）", "(choose)")}
      onChoose={(code) => set(code || undefined)}
      choices={regions.value.map((one) => ({ value: one.code, label: called(one.properties) }))}
    />
  ),
  plan: ({ value, set, id }) => (
    <Select
      id={id}
      value={String(value ?? "")}
      empty={t("（未填）", "(none)")}
      onChoose={(code) => set(code || undefined)}
      choices={plans.value.map((one) => ({ value: one.code, label: planTitle(one) }))}
    />
  ),
  pattern: ({ value, set, id }) => <PatternChoice value={value} set={set} id={id} />,
};

function PatternChoice({
  value,
  set,
  id,
}: {
  value: unknown;
  set: (value: unknown) => void;
  id: string;
}) {
  const { asked } = useAsked(
    () =>
      read<{ patterns: { code: string; name_zh: string; name_en: string }[] }>(
        address("/patterns", { region: region.value, limit: 1000 }),
      ),
    [region.value || null],
  );
  return (
    <Select
      id={id}
      value={String(value ?? "")}
      empty={t("（选择）", "(choose)")}
      onChoose={(code) => set(code || undefined)}
      choices={(asked.value.data?.patterns ?? []).map((one) => ({
        value: one.code,
        label: called(one),
      }))}
    />
  );
}
