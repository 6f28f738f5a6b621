/** The money of a project: its ledger, and new entries. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, ask, type Fault, type Schema, write } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import type { Values } from "../../kit/features";
import { Fields } from "../../kit/form";
import { day, money } from "../../kit/format";
import { may } from "../../kit/session";
import { Table } from "../../kit/table";
import { Button, Dialog, FaultBox, Found, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";

const KINDS: Record<Schema<"LedgerLine">["kind"], [zh: string, en: string]> = {
  allocation: ["拨入", "allocated"],
  payment: ["支付", "paid"],
  return: ["退回", "returned"],
};

export function Funds({ code }: { code: string }) {
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

/** A sum with what it is of. */
export const Figure = ({ label, value }: { label: string; value: string }) => (
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
