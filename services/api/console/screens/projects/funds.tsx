/** The money of a project: its ledger, and new entries. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { type Kind, Making } from "../../kit/editing";
import { day, yuan } from "../../kit/format";
import { holdsAnywhere } from "../../kit/session";
import { Table } from "../../kit/table";
import { Button, Dialog, Found, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { measureName, nameOfMeasure } from "./measures";
import { mayWrite } from "./roles";

const KINDS: Record<Schema<"LedgerLine">["kind"], [zh: string, en: string]> = {
  allocation: ["拨入", "allocated"],
  payment: ["支付", "paid"],
  return: ["退回", "returned"],
};

/** Who moves money to a project is not who pays it out. */
const BOOKERS: Record<Schema<"LedgerLine">["kind"], Parameters<typeof holdsAnywhere>[0]> = {
  allocation: ["planner", "approver"],
  payment: ["owner"],
  return: ["owner", "approver"],
};
type EntryKind = keyof typeof BOOKERS;
const bookable = (): EntryKind[] =>
  (["payment", "allocation", "return"] as const).filter(
    (kind) => mayWrite() && holdsAnywhere(BOOKERS[kind]),
  );

export function Funds({
  code,
  measures,
}: {
  code: string;
  measures: readonly Schema<"Measure">[];
}) {
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
            <Figure label={t("拨入", "Allocated")} value={yuan(ledger.allocated)} />
            <Figure label={t("支付", "Paid")} value={yuan(ledger.paid)} />
            <Figure label={t("结余", "Balance")} value={yuan(ledger.balance)} />
            {bookable().length > 0 && (
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
                cell: ({ amount }) => yuan(amount),
              },
              {
                id: "measure",
                title: t("措施", "Measure"),
                cell: ({ measure }) => (measure === null ? "" : nameOfMeasure(measures, measure)),
              },
              { id: "note", title: t("说明", "Note"), cell: ({ note }) => note },
            ]}
          />
          {adding.value && (
            <NewEntry
              code={code}
              sources={ledger.by_source}
              measures={measures}
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

/** A sum with what it is of. */
export const Figure = ({ label, value }: { label: string; value: string }) => (
  <span>
    <small>{label}</small> <strong>{value}</strong>
  </span>
);

function NewEntry({
  code,
  sources,
  measures,
  onClose,
}: {
  code: string;
  sources: readonly Schema<"SourceBalance">[];
  measures: readonly Schema<"Measure">[];
  onClose: (added: boolean) => void;
}) {
  const known = useAsked(
    () => ask(api.GET("/fund-sources", { params: { query: { limit: 1000 } } })),
    [],
  );
  const listed =
    known.asked.value.data?.fund_sources ?? sources.map((one) => ({ ...one, code: one.source }));
  return (
    <Dialog title={t("记一笔资金", "An entry of funds")} onClose={() => onClose(false)}>
      <Making
        kind={entryKind(listed, measures)}
        draft={`funds.${code}`}
        path={`/projects/${encodeURIComponent(code)}/funds`}
        first={{ kind: bookable()[0] }}
        onDone={() => onClose(true)}
        save={t("记入", "Add")}
      />
    </Dialog>
  );
}

const entryKind = (
  sources: readonly { code?: string | null }[],
  measures: readonly Schema<"Measure">[],
): Kind<Schema<"LedgerLine">> => ({
  members: {
    kind: {
      title: t("类别", "Kind"),
      enum: bookable(),
      "x-enum-titles": Object.fromEntries(bookable().map((kind) => [kind, t(...KINDS[kind])])),
    },
    source: { title: t("资金来源", "Source"), type: "string" },
    amount: {
      title: t("金额（元）", "Amount (CNY)"),
      type: "string",
      pattern: "\\d+(\\.\\d{1,2})?",
    },
    measure: {
      title: t("用于措施", "Measure it is for"),
      type: "string",
      description: t("支付专项资金时须填", "Needed when earmarked money is paid"),
      enum: measures.map(({ measure }) => measure),
      "x-enum-titles": Object.fromEntries(measures.map((one) => [one.measure, measureName(one)])),
    },
    paid_on: { title: t("日期", "Day"), type: "string", format: "date" },
    note: { title: t("说明", "Note"), type: "string", maxLength: 2000 },
  },
  required: ["kind", "source", "amount"],
  controls: {
    source: ({ value, set }) => (
      <Select
        required
        value={String(value ?? "")}
        empty={t("（选择）", "(choose)")}
        onChoose={(chosen) => set(chosen || undefined)}
        choices={sources.map((one) => ({
          value: String(one.code),
          label: called(one) || String(one.code),
        }))}
      />
    ),
  },
  formOf: (read) => ({ ...read }),
  bodyOf: (form) => form,
  method: "PUT",
});
