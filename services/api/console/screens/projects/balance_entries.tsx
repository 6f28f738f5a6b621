/** Entries of the ledger of what is taken and given back: proposed, decided on, reversed. */

import type { Signal } from "@preact/signals";
import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, type Kind, Making } from "../../kit/editing";
import type { Feature, PropertySchema, Values } from "../../kit/features";
import { day, exact, today } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { region, regionChoices, regionName, within } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { holds } from "../../kit/session";
import { unitName, type Worded } from "../../kit/terms";
import { Badge, Dialog, Field, Found } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { type Project, projectsOf } from "./register";
import { mayWrite } from "./roles";

type Entry = Schema<"balance_entries">;
type Page = { balance_entries: Entry[]; links: { rel: string; href: string }[] };

const ENTRIES = "/balances/entries";

/** What is balanced, and the unit that the ledger counts it in. */
const KINDS: Record<string, [zh: string, en: string, unit: string]> = {
  natural_shoreline: ["自然岸线", "Natural shoreline", "m"],
  cultivated_land: ["耕地", "Cultivated land", "mu"],
  land_link: ["增减挂钩", "Linked increase and decrease", "mu"],
  wetland: ["湿地", "Wetland", "ha"],
  forest_quota: ["林地定额", "Forest quota", "ha"],
  sea_area: ["海域", "Sea area", "ha"],
};
const DIRECTIONS: Record<string, [zh: string, en: string]> = {
  taken: ["占用", "Taken"],
  given: ["补充", "Given back"],
};
const STATES: Record<string, Worded> = {
  proposed: ["已申报", "Proposed", "info"],
  accepted: ["已采纳", "Accepted", "good"],
  reversed: ["已冲销", "Reversed", "plain"],
  rejected: ["不予批准", "Rejected", "bad"],
};

const kindName = (code: string): string => {
  const [zh, en, unit] = KINDS[code] ?? [code, code, ""];
  return t(`${zh}（${unitName(unit)}）`, `${en} (${unitName(unit)})`);
};
const directionName = (code: string): string => t(...(DIRECTIONS[code] ?? [code, code]));
export const kindMember = () => listed(t("类别", "Kind"), Object.keys(KINDS), kindName);
const unitOf = (kind: unknown): string | undefined => KINDS[String(kind)]?.[2];
/** A list that is chosen from, with its words. */
const listed = (title: string, codes: string[], name: (code: string) => string) => ({
  title,
  type: "string",
  enum: codes,
  "x-enum-titles": Object.fromEntries(codes.map((code) => [code, name(code)])),
});

const PROPOSERS = ["planner"] as const;
const JUDGES = ["approver", "supervisor"] as const;

export function BalanceEntries({ onChanged }: { onChanged: () => void }) {
  const here = region.value;
  const done = (hands: Hands<Entry>) => () => {
    hands.done();
    onChanged();
  };
  return (
    <Listing<Entry, Page>
      key={here}
      label={t("台账记录", "Entries")}
      empty={t("还没有记录。", "There are no entries yet.")}
      read={() =>
        ask(
          api.GET("/balances/entries", {
            params: { query: { filter: within(here), sortby: "-year,code", limit: 100 } },
          }),
        )
      }
      rowsOf={({ balance_entries }) => balance_entries}
      keyOf={({ code }) => String(code)}
      columns={[
        { id: "title", title: t("标题", "Title"), cell: (one) => called(one, "title") },
        {
          id: "year",
          title: t("年份", "Year"),
          cell: ({ year }) => year,
          order: ({ year }) => year,
        },
        { id: "kind", title: t("类别", "Kind"), cell: ({ kind }) => kindName(String(kind)) },
        {
          id: "direction",
          title: t("方向", "Direction"),
          cell: ({ direction }) => directionName(String(direction)),
        },
        {
          id: "amount",
          title: t("数量", "Amount"),
          numeric: true,
          cell: ({ amount }) => exact(amount),
        },
        { id: "state", title: t("状态", "State"), cell: StateOf },
      ]}
      opened={(one, hands) => <Opened one={one} hands={hands} onDone={done(hands)} />}
      add={mayWrite() && holds(PROPOSERS, here) ? t("记一笔", "Add an entry") : undefined}
      adding={(hands) => <NewEntry onDone={done(hands)} />}
    />
  );
}

