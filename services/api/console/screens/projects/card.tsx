/** A project's card: where it stands and what is lacking, measures, money, papers, effect, place. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { useMemo } from "preact/hooks";
import { api, ask, type Fault, faultOf, type Schema, send, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { Conflict, changedMembers } from "../../kit/conflict";
import {
  address,
  changeFeature,
  type Feature,
  isConflict,
  readFeature,
  schemaOf,
  type Values,
} from "../../kit/features";
import { Fields, Restored, useDraft } from "../../kit/form";
import { bytes, day, moment, money, number } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import { MapView } from "../../kit/map/map_view";
import { API } from "../../kit/page";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import {
  attempt,
  Badge,
  Button,
  Dialog,
  Empty,
  FaultBox,
  Field,
  Found,
  Panel,
  Select,
  Tabs,
} from "../../kit/ui";
import { called, lang, t } from "../../kit/words";

type Dossier = Schema<"ProjectDossier">;

export function ProjectCard({ code }: { code: string }) {
  const tab = useSignal("steps");
  const { asked, again } = useAsked(
    () => ask(api.GET("/projects/{project}", { params: { path: { project: code } } })),
    [code],
  );
  return (
    <div class="screen">
      <p>
        <a href={screenPath("projects")}>{t("← 项目库", "← Register")}</a>
      </p>
      <Found asked={asked} again={again}>
        {(project) => (
          <>
            <header>
              <h1>{called(project)}</h1>
              <Badge tone="info">{project.state_name}</Badge>
              <code>{project.project}</code>
            </header>
            <Track project={project} />
            <Tabs
              label={called(project)}
              chosen={tab.value}
              onChoose={(id) => {
                tab.value = id;
              }}
              tabs={[
                { id: "steps", label: t("步骤", "Steps") },
                { id: "about", label: t("基本信息", "About") },
                { id: "measures", label: t("措施", "Measures") },
                ...(project.funds ? [{ id: "funds", label: t("资金", "Funds") }] : []),
                { id: "documents", label: t("文件", "Documents") },
                { id: "effect", label: t("成效", "Effect") },
                { id: "history", label: t("经过", "History") },
              ]}
            >
              {tab.value === "steps" && <Steps project={project} again={again} />}
              {tab.value === "about" && <About code={code} again={again} />}
              {tab.value === "measures" && <Measures project={project} again={again} />}
              {tab.value === "funds" && <Funds code={code} />}
              {tab.value === "documents" && <Documents project={project} again={again} />}
              {tab.value === "effect" && <Effect code={code} />}
              {tab.value === "history" && <History project={project} />}
            </Tabs>
          </>
        )}
      </Found>
    </div>
  );
}

/** The way of a project, with the place where it stands. */
function Track({ project }: { project: Dossier }) {
  return (
    <ol class="track" aria-label={t("项目所处阶段", "Where the project stands")}>
      {project.track.map((state) => (
        <li
          key={state.state}
          class={state.place}
          aria-current={state.place === "now" ? "step" : undefined}
        >
          {state.name}
        </li>
      ))}
    </ol>
  );
}

/** The steps from here, each with what it asks and what of that is met. */
function Steps({ project, again }: { project: Dossier; again: () => void }) {
  const taking = useSignal<Schema<"ProjectStep"> | null>(null);
  if (!project.transitions.length) {
    return (
      <Empty>{t("没有下一步：项目已结束。", "No step is left: the project has ended.")}</Empty>
    );
  }
  return (
    <div class="panels">
      {project.transitions.map((step) => (
        <Panel
          key={step.to}
          title={`→ ${called(step)}`}
          actions={
            may("projects") &&
            step.role.met && (
              <Button kind={step.allowed ? "main" : "plain"} onClick={() => (taking.value = step)}>
                {t("办理", "Take")}
              </Button>
            )
          }
        >
          <ul class="plain">
            {!step.role.met && (
              <li>
                <Badge tone="warn">{t("缺", "lacks")}</Badge> {called(step.role, "text")}
              </li>
            )}
            {step.conditions.map((condition) => (
              <li key={condition.code}>
                <Badge tone={condition.met ? "good" : condition.met === null ? "plain" : "warn"}>
                  {condition.met
                    ? t("已满足", "met")
                    : condition.met === null
                      ? t("待填", "to give")
                      : t("缺", "lacks")}
                </Badge>{" "}
                {called(condition, "text")}
              </li>
            ))}
          </ul>
        </Panel>
      ))}
      {taking.value && (
        <TakeStep
          project={project}
          step={taking.value}
          onClose={(taken) => {
            taking.value = null;
            if (taken) again();
          }}
        />
      )}
    </div>
  );
}

