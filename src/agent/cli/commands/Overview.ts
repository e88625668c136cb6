/**
 * `members` and `info`: what an agent sees, and what it is.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { memberLines, sinceText, sorted } from "../MemberText.ts"
import * as Output from "../Output.ts"

/** What all of these are called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
}

/**
 * Prints the members that an agent sees.
 *
 * @category commands
 * @since 0.1.0
 */
export const members = Effect.fnUntraced(function*(
  { http, json, state }: Options & { readonly state: "live" | "lost" | "all" | Model.MemberView["state"] }
) {
  const { call, client } = yield* AgentClient.connect(http)
  const seen = sorted(yield* call(client.members({ query: { state } })))
  const now = yield* Clock.currentTimeMillis
  yield* Output.result(
    json,
    () => Schema.encodeSync(Schema.toCodecJson(Schema.Array(Model.MemberView)))(seen),
    (screen) => memberLines(screen, now, seen)
  )
})

const readinessCell = ({ ready, state, why }: typeof Model.ReadinessView.Type): Columns.Cell => ({
  text: why === undefined ? state : `${state}: ${why}`,
  color: ready ? "green" : "yellow"
})

const AgentView = Schema.toCodecJson(Schema.Struct({ ...Model.Info.fields, health: Model.HealthView }))

/**
 * Prints what an agent is, and how it is.
 *
 * @category commands
 * @since 0.1.0
 */
export const info = Effect.fnUntraced(function*({ http, json }: Options) {
  const { call, client } = yield* AgentClient.connect(http)
  const [about, health] = yield* Effect.all([call(client.info()), call(client.health())], { concurrency: 2 })
  const now = yield* Clock.currentTimeMillis
  yield* Output.result(
    json,
    () => Schema.encodeSync(AgentView)({ ...about, health }),
    (screen) =>
      Columns.pairs(screen, [
        ["name", { text: about.name, color: "bold" }],
        ["version", { text: about.version }],
        ["listens for members", { text: about.bound }],
        ["advertised", { text: about.advertised }],
        ["listens for commands", { text: about.http }],
        ["token", { text: { none: "not needed", changes: "for changes", all: "for all calls" }[about.token] }],
        ["label", { text: about.label === "" ? "none" : about.label }],
        ["encrypted", about.encrypted ? { text: "yes", color: "green" } : { text: "no" }],
        ["preset", { text: about.preset ?? "none: set by a program" }],
        ["protocol profile", { text: about.protocolProfile }],
        ["seeds", { text: about.seeds === "" ? "none" : about.seeds }],
        ["snapshot", { text: about.snapshot === "" ? "none" : about.snapshot }],
        ["started", { text: sinceText(screen, now, about.startedAt) }],
        ["joined", readinessCell(health.readiness)],
        ["local health", { text: String(health.score), color: health.score === 0 ? "green" : "yellow" }],
        ["members", {
          text: `${Object.entries(health.members).map(([state, count]) => `${count} ${state}`).join(", ")}${
            health.lost === 0 ? "" : `; ${health.lost} lost, and looked for (members --state lost)`
          }`
        }]
      ])
  )
})