function StateOf({ state }: Entry) {
  const [zh, en, tone] = STATES[String(state)] ?? [state, state, "plain"];
  return <Badge tone={tone}>{t(String(zh), String(en))}</Badge>;
}

/** An entry with all that is said of it, and what can be done with it. */
function Opened({ one, hands, onDone }: { one: Entry; hands: Hands<Entry>; onDone: () => void }) {
  const of = String(one.region);
  const decides = one.state === "proposed" && mayWrite() && holds(JUDGES, of);
  // What reverses another entry is not reversed itself: a new entry says what holds.
  const reverses = one.state === "accepted" && !one.reverses && mayWrite() && holds(PROPOSERS, of);
  return (
    <Dialog title={called(one, "title")} onClose={hands.close}>
      <p>
        <StateOf {...one} /> {kindName(String(one.kind))} · {directionName(String(one.direction))}{" "}
        <strong>
          {exact(one.amount)} {unitName(String(one.unit))}
        </strong>{" "}
        · {one.year} · {regionName(of)}
      </p>
      {one.accepted_on && (
        <p>{t(`采纳日期 ${day(one.accepted_on)}`, `Accepted on ${day(one.accepted_on)}`)}</p>
      )}
      {one.project && (
        <p>
          <a href={screenPath("projects", { project: one.project })}>
            {t("打开项目", "Open the project")}
          </a>
        </p>
      )}
      {decides && (
        <Changing
          kind={DECISION()}
          draft={`balance.decision.${one.code}`}
          path={`${ENTRIES}/${encodeURIComponent(String(one.code))}`}
          onDone={onDone}
          save={t("决定", "Decide")}
        />
      )}
      {reverses && (
        <Making<Entry>
          kind={reversalOf(one)}
          draft={`balance.reversal.${one.code}`}
          path={ENTRIES}
          first={{ year: Number(today().slice(0, 4)) }}
          onDone={onDone}
          save={t("申报冲销", "Propose to reverse it")}
        />
      )}
    </Dialog>
  );
}

const DECISION = (): Kind<Entry> => ({
  members: {
    state: listed(t("决定", "Decision"), ["accepted", "rejected"], (code) =>
      code === "accepted" ? t("采纳", "Accept") : t("不予批准", "Reject"),
    ),
    accepted_on: {
      title: t("采纳日期（默认今天）", "Accepted on (usually today)"),
      type: "string",
      format: "date",
    },
  },
  required: ["state"],
  // Only what was decided already is in the form, so that another's decision shows beside mine.
  formOf: ({ state, accepted_on }) => (state === "proposed" ? {} : { state, accepted_on }),
  bodyOf: ({ state, accepted_on }) =>
    state === "accepted" && accepted_on ? { state, accepted_on } : { state },
  method: "PATCH",
});

const title = (): Record<string, PropertySchema> => ({
  title_zh: { title: t("中文标题", "Title in Chinese"), type: "string", maxLength: 200 },
  title_en: { title: t("英文标题", "Title in English"), type: "string", maxLength: 200 },
});
const year = (): Record<string, PropertySchema> => ({
  year: { title: t("年份", "Year"), type: "integer", minimum: 1900, maximum: 2200 },
});

/** What an entry that reverses another says of its own; all else is as in the other. */
const reversalOf = (other: Entry): Kind<Entry> => ({
  members: { ...title(), ...year() },
  required: ["title_zh", "year"],
  formOf: (read) => ({ ...read }),
  bodyOf: (form) => {
    const {
      kind,
      direction,
      amount,
      unit,
      quality_grade,
      region: of,
      project,
      control_area,
    } = other;
    const same = { kind, direction, amount, unit, quality_grade, project, control_area };
    return { ...form, ...same, region: of, reverses: other.code };
  },
  method: "PUT",
});

