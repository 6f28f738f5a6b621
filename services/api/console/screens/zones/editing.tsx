/** Editing a draft: areas to another class, zones split and merged, what is said of a zone. */

import { type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection, Position } from "geojson";
import { useMemo } from "preact/hooks";
import { type Fault, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { type Change, Conflict, changedMembers } from "../../kit/conflict";
import {
  changeFeature,
  type Feature,
  isConflict,
  type PropertySchema,
  readFeature,
  schemaOf,
  type Values,
} from "../../kit/features";
import { Fields, memberOf, Restored, useDraft } from "../../kit/form";
import { km2 } from "../../kit/format";
import { eachPosition } from "../../kit/map/bounds";
import type { Drawable, Kind } from "../../kit/map/draw";
import type { MapPane } from "../../kit/map/engine";
import { SketchTools, useSketch } from "../../kit/map/sketch";
import { Button, Empty, FaultBox, Field, Found, Panel, Select, tell } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { classesOf, type Scheme, stateOf, type Zone } from "./schemes";

type Way = "reassign" | "split" | "merge" | "attributes";

interface Editable {
  scheme: Scheme;
  zones: readonly Zone[];
  pane: MapPane | null;
  /** Called with the version that was changed: another one where a draft was begun. */
  onChanged: (version: number) => void;
}

export function Editing({
  chosen,
  drawing,
  own,
  ...rest
}: Editable & {
  chosen: Signal<ReadonlySet<string>>;
  drawing: Signal<boolean>;
  own: Signal<FeatureCollection | null>;
}) {
  const way = useSignal<Way>("attributes");
  const { status } = rest.scheme.properties;
  if (status === "review" || status === "approved") {
    return (
      <Empty>
        {t(
          `本版${stateOf(status).word}，须先退回草案才能编辑。`,
          `This version is ${stateOf(status).word}; send it back to draft to edit it.`,
        )}
      </Empty>
    );
  }
  const [picked] = rest.zones.filter(({ properties }) => chosen.value.has(properties.code));
  const settled = status !== "draft";
  const ways: [Way, string][] = [
    ["attributes", t("属性", "Attributes")],
    ["reassign", t("改划类别", "Reassign")],
    ["split", t("分割", "Split")],
    ["merge", t("合并", "Merge")],
  ];
  return (
    <>
      {settled && <BeginDraft {...rest} />}
      <div class="actions" role="group" aria-label={t("怎样编辑", "How to edit")}>
        {ways.map(([id, label]) => (
          <Button
            key={id}
            aria-pressed={way.value === id}
            onClick={() => {
              way.value = id;
              drawing.value = id === "reassign" || id === "split";
              own.value = null;
            }}
          >
            {label}
          </Button>
        ))}
      </div>
      {way.value === "reassign" && <Reassign {...rest} />}
      {way.value === "split" && <Split {...rest} picked={picked} chosen={chosen} />}
      {way.value === "merge" && <Merge {...rest} chosen={chosen} />}
      {way.value === "attributes" && (
        <>
          <ZoneChoice zones={rest.zones} picked={picked} chosen={chosen} />
          {picked && !settled && <Attributes key={picked.id} {...rest} zone={picked} />}
          {picked && settled && (
            <p class="hint">
              {t(
                "现行版本不改属性，请先新建草案。",
                "A version in force is not changed; begin a draft.",
              )}
            </p>
          )}
        </>
      )}
    </>
  );
}

const path = ({ properties }: Scheme, what: string) =>
  `/zone-schemes/${encodeURIComponent(properties.code)}/${what}`;

interface Redrawn {
  scheme: { version: number };
}

/** Send what changes zones, and tell how it ended. */
function useSending(onChanged: (version: number) => void) {
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const key = useSignal(crypto.randomUUID());
  const sendIt = async (address: string, body: object, done: string) => {
    busy.value = true;
    fault.value = null;
    try {
      const { data } = await write<Redrawn>("POST", address, body, {
        "Idempotency-Key": key.value,
      });
      tell(done);
      onChanged(data.scheme.version);
      return true;
    } catch (error) {
      fault.value = told(error);
      return false;
    } finally {
      // What was answered is another request when it is sent again; what had no answer is the same.
      if (fault.value?.status !== 0) key.value = crypto.randomUUID();
      busy.value = false;
    }
  };
  return { busy, fault, sendIt };
}

function BeginDraft({ scheme, onChanged }: Editable) {
  const note = useSignal("");
  const { busy, fault, sendIt } = useSending(onChanged);
  return (
    <Panel title={t("现行版本保持不变", "The version in force stays as it is")}>
      <p class="hint">
        {t("改划、分割或合并会自动新建草案。", "Redrawing begins a draft by itself.")}
      </p>
      <div class="inline">
        <input
          type="text"
          aria-label={t("新建草案的原因", "Why a draft is begun")}
          placeholder={t("原因", "Why")}
          value={note.value}
          onInput={({ currentTarget }) => {
            note.value = currentTarget.value;
          }}
        />
        <Button
          busy={busy.value}
          disabled={!note.value.trim()}
          onClick={() =>
            sendIt(
              path(scheme, "versions"),
              { note: note.value, version: scheme.properties.version },
              t("已新建草案", "A draft was begun"),
            )
          }
        >
          {t("新建草案", "Begin a draft")}
        </Button>
      </div>
      <FaultBox fault={fault.value} />
    </Panel>
  );
}

function ZoneChoice({
  zones,
  picked,
  chosen,
}: {
  zones: readonly Zone[];
  picked: Zone | undefined;
  chosen: Signal<ReadonlySet<string>>;
}) {
  return (
    <Field label={t("分区（也可在地图上点选）", "Zone (or click it on the map)")}>
      <Select
        value={picked?.properties.code ?? ""}
        empty={t("（选择）", "(choose)")}
        onChoose={(code) => {
          chosen.value = new Set(code ? [code] : []);
        }}
        choices={zones.map((zone) => ({ value: zone.properties.code, label: zoneTitle(zone) }))}
      />
    </Field>
  );
}

export const zoneTitle = ({ properties }: Zone) =>
  `${called(properties)} · ${km2(properties.area_km2)}`;

/** Corners of all zones: what is drawn shares its borders with them. */
function cornersOfZones(zones: readonly Zone[]): Position[] {
  const corners: Position[] = [];
  for (const { geometry } of zones) if (geometry) eachPosition(geometry, (at) => corners.push(at));
  return corners;
}

const lineOf = (shapes: readonly Drawable[]) => shapes.filter(({ type }) => type === "LineString");

function Note({ note }: { note: Signal<string> }) {
  return (
    <Field label={t("理由", "Why")} needed hint={t("写入调整记录与审计", "kept with the change")}>
      <input
        type="text"
        required
        value={note.value}
        onInput={({ currentTarget }) => {
          note.value = currentTarget.value;
        }}
      />
    </Field>
  );
}

function useDrawn(pane: MapPane | null, zones: readonly Zone[], kind: Kind) {
  const shapes = useSignal<Drawable[]>([]);
  const corners = useMemo(() => cornersOfZones(zones), [zones]);
  const sketch = useSketch(pane, shapes, kind, () => corners);
  return { shapes, sketch };
}

function Reassign({ scheme, zones, pane, onChanged }: Editable) {
  const { shapes, sketch } = useDrawn(pane, zones, "polygon");
  const target = useSignal("");
  const note = useSignal("");
  const { busy, fault, sendIt } = useSending(onChanged);
  const { asked } = useAsked(() => classesOf(scheme.properties.kind), [scheme.properties.kind]);
  const polygons = shapes.value.flatMap((shape) =>
    shape.type === "Polygon" ? [shape.coordinates] : [],
  );
  const apply = async () => {
    const body = {
      geometry: { type: "MultiPolygon", coordinates: polygons },
      to_class: target.value,
      note: note.value,
      version: scheme.properties.version,
    };
    const done = t("已改划", "The area is of the class now");
    if (await sendIt(path(scheme, "adjustments"), body, done)) sketch.value?.clear();
  };
  return (
    <>
      <p class="hint">
        {t(
          "画出范围，其中各分区的部分都改为所选类别，不留空缺。",
          "Draw an area: all of it becomes the class, and no gap is left.",
        )}
      </p>
      <SketchTools sketch={sketch} shapes={shapes} kinds={["polygon"]} pane={pane} />
      <Found asked={asked}>
        {(classes) => (
          <Field label={t("改为", "Becomes")} needed>
            <Select
              value={target.value}
              empty={t("（选择类别）", "(choose a class)")}
              onChoose={(code) => {
                target.value = code;
              }}
              choices={classes.map((one) => ({ value: one.class_code, label: called(one) }))}
            />
          </Field>
        )}
      </Found>
      <Note note={note} />
      <Button
        kind="main"
        busy={busy.value}
        disabled={!polygons.length || !target.value || !note.value.trim()}
        onClick={apply}
      >
        {t("改划", "Reassign")}
      </Button>
      <FaultBox fault={fault.value} />
    </>
  );
}

function Split({
  scheme,
  zones,
  pane,
  onChanged,
  picked,
  chosen,
}: Editable & { picked: Zone | undefined; chosen: Signal<ReadonlySet<string>> }) {
  const { shapes, sketch } = useDrawn(pane, zones, "linestring");
  const note = useSignal("");
  const { busy, fault, sendIt } = useSending(onChanged);
  const lines = lineOf(shapes.value);
  const apply = async () => {
    const body = {
      zone: picked?.properties.code,
      line: { type: "MultiLineString", coordinates: lines.map((line) => line.coordinates) },
      note: note.value,
      version: scheme.properties.version,
    };
    const done = t("已分割", "The zone was split");
    if (await sendIt(path(scheme, "splits"), body, done)) sketch.value?.clear();
  };
  return (
    <>
      <ZoneChoice zones={zones} picked={picked} chosen={chosen} />
      <p class="hint">
        {t(
          "画一条从边界到边界穿过分区的线；线左侧成为新分区，类别不变。",
          "Draw a line across the zone, from border to border; what lies left of it is a new zone of the same class.",
        )}
      </p>
      <SketchTools sketch={sketch} shapes={shapes} kinds={["linestring"]} pane={pane} />
      <Note note={note} />
      <Button
        kind="main"
        busy={busy.value}
        disabled={!picked || !lines.length || !note.value.trim()}
        onClick={apply}
      >
        {t("分割", "Split")}
      </Button>
      <FaultBox fault={fault.value} />
    </>
  );
}

function Merge({
  scheme,
  zones,
  onChanged,
  chosen,
}: Editable & { chosen: Signal<ReadonlySet<string>> }) {
  const note = useSignal("");
  const { busy, fault, sendIt } = useSending(onChanged);
  const picked = zones.filter(({ properties }) => chosen.value.has(properties.code));
  const [first] = picked;
  const turn = (code: string, on: boolean) => {
    const next = new Set(picked.map(({ properties }) => properties.code));
    if (on) next.add(code);
    else next.delete(code);
    chosen.value = next;
  };
  const apply = () =>
    sendIt(
      path(scheme, "mergers"),
      {
        zones: picked.map(({ properties }) => properties.code),
        note: note.value,
        version: scheme.properties.version,
      },
      t("已合并", "The zones were merged"),
    );
  return (
    <>
      <fieldset class="group">
        <legend>{t("要合并的分区（同一类别）", "Zones to merge (of one class)")}</legend>
        {zones.map((zone) => (
          <label key={zone.id} class="check">
            <input
              type="checkbox"
              checked={picked.includes(zone)}
              disabled={Boolean(first) && first?.properties.class !== zone.properties.class}
              onChange={({ currentTarget }) => turn(zone.properties.code, currentTarget.checked)}
            />
            {zoneTitle(zone)}
          </label>
        ))}
      </fieldset>
      <Note note={note} />
      <Button
        kind="main"
        busy={busy.value}
        disabled={picked.length < 2 || !note.value.trim()}
        onClick={apply}
      >
        {t("合并", "Merge")}
      </Button>
      <FaultBox fault={fault.value} />
    </>
  );
}

const ATTRIBUTES = [
  "name_zh",
  "name_en",
  "zone_class",
  "functions_zh",
  "functions_en",
  "problems_zh",
  "problems_en",
  "location_zh",
  "location_en",
  "stated_area_km2",
];

/** What can be written of a zone in this form. */
const formOf = (properties: Values): Values =>
  Object.fromEntries(
    ATTRIBUTES.flatMap((name) => {
      const value = properties[name];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );

function Attributes({ scheme, zone, onChanged }: Editable & { zone: Zone }) {
  const { version } = scheme.properties;
  const { asked, again } = useAsked(async () => {
    const [schema, present, classes] = await Promise.all([
      schemaOf("zones"),
      readFeature("zones", zone.id, undefined, { version }),
      classesOf(scheme.properties.kind),
    ]);
    const members = Object.fromEntries(
      ATTRIBUTES.flatMap((name) => {
        const member = schema.properties[name];
        return member ? [[name, member]] : [];
      }),
    );
    members.zone_class = {
      ...members.zone_class,
      type: "string",
      enum: classes.map(({ code }) => code),
      "x-enum-titles": Object.fromEntries(classes.map((one) => [one.code, called(one)])),
    };
    return { members, present: present.data, etag: present.etag };
  }, [zone.id, version]);
  return (
    <Found asked={asked} again={again}>
      {({ members, present, etag }) => (
        <AttributeForm
          key={`${zone.id} ${version}`}
          name={`zone.${zone.id}@${version}`}
          version={version}
          members={members}
          present={present}
          etag={etag}
          onSaved={() => {
            again();
            onChanged(version);
          }}
        />
      )}
    </Found>
  );
}

interface Begun {
  base: Feature;
  etag: string | null;
}

/** The form of a zone; what it began from is kept with what was typed, so that a reload between
 * reading and sending hides no change of somebody else. */
function AttributeForm({
  name,
  version,
  members,
  present,
  etag,
  onSaved,
}: {
  name: string;
  version: number;
  members: Record<string, PropertySchema>;
  present: Feature;
  etag: string | null;
  onSaved: () => void;
}) {
  const initial = useMemo(
    () => ({ form: formOf(present.properties), begun: { base: present, etag } }),
    [],
  );
  const draft = useDraft(name, initial);
  const values = useMemo(() => memberOf(draft.values, "form"), [draft.values]);
  const { base, etag: known } = draft.values.value.begun as Begun;
  const conflict = useSignal<{ mine: Change; theirs: Feature; etag: string | null } | null>(null);
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const changed = changedMembers(formOf(base.properties), values.value);
  const save = async (change: Change, tag: string | null) => {
    busy.value = true;
    fault.value = null;
    try {
      const { data, etag: now } = await changeFeature("zones", base.id, change, tag, { version });
      conflict.value = null;
      draft.reset({ form: formOf(data.properties), begun: { base: data, etag: now } });
      tell(t("已保存", "Saved"));
      onSaved();
    } catch (error) {
      const refused = told(error);
      try {
        if (!isConflict(refused)) throw refused;
        const { data, etag: now } = await readFeature("zones", base.id, undefined, { version });
        conflict.value = { mine: change, theirs: data, etag: now };
      } catch (unread) {
        conflict.value = null;
        fault.value = told(unread);
      }
    }
    busy.value = false;
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        save({ properties: changed }, known);
      }}
    >
      <Restored
        restored={draft.restored}
        reset={() =>
          draft.reset({ form: formOf(present.properties), begun: { base: present, etag } })
        }
      />
      <Fields
        members={members}
        required={["zone_class"]}
        values={values}
        wrong={fault.value?.at ?? []}
        at="/properties"
      />
      <FaultBox fault={fault.value} />
      <Button kind="main" submits busy={busy.value} disabled={!Object.keys(changed).length}>
        {t("保存", "Save")}
      </Button>
      {conflict.value && (
        <Conflict
          base={base}
          mine={conflict.value.mine}
          theirs={conflict.value.theirs}
          members={members}
          onClose={() => {
            conflict.value = null;
          }}
          onSend={(change) => save(change, conflict.value?.etag ?? null)}
        />
      )}
    </form>
  );
}
