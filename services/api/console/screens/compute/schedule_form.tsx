/** A schedule as a form: what it is called, when it is due, and the inputs of its process. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Answered, api, ask, Fault, read, type Schema, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { Conflict, changedMembers } from "../../kit/conflict";
import { featureOf } from "../../kit/editing";
import type { PropertySchema, Values } from "../../kit/features";
import { Fields, inWords, memberOf, Restored, SubmitForm, useDraft } from "../../kit/form";
import { heldBy, isStale, readHeld } from "../../kit/held";
import { plan, region } from "../../kit/place";
import { attempt, Button, Field, Found, NumberInput, Panel, Select, tell } from "../../kit/ui";
import { t } from "../../kit/words";
import { type Description, processChoices, sent } from "./inputs";
import { InputFields, placeOf } from "./order";

type Schedule = Schema<"Schedule">;

/** The contents of a schedule as they are sent back. */
export function contentsOf(schedule: Schedule): Values {
  const { code: _, owner: __, next_at: ___, links: ____, ...contents } = schedule;
  return contents;
}

type Rhythm = "day" | "week" | "month" | "cron" | "every";

/** When a schedule is due, as the form asks it. */
export interface Timing {
  rhythm: Rhythm;
  /** Hours and minutes. */
  at: string;
  weekday: string;
  /** What is being typed may be nothing yet. */
  day: number | null;
  cron: string;
  hours: number | null;
}

export const USUAL: Timing = {
  rhythm: "day",
  at: "02:30",
  weekday: "MON",
  day: 1,
  cron: "30 2 * * *",
  hours: 24,
};

/** The timing as the service takes it. */
export function timingSent(timing: Timing): { cron: string | null; every_s: number | null } {
  const { rhythm, day, weekday, hours } = timing;
  if (rhythm === "every") return { cron: null, every_s: Math.round((hours ?? 0) * 3600) };
  const [hour = 0, minute = 0] = timing.at.split(":").map(Number);
  const cron = {
    day: `${minute} ${hour} * * *`,
    week: `${minute} ${hour} * * ${weekday}`,
    month: `${minute} ${hour} ${day} * *`,
    cron: timing.cron.trim(),
  }[rhythm];
  return { cron, every_s: null };
}

const DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/** The timing of a schedule there is; what is no plain day, week or month stays an expression. */
export function timingOf({ cron, every_s }: Pick<Schedule, "cron" | "every_s">): Timing {
  if (every_s) return { ...USUAL, rhythm: "every", hours: every_s / 3600 };
  const found = /^(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[A-Z]{3})$/.exec(cron ?? "");
  const whole = { ...USUAL, rhythm: "cron" as const, cron: cron ?? USUAL.cron };
  if (!found) return whole;
  const [, minute = "", hour = "", day = "", weekday = ""] = found;
  const at = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (day !== "*" && weekday !== "*") return whole;
  if (weekday !== "*")
    return DAYS.includes(weekday) ? { ...whole, rhythm: "week", at, weekday } : whole;
  return day === "*"
    ? { ...whole, rhythm: "day", at }
    : { ...whole, rhythm: "month", at, day: +day };
}

/** The form of a schedule, with its contents as they were read and the tag of that state. */
function formOf(contents: Values, base: Values, etag: string | null): Values {
  const { inputs, process, cron, every_s, ...about } = contents;
  const timing = timingOf({ cron, every_s } as Pick<Schedule, "cron" | "every_s">);
  return { about, process, inputs, timing, base, etag };
}

/** What is sent of a form. */
const filled = ({ about, process, inputs, timing }: Values): Values => ({
  ...sent(about as Values),
  process,
  inputs: sent(inputs as Values),
  ...timingSent(timing as Timing),
});

/** Contents as two of them are compared: what belongs together is one member. */
const compared = ({ cron, every_s, process, inputs, ...about }: Values): Values => ({
  ...about,
  timing: { cron, every_s },
  computed: { process, inputs: sent(inputs as Values) },
});

const comparedMembers = (): Record<string, PropertySchema> => ({
  ...aboutMembers(false),
  timing: {
    title: t("多久一次", "How often"),
    properties: {
      cron: { title: t("时间表达式", "Expression") },
      every_s: { title: t("每隔若干秒", "Every so many seconds") },
    },
  },
  computed: {
    title: t("计算内容", "What is computed"),
    properties: {
      process: { title: t("流程", "Process") },
      inputs: { title: t("输入", "Inputs") },
    },
  },
});

interface FormProps {
  /** The schedule to be changed, with the tag of its state; null for a new one. */
  schedule: Schedule | null;
  etag: string | null;
  onDone: () => void;
  onCancel: () => void;
}