function TakeStep({
  project,
  step,
  onClose,
}: {
  project: Dossier;
  step: Schema<"ProjectStep">;
  onClose: (taken: boolean) => void;
}) {
  const note = useSignal("");
  const papers = useSignal<string[]>([]);
  const fault = useSignal<Fault | null>(null);
  const key = useMemo(() => crypto.randomUUID(), []);
  const take = async () => {
    const body = {
      to: step.to,
      ...(note.value ? { note: note.value } : {}),
      ...(papers.value.length ? { documents: papers.value } : {}),
    };
    try {
      await write("POST", `/projects/${encodeURIComponent(project.project)}/transitions`, body, {
        "Idempotency-Key": key,
      });
      onClose(true);
    } catch (error) {
      fault.value = told(error);
    }
  };
  return (
    <Dialog title={`${called(project)} → ${called(step)}`} onClose={() => onClose(false)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          take();
        }}
      >
        <Field label={t("说明", "Note")}>
          <textarea
            rows={3}
            maxLength={2000}
            value={note.value}
            onInput={({ currentTarget }) => {
              note.value = currentTarget.value;
            }}
          />
        </Field>
        {project.documents.length > 0 && (
          <fieldset>
            <legend>{t("依据文件", "Documents it is based on")}</legend>
            {project.documents.map((one) => (
              <label key={one.code} class="check">
                <input
                  type="checkbox"
                  checked={papers.value.includes(one.code)}
                  onChange={({ currentTarget }) => {
                    papers.value = currentTarget.checked
                      ? [...papers.value, one.code]
                      : papers.value.filter((code) => code !== one.code);
                  }}
                />
                {called(one, "title")}
              </label>
            ))}
          </fieldset>
        )}
        <FaultBox fault={fault.value} />
        <Button kind="main" submits>
          {t("办理", "Take the step")}
        </Button>
      </form>
    </Dialog>
  );
}

/** What is said of a project, and its place; changed by whoever may, without losing others' changes. */
function About({ code, again }: { code: string; again: () => void }) {
  const found = useAsked(async () => {
    const [schema, read] = await Promise.all([schemaOf("projects"), readFeature("projects", code)]);
    return { schema, feature: read.data, etag: read.etag };
  }, [code]);
  return (
    <Found asked={found.asked} again={found.again}>
      {({ schema, feature, etag }) => (
        <AboutForm
          key={etag}
          feature={feature}
          etag={etag}
          members={Object.fromEntries(
            Object.entries(schema.properties).filter(
              ([name, one]) =>
                !one.readOnly && name !== "geometry" && name !== "code" && one.type !== "object",
            ),
          )}
          required={schema.required ?? []}
          onSaved={() => {
            found.again();
            again();
          }}
        />
      )}
    </Found>
  );
}

