/** Cases of red-line leads: listed, looked at on site with photos and a place, taken a step further. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection, Geometry } from "geojson";
import { useMemo } from "preact/hooks";
import { Actor } from "../../kit/actor";
import { answered, api, type Fault, faultOf, read, type Schema, send, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { address } from "../../kit/features";
import { inWords, Restored, SubmitForm, useDraft } from "../../kit/form";
import { day, fixed, moment, number } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import { MapView } from "../../kit/map/map_view";
import { type Linked, Pages } from "../../kit/pages";
import { regionChoices, regionName, within } from "../../kit/place";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import {
  Badge,
  Button,
  type Choice,
  Empty,
  FaultBox,
  Field,
  Found,
  Panel,
  Select,
  type Tone,
  tell,
} from "../../kit/ui";
import { t } from "../../kit/words";
import { useReach } from "./reach";

type Case = Schema<"Case">;
type Step = Schema<"CaseStep">;

const STATES: readonly [string, string, string, Tone][] = [
  ["new", "待交办", "new", "bad"],
  ["assigned", "核查中", "assigned", "warn"],
  ["verified", "已核查", "verified", "info"],
  ["rectification", "整改中", "in rectification", "warn"],
  ["closed", "已销号", "closed", "good"],
];
const KINDS: Record<string, [string, string]> = {
  construction: ["工程建设", "construction"],
  mining: ["采矿采石", "mining and quarrying"],
  clearing: ["毁林", "clearing of forest"],
  cultivation: ["开垦", "cultivation"],
  filling: ["填埋水域、围填海", "filling of water or sea"],
  dumping: ["堆放弃置", "dumping"],
  road: ["修路", "road building"],
  other: ["其他变化", "other change"],
};
const RESULTS: readonly [string, string, string][] = [
  ["confirmed", "确认违规", "confirmed"],
  ["not_change", "并无变化", "no change"],
  ["lawful", "合法合规", "lawful"],
];

const worded = (listed: readonly (readonly [string, string, string, ...unknown[]])[]): Choice[] =>
  listed.map(([value, zh, en]) => ({ value, label: t(zh, en) }));

export function StateOfCase({ state }: { state: string }) {
  const [, zh, en, tone] = STATES.find(([code]) => code === state) ?? [
    state,
    state,
    state,
    "plain",
  ];
  return <Badge tone={tone as Tone}>{t(zh as string, en as string)}</Badge>;
}

interface Listed {
  code: string;
  state: string;
  kind: string;
  region: string | null;
  due: string | null;
  overdue: boolean;
  opened_at: string;
  area_ha: number;
}

interface CasePage extends Linked {
  cases: Listed[];
}

export function CaseList({ onOpen }: { onOpen: (code: string) => void }) {
  const state = useSignal("");
  const { here, choice } = useReach();
  const { asked, again } = useAsked(
    (signal) => {
      const met = [
        ...(state.value ? [`state = '${state.value}'`] : []),
        ...(here ? [`(${within(here)})`] : []),
      ].join(" AND ");
      const filter = met ? { filter: met } : {};
      return read<CasePage>(address("/cases", { limit: 1000, ...filter }), signal);
    },
    [state.value, here],
  );
  return (
    <>
      <div class="inline">
        {choice}
        <Select
          aria-label={t("状态", "State")}
          choices={worded(STATES)}
          value={state.value}
          onChoose={(code) => {
            state.value = code;
          }}
          empty={t("全部状态", "All states")}
        />
      </div>
      <Pages asked={asked} again={again} rowsOf={({ cases }) => cases}>
        {(cases) => (
          <Table
            label={t("案件", "Cases")}
            rows={cases}
            keyOf={({ code }) => code}
            onOpen={({ code }) => onOpen(code)}
            empty={t("没有这样的案件。", "No such cases.")}
            columns={[
              {
                id: "kind",
                title: t("变化类型", "Kind"),
                cell: ({ kind }) => kindName(kind),
                order: ({ kind }) => kindName(kind),
              },
              {
                id: "region",
                title: t("区域", "Region"),
                cell: ({ region }) => (region ? regionName(region) : "–"),
              },
              { id: "state", title: t("状态", "State"), cell: (one) => <StateOfCase {...one} /> },
              {
                id: "due",
                title: t("期限", "Due"),
                cell: ({ due, overdue }) => (
                  <>
                    {day(due)} {overdue && <Badge tone="bad">{t("逾期", "overdue")}</Badge>}
                  </>
                ),
                order: ({ due }) => due,
              },
              {
                id: "area",
                title: t("面积（公顷）", "Area, ha"),
                cell: ({ area_ha }) => fixed(area_ha, 2),
                order: ({ area_ha }) => area_ha,
                numeric: true,
              },
              {
                id: "opened",
                title: t("立案", "Opened"),
                cell: ({ opened_at }) => moment(opened_at),
                order: ({ opened_at }) => opened_at,
              },
            ]}
          />
        )}
      </Pages>
    </>
  );
}

const kindName = (kind: string): string => {
  const [zh, en] = KINDS[kind] ?? [kind, kind];
  return t(zh, en);
};

/** Where somebody stands. */
interface Standing {
  lon: number;
  lat: number;
  accuracy_m: number;
}

