/** People who are told of alerts by e-mail. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, Ending, type Kind, Making } from "../../kit/editing";
import type { Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { ZONE } from "../../kit/page";
import { Pages } from "../../kit/pages";
import { regionName } from "../../kit/place";
import { attempt, Badge, Button, Dialog, Empty } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { RegionChoice } from "./roles";
import { langSchema } from "./webhooks";

type Subscription = Schema<"Subscription">;

const LEVELS: Record<Subscription["levels"][number], [zh: string, en: string]> = {
  blue: ["蓝色", "blue"],
  yellow: ["黄色", "yellow"],
  orange: ["橙色", "orange"],
  red: ["红色", "red"],
};

export function Subscriptions() {
  return (
    <Listing<Subscription, Schema<"Subscriptions">>
      label={t("预警邮件订阅", "Alerts by e-mail")}
      empty={t("还没有订阅。", "No subscriptions yet.")}
      read={() => ask(api.GET("/subscriptions"))}
      rowsOf={({ subscriptions }) => subscriptions}
      keyOf={({ id }) => String(id)}
      columns={[
        { id: "name", title: t("收件人", "Who"), cell: ({ name }) => name },
        { id: "address", title: t("邮箱", "E-mail"), cell: ({ address }) => address },
        {
          id: "levels",
          title: t("级别", "Levels"),
          cell: ({ levels }) => levels.map((one) => t(...LEVELS[one])).join(t("、", ", ")),
        },
        {
          id: "region",
          title: t("区域", "Region"),
          cell: ({ region }) => (region ? regionName(region) : t("全部区域", "everywhere")),
        },
        {
          id: "when",
          title: t("时间", "When"),
          cell: ({ digest_at }) =>
            digest_at ? t(`每天 ${digest_at}`, `daily at ${digest_at}`) : t("随时", "at once"),
        },
        {
          id: "state",
          title: t("状态", "State"),
          cell: ({ enabled, unsubscribed }) => (
            <Badge tone={unsubscribed ? "warn" : enabled ? "good" : "plain"}>
              {unsubscribed
                ? t("已退订", "unsubscribed")
                : enabled
                  ? t("启用", "on")
                  : t("停用", "off")}
            </Badge>
          ),
        },
      ]}
      opened={(subscription, hands) => <One subscription={subscription} hands={hands} />}
      add={t("新建订阅", "New subscription")}
      adding={({ done }) => (
        <Making<Subscription>
          kind={kind()}
          draft="subscription.new"
          path="/subscriptions"
          first={{ time_zone: ZONE, lang: lang.peek() }}
          onDone={done}
        />
      )}
    />
  );
}

/** One subscription: changed, tried, ended; and its mails. */
function One({
  subscription: { id, name },
  hands,
}: {
  subscription: Subscription;
  hands: Hands<Subscription>;
}) {
  const round = useSignal(0);
  const path = `/subscriptions/${id}`;
  const tried = async () => {
    await write("POST", `${path}/test`, undefined, { "Idempotency-Key": crypto.randomUUID() });
    round.value += 1;
  };
  return (
    <Dialog title={name} onClose={hands.close} wide>
      <Changing<Subscription>
        kind={kind()}
        draft={`subscription.${id}`}
        path={path}
        onDone={hands.done}
      />
      <h3>{t("邮件", "Mails")}</h3>
      <div class="actions">
        <Button
          onClick={() => attempt(tried, t("测试邮件已排队", "The mail for trial is on its way"))}
        >
          {t("发送测试邮件", "Send a mail for trial")}
        </Button>
        <Ending path={path} onDone={hands.done}>
          {t(`不再按“${name}”发送邮件。`, `No mails of "${name}" are sent any more.`)}
        </Ending>
      </div>
      <Mails key={round.value} number={id} />
    </Dialog>
  );
}

function Mails({ number }: { number: number }) {
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/subscriptions/{number}/deliveries", {
          params: { path: { number }, query: { limit: 20 } },
        }),
      ),
    [number],
  );
  return (
    <Pages asked={asked} again={again} rowsOf={({ deliveries }) => deliveries}>
      {(mails: Schema<"Sending">[]) =>
        mails.length ? (
          <ul class="plain">
            {mails.map((one) => (
              <li key={one.id}>
                {moment(one.created)} {one.status_name} {one.reason}
              </li>
            ))}
          </ul>
        ) : (
          <Empty>{t("还没有邮件。", "No mails yet.")}</Empty>
        )
      }
    </Pages>
  );
}

const kind = (): Kind<Subscription> => ({
  members: {
    name: { title: t("收件人", "Who is told"), type: "string", maxLength: 200 },
    address: { title: t("邮箱", "E-mail"), type: "string", format: "email", maxLength: 254 },
    lang: langSchema(t("邮件语言", "Language of the mails")),
    levels: {
      title: t("级别", "Levels"),
      description: t("不选则全部", "none chosen: all of them"),
      type: "array",
      items: {
        type: "string",
        enum: Object.keys(LEVELS),
        "x-enum-titles": Object.fromEntries(
          Object.entries(LEVELS).map(([code, [zh, en]]) => [code, t(zh, en)]),
        ),
      },
    },
    region: { title: t("区域", "Region"), type: "string" },
    rules: {
      title: t("规则代码", "Codes of rules"),
      description: t("不填则全部规则", "without any, all of them"),
      type: "array",
      items: { type: "string" },
    },
    digest_at: {
      title: t("每日汇总时间", "One mail a day at"),
      description: t("如 08:00；不填则随时发送", "as 08:00; without it at once"),
      type: "string",
      maxLength: 5,
      pattern: "([01][0-9]|2[0-3]):[0-5][0-9]",
    },
    time_zone: { title: t("时区", "Time zone"), type: "string", maxLength: 64 },
    endings: { title: t("也告知预警解除", "Tell of ends, too"), type: "boolean", default: true },
    enabled: { title: t("启用", "On"), type: "boolean", default: true },
  },
  required: ["name", "address", "lang"],
  controls: { region: RegionChoice },
  formOf: subscriptionForm,
  bodyOf: (form: Values) => form,
  method: "PUT",
});

/** The form of a subscription: what says nothing is left out. */
export function subscriptionForm(one: Subscription): Values {
  const { id: _, unsubscribed: __, created: ___, links: ____, ...contents } = one;
  return Object.fromEntries(Object.entries(contents).filter(([, value]) => value !== null));
}
