/** Editing a draft: areas to another class, zones split and merged, what is said of a zone. */

import { type Signal, useSignal } from "@preact/signals";
import type { MultiLineString, MultiPolygon } from "geojson";
import { useEffect, useMemo } from "preact/hooks";
import type { Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { type Change, Conflict, changedMembers, shownShape } from "../../kit/conflict";
import {
  changeFeature,
  type Feature,
  isConflict,
  type PropertySchema,
  readFeature,
  schemaOf,
  type Values,
} from "../../kit/features";
import { Fields, inWords, memberOf, Restored, SubmitForm, useDraft } from "../../kit/form";
import { km2 } from "../../kit/format";
import { SketchTools } from "../../kit/map/sketch";
import { Button, Empty, FaultBox, Field, Found, Panel, Select, tell } from "../../kit/ui";
import { called, t } from "../../kit/words";
import {
  Apply,
  type Editable,
  path,
  RestoredForm,
  useDrawn,
  useRedrawing,
  useSending,
} from "./redrawing";
import { classesOf, keyOfScheme, stateOf, type Zone } from "./schemes";

type Way = "reassign" | "split" | "merge" | "attributes";

export function Editing({
  chosen,
  drawing,
  ...rest
}: Editable & {
  chosen: Signal<ReadonlySet<string>>;
  drawing: Signal<boolean>;
}) {
  const way = useSignal<Way>("attributes");
  const drawOver = () => {
    drawing.value = false;
  };
  useEffect(() => drawOver, []);
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

function BeginDraft({ scheme, onChanged }: Editable) {
  const { values, restored, reset } = useDraft(`zoning.begin.${keyOfScheme(scheme)}`, { note: "" });
  const { note } = values.value as { note: string };
  const { busy, fault, sendIt } = useSending(onChanged);
  return (
    <Panel title={t("现行版本保持不变", "The version in force stays as it is")}>
      <p class="hint">
        {t("改划、分割或合并会自动新建草案。", "Redrawing begins a draft by itself.")}
      </p>
      <Restored restored={restored} reset={reset} />
      <div class="inline">
        <input
          type="text"
          aria-label={t("新建草案的原因", "Why a draft is begun")}
          placeholder={t("原因", "Why")}
          value={note}
          onInput={({ currentTarget }) => {
            values.value = { note: currentTarget.value };
          }}
        />
        <Button
          busy={busy.value}
          disabled={!note.trim()}
          onClick={() =>
            sendIt(
              path(scheme, "versions"),
              { note, version: scheme.properties.version },
              t("已新建草案", "A draft was begun"),
              { onDone: reset },
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

const titles = (zones: readonly Zone[]) => zones.map(zoneTitle).join(t("、", "; "));

function Reassign(props: Editable) {
  const { scheme, pane } = props;
  const form = useRedrawing("reassign", props);
  const sketch = useDrawn(props, form, "polygon");
  const target = form.values.value.to_class;
  const { asked } = useAsked(() => classesOf(scheme.properties.kind), [scheme.properties.kind]);
  const polygons = form.shapes.value.flatMap((shape) =>
    shape.type === "Polygon" ? [shape.coordinates] : [],
  );
  const apply = () => {
    const geometry: MultiPolygon = { type: "MultiPolygon", coordinates: polygons };
    const named = asked.value.data?.find(({ class_code }) => class_code === target);
    form.submit(
      "adjustments",
      { geometry, to_class: target },
      t("已改划", "The area is of the class now"),
      [
        [t("改为", "Becomes"), named ? called(named) : target],
        [t("范围", "Area"), shownShape(geometry)],
      ],
    );
  };
  return (
    <>
      <RestoredForm form={form} />
      <p class="hint">
        {t(
          "画出范围，其中各分区的部分都改为所选类别，不留空缺。",
          "Draw an area: all of it becomes the class, and no gap is left.",
        )}
      </p>
      <SketchTools sketch={sketch} shapes={form.shapes} kinds={["polygon"]} pane={pane} />
      <Found asked={asked}>
        {(classes) => (
          <Field label={t("改为", "Becomes")} needed>
            <Select
              value={target}
              empty={t("（选择类别）", "(choose a class)")}
              onChoose={(code) => form.put({ to_class: code })}
              choices={classes.map((one) => ({ value: one.class_code, label: called(one) }))}
            />
          </Field>
        )}
      </Found>
      <Apply
        form={form}
        label={t("改划", "Reassign")}
        ready={polygons.length > 0 && Boolean(target)}
        onApply={apply}
      />
    </>
  );
}

type Choosing = Editable & { chosen: Signal<ReadonlySet<string>> };

function Split({ picked, chosen, ...props }: Choosing & { picked: Zone | undefined }) {
  const form = useRedrawing("split", props, chosen);
  const sketch = useDrawn(props, form, "linestring");
  const lines = form.shapes.value.flatMap((shape) =>
    shape.type === "LineString" ? [shape.coordinates] : [],
  );
  const apply = () => {
    const line: MultiLineString = { type: "MultiLineString", coordinates: lines };
    form.submit(
      "splits",
      { zone: picked?.properties.code, line },
      t("已分割", "The zone was split"),
      [
        [t("分区", "Zone"), picked ? zoneTitle(picked) : ""],
        [t("分割线", "Line"), shownShape(line)],
      ],
    );
  };
  return (
    <>
      <RestoredForm form={form} />
      <ZoneChoice zones={props.zones} picked={picked} chosen={chosen} />
      <p class="hint">
        {t(
          "画一条从边界到边界穿过分区的线；线左侧成为新分区，类别不变。",
          "Draw a line across the zone, from border to border; what lies left of it is a new zone of the same class.",
        )}
      </p>
      <SketchTools sketch={sketch} shapes={form.shapes} kinds={["linestring"]} pane={props.pane} />
      <Apply
        form={form}
        label={t("分割", "Split")}
        ready={Boolean(picked) && lines.length > 0}
        onApply={apply}
      />
    </>
  );
}

function Merge({ chosen, ...props }: Choosing) {
  const { zones } = props;
  const form = useRedrawing("merge", props, chosen);
  const picked = zones.filter(({ properties }) => chosen.value.has(properties.code));
  const [first] = picked;
  const turn = (code: string, on: boolean) => {
    const next = new Set(picked.map(({ properties }) => properties.code));
    if (on) next.add(code);
    else next.delete(code);
    chosen.value = next;
  };
  const apply = () =>
    form.submit(
      "mergers",
      { zones: picked.map(({ properties }) => properties.code) },
      t("已合并", "The zones were merged"),
      [[t("合并", "Merge"), titles(picked)]],
    );
  return (
    <>
      <RestoredForm form={form} />
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
      <Apply form={form} label={t("合并", "Merge")} ready={picked.length > 1} onApply={apply} />
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
    <SubmitForm onSubmit={() => save({ properties: changed }, known)}>
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
      <FaultBox fault={inWords(fault.value, members, "/properties")} />
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
    </SubmitForm>
  );
}
