/** Templates of bulletins: their texts, their sections, a preview beside them, former versions. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask, type Fault, type FaultAt, faultOf, type Schema, send } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { Changing, type Kind, Making } from "../../kit/editing";
import type { PropertySchema, Values } from "../../kit/features";
import { Fields, inWords, SubmitForm } from "../../kit/form";
import { moment } from "../../kit/format";
import { Listing } from "../../kit/listing";
import { Pages } from "../../kit/pages";
import { moved } from "../../kit/rows";
import { holds, may } from "../../kit/session";
import { Button, Empty, FaultBox, Field, Found, Panel, Select, tell, Waiting } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { Page } from "./preview";

type Template = Schema<"BulletinTemplate">;
type Named = Schema<"TemplateNamed">;
type Section = Schema<"Section">;

const KINDS: Record<Section["kind"], [zh: string, en: string]> = {
  text: ["文字", "Text"],
  summary: ["概要", "Summary"],
  indicators: ["指标", "Indicators"],
  observations: ["监测", "Observations"],
  water: ["水环境", "Water"],
  air: ["空气", "Air"],
  series: ["曲线", "Series"],
  map: ["地图", "Map"],
  alerts: ["预警", "Alerts"],
  leads: ["红线线索", "Red-line leads"],
  projects: ["项目", "Projects"],
  balances: ["占补平衡", "Balances"],
  settlements: ["补偿结算", "Settlements"],
  mines: ["矿山", "Mines"],
};

/** Templates hold for all regions: so must the role of whoever writes them. */
const mayEdit = () => may("write") && holds(["planner", "approver"], null);

export function Templates({
  chosen,
  onChoose,
}: {
  chosen: string | undefined;
  onChoose: (code: string | undefined) => void;
}) {
  if (chosen) return <Editor key={chosen} code={chosen} onClose={() => onChoose(undefined)} />;
  return (
    <Listing<Named, Schema<"BulletinTemplates">>
      label={t("公报模板", "Bulletin templates")}
      read={() => ask(api.GET("/bulletin-templates"))}
      rowsOf={({ templates }) => templates}
      keyOf={({ code }) => code}
      onOpen={({ code }) => onChoose(code)}
      columns={[
        { id: "name", title: t("名称", "Name"), cell: ({ name }) => name },
        { id: "code", title: t("代码", "Code"), cell: ({ code }) => <code>{code}</code> },
        {
          id: "version",
          title: t("版本", "Version"),
          cell: ({ version }) => version,
          numeric: true,
        },
        {
          id: "created",
          title: t("保存", "Kept"),
          cell: ({ created }) => (created ? moment(created) : t("随平台提供", "built in")),
        },
      ]}
      add={mayEdit() ? t("新建模板", "New template") : undefined}
      adding={() => <NewTemplate onMade={onChoose} />}
    />
  );
}

/** A new template begins as a copy of the one that comes with the platform, under a code. */
function NewTemplate({ onMade }: { onMade: (code: string) => void }) {
  const code = useSignal("");
  return (
    <SubmitForm class="inline" onSubmit={() => onMade(code.value)}>
      <Field label={t("新模板的代码", "Code of the new template")}>
        <input
          type="text"
          required
          pattern="[a-z][a-z0-9\-]{0,39}"
          title={t("小写字母、数字与连字符", "small letters, digits and hyphens")}
          value={code.value}
          onInput={({ currentTarget }) => {
            code.value = currentTarget.value;
          }}
        />
      </Field>
      <Button kind="main" submits>
        {t("开始", "Begin")}
      </Button>
    </SubmitForm>
  );
}

const text = (title: string): PropertySchema => ({ title, type: "string", maxLength: 300 });
const prose = (title: string): PropertySchema => ({ title, type: "string", maxLength: 4000 });

/** The words that a template gives to bulletins, and that a draft has. */
export const wordingMembers = (): Record<string, PropertySchema> => ({
  title_zh: text(t("公报标题（中文）", "Title in Chinese")),
  title_en: text(t("公报标题（英文）", "Title in English")),
  issuer_zh: text(t("发布单位（中文）", "Issued by, in Chinese")),
  issuer_en: text(t("发布单位（英文）", "Issued by, in English")),
  note_zh: prose(t("文末说明（中文）", "Note at the end, in Chinese")),
  note_en: prose(t("文末说明（英文）", "Note at the end, in English")),
  sections: {
    title: t("章节", "Sections"),
    readOnly: true,
    items: { properties: sectionMembers() },
  },
});
export const WORDED = ["title_zh", "issuer_zh"];