export function CaseDetails({ code, onBack }: { code: string; onBack: () => void }) {
  const { asked, again } = useAsked(
    () => answered(api.GET("/cases/{case}", { params: { path: { case: code } } })),
    [code],
  );
  const standing = useSignal<Standing | null>(null);
  const found = asked.value.data?.data;
  const shape = found?.lead_geometry as Geometry | undefined;
  const drawn = useMemo<FeatureCollection | null>(
    () => (shape ? drawing(shape, standing.value) : null),
    [shape, standing.value],
  );
  return (
    <Found asked={asked} again={again}>
      {({ data: one, etag }) => (
        <div class="case">
          <Panel
            title={
              <>
                {one.kind_name} <StateOfCase state={one.state} />
              </>
            }
            actions={<Button onClick={onBack}>{t("返回", "Back")}</Button>}
          >
            <Facts one={one} />
          </Panel>
          <div class="case-map">
            <MapView
              label={t("变化图斑", "The change")}
              layers={[{ name: "control_areas", opacity: 0.5 }]}
              features={drawn}
              bounds={shape ? boundsOf(shape) : null}
            />
          </div>
          {(may("write") || may("projects")) && one.state !== "closed" && (
            <>
              <AddPhoto code={code} onDone={again} />
              <TakeStep
                one={one}
                etag={etag}
                onDone={again}
                onStand={(at) => {
                  standing.value = at;
                }}
              />
            </>
          )}
          <Papers papers={one.documents} />
          <Story one={one} />
        </div>
      )}
    </Found>
  );
}

function Facts({ one }: { one: Case }) {
  return (
    <dl class="facts">
      <dt>{t("区域", "Region")}</dt>
      <dd>{one.region ? regionName(one.region) : "–"}</dd>
      <dt>{t("影像日期", "Images of")}</dt>
      <dd>
        {day(one.sensed_before)} – {day(one.sensed_after)}
      </dd>
      <dt>{t("面积", "Area")}</dt>
      <dd>
        {fixed(one.area_ha, 4)} {t("公顷，线内", "ha, inside lines")} {fixed(one.inside_ha, 4)}{" "}
        {t("公顷", "ha")}
      </dd>
      <dt>{t("期限", "Due")}</dt>
      <dd>
        {day(one.due)} {one.overdue && <Badge tone="bad">{t("逾期", "overdue")}</Badge>}
      </dd>
      {one.assignee && (
        <>
          <dt>{t("核查人", "Checked by")}</dt>
          <dd>{one.assignee}</dd>
        </>
      )}
      {one.result_name && (
        <>
          <dt>{t("核查结果", "Found")}</dt>
          <dd>{one.result_name}</dd>
        </>
      )}
    </dl>
  );
}

function drawing(shape: Geometry, standing: Standing | null): FeatureCollection {
  const here: Geometry | null = standing && {
    type: "Point",
    coordinates: [standing.lon, standing.lat],
  };
  return {
    type: "FeatureCollection",
    features: [
      { type: "Feature", geometry: shape, properties: { color: "#c81e1e" } },
      ...(here
        ? [
            {
              type: "Feature" as const,
              geometry: here,
              properties: { color: "#1b5a8a", label: t("我的位置", "I am here") },
            },
          ]
        : []),
    ],
  };
}

