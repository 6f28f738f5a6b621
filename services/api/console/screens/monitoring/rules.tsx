/** What raises alerts: the rules there are, and a form to make, change and end one. */

import { batch, useSignal } from "@preact/signals";
import { type Answered, api, ask, type Fault, type Schema, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { Conflict, useEdits } from "../../kit/conflict";
import { featureOf, mergedForm } from "../../kit/editing";
import { type PropertySchema, schemaOf, type Values } from "../../kit/features";
import { type Controls, Fields, inWords, Restored, SubmitForm } from "../../kit/form";
import { heldBy, isStale, readHeld } from "../../kit/held";
import { planChoices, plans, region, regionName, regions } from "../../kit/place";
import { holds, holdsAnywhere, may } from "../../kit/session";
import { Table } from "../../kit/table";
import { LEVELS, levelName, quantity, unitName } from "../../kit/terms";
import { Badge, Button, FaultBox, Found, Irreversible, Panel, Select, tell } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { kindMember } from "../projects/balance_entries";
import { propertyNames, type Rule } from "./readings";

type Kind = Schema<"AlertRule">["kind"];

/** What there is to watch, and the members beside name, region and limits that each kind takes. */
const KINDS: readonly [Kind, string, string, readonly string[]][] = [
  ["above", "超过限值", "above a limit", ["property", "stations", "min_duration_s"]],
  ["below", "低于限值", "below a limit", ["property", "stations", "min_duration_s"]],
  ["rate", "变化过快", "changing too fast", ["property", "stations"]],
  ["no_data", "数据中断", "no data", ["stations"]],
  ["indicator_behind_target", "指标落后于目标", "indicator behind its target", ["plan"]],
  ["red_line_lead", "管控区域内发现变化", "change found in a control area", ["control_kind"]],
  ["line_decline", "管控线面积减少", "decline of a control line", ["control_kind"]],
  ["duty_due", "职责到期", "duty due", ["plan"]],
  ["balance_short", "占补未平衡", "balance short", ["balance_kind"]],
  ["settlement_waiting", "补偿结算待办", "settlement waiting", []],
  ["mine_report_due", "矿山年度报告未报", "yearly report of a mine due", []],
  ["mine_fund_short", "矿山恢复基金欠缴", "restoration fund of a mine short", []],
  ["reclamation_due", "土地复垦到期", "land reclamation due", []],
];

/** What a rule is replaced by or made of, without what is only read. */
export function contentsOf(rule: Rule): Values {
  const { name: _, kind_name: __, unit: ___, links: ____, code: _____, ...contents } = rule;
  return contents;
}

/** What is sent: members the kind takes, and limits that have a value. */
export function ruleSent(values: Values): Values {
  const taken = KINDS.find(([kind]) => kind === values.kind)?.[3];
  const every = new Set(KINDS.flatMap(([, , , members]) => members));
  const kept = Object.entries(values).filter(
    ([name, value]) =>
      value !== undefined &&
      value !== null &&
      value !== "" &&
      (!taken || !every.has(name) || taken.includes(name)),
  );
  return Object.fromEntries(kept);
}

const EDITORS = ["planner", "supervisor"] as const;
const NEEDED = ["code", "name_zh", "kind", "limits", "property", "control_kind", "balance_kind"];

const mayWrite = () => (may("write") || may("projects")) && holdsAnywhere(EDITORS);

/** Whether a rule is for who is signed in to change: for those who plan where it holds. Where its
 * stations lie is known to the service alone. */
function mayChange({ region, stations, plan }: Rule): boolean {
  if (!mayWrite()) return false;
  if (region !== null || (stations === null && plan === null)) return holds(EDITORS, region);
  const planned = stations === null && plans.value.find(({ code }) => code === plan);
  return planned ? holds(EDITORS, String(planned.properties.region)) : true;
}

/** What a new rule begins with; rules that hold anywhere are not for who plans one region. */
const startOf = (here: string): Values => ({
  kind: "above",
  enabled: true,
  ...(holds(EDITORS, null) || !holds(EDITORS, here) ? {} : { region: here }),
});

export function Rules() {
  const open = useSignal<string | null>(null);
  const { asked, again } = useAsked(() => ask(api.GET("/alert-rules")), []);
  const writes = mayWrite();
  const done = () => {
    open.value = null;
    again();
  };
  return (
    <Found asked={asked} again={again}>
      {({ rules }) => (
        <>
          <Panel
            title={t(`${rules.length} 条规则`, `${rules.length} rules`)}
            actions={
              writes && (
                <Button
                  kind="main"
                  onClick={() => {
                    open.value = "";
                  }}
                >
                  {t("新建规则", "New rule")}
                </Button>
              )
            }
          >
            <Table
              label={t("预警规则", "Alert rules")}
              rows={rules}
              keyOf={({ code }) => code}
              onOpen={({ code }) => {
                open.value = code;
              }}
              opens={mayChange}
              chosen={open.value}
              empty={t("还没有规则。", "There are no rules yet.")}
              columns={[
                { id: "name", title: t("规则", "Rule"), cell: (rule) => called(rule) },
                { id: "kind", title: t("类型", "Kind"), cell: ({ kind_name }) => kind_name },
                {
                  id: "region",
                  title: t("区域", "Region"),
                  cell: ({ region }) => (region ? regionName(region) : t("所有区域", "anywhere")),
                },
                { id: "limits", title: t("限值", "Limits"), cell: (rule) => limitsText(rule) },
                {
                  id: "enabled",
                  title: t("状态", "State"),
                  cell: ({ enabled }) => (
                    <Badge tone={enabled ? "good" : "plain"}>
                      {enabled ? t("启用", "on") : t("停用", "off")}
                    </Badge>
                  ),
                },
              ]}
            />
          </Panel>
          {open.value === "" && <RuleForm key="new" onDone={done} />}
          {open.value && <OneRule key={open.value} code={open.value} onDone={done} />}
        </>
      )}
    </Found>
  );
}

/** The limits of a rule from the least to the most serious. */
export function limitsText({ limits, unit }: Pick<Rule, "limits" | "unit">): string {
  return LEVELS.filter(([level]) => limits[level] !== undefined)
    .map(([level]) => `${levelName(level)} ${quantity(limits[level], unit)}`)
    .join(t("；", "; "));
}

const pathOf = (code: string) => `/alert-rules/${code}`;

function OneRule({ code, onDone }: { code: string; onDone: () => void }) {
  const { asked, again } = useAsked((signal) => readHeld<Rule>(pathOf(code), signal), [code]);
  return (
    <Found asked={asked} again={again}>
      {({ data, etag }) => <RuleForm key={etag} rule={data} etag={etag} onDone={onDone} />}
    </Found>
  );
}

function RuleForm({
  rule,
  etag = null,
  onDone,
}: {
  rule?: Rule;
  etag?: string | null;
  onDone: () => void;
}) {
  const words = useAsked(
    async () => ({
      properties: await propertyNames(),
      areas: (await schemaOf("control_areas")).properties.kind ?? {},
    }),
    [],
  );
  const initial = rule ? contentsOf(rule) : startOf(region.value);
  const { values, begun, restored, reset } = useEdits(`rule.${rule?.code ?? ""}`, initial, etag);
  const fault = useSignal<Fault | null>(null);
  const theirs = useSignal<Answered<Rule> | null>(null);
  const busy = useSignal(false);
  const key = useSignal(crypto.randomUUID());
  const save = async (contents: Values, tag: string | null) => {
    batch(() => {
      busy.value = true;
      fault.value = null;
      theirs.value = null;
    });
    try {
      const body = ruleSent(contents);
      if (rule) await write("PUT", pathOf(rule.code), body, heldBy(tag));
      else await write("POST", "/alert-rules", body, { "Idempotency-Key": key.value });
      reset();
      tell(t("规则已保存", "The rule is kept"));
      onDone();
    } catch (error) {
      try {
        if (!rule || !isStale(error)) throw error;
        theirs.value = await readHeld<Rule>(pathOf(rule.code));
      } catch (refused) {
        fault.value = told(refused);
      }
    }
    busy.value = false;
  };
  const end = () => write("DELETE", pathOf(rule?.code ?? ""), undefined, heldBy(etag));
  return (
    <Panel title={rule ? called(rule) : t("新建规则", "New rule")}>
      <Restored restored={restored} reset={() => reset()} />
      <Found asked={words.asked} again={words.again}>
        {({ properties, areas }) => {
          const members = membersOf(values.value, !rule, properties, areas);
          return (
            <SubmitForm onSubmit={() => save(values.value, begun.etag)}>
              <Fields
                members={members}
                required={NEEDED}
                values={values}
                wrong={fault.value?.at ?? []}
                controls={CONTROLS}
              />
              {rule && (
                <p class="hint">
                  {t(
                    "更改规则会关闭它未关闭的预警并重新开始判断。",
                    "Changing a rule closes its open alerts, and it starts anew.",
                  )}
                </p>
              )}
              <FaultBox fault={inWords(fault.value, members)} />
              <div class="actions">
                <Button kind="main" submits busy={busy.value}>
                  {t("保存", "Save")}
                </Button>
                <Button onClick={onDone}>{t("取消", "Cancel")}</Button>
                {rule && (
                  <Irreversible
                    label={t("终止规则", "End the rule")}
                    deed={end}
                    done={t("规则已终止", "The rule has ended")}
                    onDone={() => {
                      reset();
                      onDone();
                    }}
                  >
                    {t(
                      `“${called(rule)}”不再判断，它未关闭的预警随之关闭；已发出的预警保留。`,
                      `"${called(rule)}" judges nothing more; its open alerts are closed, and kept.`,
                    )}
                  </Irreversible>
                )}
              </div>
              {theirs.value && (
                <Conflict
                  base={featureOf(begun.base)}
                  mine={{ properties: begun.change }}
                  theirs={featureOf(contentsOf(theirs.value.data))}
                  members={members}
                  onClose={() => {
                    theirs.value = null;
                  }}
                  onSend={({ properties }) => {
                    if (!theirs.value) return;
                    const { data, etag: now } = theirs.value;
                    save(mergedForm(contentsOf(data), properties), now);
                  }}
                />
              )}
            </SubmitForm>
          );
        }}
      </Found>
    </Panel>
  );
}

const CONTROLS: Controls = {
  region: ({ value, set }) => (
    <Select
      choices={regions.value
        .filter(({ code }) => code === value || holds(EDITORS, code))
        .map(({ code, properties }) => ({ value: code, label: called(properties) }))}
      value={String(value ?? "")}
      onChoose={(code) => set(code || undefined)}
      empty={t("所有区域", "anywhere")}
    />
  ),
  plan: ({ value, set }) => (
    <Select
      choices={planChoices()}
      value={String(value ?? "")}
      onChoose={(code) => set(code || undefined)}
      empty={t("所有已批准的规划", "every approved plan")}
    />
  ),
};

/** The members of a rule of its kind, with their words. */
function membersOf(
  values: Values,
  fresh: boolean,
  properties: Awaited<ReturnType<typeof propertyNames>>,
  areas: PropertySchema,
): Record<string, PropertySchema> {
  const text = (zh: string, en: string, more: PropertySchema = {}): PropertySchema => ({
    title: t(zh, en),
    type: "string",
    maxLength: 200,
    ...more,
  });
  const kind = values.kind as Kind;
  const listed = [...properties.values()];
  const own: Record<string, PropertySchema> = {
    property: text("观测指标", "Property", {
      enum: listed.map(({ code }) => code),
      "x-enum-titles": Object.fromEntries(
        listed.map((one) => [one.code, `${called(one)} ${unitName(one.unit)}`]),
      ),
    }),
    stations: {
      title: t("站点代码", "Codes of stations"),
      description: t("不填则为区域内全部站点", "none: every one of the region"),
      type: "array",
      items: { type: "string" },
    },
    min_duration_s: {
      title: t("持续时间", "How long it must last"),
      type: "integer",
      minimum: 0,
      "x-ogc-unit": t("秒", "s"),
    },
    plan: text("规划", "Plan"),
    balance_kind: { ...kindMember(), title: t("占补类别", "Kind of balance") },
    control_kind: { ...areas, title: t("管控区域类型", "Kind of control area"), readOnly: false },
  };
  const taken = KINDS.find(([code]) => code === kind)?.[3] ?? [];
  const watched = taken.includes("property") && properties.get(String(values.property));
  const unit = watched && unitName(watched.unit);
  return {
    ...(fresh
      ? {
          code: text("代码", "Code", {
            pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}",
            maxLength: 64,
            description: t("字母、数字和 . _ -", "letters, digits and . _ -"),
          }),
        }
      : {}),
    name_zh: text("中文名称", "Chinese name"),
    name_en: text("英文名称", "English name"),
    kind: text("类型", "Kind", {
      enum: KINDS.map(([code]) => code),
      "x-enum-titles": Object.fromEntries(KINDS.map(([code, zh, en]) => [code, t(zh, en)])),
      readOnly: !KINDS.some(([code]) => code === kind),
    }),
    ...Object.fromEntries(taken.map((name) => [name, own[name] as PropertySchema])),
    region: text("区域", "Region"),
    limits: {
      title: t("各级限值", "Limit of each level"),
      type: "object",
      description: [LIMITS_OF[kind]?.[lang.value], unit && t(`单位 ${unit}`, `in ${unit}`)]
        .filter(Boolean)
        .join(t("，", ", ")),
      properties: Object.fromEntries(
        LEVELS.map(([level]) => [level, { title: levelName(level), type: "number" }]),
      ),
    },
    reset: {
      title: t("恢复值", "Where it ends again"),
      type: "number",
      description: t("不填则为最低级别的限值", "none: the limit of the lowest level"),
    },
    enabled: { title: t("启用", "On"), type: "boolean", default: true },
  };
}

const DUE = { zh: "超过期限的天数，未到为负", en: "days after the last day, before it below 0" };
/** What limits are of, where the unit of the property does not tell it. */
const LIMITS_OF: Partial<Record<Kind, { zh: string; en: string }>> = {
  rate: { zh: "每小时的变化", en: "change per hour" },
  no_data: { zh: "没有数据的秒数", en: "seconds without data" },
  indicator_behind_target: { zh: "落后的百分比", en: "per cent behind" },
  red_line_lead: { zh: "变化面积，平方米", en: "square metres changed" },
  line_decline: { zh: "减少面积，平方米", en: "square metres lost" },
  duty_due: DUE,
  balance_short: { zh: "短缺量，以该类别的单位计", en: "lacking, in the unit of the kind" },
  settlement_waiting: { zh: "距最近一步的天数", en: "days since the last step" },
  mine_report_due: { zh: "逾期天数", en: "days overdue" },
  mine_fund_short: { zh: "欠缴金额，元", en: "yuan that are lacking" },
  reclamation_due: DUE,
};
