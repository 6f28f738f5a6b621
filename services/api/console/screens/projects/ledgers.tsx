/** The ledgers: duties of a plan, what was taken and given back, mines still open. */

import { useSignal } from "@preact/signals";
import { api, ask } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { day, exact } from "../../kit/format";
import { API } from "../../kit/page";
import { region } from "../../kit/place";
import { Table } from "../../kit/table";
import { DUTY_STATES, unitName } from "../../kit/terms";
import { Badge, Empty, Found, Panel, Select } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { BalanceEntries } from "./balance_entries";
import { DutyReviews } from "./duty_reviews";
import { MineRegister } from "./mines";

export function Duties({ plan }: { plan: string }) {
  const by = useSignal<"party" | "article">("party");
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/plans/{plan}/duty-board", {
          params: { path: { plan }, query: { by: by.value } },
        }),
      ),
    [plan || null, by.value],
  );
  return (
    <>
      <div class="inline">
        <Select
          aria-label={t("分组", "Grouped by")}
          value={by.value}
          onChoose={(chosen) => {
            by.value = chosen as "party" | "article";
          }}
          choices={[
            { value: "party", label: t("按责任单位", "by party") },
            { value: "article", label: t("按条款", "by article") },
          ]}
        />
        <a href={`${API}/plans/${encodeURIComponent(plan)}/duty-reviews?f=html&lang=${lang.value}`}>
          {t("年度考核页面", "The page of the reviews")}
        </a>
      </div>
      <Found asked={asked} again={again}>
        {({ rows }) =>
          rows.length ? (
            rows.map((row) => (
              <details key={row.code ?? row.name_zh} class="group">
                <summary>
                  {called(row)} <span class="count">{row.total}</span>
                </summary>
                <ul class="plain">
                  {row.duties.map((duty) => {
                    const [zh, en, tone] = DUTY_STATES[duty.state];
                    return (
                      <li key={duty.code}>
                        <Badge tone={tone}>{t(zh, en)}</Badge> {duty.article} {called(duty)}{" "}
                        {duty.due && (
                          <small>{t(`截止 ${day(duty.due)}`, `due ${day(duty.due)}`)}</small>
                        )}
                      </li>
                    );
                  })}
                </ul>
              </details>
            ))
          ) : (
            <Empty>{t("该规划没有列出职责。", "The plan lists no duties.")}</Empty>
          )
        }
      </Found>
      <Panel title={t("年度考核", "Yearly reviews")}>
        <DutyReviews key={plan} plan={plan} />
      </Panel>
    </>
  );
}

export function Balances() {
  const here = region.value;
  const { asked, again } = useAsked(
    () => ask(api.GET("/balances", { params: { query: { region: here } } })),
    [here || null],
  );
  return (
    <>
      <Found asked={asked} again={again}>
        {({ balances, rules }) => (
          <>
            <Table
              label={t("占补台账", "Balances")}
              rows={balances}
              keyOf={({ kind, year }) => `${kind}${year}`}
              empty={t("该区域还没有占补记录。", "The region has no entries yet.")}
              columns={[
                {
                  id: "kind",
                  title: t("类别", "Kind"),
                  cell: ({ kind_name }) => kind_name,
                  order: ({ kind }) => kind,
                },
                {
                  id: "year",
                  title: t("年份", "Year"),
                  cell: ({ year }) => year,
                  order: ({ year }) => year,
                },
                {
                  id: "taken",
                  title: t("占用", "Taken"),
                  numeric: true,
                  cell: ({ taken }) => exact(taken),
                },
                {
                  id: "given",
                  title: t("补充", "Given back"),
                  numeric: true,
                  cell: ({ given }) => exact(given),
                },
                {
                  id: "carried",
                  title: t("累计结余", "Carried"),
                  numeric: true,
                  cell: ({ carried }) => exact(carried),
                },
                { id: "unit", title: t("单位", "Unit"), cell: ({ unit }) => unitName(unit) },
              ]}
            />
            <small>{t(`适用规则 ${rules.length} 条`, `Rules that apply: ${rules.length}`)}</small>{" "}
            <a
              href={`${API}/balances?region=${encodeURIComponent(here)}&f=html&lang=${lang.value}`}
            >
              {t("台账页面", "The page of the ledger")}
            </a>
          </>
        )}
      </Found>
      <Panel title={t("台账记录", "Entries")}>
        <BalanceEntries onChanged={again} />
      </Panel>
    </>
  );
}

export function Mines() {
  const here = region.value;
  const { asked, again } = useAsked(
    () => ask(api.GET("/mines/stock", { params: { query: { region: here } } })),
    [here || null],
  );
  return (
    <>
      <Found asked={asked} again={again}>
        {({ years, mine_count, unmeasured }) => (
          <Panel title={t(`${mine_count} 座矿山`, `${mine_count} mines`)}>
            {unmeasured > 0 && (
              <p class="hint">
                {t(
                  `${unmeasured} 座未知面积，未计入`,
                  `${unmeasured} of unknown area are not counted`,
                )}
              </p>
            )}
            <Table
              label={t("年末存量", "At the end of each year")}
              rows={years}
              keyOf={({ year }) => String(year)}
              empty={t("没有矿山记录。", "No mines are listed.")}
              columns={[
                { id: "year", title: t("年份", "Year"), cell: ({ year }) => year },
                {
                  id: "listed",
                  title: t("累计入库（公顷）", "Ever listed (ha)"),
                  numeric: true,
                  cell: ({ listed_ha }) => exact(listed_ha),
                },
                {
                  id: "open",
                  title: t("待修复（公顷）", "Open (ha)"),
                  numeric: true,
                  cell: ({ open_ha }) => exact(open_ha),
                },
                {
                  id: "restored",
                  title: t("当年验收（公顷）", "Restored in the year (ha)"),
                  numeric: true,
                  cell: ({ restored_ha }) => exact(restored_ha),
                },
                {
                  id: "mines",
                  title: t("待修复（座）", "Mines open"),
                  numeric: true,
                  cell: ({ mines_open }) => mines_open,
                },
              ]}
            />
          </Panel>
        )}
      </Found>
      <Panel title={t("矿山名录", "Register of mines")}>
        <MineRegister onChanged={again} />
      </Panel>
    </>
  );
}
