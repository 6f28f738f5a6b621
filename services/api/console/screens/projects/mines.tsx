/** The register of mines, and of those that produce the restoration fund and the yearly reports. */

import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { shownValue } from "../../kit/conflict";
import { type Kind, Making } from "../../kit/editing";
import {
  type CollectionSchema,
  type Feature,
  type FeaturePage,
  listFeatures,
  type PropertySchema,
  schemaOf,
} from "../../kit/features";
import { choicesOf, titleOf } from "../../kit/form";
import { day, exact, today, yuan } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { region, within } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { account, holds } from "../../kit/session";
import { unitName } from "../../kit/terms";
import { attempt, Badge, Button, Dialog, Empty, Found, Panel, Select } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { Figure } from "./funds";
import { NewFeature } from "./new_feature";
import { mayWrite } from "./roles";

interface Mine {
  name_zh: string;
  name_en: string | null;
  kind: string;
  state: string;
  region: string;
  area_ha: number | null;
  listed_year: number | null;
  [more: string]: unknown;
}
type Row = Feature<Mine>;

/** What is told of a mine that is opened, where it is known. */
const FACTS = [
  ...["kind", "state", "area_ha", "measured_area_ha", "minerals", "hazards", "listed_year"],
  ...["licence", "licence_until", "restoration_plan", "closed_on", "accepted_on"],
  ...["accepted_area_ha", "source"],
];
const LISTED = ["name_zh", "name_en", "region", "minerals_en", "hazards_en", ...FACTS].join(",");
/** Members that a mine begins with; its shape and the rest are added where shapes are drawn. */
const FIRST = [
  ...["code", "name_zh", "name_en", "kind", "region", "owner", "licence", "licence_until"],
  ...["restoration_plan", "minerals", "area_ha", "listed_year"],
];

export function MineRegister({ onChanged }: { onChanged: () => void }) {
  const here = region.value;
  const { asked, again } = useAsked(() => schemaOf("mines"), []);
  return (
    <Found asked={asked} again={again}>
      {(schema) => <Register key={here} here={here} schema={schema} onChanged={onChanged} />}
    </Found>
  );
}

/** Whether one may write mines of a region. */
const mayKeep = (place: string) =>
  mayWrite() && holds(["planner", "owner", "supervisor", "approver"], place);

/** What a code of a member is called. */
const worded = (schema: CollectionSchema, name: string, code: string): string =>
  choicesOf(schema.properties[name] ?? {})?.find(({ value }) => value === code)?.label ?? code;

function Register({
  here,
  schema,
  onChanged,
}: {
  here: string;
  schema: CollectionSchema;
  onChanged: () => void;
}) {
  const adding = useSignal(false);
  const round = useSignal(0);
  // Whom the service knows may read funds and reports.
  const opens = Boolean(account.value);
  return (
    <>
      {mayKeep(here) && (
        <div class="actions">
          <Button kind="main" onClick={() => (adding.value = true)}>
            {t("登记矿山", "Add a mine")}
          </Button>
        </div>
      )}
      <Listing<Row, FeaturePage<Mine>>
        key={round.value}
        label={t("矿山", "Mines")}
        empty={t("该区域没有登记矿山。", "No mine of the region is in the register.")}
        read={(signal) =>
          listFeatures<Mine>(
            "mines",
            { filter: within(here), properties: LISTED, limit: 100 },
            signal,
          )
        }
        rowsOf={({ features }) => features}
        keyOf={({ id }) => id}
        columns={[
          {
            id: "name",
            title: t("名称", "Name"),
            cell: ({ properties }) => called(properties),
            order: ({ properties }) => called(properties),
          },
          {
            id: "kind",
            title: t("类型", "Kind"),
            cell: ({ properties: { kind } }) => worded(schema, "kind", kind),
            order: ({ properties: { kind } }) => kind,
          },
          {
            id: "state",
            title: t("修复状态", "Restoration"),
            cell: ({ properties: { state } }) => <Badge>{worded(schema, "state", state)}</Badge>,
            order: ({ properties: { state } }) => state,
          },
          {
            id: "area",
            title: t("载明面积（公顷）", "Stated area (ha)"),
            numeric: true,
            cell: ({ properties: { area_ha } }) => exact(area_ha),
            order: ({ properties: { area_ha } }) => area_ha,
          },
          {
            id: "year",
            title: t("清查年份", "Year of the inventory"),
            cell: ({ properties: { listed_year } }) => listed_year ?? "–",
            order: ({ properties: { listed_year } }) => listed_year,
          },
        ]}
        opened={(row: Row, hands: Hands<Row>) => (
          <Dialog title={called(row.properties)} onClose={hands.close} wide>
            <Facts mine={row} schema={schema} />
            {opens && <Ledgers mine={row} />}
          </Dialog>
        )}
      />
      {adding.value && (
        <NewMine
          here={here}
          onClose={(made) => {
            adding.value = false;
            if (!made) return;
            round.value += 1;
            onChanged();
          }}
        />
      )}
    </>
  );
}

