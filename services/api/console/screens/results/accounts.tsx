/** Accounts: people are invited, given roles in regions, and shut out. */

import { useSignal } from "@preact/signals";
import { api, ask, type Schema, write } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import type { Values } from "../../kit/features";
import { moment } from "../../kit/format";
import { Table } from "../../kit/table";
import { attempt, Badge, Button, Dialog, Found } from "../../kit/ui";
import { t } from "../../kit/words";
import { Changing, type Kind, Making } from "./editing";
import { More, usePages } from "./pages";
import { Roles, roleCode, roleOf, rolesSchema, roleWords } from "./roles";
import { Secret, type Told } from "./secret";

type Account = Schema<"Account">;

export function Accounts() {
  const { asked, again } = useAsked(
    () => ask(api.GET("/accounts", { params: { query: { limit: 100 } } })),
    [],
  );
  const pages = usePages<Account, Schema<"Accounts">>("", ({ accounts }) => accounts);
  const open = useSignal<Account | "new" | null>(null);
  const secret = useSignal<Told | null>(null);
  const close = () => {
    open.value = null;
  };
  const link = (account: Account) =>
    attempt(async () => {
      const { data } = await write<Schema<"SignInLink">>("POST", `/accounts/${account.id}/link`);
      secret.value = {
        title: t(`${account.name} 的一次性登录链接`, `One-time link for ${account.name}`),
        text: data.link ?? "",
        hint: t(
          `有效至 ${moment(data.expires)}，用一次即失效。`,
          `Good once, until ${moment(data.expires)}.`,
        ),
      };
    });
  const chosen = open.value;
  return (
    <div class="stack">
      <div class="actions">
        <Button
          kind="main"
          onClick={() => {
            open.value = "new";
          }}
        >
          {t("邀请人员", "Invite somebody")}
        </Button>
      </div>
      <Found asked={asked} again={again}>
        {(first) => (
          <>
            <Table
              label={t("账户", "Accounts")}
              rows={pages.rows(first)}
              keyOf={({ id }) => String(id)}
              onOpen={(one) => {
                open.value = one;
              }}
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
            />
            <More pages={pages} first={first} />
          </>
        )}
      </Found>
      {chosen === "new" && (
        <Dialog title={t("邀请人员", "Invite somebody")} onClose={close}>
          <Making<Account>
            kind={kindOf([], true)}
            draft="account.new"
            path="/accounts"
            first={{}}
            save={t("建立账户并取得链接", "Make the account and its link")}
            onDone={(made) => {
              close();
              again();
              link(made);
            }}
          />
        </Dialog>
      )}
      {chosen && chosen !== "new" && (
        <Dialog title={chosen.name} onClose={close}>
          <Changing<Account>
            kind={kindOf(chosen.roles.map(roleCode), false)}
            draft={`account.${chosen.id}`}
            path={`/accounts/${chosen.id}`}
            onDone={() => {
              close();
              again();
            }}
          />
          <h3>{t("登录", "Signing in")}</h3>
          <div class="actions">
            <Button
              onClick={() => {
                close();
                link(chosen);
              }}
            >
              {t("新的一次性链接", "New one-time link")}
            </Button>
            <Button
              onClick={() =>
                attempt(
                  () => write("DELETE", `/accounts/${chosen.id}/sessions`),
                  t("已结束全部会话", "All its sessions have ended"),
                )
              }
            >
              {t("结束会话", "End its sessions")}
            </Button>
            <Button
              kind="danger"
              onClick={() =>
                attempt(
                  () => write("DELETE", `/accounts/${chosen.id}/factor`),
                  t("已移除第二重验证", "The second factor is taken away"),
                )
              }
            >
              {t("移除丢失的第二重验证", "Take a lost second factor away")}
            </Button>
          </div>
        </Dialog>
      )}
      {secret.value && (
        <Secret
          told={secret.value}
          onClose={() => {
            secret.value = null;
          }}
        />
      )}
    </div>
  );
}

const kindOf = (roles: readonly string[], fresh: boolean): Kind<Account> => ({
  members: {
    ...(fresh
      ? { subject: { title: t("登录名", "Name to sign in by"), type: "string", maxLength: 255 } }
      : {}),
    name: { title: t("姓名", "Name"), type: "string", maxLength: 200 },
    email: { title: t("邮箱", "E-mail"), type: "string", format: "email", maxLength: 300 },
    roles: rolesSchema(roles),
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

/** What is sent of an account: what has changed, roles as role and region. */
export function accountBody(form: Values, base: Values): Values {
  const changed = Object.entries(form).filter(
    ([name, value]) =>
      value !== undefined && JSON.stringify(value) !== JSON.stringify(base[name] ?? null),
  );
  const roles = form.roles === undefined && base.roles !== undefined ? { roles: [] } : {};
  return {
    ...roles,
    ...Object.fromEntries(
      changed.map(([name, value]) =>
        name === "roles" ? [name, (value as string[]).map(roleOf)] : [name, value],
      ),
    ),
  };
}
