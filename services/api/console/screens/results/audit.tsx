/** Who did what and when, page by page. */

import { useSignal } from "@preact/signals";
import { Actor } from "../../kit/actor";
import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { address, type Values } from "../../kit/features";
import { SubmitForm } from "../../kit/form";
import { instant, moment } from "../../kit/format";
import { API } from "../../kit/page";
import { Pages } from "../../kit/pages";
import { Table } from "../../kit/table";
import { Button, Dialog, Field } from "../../kit/ui";
import { t } from "../../kit/words";
import { ACTIONS, called, codeOf, KINDS } from "./audit_words";

type Entry = Schema<"AuditEntry">;
type Filter = Record<string, string>;

const WORDS: Record<string, typeof ACTIONS> = { action: ACTIONS, table: KINDS };

/** The filters as the service takes them, which knows codes; times are those of the bureau's
 * clocks. */
export function filterOf(form: Filter): Filter {
  const given = Object.entries(form).filter(([, value]) => value.trim());
  return Object.fromEntries(
    given.map(([name, value]) => [
      name,
      ["since", "until"].includes(name) ? instant(value) : codeOf(WORDS[name] ?? {}, value.trim()),
    ]),
  );
}

export function Audit() {
  const form = useSignal<Filter>({});
  const filter = useSignal<Filter>({});
  const open = useSignal<Entry | null>(null);
  const { actor, table, object } = open.value ?? {};
  /** Filter by what an entry tells: nobody knows its codes by heart. */
  const only = (shared: Filter) => {
    form.value = { ...form.value, ...shared };
    filter.value = filterOf(form.value);
    open.value = null;
  };
  const choice = JSON.stringify(filter.value);
  const { asked, again } = useAsked(
    () => ask(api.GET("/audit", { params: { query: { limit: 100, ...filter.value } } })),
    [choice],
  );
  const fields: [name: string, label: string, timed: boolean][] = [
    ["actor", t("谁", "Who"), false],
    ["action", t("做了什么", "Did what"), false],
    ["table", t("对象类型", "Kind of object"), false],
    ["object", t("对象", "Object"), false],
    ["address", t("来源地址", "From"), false],
    ["since", t("自", "Since"), true],
    ["until", t("至", "Until"), true],
  ];
  return (
    <div class="stack">
      <SubmitForm
        class="filters"
        onSubmit={() => {
          filter.value = filterOf(form.value);
        }}
      >
        {fields.map(([name, label, timed]) => (
          <Field key={name} label={label}>
            <input
              {...(timed ? { type: "datetime-local" as const } : { type: "text" as const })}
              maxLength={200}
              placeholder={name === "actor" ? "account:7" : undefined}
              list={WORDS[name] && `audit-${name}`}
              value={form.value[name] ?? ""}
              onInput={({ currentTarget }) => {
                form.value = { ...form.value, [name]: currentTarget.value };
              }}
            />
          </Field>
        ))}
        {Object.entries(WORDS).map(([name, words]) => (
          <datalist key={name} id={`audit-${name}`}>
            {Object.keys(words).map((code) => (
              <option key={code} value={called(words, code)} />
            ))}
          </datalist>
        ))}
        <div class="actions">
          <Button kind="main" submits>
            {t("筛选", "Filter")}
          </Button>
          <a class="button" href={API + address("/audit", { ...filter.value, f: "csv" })}>
            {t("导出 CSV", "As CSV")}
          </a>
        </div>
      </SubmitForm>
      <Pages asked={asked} again={again} rowsOf={({ entries }) => entries}>
        {(rows: Entry[]) => (
          <Table
            label={t("审计记录", "Audit log")}
            rows={rows}
            keyOf={({ id }) => String(id)}
            onOpen={(one) => {
              open.value = one;
            }}
            empty={t("没有这样的记录。", "No such entries.")}
            columns={[
              { id: "at", title: t("时间", "When"), cell: ({ at }) => moment(at) },
              {
                id: "actor",
                title: t("谁", "Who"),
                cell: ({ actor }) => <Who actor={actor} />,
              },
              {
                id: "action",
                title: t("做了什么", "Did"),
                cell: ({ action }) => <Word words={ACTIONS} code={action} />,
              },
              {
                id: "table",
                title: t("对象类型", "Kind of object"),
                cell: ({ table }) => table && <Word words={KINDS} code={table} />,
              },
              {
                id: "object",
                title: t("代码", "Code"),
                cell: ({ object }) => object && <code>{object}</code>,
              },
              { id: "from", title: t("来源", "From"), cell: (one) => one.address ?? "–" },
            ]}
          />
        )}
      </Pages>
      {open.value && (
        <Dialog
          title={moment(open.value.at)}
          wide
          onClose={() => {
            open.value = null;
          }}
        >
          <Change entry={open.value} />
          <div class="actions">
            {actor && (
              <Button onClick={() => only({ actor })}>
                {t("只看此人的操作", "Only what they did")}
              </Button>
            )}
            {object && table && (
              <Button onClick={() => only({ table: called(KINDS, table) ?? table, object })}>
                {t("只看此对象的记录", "Only what became of it")}
              </Button>
            )}
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** Members that an entry tells of, before and after; those that stayed are left out. */
export function changesOf({ before, after }: Pick<Entry, "before" | "after">) {
  const from = (before ?? {}) as Values;
  const to = (after ?? {}) as Values;
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
    .map((name) => ({ name, before: shown(from[name]), after: shown(to[name]) }));
}

const shown = (value: unknown): string =>
  value === undefined || value === null
    ? "–"
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);

const Word = ({ words, code }: { words: typeof ACTIONS; code: string }) =>
  called(words, code) ?? <code>{code}</code>;

const Who = ({ actor }: Pick<Entry, "actor">) =>
  actor ? <Actor code={actor} /> : t("公众", "the public");

function Change({ entry }: { entry: Entry }) {
  return (
    <>
      <dl class="facts">
        <dt>{t("谁", "Who")}</dt>
        <dd>
          <Who actor={entry.actor} /> <code>{entry.actor}</code>
        </dd>
        <dt>{t("做了什么", "Did")}</dt>
        <dd>
          <Word words={ACTIONS} code={entry.action} />
        </dd>
        <dt>{t("对象", "Object")}</dt>
        <dd>{entry.table && <Word words={KINDS} code={entry.table} />}</dd>
        <dt>{t("请求", "Request")}</dt>
        <dd>
          <code>{entry.request ?? "–"}</code>
        </dd>
        <dt>{t("摘要", "Digest")}</dt>
        <dd>
          <code>{entry.digest}</code>
        </dd>
      </dl>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th>{t("成员", "Member")}</th>
              <th>{t("之前", "Before")}</th>
              <th>{t("之后", "After")}</th>
            </tr>
          </thead>
          <tbody>
            {changesOf(entry).map(({ name, before, after }) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td class="anywhere">
                  <code>{before}</code>
                </td>
                <td class="anywhere">
                  <code>{after}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