/** A photo from the camera or a file, sent as it is. */
function AddPhoto({ code, onDone }: { code: string; onDone: () => void }) {
  const file = useSignal<File | null>(null);
  const title = useSignal("");
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const key = useSignal(crypto.randomUUID());
  const sent = useSignal(0);
  const sendIt = async () => {
    const photo = file.value;
    if (!photo) return;
    busy.value = true;
    fault.value = null;
    try {
      const path = address(`/cases/${encodeURIComponent(code)}/documents`, {
        filename: photo.name,
        kind: "photo",
        title_zh: title.value.trim() || t("现场照片", "Photo on site"),
      });
      const answer = await send(path, {
        method: "POST",
        headers: { "Content-Type": photo.type, "Idempotency-Key": key.value },
        body: photo,
      });
      if (!answer.ok) throw await faultOf(answer);
      file.value = null;
      title.value = "";
      tell(t("照片已保存", "The photo is kept"));
      onDone();
      sent.value += 1;
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return (
    <Panel title={t("现场照片", "Photo on site")}>
      <SubmitForm onSubmit={sendIt}>
        <Field label={t("拍照或选择照片", "Take or choose a photo")} needed>
          <input
            key={sent.value}
            type="file"
            accept="image/*"
            capture="environment"
            onChange={({ currentTarget }) => {
              file.value = currentTarget.files?.[0] ?? null;
              // Another photo is another deed.
              key.value = crypto.randomUUID();
            }}
          />
        </Field>
        <Field label={t("照片说明", "What it shows")}>
          <input
            type="text"
            maxLength={200}
            value={title.value}
            onInput={({ currentTarget }) => {
              title.value = currentTarget.value;
            }}
          />
        </Field>
        <FaultBox fault={fault.value} />
        <Button kind="main" submits busy={busy.value} disabled={!file.value}>
          {t("上传照片", "Send the photo")}
        </Button>
      </SubmitForm>
    </Panel>
  );
}

/** What a step sends: those members that it asks for and that were filled in, and what it is based on. */
export function stepBody(
  { to, needs }: Pick<Step, "to" | "needs">,
  values: Record<string, unknown>,
  papers: readonly string[],
) {
  // What was typed for another step stays in the form.
  const given = Object.entries(values).filter(
    ([name, value]) =>
      (name === "note" || needs.includes(name) || (name === "region" && to === "assigned")) &&
      value !== undefined &&
      value !== "",
  );
  return { ...Object.fromEntries(given), to, ...(papers.length ? { documents: papers } : {}) };
}

/** A place in words, for the note of a step. */
export const placeText = ({ lon, lat, accuracy_m }: Standing): string =>
  t(
    `定位：东经 ${lon.toFixed(6)}°，北纬 ${lat.toFixed(6)}°（误差约 ${number(Math.round(accuracy_m))} m）`,
    `At ${lat.toFixed(6)}° N, ${lon.toFixed(6)}° E (within about ${number(Math.round(accuracy_m))} m)`,
  );

function TakeStep({
  one,
  etag,
  onDone,
  onStand,
}: {
  one: Case;
  etag: string | null;
  onDone: () => void;
  onStand: (at: Standing) => void;
}) {
  const allowed = one.steps.filter((step) => step.allowed);
  const to = useSignal(allowed[0]?.to ?? "");
  const { values, restored, reset } = useDraft(`case.${one.code}`, {});
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const key = useSignal(crypto.randomUUID());
  const step = allowed.find((found) => found.to === to.value) ?? allowed[0];
  if (!step) return null;
  const set = (name: string, value: unknown) => {
    values.value = { ...values.value, [name]: value };
  };
  const wrong = (name: string) =>
    fault.value?.at.find(({ pointer }) => pointer.replace(/^\//, "") === name)?.detail;
  const needs = (name: string) => step.needs.includes(name);
  const named = {
    to: { title: t("进入", "To") },
    assignee: { title: t("核查人", "Who checks it") },
    region: { title: t("负责区域", "Region that answers for it") },
    result: { title: t("核查结果", "What was found") },
    note: { title: t("说明", "Note") },
    answer: { title: t("给举报人的答复", "Answer to whoever complained") },
    documents: { title: t("照片或材料", "Photos and documents") },
  };
  const text = (name: string) => String(values.value[name] ?? "");
  const stand = () =>
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const at = { lon: coords.longitude, lat: coords.latitude, accuracy_m: coords.accuracy };
        onStand(at);
        set("note", [text("note"), placeText(at)].filter(Boolean).join("\n"));
      },
      ({ message }) => tell(t(`无法定位：${message}`, `No place: ${message}`), "bad"),
      { enableHighAccuracy: true, timeout: 20_000 },
    );
  const take = async () => {
    busy.value = true;
    fault.value = null;
    try {
      const used = new Set(one.events.flatMap(({ documents }) => documents));
      const papers = one.documents.map(({ code }) => code).filter((code) => !used.has(code));
      await write(
        "POST",
        `/cases/${encodeURIComponent(one.code)}/transitions`,
        stepBody(step, values.value, needs("documents") ? papers : []),
        { "Idempotency-Key": key.value, ...(etag ? { "If-Match": etag } : {}) },
      );
      reset({});
      key.value = crypto.randomUUID();
      tell(t("已提交", "Done"));
      onDone();
    } catch (error) {
      fault.value = told(error);
      if (fault.value.status === 412) onDone();
    }
    busy.value = false;
  };
  return (
    <Panel title={t("下一步", "Next step")}>
      <Restored restored={restored} reset={() => reset({})} />
      <SubmitForm onSubmit={take}>
        <Field label={named.to.title} hint={step.rule}>
          <Select
            choices={allowed.map((found: Step) => ({
              value: found.to,
              label: found.name ?? found.to,
            }))}
            value={step.to}
            onChoose={(state) => {
              to.value = state;
            }}
          />
        </Field>
        {needs("assignee") && (
          <Field label={named.assignee.title} wrong={wrong("assignee")} needed>
            <input
              type="text"
              required
              maxLength={200}
              value={text("assignee")}
              onInput={({ currentTarget }) => set("assignee", currentTarget.value)}
            />
          </Field>
        )}
        {step.to === "assigned" && (
          <Field label={named.region.title} wrong={wrong("region")} needed={!one.region}>
            <Select
              choices={regionChoices()}
              value={text("region")}
              onChoose={(region) => set("region", region)}
              empty={one.region ? regionName(one.region) : t("请选择", "Choose")}
              required={!one.region}
            />
          </Field>
        )}
        {needs("result") && (
          <Field label={named.result.title} wrong={wrong("result")} needed>
            <Select
              choices={worded(RESULTS)}
              value={text("result")}
              onChoose={(result) => set("result", result)}
              empty={t("请选择", "Choose")}
              required
            />
          </Field>
        )}
        <Field
          label={named.note.title}
          wrong={wrong("note")}
          needed={needs("note")}
          {...(needs("documents")
            ? {
                hint: t("此步须先上传照片或材料。", "This step needs a photo or a document first."),
              }
            : {})}
        >
          <textarea
            rows={3}
            maxLength={4000}
            required={needs("note")}
            value={text("note")}
            onInput={({ currentTarget }) => set("note", currentTarget.value)}
          />
        </Field>
        {needs("answer") && (
          <Field label={named.answer.title} wrong={wrong("answer")}>
            <textarea
              rows={2}
              value={text("answer")}
              onInput={({ currentTarget }) => set("answer", currentTarget.value)}
            />
          </Field>
        )}
        <FaultBox fault={inWords(fault.value, named)} />
        <div class="actions">
          <Button kind="main" submits busy={busy.value}>
            {t("提交", "Submit")}
          </Button>
          {"geolocation" in navigator && (
            <Button onClick={stand}>{t("写入我的位置", "Add where I am")}</Button>
          )}
        </div>
      </SubmitForm>
    </Panel>
  );
}

function Papers({ papers }: { papers: Case["documents"] }) {
  if (!papers.length) return null;
  return (
    <Panel title={t("照片与材料", "Photos and documents")}>
      <ul class="plain photos">
        {papers.map((paper) => {
          const title = t(paper.title_zh, paper.title_en ?? paper.title_zh);
          return (
            <li key={paper.code}>
              <a href={paper.file}>
                {paper.media_type.startsWith("image/") && (
                  <img src={paper.file} alt="" loading="lazy" />
                )}
                {title}
              </a>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function Story({ one }: { one: Case }) {
  return (
    <Panel title={t("经过", "What happened")}>
      {one.events.length ? (
        <ol class="plain">
          {one.events.map((event) => (
            <li key={event.seq}>
              <strong>{event.to_name}</strong> <small>{moment(event.at)}</small>{" "}
              <small>
                <Actor code={event.actor} />
              </small>
              {event.note && <p>{event.note}</p>}
            </li>
          ))}
        </ol>
      ) : (
        <Empty>{t("还没有步骤。", "No steps yet.")}</Empty>
      )}
    </Panel>
  );
}