const kind = (): Kind<Template> => ({
  members: {
    name_zh: text(t("模板名称（中文）", "Name in Chinese")),
    name_en: text(t("模板名称（英文）", "Name in English")),
    ...wordingMembers(),
  },
  required: ["name_zh", ...WORDED],
  formOf,
  bodyOf: (form) => form,
  method: "PUT",
});

/** The contents of a template as they are sent. */
export function formOf(template: Template): Values {
  const { code: _, version: __, created: ___, created_by: ____, links: _____, ...form } = template;
  return form;
}

function Editor({ code, onClose }: { code: string; onClose: () => void }) {
  const round = useSignal(0);
  const taken = useSignal<Values | null>(null);
  const path = `/bulletin-templates/${code}`;
  // A code that nobody has used yet begins with the contents of the platform's own.
  const { asked, again } = useAsked(async () => {
    const answer = await send(path);
    if (answer.ok) return null;
    if (answer.status !== 404) throw await faultOf(answer);
    return ask(
      api.GET("/bulletin-templates/{template}", { params: { path: { template: "default" } } }),
    );
  }, [code]);
  const done = (written: Template) => {
    tell(t(`已保存为第 ${written.version} 版`, `Kept as version ${written.version}`));
    round.value += 1;
  };
  const shared = {
    kind: kind(),
    draft: mayEdit() ? `template.${code}` : null,
    onDone: done,
    onClose,
    save: t("保存为新版本", "Keep as a new version"),
    more: (form: Signal<Values>, wrong: readonly FaultAt[]) => (
      <>
        <Taken taken={taken} form={form} />
        <Sections form={form} wrong={wrong} />
        <Preview
          form={form}
          path="/bulletin-templates/preview"
          title={t("预览（虚构数据）", "Preview, of invented content")}
        />
      </>
    ),
  };
  if (!mayEdit()) {
    return (
      <>
        <Empty>
          {t(
            "编辑模板须有全部区域的规划或审批角色。",
            "Editing needs a role that holds everywhere.",
          )}
        </Empty>
        <div class="actions">
          <Button onClick={onClose}>{t("返回", "Back")}</Button>
        </div>
        <Versions code={code} />
      </>
    );
  }
  return (
    <div class="template">
      <Found asked={asked} again={again}>
        {(copied) =>
          copied ? (
            <Making
              key={`new ${code}`}
              {...shared}
              path={path}
              first={{ ...formOf(copied) }}
              method="PUT"
            />
          ) : (
            <Changing {...shared} path={path} />
          )
        }
      </Found>
      <Versions
        key={`versions ${round.value}`}
        code={code}
        onTake={(values) => {
          taken.value = values;
        }}
      />
    </div>
  );
}

/** Puts a former version into the form, where it was asked for. */
function Taken({ taken, form }: { taken: Signal<Values | null>; form: Signal<Values> }) {
  useEffect(
    () =>
      taken.subscribe((values) => {
        if (!values) return;
        form.value = values;
        taken.value = null;
      }),
    [form],
  );
  return null;
}

const sectionMembers = (): Record<string, PropertySchema> => ({
  kind: {
    title: t("内容", "Shows"),
    type: "string",
    enum: Object.keys(KINDS),
    "x-enum-titles": Object.fromEntries(
      Object.entries(KINDS).map(([code, [zh, en]]) => [code, t(zh, en)]),
    ),
  },
  heading_zh: text(t("标题（中文）", "Heading in Chinese")),
  heading_en: text(t("标题（英文）", "Heading in English")),
  text_zh: prose(t("文字（中文）", "Text in Chinese")),
  text_en: prose(t("文字（英文）", "Text in English")),
});