function Facts({ mine, schema }: { mine: Row; schema: CollectionSchema }) {
  const { id, properties } = mine;
  const written = (name: string) =>
    (lang.value === "en" && properties[`${name}_en`]) || properties[name];
  const known = FACTS.filter((name) => ![null, undefined, ""].includes(written(name) as null));
  const shown = (name: string) => {
    const value = written(name);
    const described = schema.properties[name];
    const unit = described?.["x-ogc-unit"];
    return typeof value === "number" && unit
      ? `${exact(value)} ${unitName(unit)}`
      : shownValue(value, described);
  };
  return (
    <>
      <dl class="facts">
        {known.map((name) => (
          <Fragment key={name}>
            <dt>{titleOf(name, schema.properties[name] ?? {})}</dt>
            <dd>{shown(name)}</dd>
          </Fragment>
        ))}
      </dl>
      {mayKeep(properties.region) && (
        <p>
          <a href={screenPath("digitise", { collection: "mines", object: id })}>
            {t("修改或绘制范围", "Change it or draw its shape")}
          </a>
        </p>
      )}
    </>
  );
}

function Ledgers({ mine }: { mine: Row }) {
  return mine.properties.kind === "producing" ? (
    <>
      <Fund mine={mine} />
      <Reports mine={mine} />
    </>
  ) : (
    <Empty>
      {t(
        "仅生产矿山有恢复基金和年度报告。",
        "Only a producing mine has a restoration fund and yearly reports.",
      )}
    </Empty>
  );
}

function NewMine({ here, onClose }: { here: string; onClose: (made: string | null) => void }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/parties", { params: { query: { limit: 1000 } } })),
    [],
  );
  return (
    <NewFeature
      collection="mines"
      title={t("登记矿山", "Add a mine")}
      done={t("矿山已登记", "The mine is in the register")}
      members={FIRST}
      initial={{ region: here, kind: "legacy" }}
      controls={{
        owner: ({ value, set }) => (
          <Found asked={asked} again={again}>
            {({ parties }) => (
              <Select
                value={String(value ?? "")}
                empty={t("（未填）", "(none)")}
                onChoose={(chosen) => set(chosen || undefined)}
                choices={parties.map((one) => ({
                  value: String(one.code),
                  label: called(one) || String(one.code),
                }))}
              />
            )}
          </Found>
        ),
      }}
      onClose={onClose}
    />
  );
}

type Deposit = Schema<"DepositShown">;

const DEPOSITS: Record<string, [zh: string, en: string]> = {
  due: ["应计提", "Due"],
  paid: ["已计提存入", "Paid in"],
  withdrawn: ["已提取使用", "Withdrawn"],
  forfeited: ["已没收", "Forfeited"],
};
/** Who says what is due, and lets money out of the fund, is not who pays it. */
const DEPOSITORS: Record<string, Parameters<typeof holds>[0]> = {
  due: ["approver", "supervisor"],
  paid: ["owner", "supervisor"],
  withdrawn: ["approver"],
  forfeited: ["approver"],
};
const depositName = (kind: string): string => t(...(DEPOSITS[kind] ?? [kind, kind]));
const mayDeposit = (kind: string, of: string): boolean =>
  mayWrite() && holds(DEPOSITORS[kind] ?? [], of);

function Fund({ mine: { id, properties } }: { mine: Row }) {
  const fund = useSignal<Schema<"MineFund"> | null>(null);
  const path = `/mines/${encodeURIComponent(id)}/deposits`;
  const kinds = Object.keys(DEPOSITS).filter((kind) => mayDeposit(kind, properties.region));
  const back = (one: Deposit, hands: Hands<Deposit>) => async () => {
    const once = { "Idempotency-Key": crypto.randomUUID() };
    const done = await attempt(
      () => write("POST", path, { reverses: one.id }, once),
      t("已冲销", "It is taken back"),
    );
    if (done) hands.done();
  };
  const undone = new Set(fund.value?.entries.map(({ reverses }) => reverses));
  return (
    <Panel title={t("矿山恢复基金", "Restoration fund")}>
      {fund.value && (
        <div class="inline">
          <Figure label={t("应计提", "Due")} value={yuan(fund.value.fund_due)} />
          <Figure label={t("已存入", "Paid in")} value={yuan(fund.value.fund_paid)} />
          <Figure label={t("尚缺", "Missing")} value={yuan(fund.value.fund_missing)} />
          <Figure label={t("余额", "In the fund")} value={yuan(fund.value.balance)} />
        </div>
      )}
      <Listing<Deposit, Schema<"MineFund">>
        label={t("基金记录", "Entries of the fund")}
        empty={t("还没有记录。", "There are no entries yet.")}
        read={async () => {
          fund.value = await ask(
            api.GET("/mines/{mine}/deposits", { params: { path: { mine: id } } }),
          );
          return fund.value;
        }}
        rowsOf={({ entries }) => entries}
        keyOf={(one) => String(one.id)}
        columns={[
          { id: "year", title: t("年份", "Year"), cell: ({ year }) => year },
          { id: "kind", title: t("类别", "Kind"), cell: ({ kind }) => depositName(kind) },
          {
            id: "amount",
            title: t("金额", "Amount"),
            numeric: true,
            cell: ({ amount }) => yuan(amount),
          },
          { id: "note", title: t("说明", "Note"), cell: ({ note }) => note },
          { id: "at", title: t("记入", "Entered"), cell: ({ at }) => day(at) },
        ]}
        {...(kinds.length
          ? {
              deeds: (one: Deposit, hands: Hands<Deposit>) =>
                kinds.includes(one.kind) &&
                one.reverses === null &&
                !undone.has(one.id) && (
                  <Button onClick={back(one, hands)}>{t("冲销", "Take back")}</Button>
                ),
            }
          : {})}
        add={kinds.length ? t("记一笔", "Add an entry") : undefined}
        adding={(hands) => (
          <Making<Deposit>
            kind={depositKind(kinds)}
            draft={`mine.fund.${id}`}
            path={path}
            first={{ year: Number(today().slice(0, 4)) }}
            onDone={hands.done}
            save={t("记入", "Add")}
          />
        )}
      />
    </Panel>
  );
}

