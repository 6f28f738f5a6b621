/** Accounts: people are invited, given roles in regions, and shut out. */

import { api, ask, type Schema, write } from "../../kit/api";
import { Changing, type Kind, Making } from "../../kit/editing";
import type { Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { type Hands, Listing } from "../../kit/listing";
import { attempt, Badge, Button, Dialog, Irreversible } from "../../kit/ui";
import { t } from "../../kit/words";
import { Roles, roleCode, roleOf, rolesSchema, roleWords } from "./roles";

type Account = Schema<"Account">;

/** Make a link to sign in by, which is shown once. */
const link = (account: Account, { tellOnce }: Hands<Account>) =>
  attempt(async () => {
    const { data } = await write<Schema<"SignInLink">>("POST", `/accounts/${account.id}/link`);
    tellOnce({
      title: t(`${account.name} 的一次性登录链接`, `One-time link for ${account.name}`),
      text: data.link ?? "",
      hint: t(
        `有效至 ${moment(data.expires)}，用一次即失效。`,
        `Good once, until ${moment(data.expires)}.`,
      ),
    });
  });

export function Accounts() {
  return (
    <Listing<Account, Schema<"Accounts">>
      label={t("账户", "Accounts")}
      read={() => ask(api.GET("/accounts", { params: { query: { limit: 100 } } }))}
      rowsOf={({ accounts }) => accounts}
      keyOf={({ id }) => String(id)}
      columns={[
        {
          id: "name",
          title: t("姓名", "Name"),
          cell: ({ name }) => name,
          order: ({ name }) => name,
        },
        { id: "subject", title: t("登录名", "Signs in as"), cell: (one) => one.subject },
        {
          id: "roles",
          title: t("角色", "Roles"),
          cell: ({ roles }) => roles.map(roleWords).join(t("、", ", ")),
        },
        {
          id: "state",
          title: t("状态", "State"),
          cell: ({ disabled }) => (
            <Badge tone={disabled ? "bad" : "good"}>
              {disabled ? t("已停用", "disabled") : t("可用", "active")}
            </Badge>
          ),
        },
        {
          id: "seen",
          title: t("最近登录", "Signed in"),
          cell: ({ signed_in }) => moment(signed_in),
          order: ({ signed_in }) => signed_in,
        },
      ]}
      opened={(account, hands) => <One account={account} hands={hands} />}
      add={t("邀请人员", "Invite somebody")}
      adding={(hands) => (
        <Making<Account>
          kind={kindOf(true)}
          draft="account.new"
          path="/accounts"
          first={{}}
          save={t("建立账户并取得链接", "Make the account and its link")}
          onDone={(made) => {
            hands.done();
            link(made, hands);
          }}
        />
      )}
    />
  );
}

/** One account: changed, and how it signs in. */
function One({ account, hands }: { account: Account; hands: Hands<Account> }) {
  const path = `/accounts/${account.id}`;
  return (
    <Dialog title={account.name} onClose={hands.close}>
      <Changing<Account>
        kind={kindOf(false)}
        draft={`account.${account.id}`}
        path={path}
        onDone={hands.done}
      />
      <h3>{t("登录", "Signing in")}</h3>
      <div class="actions">
        <Button
          onClick={() => {
            hands.close();
            link(account, hands);
          }}
        >
          {t("新的一次性链接", "New one-time link")}
        </Button>
        <Button
          onClick={() =>
            attempt(
              () => write("DELETE", `${path}/sessions`),
              t("已结束全部会话", "All its sessions have ended"),
            )
          }
        >
          {t("结束会话", "End its sessions")}
        </Button>
        <Irreversible
          label={t("移除丢失的第二重验证", "Take a lost second factor away")}
          deed={() => write("DELETE", `${path}/factor`)}
          done={t("已移除第二重验证", "The second factor is taken away")}
        >
          {t(
            `“${account.name}”的验证码和安全密钥全部失效，会话结束，下次登录时重新设置。请先核实本人身份。`,
            `All codes and security keys of "${account.name}" end, with its sessions; it sets up another as it signs in. Make sure first who asks.`,
          )}
        </Irreversible>
      </div>
    </Dialog>
  );
}

const kindOf = (fresh: boolean): Kind<Account> => ({
  members: {
    ...(fresh
      ? { subject: { title: t("登录名", "Name to sign in by"), type: "string", maxLength: 255 } }
      : {}),
    name: { title: t("姓名", "Name"), type: "string", maxLength: 200 },
    email: { title: t("邮箱", "E-mail"), type: "string", format: "email", maxLength: 300 },
    roles: rolesSchema(),
    ...(fresh ? {} : { disabled: { title: t("停用", "Disabled"), type: "boolean" } }),
  },
  required: fresh ? ["subject"] : [],
  controls: { roles: Roles },
  formOf: ({ name, email, roles: held, disabled }) => ({
    name,
    ...(email ? { email } : {}),
    roles: held.map(roleCode),
    disabled: disabled !== null,
  }),
  bodyOf: accountBody,
  method: "PATCH",
});

const EMPTIED: Values = { roles: [], email: null };

/** What is sent of an account: what has changed, roles as role and region. An address is taken away;
 * another text that was emptied is sent as that, for the service to say whether it can be. */
export function accountBody(form: Values, base: Values): Values {
  const none: Values = Object.fromEntries(
    Object.keys(base).map((name) => [name, name in EMPTIED ? EMPTIED[name] : ""]),
  );
  const changed = Object.entries({ ...none, ...form }).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(base[name]),
  );
  return Object.fromEntries(
    changed.map(([name, value]) =>
      name === "roles" ? [name, (value as string[]).map(roleOf)] : [name, value],
    ),
  );
}