function AboutForm({
  feature,
  etag,
  members,
  required,
  onSaved,
}: {
  feature: Feature;
  etag: string | null;
  members: Parameters<typeof Fields>[0]["members"];
  required: readonly string[];
  onSaved: () => void;
}) {
  const initial = useMemo(() => given(feature.properties, Object.keys(members)), [feature]);
  const { values, restored, reset } = useDraft(`project.${feature.id}`, initial);
  const fault = useSignal<Fault | null>(null);
  const conflict = useSignal<{ theirs: Feature; etag: string | null } | null>(null);
  const shape = useMemo(() => shapeOf(feature), [feature]);
  const change = { properties: changedMembers(initial, values.value) };
  const save = async (
    sent: { properties: Values; geometry?: Feature["geometry"] },
    tag: string | null,
  ) => {
    fault.value = null;
    try {
      await changeFeature("projects", feature.id, sent, tag);
      reset();
      conflict.value = null;
      onSaved();
    } catch (error) {
      const refused = told(error);
      if (isConflict(refused)) {
        const now = await readFeature("projects", feature.id);
        conflict.value = { theirs: now.data, etag: now.etag };
      } else fault.value = refused;
    }
  };
  const writes = may("write") || may("projects");
  return (
    <div class="about">
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          save(change, etag);
        }}
      >
        <Restored restored={restored} reset={() => reset()} />
        <fieldset disabled={!writes}>
          <Fields
            members={members}
            required={required}
            values={values}
            wrong={fault.value?.at ?? []}
            at="/properties"
          />
        </fieldset>
        <FaultBox fault={fault.value} />
        {writes && (
          <Button kind="main" submits disabled={!Object.keys(change.properties).length}>
            {t("保存", "Save")}
          </Button>
        )}
      </form>
      <div class="place-of">
        {feature.geometry ? (
          <MapView
            label={t("项目位置", "Where it lies")}
            layers={[]}
            features={shape}
            bounds={boundsOf(feature.geometry)}
          />
        ) : (
          <Empty>
            {t("尚未落图。", "Not drawn yet.")}{" "}
            <a href={screenPath("digitise", { collection: "projects", code: feature.id })}>
              {t("去绘制", "Draw it")}
            </a>
          </Empty>
        )}
        <p>
          <a href={screenPath("compliance", { project: feature.id })}>
            {t("合规审查", "Check compliance")}
          </a>
        </p>
      </div>
      {conflict.value && (
        <Conflict
          base={feature}
          mine={change}
          theirs={conflict.value.theirs}
          members={members}
          onClose={() => {
            conflict.value = null;
          }}
          onSend={(sent) => save(sent, conflict.value?.etag ?? null)}
        />
      )}
    </div>
  );
}

/** Members that have a value. */
export function given(properties: Values, names: readonly string[]): Values {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = properties[name];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );
}

function shapeOf(feature: Feature): FeatureCollection | null {
  if (!feature.geometry) return null;
  const { geometry } = feature;
  return {
    type: "FeatureCollection",
    features: [{ type: "Feature", geometry, properties: { color: "#c2185b" } }],
  };
}

/** The measures with what was planned and done; whoever carries them out tells how far they are. */
function Measures({ project, again }: { project: Dossier; again: () => void }) {
  const told = useSignal<Record<string, string>>({});
  const save = (one: Schema<"Measure">) => {
    const { measure, progress_percent, ...rest } = one;
    const done = told.value[measure];
    const path = `/projects/${encodeURIComponent(project.project)}/measures/${encodeURIComponent(measure)}`;
    return attempt(
      async () => {
        await write("PUT", path, { ...rest, done: done === "" ? null : Number(done) });
        again();
      },
      t("进度已保存", "Progress is saved"),
    );
  };
  if (!project.measures.length)
    return <Empty>{t("没有列出措施。", "No measures are listed.")}</Empty>;
  return (
    <Table
      label={t("措施", "Measures")}
      rows={project.measures}
      keyOf={({ measure }) => measure}
      columns={[
        {
          id: "name",
          title: t("措施", "Measure"),
          cell: (one) => called(one) || <code>{one.measure}</code>,
        },
        {
          id: "planned",
          title: t("计划", "Planned"),
          numeric: true,
          cell: (one) => `${number(one.planned)} ${one.unit ?? ""}`,
        },
        {
          id: "done",
          title: t("完成", "Done"),
          cell: (one) =>
            may("projects") ? (
              <span class="inline">
                <input
                  type="number"
                  step="any"
                  min={0}
                  aria-label={t(`${called(one)}：完成量`, `${called(one)}: done`)}
                  value={told.value[one.measure] ?? one.done ?? ""}
                  onInput={({ currentTarget }) => {
                    told.value = { ...told.value, [one.measure]: currentTarget.value };
                  }}
                />
                <Button disabled={told.value[one.measure] === undefined} onClick={() => save(one)}>
                  {t("保存", "Save")}
                </Button>
              </span>
            ) : (
              `${number(one.done)} ${one.unit ?? ""}`
            ),
        },
        {
          id: "progress",
          title: t("进度", "Progress"),
          cell: ({ progress_percent }) =>
            progress_percent === null ? (
              "–"
            ) : (
              <progress
                max={100}
                value={progress_percent}
                aria-label={`${number(progress_percent)}%`}
              />
            ),
        },
      ]}
    />
  );
}

const KINDS: Record<Schema<"LedgerLine">["kind"], [zh: string, en: string]> = {
  allocation: ["拨入", "allocated"],
  payment: ["支付", "paid"],
  return: ["退回", "returned"],
};

