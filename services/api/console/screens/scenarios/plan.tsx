/** Two to four scenarios of one ground: each with its name and edits, started together. */

import { batch, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Fault, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { memberOf, Restored, SubmitForm, useDraft } from "../../kit/form";
import { execute } from "../../kit/jobs";
import { plan, region } from "../../kit/place";
import { Button, Field, Found, Panel, tell } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { type Description, schemaOfInput, sent } from "../compute/inputs";
import { InputFields, placeOf, usePlace } from "../compute/order";
import { Editor } from "./editor";
import { blank, inputsOf, LEAST, MOST, nextNumber, type Scenario, wordsOf } from "./edits";

const PROCESS = "run-scenario";
/** Said of each scenario, not of all. */
const OWN = ["name_zh", "name_en", "edits"];

export function Plan({ onStarted }: { onStarted: (jobs: string[]) => void }) {
  const { asked, again } = useAsked(
    (signal) => read<Description>(`/processes/${PROCESS}`, signal),
    [],
  );
  return (
    <Found asked={asked} again={again}>
      {(description) => <PlanForm description={description} onStarted={onStarted} />}
    </Found>
  );
}

function PlanForm({
  description,
  onStarted,
}: {
  description: Description;
  onStarted: (jobs: string[]) => void;
}) {
  const place = useMemo(() => placeOf(description.inputs), [description, region.value, plan.value]);
  const initial = useMemo(() => ({ base: place, scenarios: [blank(1), blank(2)] }), []);
  const draft = useDraft("scenarios", initial);
  const base = memberOf(draft.values, "base");
  const scenarios = draft.values.value.scenarios as Scenario[];
  const at = useSignal(0);
  const removed = useSignal(0);
  const busy = useSignal(false);
  const faults = useSignal<Record<number, Fault>>({});
  // A scenario that was started already is not started twice by another click.
  const keys = useSignal<Record<string, string>>({});
  usePlace(base, place);
  const edits = description.inputs.edits;
  const words = useMemo(() => wordsOf(edits && schemaOfInput(edits)), [edits]);
  const set = (list: Scenario[]) => {
    draft.values.value = { ...draft.values.value, scenarios: list };
  };
  const change = (n: number, more: Partial<Scenario>) =>
    set(scenarios.map((one, m) => (m === n ? { ...one, ...more } : one)));
  const shown = Math.min(at.value, scenarios.length - 1);
  const scenario = scenarios[shown] as Scenario;
  const start = async () => {
    const empty = scenarios.findIndex((one) => !one.edits.length);
    if (empty >= 0) {
      at.value = empty;
      tell(
        t(
          `“${called(scenarios[empty] as Scenario)}”还没有编辑`,
          `${called(scenarios[empty] as Scenario)} has no edits yet`,
        ),
        "bad",
      );
      return;
    }
    batch(() => {
      busy.value = true;
      faults.value = {};
    });
    const jobs: string[] = [];
    const refused: Record<number, Fault> = {};
    for (const [n, one] of scenarios.entries()) {
      const inputs = sent(inputsOf(base.value, one));
      const said = JSON.stringify(inputs);
      const key = keys.peek()[said] ?? crypto.randomUUID();
      keys.value = { ...keys.peek(), [said]: key };
      try {
        jobs.push((await execute(PROCESS, inputs, key)).jobID);
      } catch (error) {
        refused[n] = told(error);
      }
    }
    batch(() => {
      busy.value = false;
      faults.value = refused;
    });
    const [first] = Object.keys(refused);
    if (first !== undefined) {
      at.value = Number(first);
      return;
    }
    draft.reset({ base: place, scenarios: [blank(1), blank(2)] });
    onStarted(jobs);
  };
  const fault = faults.value[shown] ?? null;
  return (
    <SubmitForm class="form wide" onSubmit={start}>
      <Restored restored={draft.restored} reset={() => draft.reset()} />
      <Panel
        title={t("情景", "Scenarios")}
        actions={
          <>
            <Button
              disabled={scenarios.length >= MOST}
              onClick={() => {
                set([...scenarios, blank(nextNumber(scenarios))]);
                at.value = scenarios.length;
              }}
            >
              {t("再加一个情景", "Another scenario")}
            </Button>
            <Button
              disabled={scenarios.length >= MOST}
              onClick={() => {
                set([...scenarios, { ...blank(nextNumber(scenarios)), edits: scenario.edits }]);
                at.value = scenarios.length;
              }}
            >
              {t("复制此情景", "Copy this one")}
            </Button>
            <Button
              disabled={scenarios.length <= LEAST}
              onClick={() => {
                set(scenarios.filter((_, n) => n !== shown));
                at.value = 0;
                removed.value += 1;
              }}
            >
              {t("移除此情景", "Remove this one")}
            </Button>
          </>
        }
      >
        <fieldset class="checks">
          <legend>{t("正在编辑哪个情景", "Which one is edited")}</legend>
          {scenarios.map((one, n) => (
            <label key={n} class="check">
              <input
                type="radio"
                name="scenario"
                checked={n === shown}
                onChange={() => {
                  at.value = n;
                }}
              />
              {called(one) || n + 1} ({one.edits.length})
              {faults.value[n] && ` – ${t("被拒绝", "refused")}`}
            </label>
          ))}
        </fieldset>
        <div class="inline">
          <Field label={t("中文名称", "Name in Chinese")} needed>
            <input
              type="text"
              required
              maxLength={200}
              value={scenario.name_zh}
              onInput={({ currentTarget }) => change(shown, { name_zh: currentTarget.value })}
            />
          </Field>
          <Field label={t("英文名称", "Name in English")}>
            <input
              type="text"
              maxLength={200}
              value={scenario.name_en}
              onInput={({ currentTarget }) => change(shown, { name_en: currentTarget.value })}
            />
          </Field>
        </div>
        {fault && <Refused fault={fault} scenario={scenario} />}
        <Editor
          // What could be undone of a scenario goes with it: another may stand in its place.
          key={`${removed.value} ${shown}`}
          scenario={scenario}
          words={words}
          onChange={(now) => change(shown, { edits: now })}
        />
      </Panel>
      <Panel title={t("共同的条件", "What all have in common")}>
        <InputFields
          description={description}
          values={base}
          fault={fault}
          without={OWN}
          onDefaults={() => {
            base.value = place;
          }}
        />
      </Panel>
      <Button kind="main" submits busy={busy.value}>
        {t(`开始计算 ${scenarios.length} 个情景`, `Start ${scenarios.length} scenarios`)}
      </Button>
    </SubmitForm>
  );
}

/** What is wrong with the edits of a scenario, each by its name. */
function Refused({ fault, scenario }: { fault: Fault; scenario: Scenario }) {
  const lines = fault.at.flatMap(({ pointer, detail }) => {
    const [, n] = /^\/?inputs\/edits\/(\d+)/.exec(pointer) ?? [];
    const edit = n === undefined ? undefined : scenario.edits[Number(n)];
    return edit ? [`${Number(n) + 1} ${called(edit)}${t("：", ": ")}${detail}`] : [];
  });
  if (!lines.length) return null;
  return (
    <ul class="notice bad" role="alert">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