export function ScheduleForm({ schedule, etag, onDone, onCancel }: FormProps) {
  const initial = useMemo((): Values => {
    if (schedule) return formOf(contentsOf(schedule), contentsOf(schedule), etag);
    const inputs = given(region.value, plan.value);
    return { about: {}, process: "assess-ecoservices", inputs, timing: USUAL };
  }, [schedule]);
  const { values, restored, reset } = useDraft(`schedules.${schedule?.code ?? ""}`, initial);
  const key = useSignal(crypto.randomUUID());
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const theirs = useSignal<Answered<Schedule> | null>(null);
  const path = `/schedules/${schedule?.code}`;
  const ofInputs = fault.value && beside(fault.value);
  const process = String(values.value.process);
  const timing = values.value.timing as Timing;
  const save = async () => {
    busy.value = true;
    fault.value = null;
    const contents = filled(values.value);
    try {
      // What was kept is of the state that it was begun on.
      if (schedule) await write("PUT", path, contents, heldBy(values.value.etag as string | null));
      else await write("POST", "/schedules", contents, { "Idempotency-Key": key.value });
      reset();
      tell(t("已保存", "Saved"));
      onDone();
    } catch (error) {
      fault.value = told(error);
      // What was refused and mended is another request.
      key.value = crypto.randomUUID();
      if (schedule && isStale(error))
        await attempt(async () => {
          theirs.value = await readHeld<Schedule>(path);
        });
    }
    busy.value = false;
  };
  return (
    <SubmitForm onSubmit={save}>
      <Restored restored={restored} reset={reset} />
      <Panel
        title={
          schedule ? t("修改定时计算", "Change the schedule") : t("新的定时计算", "A new schedule")
        }
      >
        <Fields
          members={aboutMembers(schedule === null)}
          required={schedule ? ["name_zh"] : ["code", "name_zh"]}
          values={memberOf(values, "about")}
          wrong={fault.value?.at ?? []}
        />
        <TimingFields
          timing={timing}
          wrong={fault.value?.at.find(({ pointer }) => /cron|every_s/.test(pointer))?.detail}
          onChange={(now) => {
            values.value = { ...values.value, timing: now };
          }}
        />
      </Panel>
      <Inputs
        process={process}
        values={memberOf(values, "inputs")}
        fault={ofInputs}
        onProcess={(id) => {
          values.value = { ...values.value, process: id, inputs: {} };
        }}
      />
      <div class="actions">
        <Button kind="main" submits busy={busy.value}>
          {t("保存", "Save")}
        </Button>
        <Button
          onClick={() => {
            reset();
            onCancel();
          }}
        >
          {t("不保存", "Do not save")}
        </Button>
      </div>
      {theirs.value && (
        <Meanwhile
          form={values.value}
          theirs={theirs.value}
          onClose={(merged) => {
            theirs.value = null;
            if (!merged) return;
            values.value = merged;
            save();
          }}
        />
      )}
    </SubmitForm>
  );
}

/** What somebody else made of a schedule since its form was begun, beside what the form says. */
function Meanwhile({
  form,
  theirs: { data, etag },
  onClose,
}: {
  form: Values;
  theirs: Answered<Schedule>;
  /** Called with the form that is to be sent; with null where there is none yet. */
  onClose: (merged: Values | null) => void;
}) {
  const base = compared(form.base as Values);
  const theirs = contentsOf(data);
  return (
    <Conflict
      base={featureOf(base)}
      mine={{ properties: changedMembers(base, compared(filled(form))) }}
      theirs={featureOf(compared(theirs))}
      members={comparedMembers()}
      onClose={() => onClose(null)}
      onSend={({ properties }) => {
        const { timing, computed, ...about } = { ...compared(theirs), ...properties };
        const merged = { ...about, ...(timing as Values), ...(computed as Values) };
        onClose(formOf(merged, theirs, etag));
      }}
    />
  );
}

/** A refusal without what is told at the fields above the inputs, whose names it calls by words. */
function beside(fault: Fault): Fault {
  const timed = { title: t("多久一次", "How often") };
  const above = { ...aboutMembers(true), cron: timed, every_s: timed };
  return new Fault(
    fault.status,
    inWords(fault, above)?.message ?? "",
    fault.at.filter(({ pointer }) => !/^\/?(code|name_zh|name_en|cron|every_s)$/.test(pointer)),
  );
}

/** Region and plan that one works on, as far as there are any. */
const given = (here: string, planned: string): Values => ({
  ...(here ? { region: here } : {}),
  ...(planned ? { plan: planned } : {}),
});