function Funds({ code }: { code: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/projects/{project}/funds", { params: { path: { project: code } } })),
    [code],
  );
  const adding = useSignal(false);
  return (
    <Found asked={asked} again={again}>
      {(ledger) => (
        <>
          <div class="inline">
            <Figure label={t("拨入", "Allocated")} value={money(ledger.allocated)} />
            <Figure label={t("支付", "Paid")} value={money(ledger.paid)} />
            <Figure label={t("结余", "Balance")} value={money(ledger.balance)} />
            {may("projects") && (
              <Button onClick={() => (adding.value = true)}>{t("记一笔", "Add an entry")}</Button>
            )}
          </div>
          <Table
            label={t("资金台账", "Ledger")}
            rows={ledger.entries}
            keyOf={({ id }) => String(id)}
            columns={[
              { id: "day", title: t("日期", "Day"), cell: ({ paid_on, at }) => day(paid_on ?? at) },
              { id: "kind", title: t("类别", "Kind"), cell: ({ kind }) => t(...KINDS[kind]) },
              {
                id: "source",
                title: t("来源", "Source"),
                cell: ({ source }) =>
                  called(ledger.by_source.find((one) => one.source === source) ?? {}) || source,
              },
              {
                id: "amount",
                title: t("金额", "Amount"),
                numeric: true,
                cell: ({ amount }) => money(amount),
              },
              { id: "note", title: t("说明", "Note"), cell: ({ note }) => note },
            ]}
          />
          {adding.value && (
            <NewEntry
              code={code}
              sources={ledger.by_source}
              onClose={(added) => {
                adding.value = false;
                if (added) again();
              }}
            />
          )}
        </>
      )}
    </Found>
  );
}

const Figure = ({ label, value }: { label: string; value: string }) => (
  <span>
    <small>{label}</small> <strong>{value}</strong>
  </span>
);

