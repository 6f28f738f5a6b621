/** Webhooks: who is told of events, and what became of the messages. */

import { useSignal } from "@preact/signals";
import { api, ask, read, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Changing, Ending, type Kind, Making } from "../../kit/editing";
import type { PropertySchema, Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { Pages } from "../../kit/pages";
import { region, regionName } from "../../kit/place";
import { holds } from "../../kit/session";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Panel, type Tone } from "../../kit/ui";
import { lang, t } from "../../kit/words";
import { RegionChoice } from "./roles";

type Webhook = Schema<"Webhook">;
type Delivery = Schema<"WebhookDelivery">;

/** As the service calls them in what it lists. */
const EVENTS: Record<Webhook["events"][number], [zh: string, en: string]> = {
  "alert.opened": ["发出预警", "An alert was opened"],
  "alert.escalated": ["预警级别提高", "An alert was raised to a higher level"],
  "alert.acknowledged": ["预警已确认", "An alert was acknowledged"],
  "alert.closed": ["预警已关闭", "An alert was closed"],
  "case.opened": ["线索立案", "A case was opened"],
  "case.assigned": ["案件交办", "A case was assigned"],
  "case.verified": ["案件已核查", "A case was verified"],
  "case.rectification": ["责令整改", "A case went into rectification"],
  "case.closed": ["案件已销号", "A case was closed"],
  "bulletin.published": ["公报已发布", "A bulletin was published"],
};

const TONES: Record<Delivery["status"], Tone> = { waiting: "info", delivered: "good", dead: "bad" };

const show = ({ name, secret }: Webhook, { tellOnce }: Hands<Webhook>) =>
  tellOnce({
    title: t(`签名密钥：${name}`, `Secret of ${name}`),
    text: secret ?? "",
    hint: t("接收方用它核对签名。", "Whoever receives checks signatures by it."),
  });

export function Webhooks() {
  return (
    <Listing<Webhook, Schema<"Webhooks">>
      label={t("回调订阅", "Webhooks")}
      empty={t("还没有回调订阅。", "No webhooks yet.")}
      read={() => ask(api.GET("/webhooks"))}
      rowsOf={({ webhooks }) => webhooks}
      keyOf={({ id }) => id}
      columns={[
        { id: "name", title: t("名称", "Name"), cell: ({ name }) => name },
        { id: "url", title: t("地址", "Address"), cell: ({ url }) => <code>{url}</code> },
        {
          id: "events",
          title: t("事件", "Events"),
          cell: ({ event_names }) => event_names.join(t("、", ", ")),
        },
        {
          id: "region",
          title: t("区域", "Region"),
          cell: (one) => (one.region ? regionName(one.region) : t("全部区域", "everywhere")),
        },
        {
          id: "state",
          title: t("状态", "State"),
          cell: ({ enabled, disabled_reason }) => (
            <>
              <Badge tone={enabled ? "good" : "plain"}>
                {enabled ? t("启用", "on") : t("停用", "off")}
              </Badge>{" "}
              {disabled_reason}
            </>
          ),
        },
      ]}
      opened={(webhook, hands) => <One webhook={webhook} hands={hands} />}
      add={t("新建回调订阅", "New webhook")}
      adding={(hands) => (
        <Making<Webhook>
          kind={kind()}
          // Addresses of receivers may hold what they know the caller by: nothing is kept.
          draft={null}
          path="/webhooks"
          first={{
            lang: lang.peek(),
            ...(holds(["planner", "supervisor"], null) ? {} : { region: region.value }),
          }}
          onDone={(made) => {
            hands.done();
            show(made, hands);
          }}
        />
      )}
    />
  );
}