function aboutMembers(isNew: boolean): Record<string, PropertySchema> {
  const names: Record<string, PropertySchema> = {
    name_zh: { type: "string", title: t("中文名称", "Name in Chinese"), maxLength: 200 },
    name_en: { type: "string", title: t("英文名称", "Name in English"), maxLength: 200 },
    enabled: { type: "boolean", title: t("启用", "On"), default: true },
  };
  if (!isNew) return names;
  const code: PropertySchema = {
    type: "string",
    title: t("代码", "Code"),
    description: t(
      "字母、数字、点、横线，最多 64 个",
      "letters, digits, dots and hyphens, 64 at most",
    ),
    maxLength: 64,
    pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}",
  };
  return { code, ...names };
}

function TimingFields({
  timing,
  wrong,
  onChange,
}: {
  timing: Timing;
  wrong: string | undefined;
  onChange: (timing: Timing) => void;
}) {
  const set = (more: Partial<Timing>) => onChange({ ...timing, ...more });
  const { rhythm } = timing;
  return (
    <>
      <Field label={t("多久一次", "How often")} wrong={wrong}>
        <Select
          choices={[
            { value: "day", label: t("每天", "Each day") },
            { value: "week", label: t("每周", "Each week") },
            { value: "month", label: t("每月", "Each month") },
            { value: "every", label: t("每隔若干小时", "Every so many hours") },
            { value: "cron", label: t("时间表达式", "An expression") },
          ]}
          value={rhythm}
          onChoose={(to) => set({ rhythm: to as Rhythm })}
        />
      </Field>
      {rhythm === "week" && (
        <Field label={t("星期", "Day of the week")}>
          <Select
            choices={DAYS.map((value, n) => ({ value, label: weekdayName(n) }))}
            value={timing.weekday}
            onChoose={(weekday) => set({ weekday })}
          />
        </Field>
      )}
      {rhythm === "month" && (
        <Field label={t("几号", "Day of the month")} hint="1 – 31">
          <NumberInput
            min={1}
            max={31}
            required
            value={timing.day}
            onNumber={(day) => set({ day })}
          />
        </Field>
      )}
      {["day", "week", "month"].includes(rhythm) && (
        <Field label={t("几点（北京时间）", "At (Beijing time)")}>
          <input
            type="time"
            required
            value={timing.at}
            onInput={({ currentTarget }) => set({ at: currentTarget.value })}
          />
        </Field>
      )}
      {rhythm === "every" && (
        <Field label={t("小时", "Hours")}>
          <NumberInput
            min={0}
            step="any"
            required
            value={timing.hours}
            onNumber={(hours) => set({ hours })}
          />
        </Field>
      )}
      {rhythm === "cron" && (
        <Field
          label={t("时间表达式", "Expression")}
          hint={t(
            "分 时 日 月 星期，如 30 2 * * MON 为每周一 2:30",
            "minute hour day month weekday; 30 2 * * MON is Mondays at 2:30",
          )}
        >
          <input
            type="text"
            required
            value={timing.cron}
            onInput={({ currentTarget }) => set({ cron: currentTarget.value })}
          />
        </Field>
      )}
    </>
  );
}

/** Days from Monday on, in the present language; 1 January 2024 was one. */
const weekdayName = (n: number) =>
  new Intl.DateTimeFormat(t("zh-CN", "en-GB"), { weekday: "long", timeZone: "UTC" }).format(
    Date.UTC(2024, 0, 1 + n),
  );

function Inputs({
  process,
  values,
  fault,
  onProcess,
}: {
  process: string;
  values: ReturnType<typeof memberOf>;
  fault: Fault | null;
  onProcess: (id: string) => void;
}) {
  const processes = useAsked(() => ask(api.GET("/processes")), []);
  const { asked, again } = useAsked(
    (signal) => read<Description>(`/processes/${process}`, signal),
    [process],
  );
  return (
    <Panel title={t("计算内容", "What is computed")}>
      <Field label={t("流程", "Process")}>
        <Select
          choices={processChoices(processes.asked.value.data?.processes ?? [])}
          value={process}
          onChoose={onProcess}
        />
      </Field>
      <Found asked={asked} again={again}>
        {(description) =>
          description.id === process && (
            <Begun key={process} description={description} values={values} fault={fault} />
          )
        }
      </Found>
    </Panel>
  );
}

/** The inputs of a process that was chosen just now begin with the place that one works on. */
function Begun({
  description,
  values,
  fault,
}: {
  description: Description;
  values: ReturnType<typeof memberOf>;
  fault: Fault | null;
}) {
  const begin = () => {
    values.value = placeOf(description.inputs);
  };
  useEffect(() => {
    if (!Object.keys(values.value).length) begin();
  }, []);
  return <InputFields description={description} values={values} fault={fault} onDefaults={begin} />;
}