function NewEntry({
  code,
  sources,
  onClose,
}: {
  code: string;
  sources: readonly Schema<"SourceBalance">[];
  onClose: (added: boolean) => void;
}) {
  const values = useSignal<Values>({ kind: "payment" });
  const fault = useSignal<Fault | null>(null);
  const key = useMemo(() => crypto.randomUUID(), []);
  const known = useAsked(
    () => ask(api.GET("/fund-sources", { params: { query: { limit: 1000 } } })),
    [],
  );
  const listed =
    known.asked.value.data?.fund_sources ?? sources.map((one) => ({ ...one, code: one.source }));
  const add = async () => {
    try {
      await write("POST", `/projects/${encodeURIComponent(code)}/funds`, values.value, {
        "Idempotency-Key": key,
      });
      onClose(true);
    } catch (error) {
      fault.value = told(error);
    }
  };
  return (
    <Dialog title={t("记一笔资金", "An entry of funds")} onClose={() => onClose(false)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <Fields
          values={values}
          required={["kind", "source", "amount"]}
          wrong={fault.value?.at ?? []}
          members={{
            kind: {
              title: t("类别", "Kind"),
              enum: Object.keys(KINDS),
              "x-enum-titles": Object.fromEntries(
                Object.entries(KINDS).map(([kind, words]) => [kind, t(...words)]),
              ),
            },
            source: { title: t("资金来源", "Source"), type: "string" },
            amount: {
              title: t("金额（元）", "Amount (CNY)"),
              type: "string",
              pattern: "\\d+(\\.\\d{1,2})?",
            },
            paid_on: { title: t("日期", "Day"), type: "string", format: "date" },
            note: { title: t("说明", "Note"), type: "string", maxLength: 2000 },
          }}
          controls={{
            source: ({ value, set }) => (
              <Select
                required
                value={String(value ?? "")}
                empty={t("（选择）", "(choose)")}
                onChoose={(chosen) => set(chosen || undefined)}
                choices={listed.map((one) => ({
                  value: String(one.code),
                  label: called(one) || String(one.code),
                }))}
              />
            ),
          }}
        />
        <FaultBox fault={fault.value} />
        <Button kind="main" submits>
          {t("记入", "Add")}
        </Button>
      </form>
    </Dialog>
  );
}

/** Kinds of documents that the steps of a project ask for, and photos. */
const PAPERS: [kind: string, zh: string, en: string][] = [
  ["proposal", "项目建议书", "proposal"],
  ["design", "设计文件", "design"],
  ["notice", "公示", "notice"],
  ["acceptance", "验收文件", "acceptance"],
  ["photo_before", "修复前照片", "photo before"],
  ["photo_after", "修复后照片", "photo after"],
  ["other", "其他", "other"],
];

function Documents({ project, again }: { project: Dossier; again: () => void }) {
  const kind = useSignal("proposal");
  const title = useSignal("");
  const busy = useSignal(false);
  const upload = (file: File | undefined) =>
    file &&
    attempt(
      async () => {
        busy.value = true;
        const path = address(`/projects/${encodeURIComponent(project.project)}/documents`, {
          filename: file.name,
          kind: kind.value,
          title_zh: title.value || file.name,
        });
        try {
          const answer = await send(path, {
            method: "POST",
            headers: {
              "Content-Type": file.type || "application/octet-stream",
              "Idempotency-Key": crypto.randomUUID(),
            },
            body: file,
          });
          if (!answer.ok) throw await faultOf(answer);
          title.value = "";
          again();
        } finally {
          busy.value = false;
        }
      },
      t("文件已上传", "The document is there"),
    );
  return (
    <>
      {may("projects") && (
        <Panel title={t("上传文件", "Add a document")}>
          <div class="inline">
            <Select
              aria-label={t("类别", "Kind")}
              value={kind.value}
              onChoose={(chosen) => {
                kind.value = chosen;
              }}
              choices={PAPERS.map(([code, zh, en]) => ({ value: code, label: t(zh, en) }))}
            />
            <input
              type="text"
              maxLength={300}
              placeholder={t("标题（默认文件名）", "title (usually the file's name)")}
              aria-label={t("标题", "Title")}
              value={title.value}
              onInput={({ currentTarget }) => {
                title.value = currentTarget.value;
              }}
            />
            <input
              type="file"
              disabled={busy.value}
              aria-label={t("文件", "File")}
              onChange={({ currentTarget }) => upload(currentTarget.files?.[0])}
            />
          </div>
        </Panel>
      )}
      <Table
        label={t("文件", "Documents")}
        rows={project.documents}
        keyOf={({ code }) => code}
        empty={t("还没有文件。", "No documents yet.")}
        columns={[
          {
            id: "title",
            title: t("标题", "Title"),
            cell: (one) => (
              <a href={`${API}/documents/${encodeURIComponent(one.code)}/file`}>
                {called(one, "title")}
              </a>
            ),
          },
          {
            id: "kind",
            title: t("类别", "Kind"),
            cell: ({ kind }) => {
              const [, zh, en] = PAPERS.find(([code]) => code === kind) ?? [
                kind,
                t("其他", "other"),
                "other",
              ];
              return t(zh, en);
            },
          },
          { id: "bytes", title: t("大小", "Size"), numeric: true, cell: (one) => bytes(one.bytes) },
          { id: "at", title: t("上传", "Added"), cell: ({ uploaded_at }) => moment(uploaded_at) },
        ]}
      />
    </>
  );
}

function Effect({ code }: { code: string }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/projects/{project}/effect", { params: { path: { project: code } } })),
    [code],
  );
  return (
    <Found asked={asked} again={again}>
      {(effect) => (
        <>
          {effect.pictures && (
            <img
              class="pictures"
              src={effect.pictures}
              alt={t("实施前后对比", "Before and after")}
            />
          )}
          {effect.photos.length === 0 && !effect.pictures && effect.indicators.length === 0 && (
            <Empty>{t("还没有成效数据。", "Nothing is known of its effect yet.")}</Empty>
          )}
          <p>
            <a
              href={`${API}/projects/${encodeURIComponent(code)}/effect?f=html&lang=${lang.value}`}
            >
              {t("成效页面", "The page of its effect")}
            </a>
          </p>
        </>
      )}
    </Found>
  );
}

function History({ project }: { project: Dossier }) {
  return (
    <Table
      label={t("经过", "History")}
      rows={project.events}
      keyOf={({ seq }) => String(seq)}
      columns={[
        { id: "at", title: t("时间", "Time"), cell: ({ at }) => moment(at) },
        {
          id: "step",
          title: t("步骤", "Step"),
          cell: (one) => `${one.from_name} → ${one.to_name}`,
        },
        { id: "note", title: t("说明", "Note"), cell: ({ note }) => note },
        { id: "who", title: t("经办", "By"), cell: ({ actor }) => actor },
      ]}
    />
  );
}
