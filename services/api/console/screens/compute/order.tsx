/** A form made from a process's description: its inputs, the data there are, and the start. */

import { batch, type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Fault, type FaultAt, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import type { PropertySchema, Values } from "../../kit/features";
import { type Controls, Fields, inWords, Restored, SubmitForm, useDraft } from "../../kit/form";
import { execute } from "../../kit/jobs";
import { plan, plans, planTitle, region, regions } from "../../kit/place";
import { may } from "../../kit/session";
import { Badge, Button, Field, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import {
  CELLS,
  type Dataset,
  type Description,
  datasetChoices,
  datasetsOf,
  districtsOf,
  isWritten,
  lightOf,
  needsOf,
  restOf,
  sent,
  sortInputs,
  wrongAt,
} from "./inputs";
import "./compute.css";

/** A form for the process, in the words of the present language. */
export function Order({
  process,
  given = NOTHING,
  onStarted,
}: {
  process: string;
  /** What the form begins with, beside the place one works on. */
  given?: Values;
  onStarted: (job: string) => void;
}) {
  const { asked, again } = useAsked(
    (signal) => read<Description>(`/processes/${process}`, signal),
    [process],
  );
  return (
    <Found asked={asked} again={again}>
      {(description) =>
        description.id === process && (
          <OrderForm key={process} description={description} given={given} onStarted={onStarted} />
        )
      }
    </Found>
  );
}

const NOTHING: Values = {};

function OrderForm({
  description,
  given,
  onStarted,
}: {
  description: Description;
  given: Values;
  onStarted: (job: string) => void;
}) {
  const { inputs, id } = description;
  const place = useMemo(() => placeOf(inputs), [inputs, region.value, plan.value]);
  const initial = useMemo(() => ({ ...given, ...place }), [place, given]);
  const { values, restored, reset, once } = useDraft(`process.${id}`, initial);
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  usePlace(values, place);
  const start = async () => {
    batch(() => {
      busy.value = true;
      fault.value = null;
    });
    try {
      const job = await execute(id, sent(values.value), once());
      reset();
      onStarted(job.jobID);
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return (
    <SubmitForm onSubmit={start}>
      <p class="hint">{description.description}</p>
      <Restored restored={restored} reset={reset} />
      <InputFields
        description={description}
        values={values}
        fault={fault.value}
        onDefaults={() => reset(initial)}
      />
      {may("jobs") ? (
        <Button kind="main" submits busy={busy.value}>
          {t("开始计算", "Start")}
        </Button>
      ) : (
        <p class="hint">
          {t("登录并具有分析角色后可以开始计算。", "Sign in as an analyst to start it.")}
        </p>
      )}
    </SubmitForm>
  );
}

/** What a process takes, as fields: what must be said, the data there are, and all else folded.
 * @param without Inputs that are asked for elsewhere. */
export function InputFields({
  description,
  values,
  fault,
  without = [],
  onDefaults,
}: {
  description: Description;
  values: Signal<Values>;
  fault: Fault | null;
  without?: readonly string[];
  onDefaults: () => void;
}) {
  const inputs = useMemo(
    () =>
      Object.fromEntries(
        Object.entries(description.inputs).filter(([name]) => !without.includes(name)),
      ),
    [description],
  );
  const sorted = useMemo(() => sortInputs(inputs), [inputs]);
  const controls = useMemo(() => controlsOf(inputs), [inputs]);
  const schemas = Object.fromEntries(
    Object.entries(inputs).map(([name, { title, schema }]) => [name, { ...schema, title }]),
  );
  const wrong: readonly FaultAt[] = fault?.at ?? [];
  const told = inWords(fault, schemas, "/inputs");
  const form = { values, wrong, controls, required: sorted.required, at: "/inputs" };
  return (
    <>
      <Fields members={sorted.first} {...form} />
      <Presets inputs={inputs} values={values} onDefaults={onDefaults} />
      {Object.entries(sorted.themes).map(([name, themes]) => (
        <Themes
          key={name}
          title={inputs[name]?.title ?? name}
          input={name}
          themes={themes}
          needs={name === "datasets" ? needsOf(description) : []}
          values={values}
          wrong={wrong}
        />
      ))}
      {Object.keys(sorted.more).length > 0 && (
        <details class="group" open={wrong.length > 0}>
          <summary>{t("更多选项", "More options")}</summary>
          <Fields members={sorted.more} {...form} />
        </details>
      )}
      {told && <Refused fault={told} rest={restOf(wrong, inputs)} />}
    </>
  );
}

/** What was refused: at its field where it has one, here where it has none. */
function Refused({ fault, rest }: { fault: Fault; rest: FaultAt[] }) {
  return (
    <div class="notice bad" role="alert">
      <p>{fault.message}</p>
      {rest.length > 0 && (
        <ul>
          {rest.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Region and plan that are worked on, where the process asks for them. */
export function placeOf(inputs: Description["inputs"]): Values {
  return {
    ...(inputs.region && region.value ? { region: region.value } : {}),
    ...(inputs.plan && plan.value ? { plan: plan.value } : {}),
  };
}

/** Take another region or plan above into a form; until there is one, what was kept of it stands. */
export function usePlace(values: Signal<Values>, place: Values): void {
  const now = `${region.value} ${plan.value}`;
  const known = useRef(now);
  useEffect(() => {
    if (known.current === now) return;
    known.current = now;
    const { region: _, plan: __, ...rest } = values.value;
    values.value = { ...rest, ...place };
  }, [now]);
}

function controlsOf(inputs: Description["inputs"]): Controls {
  const controls: Controls = {
    region: ({ value, set, id }) =>
      // Within the rows of a list it is a part of the region that is computed.
      id !== "/inputs/region" ? (
        <District value={value} set={set} />
      ) : (
        <Select
          choices={regions.value.map((one) => ({
            value: one.code,
            label: called(one.properties),
          }))}
          value={String(value ?? "")}
          onChoose={(code) => set(code || undefined)}
          empty={t("（未选）", "(none)")}
        />
      ),
    district: (props) => <District {...props} />,
    geometry: (props) => (
      <Written {...props} hint="{ &quot;type&quot;: …, &quot;coordinates&quot;: … }" />
    ),
    plan: ({ value, set }) => (
      <Select
        choices={plans.value
          // A job that is repeated may be of a plan elsewhere.
          .filter((one) => one.properties.region === region.value || one.code === value)
          .map((one) => ({ value: one.code, label: planTitle(one) }))}
        value={String(value ?? "")}
        onChoose={(code) => set(code || undefined)}
        empty={t("（不属于规划）", "(of no plan)")}
      />
    ),
  };
  for (const [name, { schema, title }] of Object.entries(inputs))
    if (isWritten(schema)) controls[name] = (props) => <Written {...props} label={title} />;
  return controls;
}

/** A district of the region that one works on. */
function District({ value, set }: { value: unknown; set: (value: unknown) => void }) {
  const here = region.value;
  const { asked, again } = useAsked((signal) => districtsOf(here, signal), [here || null]);
  return (
    <Found asked={asked} again={again}>
      {(districts) => (
        <Select
          choices={districts.map((one) => ({ value: one.id, label: called(one.properties) }))}
          value={String(value ?? "")}
          onChoose={(code) => set(code || undefined)}
          empty={t("（未选）", "(none)")}
        />
      )}
    </Found>
  );
}

/** What no fields can express, such as a shape or objects of unknown members, as JSON. */
function Written({
  label,
  hint = "[ { … } ]",
  value,
  set,
}: {
  label?: string;
  hint?: string;
  value: unknown;
  set: (value: unknown) => void;
}) {
  const written = (one: unknown) => (one === undefined ? "" : JSON.stringify(one, null, 1));
  const text = useSignal(written(value));
  const fault = useSignal("");
  // What is thrown away, or taken from another job, comes from outside.
  const known = useRef(written(value));
  const now = written(value);
  useEffect(() => {
    if (known.current === now) return;
    known.current = now;
    text.value = now;
    fault.value = "";
  }, [now]);
  return (
    <>
      <textarea
        rows={3}
        aria-label={label}
        value={text.value}
        placeholder={hint}
        onChange={({ currentTarget }) => {
          text.value = currentTarget.value;
          fault.value = "";
          try {
            const read = text.value.trim() ? JSON.parse(text.value) : undefined;
            known.current = written(read);
            set(read);
          } catch {
            fault.value = t("不是 JSON", "is no JSON");
          }
        }}
      />
      {fault.value && (
        <small class="fault" role="alert">
          {fault.value}
        </small>
      )}
    </>
  );
}

function Presets({
  inputs,
  values,
  onDefaults,
}: {
  inputs: Description["inputs"];
  values: Signal<Values>;
  onDefaults: () => void;
}) {
  const names = [t("精细", "fine"), t("常用", "usual"), t("快速", "quick")];
  return (
    <div class="actions">
      {inputs.cell_m &&
        CELLS.map((cell, n) => (
          <Button
            key={cell}
            aria-pressed={values.value.cell_m === cell}
            onClick={() => {
              values.value = { ...values.value, cell_m: cell };
            }}
          >
            {names[n]} {cell} m
          </Button>
        ))}
      <Button onClick={onDefaults}>{t("全部用默认值", "Defaults")}</Button>
    </div>
  );
}

/** The datasets of the region for each theme, with a light for each that is needed. */
function Themes({
  title,
  input,
  themes,
  needs,
  values,
  wrong,
}: {
  title: string;
  input: string;
  themes: Record<string, PropertySchema>;
  needs: readonly string[][];
  values: Signal<Values>;
  wrong: readonly FaultAt[];
}) {
  const here = String(values.value.region ?? "");
  const { asked, again } = useAsked((signal) => datasetsOf(here, signal), [here || null]);
  const chosen = (values.value[input] ?? {}) as Record<string, string>;
  const set = (theme: string, code: string) => {
    const { [theme]: _, ...rest } = chosen;
    const now = code ? { ...rest, [theme]: code } : rest;
    const { [input]: __, ...others } = values.value;
    values.value = Object.keys(now).length ? { ...others, [input]: now } : others;
  };
  if (!here) return null;
  const worded = (theme: string) => themes[theme]?.title ?? theme;
  return (
    <Panel title={title} class="themes">
      <Found asked={asked} again={again}>
        {(datasets) => {
          const field = (theme: string) => (
            <Theme
              key={theme}
              title={worded(theme)}
              datasets={datasets.filter((one) => one.theme === themeOf(input, theme))}
              chosen={chosen[theme] ?? ""}
              onChoose={(code) => set(theme, code)}
              wrong={wrongAt(wrong, `/inputs/${input}/${theme}`)}
            />
          );
          const needed = new Set(needs.flat());
          const others = Object.keys(themes).filter((theme) => !needed.has(theme));
          return (
            <>
              {needs.length > 0 && (
                <ul
                  class="lights"
                  aria-label={t("所需数据是否齐备", "Whether needed data are there")}
                >
                  {needs.map((group) => {
                    const light = lightOf(datasets, group, (theme) =>
                      wrongAt(wrong, `/inputs/${input}/${theme}`),
                    );
                    return (
                      <li key={group.join()}>
                        <span>{group.map(worded).join(t(" 或 ", " or "))}</span>{" "}
                        <Badge tone={light.tone}>{light.text}</Badge>
                      </li>
                    );
                  })}
                </ul>
              )}
              {needs.length > 0 && (
                <small>
                  {t(
                    "按常用选项所需。绿：有数据；黄：只有替代数据；红：没有数据，用到它的计算会改用其他方法或拒绝。",
                    "What usual choices need. Green: there are data; yellow: stand-ins alone; red: none, so that a method that needs them is replaced or refused.",
                  )}
                </small>
              )}
              {[...needed].filter((theme) => theme in themes).map(field)}
              {others.length > 0 &&
                (needed.size > 0 ? (
                  <details class="group">
                    <summary>{t("其他数据", "Other data")}</summary>
                    {others.map(field)}
                  </details>
                ) : (
                  others.map(field)
                ))}
            </>
          );
        }}
      </Found>
    </Panel>
  );
}

/** The theme of the datasets that a member of an input may name. */
const themeOf = (input: string, member: string) =>
  input === "supplies" ? `supply.${member}` : member;

function Theme({
  title,
  datasets,
  chosen,
  onChoose,
  wrong,
}: {
  title: string;
  datasets: readonly Dataset[];
  chosen: string;
  onChoose: (code: string) => void;
  wrong: string | undefined;
}) {
  return (
    <Field label={title} wrong={wrong}>
      <Select
        choices={datasetChoices(datasets)}
        value={chosen}
        onChoose={onChoose}
        empty={t("最新的", "the newest")}
        disabled={!datasets.length}
      />
    </Field>
  );
}