const YEAR = (): PropertySchema => ({
  title: t("年份", "Year"),
  type: "integer",
  minimum: 1900,
  maximum: 2200,
});
const NOTE = (): PropertySchema => ({
  title: t("说明", "Note"),
  type: "string",
  maxLength: 4000,
});

const depositKind = (kinds: string[]): Kind<Deposit> => ({
  members: {
    kind: {
      title: t("类别", "Kind"),
      type: "string",
      enum: kinds,
      "x-enum-titles": Object.fromEntries(kinds.map((kind) => [kind, depositName(kind)])),
    },
    year: YEAR(),
    amount: {
      title: t("金额（元）", "Amount (CNY)"),
      type: "string",
      pattern: "\\d{1,13}(\\.\\d{1,2})?",
    },
    note: {
      ...NOTE(),
      description: t("没收须说明原因", "Needed where money is forfeited"),
    },
  },
  required: ["kind", "year", "amount"],
  formOf: (read) => ({ ...read }),
  bodyOf: (form) => form,
  method: "PUT",
});

type Report = Schema<"MineReportShown">;

function Reports({ mine: { id, properties } }: { mine: Row }) {
  const writes = mayWrite() && holds(["owner", "supervisor"], properties.region);
  return (
    <Panel title={t("年度报告", "Yearly reports")}>
      <Listing<Report, Schema<"MineReports">>
        label={t("年度报告", "Yearly reports")}
        empty={t("还没有报告。", "There are no reports yet.")}
        read={() => ask(api.GET("/mines/{mine}/reports", { params: { path: { mine: id } } }))}
        rowsOf={({ reports }) => reports}
        keyOf={(one) => String(one.id)}
        columns={[
          {
            id: "year",
            title: t("年份", "Year"),
            cell: ({ year, newest }) =>
              newest ? year : t(`${year}（已有新报告）`, `${year} (replaced)`),
          },
          {
            id: "disturbed",
            title: t("扰动（公顷）", "Disturbed (ha)"),
            numeric: true,
            cell: ({ disturbed_ha }) => exact(disturbed_ha),
          },
          {
            id: "planned",
            title: t("计划修复（公顷）", "To be restored (ha)"),
            numeric: true,
            cell: ({ planned_ha }) => exact(planned_ha),
          },
          {
            id: "restored",
            title: t("已修复（公顷）", "Restored (ha)"),
            numeric: true,
            cell: ({ restored_ha }) => exact(restored_ha),
          },
          {
            id: "missing",
            title: t("尚缺基金", "Missing in the fund"),
            numeric: true,
            cell: ({ fund_missing }) => yuan(fund_missing),
          },
          {
            id: "case",
            title: t("案件", "Case"),
            cell: ({ case: opened }) =>
              opened ? (
                <a href={screenPath("monitoring", { tab: "cases", case: opened })}>
                  {t("查看案件", "The case")}
                </a>
              ) : (
                "–"
              ),
          },
        ]}
        add={writes ? t("填报年度报告", "Report a year") : undefined}
        adding={(hands) => (
          <Making<Report>
            kind={reportKind()}
            draft={`mine.report.${id}`}
            path={`/mines/${encodeURIComponent(id)}/reports`}
            first={{ year: Number(today().slice(0, 4)) - 1 }}
            onDone={hands.done}
            save={t("提交", "Send")}
          />
        )}
      />
    </Panel>
  );
}

const hectares = (title: string): PropertySchema => ({ title, type: "number", minimum: 0 });

const reportKind = (): Kind<Report> => ({
  members: {
    year: YEAR(),
    disturbed_ha: hectares(t("当年扰动面积（公顷）", "Area disturbed in the year (ha)")),
    planned_ha: hectares(t("方案当年应修复面积（公顷）", "Area planned to be restored (ha)")),
    restored_ha: hectares(t("当年已修复面积（公顷）", "Area restored in the year (ha)")),
    note: NOTE(),
  },
  required: ["year", "disturbed_ha", "planned_ha", "restored_ha"],
  formOf: (read) => ({ ...read }),
  bodyOf: (form) => form,
  method: "PUT",
});