/** One webhook: changed, tried, given a new secret, ended; and its messages. */
function One({ webhook, hands }: { webhook: Webhook; hands: Hands<Webhook> }) {
  const round = useSignal(0);
  const path = `/webhooks/${webhook.id}`;
  const posted = async <T,>(at: string, body?: unknown) => {
    const { data } = await write<T>("POST", path + at, body, {
      "Idempotency-Key": crypto.randomUUID(),
    });
    round.value += 1;
    return data;
  };
  return (
    <Panel
      title={webhook.name}
      actions={
        <>
          <Button
            onClick={() =>
              attempt(() => posted("/test"), t("测试消息已排队", "The test is on its way"))
            }
          >
            {t("发送测试", "Send a test")}
          </Button>
          <Button
            onClick={() =>
              attempt(async () =>
                show(await posted<Webhook>("/rotate", { overlap_hours: 24 }), hands),
              )
            }
          >
            {t("更换签名密钥", "New secret")}
          </Button>
          <Ending path={path} onDone={hands.done}>
            {t(
              `不再向“${webhook.name}”发送消息，尚未送达的也不再发送。`,
              `"${webhook.name}" is told of nothing more, nor of what still waits for it.`,
            )}
          </Ending>
        </>
      }
    >
      <Changing<Webhook>
        kind={kind()}
        draft={null}
        path={path}
        onDone={hands.done}
        onClose={hands.close}
      />
      <Deliveries
        key={round.value}
        path={path}
        onAgain={(id) =>
          attempt(() => posted(`/deliveries/${id}/redeliver`), t("已重新发送", "Sent again"))
        }
      />
    </Panel>
  );
}

function Deliveries({ path, onAgain }: { path: string; onAgain: (id: string) => void }) {
  const { asked, again } = useAsked(
    (signal) => read<Schema<"WebhookDeliveries">>(`${path}/deliveries?limit=50`, signal),
    [path],
  );
  return (
    <>
      <div class="inline">
        <h3>{t("投递记录（30 天）", "Deliveries of 30 days")}</h3>
        <Button onClick={again}>{t("刷新", "Look again")}</Button>
      </div>
      <Pages asked={asked} again={again} rowsOf={({ deliveries }) => deliveries}>
        {(rows: Delivery[]) => (
          <Table
            label={t("投递记录", "Deliveries")}
            rows={rows}
            keyOf={({ id }) => id}
            empty={t("还没有投递。", "Nothing was sent yet.")}
            columns={[
              { id: "type", title: t("事件", "Event"), cell: ({ type_name }) => type_name },
              {
                id: "status",
                title: t("状态", "State"),
                cell: ({ status, status_name }) => (
                  <Badge tone={TONES[status]}>{status_name}</Badge>
                ),
              },
              { id: "created", title: t("产生", "Made"), cell: ({ created }) => moment(created) },
              {
                id: "attempts",
                title: t("次数", "Attempts"),
                cell: ({ attempts }) => attempts,
                numeric: true,
              },
              {
                id: "reason",
                title: t("答复", "Answer"),
                cell: ({ answered, reason }) => [answered, reason].filter(Boolean).join(" "),
              },
              {
                id: "again",
                title: t("操作", "Actions"),
                cell: ({ id }) => (
                  <Button onClick={() => onAgain(id)}>{t("重发", "Send again")}</Button>
                ),
              },
            ]}
          />
        )}
      </Pages>
    </>
  );
}

export const langSchema = (title: string): PropertySchema => ({
  title,
  type: "string",
  enum: ["zh", "en"],
  "x-enum-titles": { zh: "中文", en: "English" },
});

const kind = (): Kind<Webhook> => ({
  members: {
    name: { title: t("名称（谁接收）", "Who or what receives"), type: "string", maxLength: 200 },
    url: {
      title: t("接收地址", "Address of the receiver"),
      description: t(
        "https，且主机已由运维列入允许名单",
        "https, at a host that the operator has listed",
      ),
      type: "string",
      maxLength: 300,
    },
    events: {
      title: t("事件", "Events"),
      type: "array",
      items: {
        type: "string",
        enum: Object.keys(EVENTS),
        "x-enum-titles": Object.fromEntries(
          Object.entries(EVENTS).map(([code, [zh, en]]) => [code, t(zh, en)]),
        ),
      },
    },
    region: { title: t("区域", "Region"), type: "string" },
    lang: langSchema(t("消息语言", "Language of messages")),
    enabled: { title: t("启用", "On"), type: "boolean", default: true },
  },
  required: ["name", "url", "events", "lang"],
  controls: { region: RegionChoice },
  formOf: ({ name, url, events, region: of, lang: told, enabled }) => ({
    name,
    url,
    events,
    ...(of ? { region: of } : {}),
    lang: told,
    enabled,
  }),
  bodyOf: (form: Values) => form,
  method: "PUT",
});