export function Sections({ form, wrong }: { form: Signal<Values>; wrong: readonly FaultAt[] }) {
  const sections = (form.value.sections as Section[] | undefined) ?? [];
  const set = (now: readonly Section[]) => {
    form.value = { ...form.value, sections: now };
  };
  const members = sectionMembers();
  return (
    <fieldset class="sections">
      <legend>{t("章节", "Sections")}</legend>
      {sections.map((section, at) => {
        const title = `${at + 1}. ${(lang.value === "zh" ? section.heading_zh : section.heading_en || section.heading_zh) || t(...KINDS[section.kind])}`;
        const values = {
          get value() {
            return section as unknown as Values;
          },
          set value(now: Values) {
            set(sections.map((one, n) => (n === at ? (now as unknown as Section) : one)));
          },
        } as Signal<Values>;
        return (
          <details
            key={at}
            class="group"
            open={wrong.some(({ pointer }) => pointer.startsWith(`/sections/${at}/`))}
          >
            <summary>{title}</summary>
            <div class="stack">
              <Fields
                members={members}
                required={["kind", "heading_zh"]}
                values={values}
                wrong={wrong}
                at={`/sections/${at}`}
              />
              <div class="actions">
                <Button disabled={at === 0} onClick={() => set(moved(sections, at, -1))}>
                  {t("上移", "Up")}
                </Button>
                <Button
                  disabled={at === sections.length - 1}
                  onClick={() => set(moved(sections, at, 1))}
                >
                  {t("下移", "Down")}
                </Button>
                <Button kind="danger" onClick={() => set(sections.filter((_, n) => n !== at))}>
                  {t("删除章节", "Take out")}
                </Button>
              </div>
            </div>
          </details>
        );
      })}
      <Select
        aria-label={t("添加章节", "Add a section")}
        choices={Object.entries(KINDS)
          .filter(([code]) => code === "text" || !sections.some((one) => one.kind === code))
          .map(([code, [zh, en]]) => ({ value: code, label: t(zh, en) }))}
        value=""
        onChoose={(code) => {
          const named = KINDS[code as Section["kind"]];
          if (!named) return;
          const [heading_zh, heading_en] = named;
          set([
            ...sections,
            { kind: code as Section["kind"], heading_zh, heading_en, text_zh: "", text_en: "" },
          ]);
        }}
        empty={t("添加章节…", "Add a section…")}
      />
    </fieldset>
  );
}

const PAUSE_MS = 1200;

/** The page that the form makes, a moment after the last key. */
export function Preview({
  form,
  path,
  title,
}: {
  form: Signal<Values>;
  path: string;
  title: string;
}) {
  const page = useSignal<string | null>(null);
  const fault = useSignal<Fault | null>(null);
  const now = JSON.stringify(form.value);
  useEffect(() => {
    const stop = new AbortController();
    const look = async () => {
      try {
        const answer = await send(`${path}?lang=${lang.peek()}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "text/html" },
          body: now,
          signal: stop.signal,
        });
        if (!answer.ok) throw await faultOf(answer);
        page.value = await answer.text();
        fault.value = null;
      } catch (error) {
        if (!stop.signal.aborted) fault.value = told(error);
      }
    };
    const timer = setTimeout(look, page.peek() === null ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [now, path, lang.value]);
  return (
    <Panel title={title} class="preview-panel">
      <FaultBox fault={inWords(fault.value, kind().members)} />
      {page.value === null ? (
        !fault.value && <Waiting />
      ) : (
        <Page text={page.value} label={t("预览", "Preview")} />
      )}
    </Panel>
  );
}

function Versions({ code, onTake }: { code: string; onTake?: (values: Values) => void }) {
  const { asked, again } = useAsked(async () => {
    const answer = await send(`/bulletin-templates/${code}/versions`);
    // A template that was not kept yet has none.
    if (answer.status === 404) return { versions: [], links: [] };
    if (!answer.ok) throw await faultOf(answer);
    return (await answer.json()) as Schema<"TemplateVersions">;
  }, [code]);
  const fault = useSignal<Fault | null>(null);
  const take = async (version: number) => {
    fault.value = null;
    try {
      const found = await ask(
        api.GET("/bulletin-templates/{template}", {
          params: { path: { template: code }, query: { version } },
        }),
      );
      onTake?.(formOf(found));
      tell(t(`第 ${version} 版已放入表单`, `Version ${version} is in the form`));
    } catch (error) {
      fault.value = told(error);
    }
  };
  return (
    <Panel title={t("版本", "Versions")}>
      <FaultBox fault={fault.value} />
      <Pages asked={asked} again={again} rowsOf={({ versions }) => versions}>
        {(versions: Named[]) => (
          <ul class="plain">
            {versions.map((one) => (
              <li key={one.version} class="inline">
                <span>
                  {t(`第 ${one.version} 版`, `Version ${one.version}`)} {one.name}
                </span>
                <small>{one.created && moment(one.created)}</small>
                {onTake && (
                  <Button onClick={() => take(one.version)}>
                    {t("放入表单", "Put into the form")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Pages>
    </Panel>
  );
}