function NewEntry({ onDone }: { onDone: () => void }) {
  const here = region.value;
  const { asked, again } = useAsked((signal) => projectsOf(here, signal), [here]);
  return (
    <Found asked={asked} again={again}>
      {(projects) => (
        <Making<Entry>
          kind={entryKind(projects)}
          draft={`balance.new.${here}`}
          path={ENTRIES}
          first={{ region: here, year: Number(today().slice(0, 4)) }}
          onDone={onDone}
          save={t("申报", "Propose")}
          more={(form, wrong) => (
            <Evidence
              form={form}
              wrong={wrong.find(({ pointer }) => pointer.startsWith("/evidence"))?.detail}
            />
          )}
        />
      )}
    </Found>
  );
}

const entryKind = (projects: readonly Feature<Project>[]): Kind<Entry> => {
  const places = regionChoices();
  const names = new Map(projects.map(({ id, properties }) => [id, called(properties) || id]));
  return {
    members: {
      ...title(),
      kind: kindMember(),
      direction: listed(t("方向", "Direction"), Object.keys(DIRECTIONS), directionName),
      amount: {
        title: t("数量", "Amount"),
        type: "string",
        pattern: "\\d{1,10}(\\.\\d{1,4})?",
        description: t(
          "单位见类别，至多四位小数",
          "In the unit of the kind, of at most 4 decimals",
        ),
      },
      quality_grade: {
        title: t("质量等级", "Quality grade"),
        type: "integer",
        minimum: 1,
        maximum: 15,
        description: t(
          "仅耕地等按质量等级平衡的类别填写",
          "Only of kinds that are balanced by grade",
        ),
      },
      region: listed(
        t("区域", "Region"),
        places.map(({ value }) => value),
        (code) => places.find(({ value }) => value === code)?.label ?? code,
      ),
      ...year(),
      project: listed(t("项目", "Project"), [...names.keys()], (code) => names.get(code) ?? code),
      evidence: { title: t("依据文件", "Documents that prove it"), readOnly: true },
    },
    required: ["title_zh", "kind", "direction", "amount", "region", "year"],
    formOf: (read) => ({ ...read }),
    bodyOf: ({ evidence, ...form }) => ({
      ...form,
      unit: unitOf(form.kind),
      ...evidenceOf(evidence, form.project),
    }),
    method: "PUT",
  };
};

/** Documents that were chosen, and of which project: those of another one prove nothing here. */
interface Chosen {
  of: string;
  codes: string[];
}

function evidenceOf(evidence: unknown, project: unknown): { evidence?: string[] } {
  const chosen = evidence as Chosen | undefined;
  return chosen?.of === project && chosen?.codes.length ? { evidence: chosen.codes } : {};
}

/** The documents of the project that is chosen, of which some prove the entry. */
function Evidence({ form, wrong }: { form: Signal<Values>; wrong: string | undefined }) {
  const project = form.value.project ? String(form.value.project) : null;
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/projects/{project}/documents", {
          params: { path: { project: project ?? "" }, query: { limit: 1000 } },
        }),
      ),
    [project],
  );
  if (!project) return null;
  const chosen = evidenceOf(form.value.evidence, project).evidence ?? [];
  const mark = (code: string, to: boolean) => {
    const codes = to ? [...chosen, code] : chosen.filter((one) => one !== code);
    form.value = { ...form.value, evidence: { of: project, codes } satisfies Chosen };
  };
  return (
    <Field
      label={t("依据文件", "Documents that prove it")}
      hint={t(
        "补充须有文件方可采纳，记入后不能再改",
        "What is given back is accepted by them; they are not changed afterwards",
      )}
      wrong={wrong}
      several
    >
      <Found asked={asked} again={again}>
        {({ documents }) =>
          documents.length ? (
            <span class="checks">
              {documents.map((one) => (
                <label key={one.code} class="check">
                  <input
                    type="checkbox"
                    checked={chosen.includes(one.code)}
                    onChange={({ currentTarget }) => mark(one.code, currentTarget.checked)}
                  />
                  {called(one, "title")}
                </label>
              ))}
            </span>
          ) : (
            <small>{t("该项目还没有文件。", "The project has no documents yet.")}</small>
          )
        }
      </Found>
    </Field>
  );
}
